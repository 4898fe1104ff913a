import { Threshold } from './threshold.ts';

const WINDOW_MILLIS = 1_000;
/** So far from what is wanted a ratio may be before it is changed: a ratio that moves tears traces apart. */
const TOLERATED = 1.25;
const FASTEST_FALL = 4;
const FASTEST_RISE = 2;
const LEAST = 2 ** -20;
/** More windows than it takes from the lowest ratio to the highest. */
const MOST_IDLE_WINDOWS = 64;

/**
 * A ratio that aims at a number of kept records per second.
 *
 * Each second it compares the ratio with the one that would have been right for the records that came in that second. If
 * they differ by less than a quarter it stays as it is, so under a steady load it stands still. Else it goes half of the
 * way (on a logarithmic scale), falling to a quarter or rising to the double at most, and never below one in a million.
 * A burst is not waited out: whenever twice the target, and 10 records, were kept within a second it falls to a quarter
 * at once.
 *
 * So it comes within a quarter of the target at most `log2 F + 4` seconds after the load changed by a factor F, without
 * swinging, and in no second keeps more than `(2 * target + 11) * (log4 F + 2)` records.
 */
export class Pace {
  threshold: Threshold;
  readonly #target: number;
  readonly #highest: number;
  readonly #now: () => number;
  #begun: number;
  #seen = 0;
  #kept = 0;

  constructor(targetPerSecond: number, highest: number, now: () => number) {
    this.threshold = new Threshold(highest);
    this.#target = targetPerSecond;
    this.#highest = highest;
    this.#now = now;
    this.#begun = now();
  }

  /** To be told of each record before it is decided. */
  see(): void {
    const now = this.#now();
    const elapsed = now - this.#begun;
    if (elapsed >= WINDOW_MILLIS) {
      const perSecond = (this.#seen * 1_000) / elapsed;
      // Nothing came in the windows that nobody closed; they count like the others.
      const windows = Math.min(Math.floor(elapsed / WINDOW_MILLIS), MOST_IDLE_WINDOWS);
      let { ratio } = this.threshold;
      for (let i = 0; i < windows; i++) ratio = this.#towards(this.#target / perSecond, ratio);
      this.#set(ratio, now);
    }
    this.#seen++;
  }

  /** To be told of each record that is kept. */
  keep(): void {
    if (++this.#kept > 2 * this.#target + 10) this.#set(this.threshold.ratio / FASTEST_FALL, this.#now());
  }

  #towards(right: number, ratio: number): number {
    const wanted = Math.min(right, this.#highest);
    if (ratio <= wanted * TOLERATED && ratio >= wanted / TOLERATED) {
      return wanted === this.#highest ? wanted : ratio;
    }
    return Math.min(Math.max(Math.sqrt(ratio * wanted), ratio / FASTEST_FALL), ratio * FASTEST_RISE);
  }

  #set(ratio: number, now: number): void {
    const bounded = Math.min(Math.max(ratio, LEAST), this.#highest);
    if (bounded !== this.threshold.ratio) this.threshold = new Threshold(bounded);
    this.#begun = now;
    this.#seen = 0;
    this.#kept = 0;
  }
}
