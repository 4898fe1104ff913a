import { describe, expect, test } from '@jest/globals';
import { ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { emitFromStockTo, through } from '../../../../test/pipeline/recorder.ts';
import { sample } from './sample.ts';

/** A small generator with a seed (mulberry32): 0 ≤ x < 1. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const traceIdFrom = (random: () => number): string =>
  Array.from({ length: 32 }, (_, i) =>
    Math.floor(random() * (i === 0 ? 15 : 16) + (i === 0 ? 1 : 0)).toString(16),
  ).join('');

const inTrace = (traceId: string) =>
  trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: '00f067aa0ba902b7', traceFlags: TraceFlags.SAMPLED });

/** The interval in which a binomial count lies but for one in 10⁹ (6.1 standard deviations). */
function expectBinomial(count: number, n: number, ratio: number): void {
  const sigma = Math.sqrt(n * ratio * (1 - ratio));
  expect(Math.abs(count - n * ratio)).toBeLessThanOrEqual(6.1 * sigma);
}

describe('the share of records that is kept', () => {
  test.each([0.001, 0.1, 0.5, 0.9, 0.999])('is %d outside of traces', (ratio) => {
    const n = 20_000;
    const { end, emit, account } = through(sample({ ratio, random: seeded(1) }));
    for (let i = 0; i < n; i++) emit({ severityNumber: 9 });
    expectBinomial(end.records.length, n, ratio);
    expect(end.records.length + (account().dropped?.sampled ?? 0)).toBe(n);
  });

  test.each([0.1, 0.5, 0.9])('is %d of all traces', (ratio) => {
    const n = 5_000;
    const random = seeded(2);
    const never = () => {
      throw new Error('chance has no say in a trace');
    };
    const { end, emit } = through(sample({ ratio, random: never }));
    for (let i = 0; i < n; i++) emit({ severityNumber: 9, context: inTrace(traceIdFrom(random)) });
    expectBinomial(end.records.length, n, ratio);
  });

  test('is 0.1 by default, all with 1, none with 0', () => {
    const chances = (chance: number, ratio?: number) => {
      const { end, emit } = through(sample({ random: () => chance, ...(ratio === undefined ? {} : { ratio }) }));
      emit({ severityNumber: 9 });
      return end.records.length;
    };
    expect([chances(0.9), chances(0.89)]).toEqual([1, 0]);
    expect([chances(0, 1), chances(0.999_999, 1)]).toEqual([1, 1]);
    expect([chances(0, 0), chances(0.999_999_999, 0)]).toEqual([0, 0]);
  });
});

describe('in a trace', () => {
  test('all records are kept or none, in every service with the same ratio', () => {
    const random = seeded(3);
    const [here, there] = [through(sample({ ratio: 0.3 })), through(sample({ ratio: 0.3 }), emitFromStockTo)];
    for (let i = 0; i < 200; i++) {
      const context = inTrace(traceIdFrom(random));
      for (let n = 0; n < 3; n++) {
        here.emit({ body: i, severityNumber: 9, context });
        there.emit({ body: i, severityNumber: 9, context });
      }
    }
    const counts = new Map<number, number>();
    for (const { body } of [...here.end.records, ...there.end.records]) counts.set(body, (counts.get(body) ?? 0) + 1);
    expect(new Set(counts.values())).toEqual(new Set([6]));
    expect(counts.size).toBeGreaterThan(30);
  });

  test('what a lower ratio keeps a higher one keeps too', () => {
    const random = seeded(4);
    const [few, many] = [through(sample({ ratio: 0.2 })), through(sample({ ratio: 0.6 }))];
    for (let i = 0; i < 500; i++) {
      const record = { body: i, severityNumber: 9, context: inTrace(traceIdFrom(random)) };
      few.emit(record);
      many.emit(record);
    }
    const kept = new Set(many.end.records.map(({ body }) => body));
    expect(few.end.records.every(({ body }) => kept.has(body))).toBe(true);
  });
});

test('errors are always kept, and what else is wanted; a kept record tells the ratio, one always kept does not', () => {
  const { end, emit, account } = through(sample({ ratio: 0 }));
  for (const severityNumber of [0, 9, 13, 16, 17, 21, 24]) emit({ severityNumber });
  emit({});
  expect(end.records.map(({ severityNumber }) => severityNumber)).toEqual([17, 21, 24]);
  expect(account()).toEqual({ dropped: { sampled: 5 } });

  const warnings = through(sample({ ratio: 0.5, keepAtLeast: 'warn', random: () => 0.7 }));
  for (const severityNumber of [9, 13]) warnings.emit({ severityNumber });
  expect(warnings.end.attributes).toEqual([{ 'logspan.sample.ratio': 0.5 }, {}]);
});

test.each([
  [{ ratio: 2 }, 'sample.ratio'],
  [{ ratio: -0.1 }, 'sample.ratio'],
  [{ ratio: Number.NaN }, 'sample.ratio'],
  [{ ratio: '0.1' }, 'sample.ratio'],
  [{ keepAtLeast: 'loud' }, 'sample.keepAtLeast'],
  [{ keepAtLeast: 17 }, 'sample.keepAtLeast'],
  [{ random: 0.5 }, 'sample.random'],
  [{ rate: 0.1 }, 'sample.rate'],
  [null, 'sample'],
  [0.1, 'sample'],
])('%j is a ConfigError that names %s', (options, option) => {
  expect(() => sample(options as never)).toThrow(expect.objectContaining({ name: 'ConfigError', option }));
});
