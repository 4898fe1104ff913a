import type { LogRecord } from '../../pipeline/stage.ts';

const ERROR = 17;

/** A record that is held, and its place in the order in which records came. */
export interface Held {
  readonly record: LogRecord;
  readonly place: number;
}

/**
 * Records that wait, first in first out. Those below error stand in a lane of their own, so that the oldest of them is
 * found at no cost, however many errors wait before it.
 */
export class RecordQueue {
  readonly #low = new Lane();
  readonly #errors = new Lane();
  #newest = 0;

  get length(): number {
    return this.#low.length + this.#errors.length;
  }

  /** The place of the record that came last, whatever became of it. */
  get newest(): number {
    return this.#newest;
  }

  /** The place of the oldest that waits; Infinity if there is none. */
  get oldest(): number {
    return Math.min(this.#low.oldest, this.#errors.oldest);
  }

  push(record: LogRecord): void {
    const { severityNumber = 0 } = record;
    const lane = severityNumber < ERROR ? this.#low : this.#errors;
    lane.push({ record, place: ++this.#newest });
  }

  /** Takes the oldest, so many at most. */
  take(most: number): Held[] {
    const taken: Held[] = [];
    while (taken.length < most && this.length > 0) taken.push(this.#older().shift() as Held);
    return taken;
  }

  /** Takes the oldest below error; if there is none, the oldest. */
  takeLeastWanted(): Held | undefined {
    return this.#low.shift() ?? this.#errors.shift();
  }

  /** Takes the one that came last. */
  takeNewest(): Held | undefined {
    return (this.#low.newest > this.#errors.newest ? this.#low : this.#errors).pop();
  }

  #older(): Lane {
    return this.#low.oldest < this.#errors.oldest ? this.#low : this.#errors;
  }
}

/** Taken from both ends at a cost that does not grow with what waits. */
class Lane {
  #held: (Held | undefined)[] = [];
  /** Where the oldest stands. What was before it is gone. */
  #first = 0;

  get length(): number {
    return this.#held.length - this.#first;
  }

  get oldest(): number {
    return this.#held[this.#first]?.place ?? Number.POSITIVE_INFINITY;
  }

  get newest(): number {
    return this.length === 0 ? Number.NEGATIVE_INFINITY : (this.#held.at(-1) as Held).place;
  }

  push(held: Held): void {
    this.#held.push(held);
  }

  pop(): Held | undefined {
    return this.length === 0 ? undefined : this.#held.pop();
  }

  shift(): Held | undefined {
    if (this.length === 0) return undefined;
    const held = this.#held[this.#first];
    this.#held[this.#first++] = undefined;
    // Half of it is gaps: moving the rest has been paid for by those that went.
    if (this.#first * 2 >= this.#held.length) {
      this.#held = this.#held.slice(this.#first);
      this.#first = 0;
    }
    return held;
  }
}
