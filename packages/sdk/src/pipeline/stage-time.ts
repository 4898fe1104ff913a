import { ConfigError, given } from '../provider/config-error.ts';
import { report } from './report.ts';

/** Where a stage has its time from, so that tests can hold it. */
export interface StageTime {
  /** A clock that never goes back, in milliseconds. */
  now(): number;
  setTimeout(callback: () => void, millis: number): { unref?(): void };
  clearTimeout(timer: unknown): void;
}

const SYSTEM: StageTime = {
  now: () => performance.now(),
  setTimeout: (callback, millis) => setTimeout(callback, millis),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** The time that an option asks for, by default that of the machine. Throws a {@link ConfigError} if it is none. */
export function timeOf(option: string, time: StageTime = SYSTEM): StageTime {
  for (const name of ['now', 'setTimeout', 'clearTimeout'] as const) {
    if (typeof time?.[name] !== 'function') {
      throw new ConfigError(`${option}.${name}`, `must be a function, not ${given(time?.[name])}`);
    }
  }
  return time;
}

/** The one timer of a stage: does not keep the process alive, and what it calls cannot end it. */
export class StageTimer {
  readonly #time: StageTime;
  readonly #act: () => void;
  #timer: { unref?(): void } | undefined;
  #ended = false;

  constructor(time: StageTime, act: () => void) {
    this.#time = time;
    this.#act = act;
  }

  /** Starts it, unless it runs: then it stays as it is. */
  start(millis: number): void {
    if (this.#timer !== undefined || this.#ended) return;
    this.#timer = this.#time.setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#act();
      } catch (error) {
        report('a timer of a stage failed', error);
      }
    }, millis);
    this.#timer.unref?.();
  }

  stop(): void {
    if (this.#timer !== undefined) this.#time.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
  /** Stops it for good. */
  end(): void {
    this.#ended = true;
    this.stop();
  }
}
