/** Where time comes from; both in milliseconds, fractions allowed. */
export interface TimeSource {
  /** The wall clock, since the Unix epoch. */
  wall(): number;
  /** A clock that never goes back, from any zero. */
  monotonic(): number;
}

export const SYSTEM_TIME: TimeSource = { wall: () => Date.now(), monotonic: () => performance.now() };

const RECHECK_MILLIS = 1_000;
/** A wall clock that lags by less than this is being slewed, or read at its millisecond resolution: not worth a step back. */
const TOLERATED_LAG_MILLIS = 1_000;

/**
 * Timestamps for records: nanoseconds since the Unix epoch, each later than the one before, so that records of one
 * process keep their order. Time runs on the monotonic clock and is set by the wall clock once a second: forward at
 * once; back only if the wall clock was set back by more than a second, the one case where the order is given up for
 * the true time.
 *
 * The result is left in {@link epochMillis} and {@link nanos}, because one number cannot hold it and an array per
 * record costs more than the reading.
 */
export class Clock {
  /** Whole milliseconds since the Unix epoch. */
  epochMillis = 0;
  /** Nanoseconds within that millisecond, 0 to 999 999. */
  nanos = 0;
  readonly #source: TimeSource;
  #offset = 0;
  #nextCheck = Number.NEGATIVE_INFINITY;

  constructor(source: TimeSource = SYSTEM_TIME) {
    this.#source = source;
  }

  /** Reads the time into {@link epochMillis} and {@link nanos}. */
  read(): void {
    const elapsed = this.#source.monotonic();
    if (elapsed >= this.#nextCheck) this.#check(elapsed);
    const now = this.#offset + elapsed;
    const millis = Math.floor(now);
    const nanos = Math.floor((now - millis) * 1e6);
    if (millis > this.epochMillis || (millis === this.epochMillis && nanos > this.nanos)) {
      this.epochMillis = millis;
      this.nanos = nanos;
    } else if (++this.nanos === 1_000_000) {
      this.epochMillis++;
      this.nanos = 0;
    }
  }

  #check(elapsed: number): void {
    this.#nextCheck = elapsed + RECHECK_MILLIS;
    const wall = this.#source.wall();
    const ahead = this.#offset + elapsed - wall;
    if (ahead < 0) this.#offset = wall - elapsed;
    else if (ahead > TOLERATED_LAG_MILLIS) {
      this.#offset = wall - elapsed;
      this.epochMillis = 0;
      this.nanos = 0;
    }
  }
}
