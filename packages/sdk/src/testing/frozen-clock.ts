import { Clock } from '../provider/clock.ts';
import { ConfigError, given } from '../provider/config-error.ts';

/** A clock that stands still: `captureLogs({ now: frozenClock('2026-01-01T00:00:00Z') })`. */
export interface FrozenClock {
  /** The time in milliseconds since the Unix epoch. */
  (): number;
  /** Lets it go forward. */
  advance(millis: number): void;
  /** Sets it, forward or back. */
  set(time: string | number | Date): void;
}

/** A clock that shows `time` until it is told otherwise. Throws a ConfigError for what is no time. */
export function frozenClock(time: string | number | Date): FrozenClock {
  let now = millisOf(time);
  return Object.assign(() => now, {
    advance(millis: number) {
      now = millisOf(now + millis);
    },
    set(to: string | number | Date) {
      now = millisOf(to);
    },
  });
}

/** Gives records the time that a function tells, equal times included. */
export class ToldClock extends Clock {
  readonly #now: () => number;

  constructor(now: () => number) {
    super();
    this.#now = now;
  }

  override read(): void {
    const now = this.#now();
    this.epochMillis = Math.floor(now);
    this.nanos = Math.floor((now - this.epochMillis) * 1e6);
  }
}

function millisOf(time: string | number | Date): number {
  const millis = new Date(time).getTime();
  if (Number.isNaN(millis)) throw new ConfigError('frozenClock', `must be given a time, not ${given(time)}`);
  return millis;
}
