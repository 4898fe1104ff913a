import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Pace } from './pace.ts';

/** Records that come evenly, decided in the same share without chance: how many were kept, and all ratios there were. */
function run(pace: Pace, clock: { now: number }, perSecond: number, seconds: number) {
  const ratios = [pace.threshold.ratio];
  const begun = clock.now;
  let kept = 0;
  let share = 0;
  for (let i = 1; i <= perSecond * seconds; i++) {
    clock.now = begun + (i * 1_000) / perSecond;
    pace.see();
    share += pace.threshold.ratio;
    if (share >= 1) {
      share--;
      kept++;
      pace.keep();
    }
    if (pace.threshold.ratio !== ratios.at(-1)) ratios.push(pace.threshold.ratio);
  }
  return { kept, ratios };
}

/** How often a sequence changes its direction. */
const turns = (ratios: readonly number[]): number =>
  ratios.filter((ratio, i) => {
    const [before, after] = [ratios[i - 1], ratios[i + 1]];
    return before !== undefined && after !== undefined && ratio > before !== after > ratio;
  }).length;

const loads = fc.tuple(
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 1, max: 300 }),
);

describe('after the load has changed by a factor F', () => {
  test('the rate is within a quarter of the target in log2 F + 4 seconds, stays there, and has not swung', () => {
    fc.assert(
      fc.property(loads, ([target, before, after]) => {
        const clock = { now: 0 };
        const pace = new Pace(target, 1, () => clock.now);
        run(pace, clock, before, 20);
        const settling = Math.ceil(Math.abs(Math.log2(after / before)) + 4);
        const { ratios } = run(pace, clock, after, settling);
        expect(turns(ratios)).toBeLessThanOrEqual(1);
        const steady = run(pace, clock, after, 20);
        expect(steady.ratios).toHaveLength(1);
        const wanted = Math.min(after, target) * 20;
        expect(steady.kept).toBeLessThanOrEqual(wanted * 1.25 + 1);
        expect(steady.kept).toBeGreaterThanOrEqual(wanted / 1.25 - 1);
      }),
      { numRuns: 200 },
    );
  });

  test('no second keeps more than (2 * target + 11) * (log4 F + 2) records', () => {
    fc.assert(
      fc.property(loads, fc.integer({ min: 1, max: 1_000 }), ([target, before], factor) => {
        const clock = { now: 0 };
        const pace = new Pace(target, 1, () => clock.now);
        run(pace, clock, before, 10);
        const most = (2 * target + 11) * (Math.log(factor) / Math.log(4) + 2);
        expect(run(pace, clock, before * factor, 1).kept).toBeLessThanOrEqual(most);
      }),
      { numRuns: 50 },
    );
  });
});

test('a pause brings the ratio back up, and a burst in one moment is not waited out', () => {
  const clock = { now: 0 };
  const pace = new Pace(10, 1, () => clock.now);
  run(pace, clock, 1_000, 20);
  expect(pace.threshold.ratio).toBeLessThan(0.0125);
  clock.now += 3_600_000;
  pace.see();
  expect(pace.threshold.ratio).toBe(1);
  for (let i = 0; i < 40; i++) pace.keep();
  expect(pace.threshold.ratio).toBe(1 / 4);
});

test('the ratio keeps to its bounds', () => {
  const clock = { now: 0 };
  const pace = new Pace(1, 0.5, () => clock.now);
  run(pace, clock, 1, 10);
  expect(pace.threshold.ratio).toBe(0.5);
  for (let i = 0; i < 10_000; i++) pace.keep();
  expect(pace.threshold.ratio).toBe(2 ** -20);
});
