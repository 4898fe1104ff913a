import official from 'otlp-official-schema/build/src/generated/root.js';

interface Codec {
  decode(bytes: Uint8Array): unknown;
  toObject(message: unknown, options?: object): unknown;
}

/** The official schema of the metrics service; its own types are those of another file. */
const { ExportMetricsServiceRequest } = (
  official as unknown as {
    opentelemetry: { proto: { collector: { metrics: { v1: { ExportMetricsServiceRequest: Codec } } } } };
  }
).opentelemetry.proto.collector.metrics.v1;

/** One point of one series. Of the values only the one that its metric has is not null. */
export interface DecodedPoint {
  readonly attributes: { key: string; value: Record<string, unknown> }[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asInt?: string | null;
  readonly asDouble?: number | null;
  readonly count?: string;
  readonly sum?: number | null;
  readonly bucketCounts?: string[];
  readonly exemplars: {
    timeUnixNano: string;
    asDouble?: number | null;
    asInt?: string | null;
    spanId: string;
    traceId: string;
  }[];
}

/** One metric. */
export interface DecodedMetric {
  readonly name: string;
  readonly unit: string;
  readonly sum?: { dataPoints: DecodedPoint[]; aggregationTemporality: number; isMonotonic: boolean } | null;
  readonly gauge?: { dataPoints: DecodedPoint[] } | null;
  readonly histogram?: { dataPoints: DecodedPoint[]; aggregationTemporality: number } | null;
  readonly exponentialHistogram?: { dataPoints: DecodedPoint[]; aggregationTemporality: number } | null;
}

/** A request for the metrics service. */
export interface DecodedMetrics {
  readonly resourceMetrics: {
    resource: { attributes: { key: string; value: Record<string, unknown> }[] };
    scopeMetrics: { scope: { name: string; version: string }; metrics: DecodedMetric[] }[];
  }[];
}

/** A request as plain data, absent fields with their default value, 64-bit integers as text, bytes as base64. */
export function decodeMetrics(bytes: Uint8Array): DecodedMetrics {
  return ExportMetricsServiceRequest.toObject(ExportMetricsServiceRequest.decode(bytes), {
    defaults: true,
    longs: String,
    bytes: String,
  }) as DecodedMetrics;
}

/** The metrics of a request, of all scopes. */
export function metricsIn(bytes: Uint8Array): DecodedMetric[] {
  return decodeMetrics(bytes).resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((s) => s.metrics));
}

/** The points of a metric of any kind. */
export function pointsOf(metric: DecodedMetric | undefined): DecodedPoint[] {
  const { sum, gauge, histogram, exponentialHistogram } = metric ?? {};
  return (sum ?? gauge ?? histogram ?? exponentialHistogram)?.dataPoints ?? [];
}
