import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NumberRanges } from './number-ranges.ts';

/** The slow and obvious way. */
class Numbers {
  readonly #seen = new Set<number>();
  forgotten = 0;

  add(number: number): boolean {
    return !this.#seen.has(number) && this.#seen.add(number) !== undefined;
  }

  gaps(): { from: number; to: number }[] {
    const gaps: { from: number; to: number }[] = [];
    let from = 1;
    for (const number of [...this.#seen].sort((a, b) => a - b)) {
      if (from < number) gaps.push({ from, to: number - 1 });
      from = number + 1;
    }
    return gaps;
  }

  forgetLowestGap(): void {
    const lowest = Math.min(...this.#seen);
    const gap = this.gaps().find(({ from }) => from > lowest) as { from: number; to: number };
    for (let n = gap.from; n <= gap.to; n++) this.#seen.add(n);
    this.forgotten += gap.to - gap.from + 1;
  }
}

/** A step in either direction, so that there are many blocks, and a mix of everything in between. */
const walks = fc.array(
  fc.record({
    from: fc.integer({ min: 1, max: 6_000 }),
    step: fc.constantFrom(-3, -2, -1, 1, 2, 3),
    length: fc.integer({ min: 1, max: 1_500 }),
    forgets: fc.integer({ min: 0, max: 900 }),
  }),
  { minLength: 1, maxLength: 4 },
);

test('runs over many blocks are those of the slow way, also when gaps are forgotten', () => {
  fc.assert(
    fc.property(walks, (steps) => {
      const [fast, slow] = [new NumberRanges(), new Numbers()];
      for (const { from, step, length, forgets } of steps) {
        for (let n = 0; n < length; n++) {
          const number = from + n * step;
          if (number >= 1 && fast.add(number) !== slow.add(number)) expect(number).toBe('the same');
        }
        for (let n = Math.min(forgets, 20, fast.runs - 1); n > 0; n--) {
          fast.forgetLowestGap();
          slow.forgetLowestGap();
        }
        expect(fast.gaps(false)).toEqual(slow.gaps());
        expect(fast.forgotten).toBe(slow.forgotten);
        const lowest = fast.gaps(true)[0]?.from ?? Number.POSITIVE_INFINITY;
        expect(fast.gaps(false).filter((gap) => gap.from >= lowest)).toEqual(fast.gaps(true));
        expect(fast.runs).toBe(fast.gaps(true).length + 1);
      }
    }),
    { numRuns: 30 },
  );
});

test('a number moves no more than a block, in whatever order they come and however many gaps are forgotten', () => {
  let moved = 0;
  const { splice } = Array.prototype;
  Array.prototype.splice = function (this: unknown[], start: number, ...rest: [number]) {
    moved += this.length - start;
    return splice.call(this, start, ...rest);
  };
  try {
    for (const step of [2, -2]) {
      const numbers = new NumberRanges();
      for (let n = 0; n < 30_000; n++) {
        numbers.add(100_000 + step * n);
        if (numbers.runs > 10_000) numbers.forgetLowestGap();
      }
      expect(numbers.runs).toBeLessThanOrEqual(10_000);
    }
  } finally {
    Array.prototype.splice = splice;
  }
  // With one list of 10 000 runs it would be tens of thousands.
  expect(moved / 60_000).toBeLessThan(2_048);
});
