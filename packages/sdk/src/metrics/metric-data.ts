import type { Attributes, HrTime, SpanContext } from '@opentelemetry/api';
import type { InstrumentationScope, Resource } from '../pipeline/stage.ts';

/*
 * What a metrics SDK collects, as `@opentelemetry/sdk-metrics` of both lines has it: structurally, so that the package is
 * needed only by those who want it.
 */

/** All metrics of one collection. */
export interface ResourceMetrics {
  readonly resource: Resource;
  readonly scopeMetrics: readonly ScopeMetrics[];
}

/** The metrics of one meter. */
export interface ScopeMetrics {
  readonly scope: InstrumentationScope;
  readonly metrics: readonly MetricData[];
}

/** `DataPointType` of the SDK. */
export const POINT = { histogram: 0, exponentialHistogram: 1, gauge: 2, sum: 3 } as const;
/** `AggregationTemporality` of the SDK. */
export const TEMPORALITY = { delta: 0, cumulative: 1 } as const;
/** `ValueType.INT` of the API. */
export const INTEGER = 0;

/** One metric with its points. */
export interface MetricData {
  readonly descriptor: {
    readonly name: string;
    readonly description: string;
    readonly unit: string;
    readonly valueType: number;
  };
  readonly aggregationTemporality: number;
  readonly dataPointType: number;
  readonly isMonotonic?: boolean;
  readonly dataPoints: readonly DataPoint[];
}

/** One series at one time. What `value` is, the metric's `dataPointType` says. */
export interface DataPoint {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly attributes: Attributes;
  readonly value: number | Histogram | ExponentialHistogram;
}

/** A histogram with buckets that were chosen beforehand. */
export interface Histogram {
  readonly buckets: { readonly boundaries: readonly number[]; readonly counts: readonly number[] };
  readonly count: number;
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
}

/** A histogram whose buckets grow by a factor. */
export interface ExponentialHistogram {
  readonly count: number;
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
  readonly scale: number;
  readonly zeroCount: number;
  readonly positive: Buckets;
  readonly negative: Buckets;
}

/** The buckets on one side of zero. */
export interface Buckets {
  readonly offset: number;
  readonly bucketCounts: readonly number[];
}

/** One measured value with the span it was measured in: the link from a metric to a trace. */
export interface Exemplar {
  readonly value: number;
  readonly time: HrTime;
  readonly spanContext: SpanContext;
}
