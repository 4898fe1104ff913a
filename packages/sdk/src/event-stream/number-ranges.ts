/** A run of numbers, both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** Some runs that follow each other: of each the first and the last number. */
interface Block {
  readonly first: number[];
  readonly last: number[];
}

/** A fuller block becomes two: what an insertion moves is bounded, however many runs there are. */
const MOST_RUNS = 512;

/**
 * Which of the numbers from 1 on have been seen, as runs: what comes in order takes the room of one run, however much it is.
 * Each gap costs one more. A number costs two binary searches, wherever it belongs, and moves no more than a block.
 */
export class NumberRanges {
  /** Ascending, with a gap between any two runs. None is empty. */
  readonly #blocks: Block[] = [];
  #runs = 0;
  /** Numbers below the first run that are not told one by one any more. */
  forgotten = 0;

  get runs(): number {
    return this.#runs;
  }

  /** The highest number that was seen; 0 if none was. */
  get highest(): number {
    return this.#blocks.at(-1)?.last.at(-1) ?? 0;
  }

  /** True if the number is new. */
  add(number: number): boolean {
    const index = this.#blockFor(number);
    const block = this.#blocks[index];
    if (block === undefined) {
      this.#blocks.push({ first: [number], last: [number] });
      this.#runs++;
      return true;
    }
    const { first, last } = block;
    // The run that begins at or before it, if there is one, is the one before `at`.
    const at = firstAbove(first, number);
    const before = last[at - 1];
    if (before !== undefined && number <= before) return false;
    const afterIndex = at < first.length ? index : index + 1;
    const after = at < first.length ? at : 0;
    const joinsAfter = this.#blocks[afterIndex]?.first[after] === number + 1;
    if (before === number - 1) {
      last[at - 1] = joinsAfter ? this.#remove(afterIndex, after) : number;
    } else if (joinsAfter) {
      (this.#blocks[afterIndex] as Block).first[after] = number;
    } else {
      first.splice(at, 0, number);
      last.splice(at, 0, number);
      this.#runs++;
      if (first.length > MOST_RUNS) this.#split(index, at);
    }
    return true;
  }

  /** Gives up the lowest gap between two runs, so that there is one run less. Its numbers count as seen from then on. */
  forgetLowestGap(): void {
    const [lowest, next] = this.#blocks as [Block, Block];
    const isAlone = lowest.first.length === 1;
    this.forgotten += ((isAlone ? next.first[0] : lowest.first[1]) as number) - (lowest.last[0] as number) - 1;
    lowest.last[0] = isAlone ? this.#remove(1, 0) : this.#remove(0, 1);
  }

  /** What has not been seen below the highest, ascending; from 1 on, or from the lowest number that was seen. */
  gaps(fromFirstSeen: boolean): NumberRange[] {
    const gaps: NumberRange[] = [];
    let from = fromFirstSeen ? Number.POSITIVE_INFINITY : 1;
    for (const { first, last } of this.#blocks) {
      for (const [index, begin] of first.entries()) {
        if (from < begin) gaps.push({ from, to: begin - 1 });
        from = (last[index] as number) + 1;
      }
    }
    return gaps;
  }

  /** The block that a number belongs to: the last one that begins at or before it, or the first of all. */
  #blockFor(number: number): number {
    let high = this.#blocks.length - 1;
    // Mostly it is the last one.
    if (high <= 0 || ((this.#blocks[high] as Block).first[0] as number) <= number) return Math.max(0, high);
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#blocks[middle] as Block).first[0] as number) > number) high = middle;
      else low = middle + 1;
    }
    return Math.max(0, low - 1);
  }

  /** Answers the last number of the run that is no more. */
  #remove(index: number, at: number): number {
    const { first, last } = this.#blocks[index] as Block;
    first.splice(at, 1);
    const [end] = last.splice(at, 1);
    if (first.length === 0) this.#blocks.splice(index, 1);
    this.#runs--;
    return end as number;
  }

  #split(index: number, at: number): void {
    const { first, last } = this.#blocks[index] as Block;
    // What comes in order stays full: only the last one goes on.
    const half = at === first.length - 1 ? at : first.length >>> 1;
    this.#blocks.splice(index + 1, 0, { first: first.splice(half), last: last.splice(half) });
  }
}

/** The place of the first number that is above this one. */
function firstAbove(numbers: readonly number[], number: number): number {
  let low = 0;
  let high = numbers.length;
  // Mostly there is none.
  if (high > 0 && (numbers[high - 1] as number) <= number) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) > number) high = middle;
    else low = middle + 1;
  }
  return low;
}
