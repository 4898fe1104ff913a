import type { ShipperTime } from '../../packages/sdk/src/delivery/shipper.ts';

interface Timer {
  at: number;
  callback: () => void;
  keepsAlive: boolean;
}

/** Time that passes when a test says so, and chance that is no chance. */
export class ManualTime implements ShipperTime {
  millis = 1_000;
  chance = 0.5;
  #timers: Timer[] = [];

  readonly now = (): number => this.millis;
  readonly wall = (): number => 1_700_000_000_000 + this.millis;
  readonly random = (): number => this.chance;

  readonly setTimeout = (callback: () => void, millis: number): { unref(): void } => {
    const timer: Timer & { unref(): void } = {
      at: this.millis + millis,
      callback,
      keepsAlive: true,
      unref() {
        timer.keepsAlive = false;
      },
    };
    this.#timers.push(timer);
    return timer;
  };

  readonly clearTimeout = (timer: unknown): void => {
    this.#timers = this.#timers.filter((other) => other !== timer);
  };

  /** Time that passes without anything happening. */
  readonly sleepSync = (millis: number): void => {
    this.millis += millis;
  };

  /** Timers that have not fired. */
  get timers(): number {
    return this.#timers.length;
  }

  /** Timers that would keep a process alive. */
  get keepingAlive(): number {
    return this.#timers.filter(({ keepsAlive }) => keepsAlive).length;
  }

  /** When the next timer fires, from now on. */
  get next(): number | undefined {
    return this.#timers.length === 0 ? undefined : Math.min(...this.#timers.map(({ at }) => at)) - this.millis;
  }

  /** Lets time pass: timers fire in their order, and what awaits them runs in between. */
  async pass(millis: number): Promise<void> {
    const end = this.millis + millis;
    for (;;) {
      await settled();
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.millis = Math.max(this.millis, due.at);
      due.callback();
    }
    this.millis = end;
  }
}

/** When all promises that can be settled are. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
