import { type Attributes, attributesAt } from './any-value.ts';
import {
  double,
  flag,
  hexId,
  int32,
  listAt,
  messageAt,
  messagesAt,
  own,
  text,
  toDouble,
  toInt64,
  toUint64,
  uint64,
} from './field.ts';
import { eachScope, type Origin } from './origin.ts';
import type { Message } from './otlp-schema.ts';

/** One data point of one metric, with the metric's own description beside it. OTel metrics data model. */
export interface MetricPoint extends Origin {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly data: PointData;
  readonly startTimeUnixNano: bigint;
  readonly timeUnixNano: bigint;
  readonly attributes: Attributes;
  readonly flags: number;
  readonly exemplars: readonly Exemplar[];
}

/** What was measured, by the metric's type. `temporality`: 1 delta, 2 cumulative, 0 unspecified. */
export type PointData =
  | { readonly type: 'gauge'; readonly value: NumberValue }
  | { readonly type: 'sum'; readonly value: NumberValue; readonly temporality: number; readonly monotonic: boolean }
  | (Distribution & {
      readonly type: 'histogram';
      readonly temporality: number;
      readonly bucketCounts: readonly bigint[];
      readonly explicitBounds: readonly number[];
    })
  | (Distribution & {
      readonly type: 'exponentialHistogram';
      readonly temporality: number;
      readonly scale: number;
      readonly zeroCount: bigint;
      readonly zeroThreshold: number;
      readonly positive: Buckets;
      readonly negative: Buckets;
    })
  | (Pick<Distribution, 'count' | 'sum'> & {
      readonly type: 'summary';
      readonly quantiles: readonly { readonly quantile: number; readonly value: number }[];
    });

/** A bigint only where a number would not be exact; undefined when the point says "no recorded value". */
export type NumberValue = number | bigint | undefined;

export interface Distribution {
  readonly count: bigint;
  readonly sum: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
}

export interface Buckets {
  readonly offset: number;
  readonly bucketCounts: readonly bigint[];
}

/** A measurement kept as an example, with the span that it was made in. */
export interface Exemplar {
  readonly timeUnixNano: bigint;
  readonly value: NumberValue;
  readonly traceId: string;
  readonly spanId: string;
  readonly filteredAttributes: Attributes;
}

/** How a metric's message says which type it is, and how a point of that type is read. */
const DATA_READERS: Readonly<Record<string, (point: Message, metricData: Message) => PointData>> = {
  gauge: (point) => ({ type: 'gauge', value: numberOf(point) }),
  sum: (point, data) => ({
    type: 'sum',
    value: numberOf(point),
    temporality: int32(data, 'aggregationTemporality'),
    monotonic: flag(data, 'isMonotonic'),
  }),
  histogram: (point, data) => ({
    type: 'histogram',
    ...distribution(point),
    temporality: int32(data, 'aggregationTemporality'),
    bucketCounts: counts(point),
    explicitBounds: listAt(point, 'explicitBounds').map((bound) => toDouble(bound, 'explicitBounds')),
  }),
  exponentialHistogram: (point, data) => ({
    type: 'exponentialHistogram',
    ...distribution(point),
    temporality: int32(data, 'aggregationTemporality'),
    scale: int32(point, 'scale'),
    zeroCount: uint64(point, 'zeroCount'),
    zeroThreshold: double(point, 'zeroThreshold') ?? 0,
    positive: buckets(point, 'positive'),
    negative: buckets(point, 'negative'),
  }),
  summary: (point) => ({
    type: 'summary',
    count: uint64(point, 'count'),
    sum: double(point, 'sum') ?? 0,
    quantiles: messagesAt(point, 'quantileValues').map((entry) => ({
      quantile: double(entry, 'quantile') ?? 0,
      value: double(entry, 'value') ?? 0,
    })),
  }),
};

export function readMetrics(request: Message): MetricPoint[] {
  const points: MetricPoint[] = [];
  eachScope(request, 'resourceMetrics', 'scopeMetrics', (ofScope, { service, resource, scope }) => {
    for (const metric of messagesAt(ofScope, 'metrics')) {
      const [name, description, unit] = [text(metric, 'name'), text(metric, 'description'), text(metric, 'unit')];
      for (const [type, readData] of Object.entries(DATA_READERS)) {
        const data = messageAt(metric, type);
        if (data === undefined) continue;
        for (const point of messagesAt(data, 'dataPoints')) {
          points.push({
            service,
            name,
            description,
            unit,
            data: readData(point, data),
            startTimeUnixNano: uint64(point, 'startTimeUnixNano'),
            timeUnixNano: uint64(point, 'timeUnixNano'),
            attributes: attributesAt(point, 'attributes'),
            flags: int32(point, 'flags'),
            exemplars: messagesAt(point, 'exemplars').map(readExemplar),
            resource,
            scope,
          });
        }
      }
    }
  });
  return points;
}

function numberOf(point: Message): NumberValue {
  const int = own(point, 'asInt');
  return int === undefined ? double(point, 'asDouble') : toInt64(int, 'asInt');
}

function distribution(point: Message): Distribution {
  return {
    count: uint64(point, 'count'),
    sum: double(point, 'sum'),
    min: double(point, 'min'),
    max: double(point, 'max'),
  };
}

function counts(message: Message): bigint[] {
  return listAt(message, 'bucketCounts').map((count) => toUint64(count, 'bucketCounts'));
}

function buckets(point: Message, field: string): Buckets {
  const message = messageAt(point, field) ?? {};
  return { offset: int32(message, 'offset'), bucketCounts: counts(message) };
}

function readExemplar(exemplar: Message): Exemplar {
  return {
    timeUnixNano: uint64(exemplar, 'timeUnixNano'),
    value: numberOf(exemplar),
    traceId: hexId(exemplar, 'traceId', 16),
    spanId: hexId(exemplar, 'spanId', 8),
    filteredAttributes: attributesAt(exemplar, 'filteredAttributes'),
  };
}
