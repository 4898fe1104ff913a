/** A run of numbers, both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Which of the numbers from 1 on have been seen, as runs: what comes in order takes the room of one run, however much it is.
 * Each gap costs one more.
 */
export class NumberRanges {
  /** Of each run the first and the last number, ascending, with a gap between any two. */
  readonly #first: number[] = [];
  readonly #last: number[] = [];
  /** Numbers below the first run that are not told one by one any more. */
  forgotten = 0;

  get runs(): number {
    return this.#first.length;
  }

  /** The highest number that was seen; 0 if none was. */
  get highest(): number {
    return this.#last.at(-1) ?? 0;
  }

  /** True if the number is new. */
  add(number: number): boolean {
    const at = this.#runFrom(number);
    // The run that begins at or before it, if there is one, is the one before `at`.
    const before = at - 1;
    if (before >= 0 && number <= (this.#last[before] as number)) return false;
    const joinsBefore = before >= 0 && number === (this.#last[before] as number) + 1;
    const joinsAfter = number + 1 === this.#first[at];
    if (joinsBefore && joinsAfter) {
      this.#last.splice(before, 1);
      this.#first.splice(at, 1);
    } else if (joinsBefore) this.#last[before] = number;
    else if (joinsAfter) this.#first[at] = number;
    else {
      this.#first.splice(at, 0, number);
      this.#last.splice(at, 0, number);
    }
    return true;
  }

  /** Gives up the lowest gap between two runs, so that there is one run less. Its numbers count as seen from then on. */
  forgetLowestGap(): void {
    this.forgotten += (this.#first[1] as number) - (this.#last[0] as number) - 1;
    this.#first.splice(1, 1);
    this.#last.splice(0, 1);
  }

  /** What has not been seen below the highest, ascending; from 1 on, or from the lowest number that was seen. */
  gaps(fromFirstSeen: boolean): NumberRange[] {
    const gaps: NumberRange[] = [];
    for (const [index, first] of this.#first.entries()) {
      const from = index === 0 ? 1 : (this.#last[index - 1] as number) + 1;
      if (from < first && !(index === 0 && fromFirstSeen)) gaps.push({ from, to: first - 1 });
    }
    return gaps;
  }

  /** The first run that begins above the number. */
  #runFrom(number: number): number {
    let low = 0;
    let high = this.#first.length;
    // Mostly it is the next one, at the end.
    if (high > 0 && number >= (this.#first[high - 1] as number)) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#first[middle] as number) > number) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
