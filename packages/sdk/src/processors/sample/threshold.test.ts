import { describe, expect, test } from '@jest/globals';
import { createTraceState, type SpanContext } from '@opentelemetry/api';
import fc from 'fast-check';
import { Threshold, tracedRatio } from './threshold.ts';

const never = (): number => {
  throw new Error('chance has no say in a trace');
};

const span = (traceId: string, state?: string): SpanContext => ({
  traceId,
  spanId: '00f067aa0ba902b7',
  traceFlags: 1,
  ...(state === undefined ? {} : { traceState: createTraceState(state) }),
});

const withRandomness = (randomness: bigint): string => `4bf92f3577b34da6a3${randomness.toString(16).padStart(14, '0')}`;

/** OTel's definition in whole numbers, with no regard to cost: R >= T, T = 2^56 - ratio * 2^56. */
const definition = (ratio: number) => {
  const threshold = 2n ** 56n - BigInt(Math.round(ratio * 2 ** 56));
  return { threshold, keeps: (randomness: bigint) => randomness >= threshold };
};

const ratios = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.integer({ min: 0, max: 60 }).map((n) => 2 ** -n),
  fc.integer({ min: 1, max: 9999 }).map((n) => n / 10_000),
);
const randomnesses = fc.bigInt({ min: 0n, max: 2n ** 56n - 1n });

describe('the decision for a trace is that of consistent probability sampling', () => {
  test('for any ratio and trace id', () => {
    fc.assert(
      fc.property(ratios, randomnesses, (ratio, randomness) => {
        expect(new Threshold(ratio).keeps(span(withRandomness(randomness)), never)).toBe(
          definition(ratio).keeps(randomness),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test('to the last of the 56 bits', () => {
    fc.assert(
      fc.property(ratios, (ratio) => {
        const { threshold } = definition(ratio);
        const keeps = (randomness: bigint) => new Threshold(ratio).keeps(span(withRandomness(randomness)), never);
        if (threshold < 2n ** 56n) expect(keeps(threshold)).toBe(true);
        if (threshold > 0n) expect(keeps(threshold - 1n)).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  // As the specification writes them for `th`.
  test.each([
    [1, '0'],
    [0.5, '8'],
    [0.25, 'c'],
    [0.01, 'fd70a3d70a3d71'],
    [1 / 3, 'aaaaaaaaaaaaac'],
    [2 ** -56, 'ffffffffffffff'],
  ])('at ratio %d from %s on', (ratio, th) => {
    const threshold = BigInt(`0x${th.padEnd(14, '0')}`);
    expect(new Threshold(ratio).keeps(span(withRandomness(threshold)), never)).toBe(true);
    if (threshold > 0n) expect(new Threshold(ratio).keeps(span(withRandomness(threshold - 1n)), never)).toBe(false);
  });

  test('nothing is kept at 0 and at what no bit can say, all at 1', () => {
    const [highest, lowest] = [span(withRandomness(2n ** 56n - 1n)), span(withRandomness(0n))];
    for (const ratio of [0, 2 ** -58, Number.MIN_VALUE]) {
      expect(new Threshold(ratio).keeps(highest, never)).toBe(false);
    }
    expect(new Threshold(2 ** -56).keeps(highest, never)).toBe(true);
    expect(new Threshold(1).keeps(lowest, never)).toBe(true);
    expect(new Threshold(1 - 2 ** -53).keeps(lowest, never)).toBe(false);
  });

  test('what a lower ratio keeps a higher one keeps too', () => {
    fc.assert(
      fc.property(ratios, ratios, randomnesses, (a, b, randomness) => {
        const trace = span(withRandomness(randomness));
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        if (new Threshold(low).keeps(trace, never)) expect(new Threshold(high).keeps(trace, never)).toBe(true);
      }),
    );
  });

  test('with the randomness of the trace state, where it says one', () => {
    const none = '0'.repeat(31).concat('1');
    const half = new Threshold(0.5);
    expect(half.keeps(span(none), never)).toBe(false);
    expect(half.keeps(span(none, 'ot=rv:80000000000000'), never)).toBe(true);
    expect(half.keeps(span(withRandomness(2n ** 56n - 1n), 'a=b,ot=th:8;rv:7fffffffffffff;x:1'), never)).toBe(false);
    // Not 14 digits: as if it were not there.
    for (const rv of ['8', '8000000000000g', '', '800000000000000']) {
      expect(half.keeps(span(none, `ot=rv:${rv}`), never)).toBe(false);
    }
  });
});

test('what is no trace id is decided by chance', () => {
  const keeps = (chance: number) => new Threshold(0.5).keeps(span('not a trace id, but long enough'), () => chance);
  expect([keeps(0.4), keeps(0.6)]).toEqual([false, true]);
});

test.each([
  ['ot=th:8', 0.5],
  ['ot=rv:80000000000000;th:c', 0.25],
  ['ot=th:0', 1],
  ['ot=th:fd70a3d70a3d71', 0.01],
  ['ot=th:', undefined],
  ['ot=th:xyz', undefined],
  ['ot=rv:80000000000000', undefined],
  ['other=th:8', undefined],
])('the trace state %s says a ratio of %p', (state, ratio) => {
  const answer = tracedRatio(span('4bf92f3577b34da6a3ce929d0e0e4736', state));
  if (ratio === undefined) expect(answer).toBeUndefined();
  else expect(answer).toBeCloseTo(ratio, 12);
});
