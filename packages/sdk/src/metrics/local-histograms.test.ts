import { describe, expect, test } from '@jest/globals';
import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { LocalHistograms } from './local-histograms.ts';

class Reader extends MetricReader {
  constructor(temporality: AggregationTemporality) {
    super({ aggregationTemporalitySelector: () => temporality });
  }
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** What is the same whenever it happens, in an order of its own. */
function comparable(scopeMetrics: readonly object[]): unknown {
  const plain = JSON.parse(JSON.stringify(scopeMetrics), (key, value) => {
    if (/^(?:startTime|endTime|advice|type)$/.test(key)) return undefined;
    if (key === 'dataPoints')
      return value.toSorted((a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    return value;
  });
  return plain;
}

const value = fc.oneof(
  fc.integer({ min: 0, max: 20_000 }),
  fc.constantFrom(0, 5, 10, 25, 10_000, 10_000.5, 1e300),
  fc.double({ min: 0, max: 20_000, noNaN: true }),
);
const action = fc.oneof(
  { weight: 10, arbitrary: fc.record({ event: fc.constantFrom('a', 'b', 'c'), value }) },
  { weight: 1, arbitrary: fc.constant('collect' as const) },
);

test.each([AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])(
  'is what the metrics SDK makes of the same values, whenever they are collected: temporality %d',
  async (temporality) => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        const reader = new Reader(temporality);
        const meter = new MeterProvider({ readers: [reader] }).getMeter('s');
        const options = { unit: 'ms', description: 'd' };
        const theirs = meter.createHistogram('h', options);
        const ours = new LocalHistograms({ name: 's', version: '' }, temporality === AggregationTemporality.DELTA);
        // Two who share the histogram.
        const shared = [ours.of({ name: 'h', ...options }, 10), ours.of({ name: 'h', ...options }, 10)];
        for (const [index, each] of [...actions, 'collect' as const].entries()) {
          if (each === 'collect') {
            const { resourceMetrics } = await reader.collect();
            // A first collection of the SDK names the metric with no points.
            const scopes = resourceMetrics.scopeMetrics.filter(({ metrics }) =>
              metrics.some((m) => m.dataPoints.length),
            );
            expect(comparable(ours.collectNow())).toEqual(comparable(scopes));
            expect(ours.isDirty).toBe(false);
          } else {
            theirs.record(each.value, { event: each.event });
            shared[index % 2]?.series({ event: each.event }).record(each.value);
            expect(ours.isDirty).toBe(true);
          }
        }
      }),
      { numRuns: 100, interruptAfterTimeLimit: 10_000 },
    );
  },
);

test('points begin when their first value came, and with delta where the last ones ended', () => {
  let at = 100;
  const points = (histograms: LocalHistograms) =>
    histograms
      .collectNow()
      .flatMap(({ metrics }) => metrics.flatMap(({ dataPoints }) => dataPoints.map((p) => [p.startTime, p.endTime])));
  for (const isDelta of [false, true]) {
    const histograms = new LocalHistograms({ name: 's' }, isDelta, () => [at, 0]);
    const series = histograms.of({ name: 'h', unit: '', description: '' }, 10).series({});
    series.record(1);
    at = 110;
    expect(points(histograms)).toEqual([
      [
        [100, 0],
        [110, 0],
      ],
    ]);
    series.record(1);
    at = 120;
    expect(points(histograms)).toEqual([
      [
        [isDelta ? 110 : 100, 0],
        [120, 0],
      ],
    ]);
    at = 100;
  }
});

describe('series', () => {
  const descriptor = { name: 'h', unit: '', description: '' };
  const collected = (histograms: LocalHistograms) =>
    histograms
      .collectNow()
      .flatMap(({ metrics }) => metrics.flatMap(({ dataPoints }) => dataPoints))
      .map(({ attributes, value }) => [attributes, (value as { count: number }).count]);
  const overflow = { 'otel.metric.overflow': true };

  test('are the same for the same attributes in another order', () => {
    const histograms = new LocalHistograms({ name: 's' }, false);
    const one = histograms.of(descriptor, 10);
    expect(one.series({ b: 1, a: 'x' })).toBe(one.series({ a: 'x', b: 1 }));
    expect(one.series({ a: 1 })).not.toBe(one.series({ a: '1' }));
  });

  test('are at most so many for all that share the histogram; the others are one together', () => {
    const histograms = new LocalHistograms({ name: 's' }, false);
    const [one, other] = [histograms.of(descriptor, 2), histograms.of(descriptor, 2)];
    other.series(overflow).record(1);
    for (const a of [1, 2, 3]) one.series({ a }).record(1);
    for (const a of [2, 3, 4]) other.series({ a }).record(1);
    expect(collected(histograms)).toEqual([
      [overflow, 4],
      [{ a: 1 }, 1],
      [{ a: 2 }, 2],
    ]);
  });

  test('that nobody holds any more are let go once they have been delivered with all that is in them', () => {
    const histograms = new LocalHistograms({ name: 's' }, false);
    const [one, other] = [histograms.of(descriptor, 10), histograms.of(descriptor, 10)];
    for (const a of [1, 2]) one.series({ a }).record(1);
    other.series({ a: 2 }).record(1);
    collected(histograms);
    one.close();
    one.close();
    // That was collected before it left.
    histograms.delivered();
    const all = [
      [{ a: 1 }, 1],
      [{ a: 2 }, 2],
    ];
    expect(collected(histograms)).toEqual(all);
    // Not delivered: once more.
    expect(collected(histograms)).toEqual(all);
    histograms.delivered();
    expect(collected(histograms)).toEqual([[{ a: 2 }, 2]]);
    other.close();
    collected(histograms);
    // Somebody has come for it before the answer.
    const third = histograms.of(descriptor, 10);
    third.series({ a: 2 }).record(1);
    histograms.delivered();
    expect(collected(histograms)).toEqual([[{ a: 2 }, 3]]);
  });
});
