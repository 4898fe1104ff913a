import { expect, test } from '@jest/globals';
import { ValueType } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type ResourceMetrics as OfficialMetrics,
} from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { decodeMetrics, metricsIn, pointsOf } from '../../../../test/delivery/official-metrics.ts';
import { INTEGER, POINT, type ResourceMetrics, TEMPORALITY } from './metric-data.ts';
import { encodeMetrics } from './otlp-metrics-encoder.ts';

const time = fc.tuple(fc.integer({ min: 0, max: 4_000_000_000 }), fc.integer({ min: 0, max: 999_999_999 }));
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const whole = fc.maxSafeInteger();
const amount = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
const count = fc.nat();
const simple = fc.oneof(text, fc.boolean(), fc.integer(), fc.double({ noNaN: true }));
const attributes = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 8 }).filter((key) => key !== '__proto__'),
  fc.oneof(simple, fc.array(text, { maxLength: 3 }), fc.array(fc.integer(), { maxLength: 3 })),
  { maxKeys: 4, noNullPrototype: true },
);

const metric = fc.constantFrom('integer', 'double', 'gauge', 'histogram', 'exponential').chain((kind) => {
  const value: fc.Arbitrary<unknown> =
    kind === 'integer'
      ? whole
      : kind === 'histogram'
        ? fc
            .record({ sum: amount, min: amount, max: amount, count }, { requiredKeys: ['count'] })
            .chain((rest) =>
              fc
                .uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 4 })
                .chain((boundaries) =>
                  fc
                    .array(count, { minLength: boundaries.length + 1, maxLength: boundaries.length + 1 })
                    .map((counts) => ({ ...rest, buckets: { boundaries, counts } })),
                ),
            )
        : kind === 'exponential'
          ? fc.record({
              ...{ sum: amount, min: amount, max: amount, count, zeroCount: count },
              scale: fc.integer({ min: -10, max: 20 }),
              positive: fc.record({ offset: fc.integer({ min: -1_000, max: 1_000 }), bucketCounts: fc.array(count) }),
              negative: fc.record({ offset: fc.integer({ min: -1_000, max: 1_000 }), bucketCounts: fc.array(count) }),
            })
          : amount;
  const point = fc.record({ startTime: time, endTime: time, attributes, value });
  return fc.record({
    descriptor: fc.record({
      ...{ name: text, description: text, unit: text, advice: fc.constant({}) },
      valueType: fc.constant(kind === 'integer' ? ValueType.INT : ValueType.DOUBLE),
    }),
    aggregationTemporality: fc.constantFrom(AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE),
    dataPointType: fc.constant(
      {
        ...{ integer: DataPointType.SUM, double: DataPointType.SUM, gauge: DataPointType.GAUGE },
        ...{ histogram: DataPointType.HISTOGRAM, exponential: DataPointType.EXPONENTIAL_HISTOGRAM },
      }[kind],
    ),
    isMonotonic: fc.boolean(),
    dataPoints: fc.array(point, { maxLength: 4 }),
  });
});

const collection = fc.record({
  resource: attributes,
  scopeMetrics: fc.array(
    fc.record({
      scope: fc.record({ name: text, version: text, schemaUrl: text }),
      metrics: fc.array(metric, { maxLength: 4 }),
    }),
    { maxLength: 3 },
  ),
});

test('says what the official encoder says, for any metrics', () => {
  fc.assert(
    fc.property(collection, ({ resource, scopeMetrics }) => {
      const data = { resource: resourceFromAttributes(resource), scopeMetrics };
      const theirs = ProtobufMetricsSerializer.serializeRequest(data as unknown as OfficialMetrics) as Uint8Array;
      expect(decodeMetrics(encodeMetrics(data as unknown as ResourceMetrics))).toEqual(decodeMetrics(theirs));
    }),
    { numRuns: 500, interruptAfterTimeLimit: 15_000 },
  );
});

test('the numbers of the SDK are those that are written', () => {
  expect(POINT).toEqual({
    ...{ histogram: DataPointType.HISTOGRAM, exponentialHistogram: DataPointType.EXPONENTIAL_HISTOGRAM },
    ...{ gauge: DataPointType.GAUGE, sum: DataPointType.SUM },
  });
  expect(TEMPORALITY).toEqual({ delta: AggregationTemporality.DELTA, cumulative: AggregationTemporality.CUMULATIVE });
  expect(INTEGER).toBe(ValueType.INT);
});

test('exemplars stand at the points that they belong to', () => {
  const spanContext = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
  const at = (event: string, value: unknown) => ({
    ...{ startTime: [1, 0], endTime: [2, 0], attributes: { event }, value },
  });
  const histogram = { count: 1, sum: 7, buckets: { boundaries: [5], counts: [0, 1] } };
  const descriptor = { description: '', unit: '', valueType: 1 };
  const data = {
    resource: { attributes: {} },
    scopeMetrics: [
      {
        scope: { name: 'test' },
        metrics: [
          {
            ...{ descriptor: { ...descriptor, name: 'n', valueType: 0 }, dataPointType: 3, aggregationTemporality: 1 },
            dataPoints: [at('a', 3), at('b', 4)],
          },
          {
            ...{ descriptor: { ...descriptor, name: 'h' }, dataPointType: 0, aggregationTemporality: 1 },
            dataPoints: [at('a', histogram)],
          },
        ],
      },
    ],
  } as unknown as ResourceMetrics;
  const bytes = encodeMetrics(data, (_scope, name, { event }) =>
    event === 'a' ? [{ value: name === 'n' ? 1 : 7.5, time: [1_700_000_000, 5], spanContext }] : [],
  );
  const link = {
    timeUnixNano: '1700000000000000005',
    spanId: Buffer.from(spanContext.spanId, 'hex').toString('base64'),
    traceId: Buffer.from(spanContext.traceId, 'hex').toString('base64'),
  };
  const [sum, distribution] = metricsIn(bytes);
  expect(pointsOf(sum).map(({ exemplars }) => exemplars)).toEqual([
    [expect.objectContaining({ ...link, asInt: '1' })],
    [],
  ]);
  expect(pointsOf(distribution).map(({ exemplars }) => exemplars)).toEqual([
    [expect.objectContaining({ ...link, asDouble: 7.5 })],
  ]);
});
