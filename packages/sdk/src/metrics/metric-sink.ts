import type { ExemplarSink } from './exemplars.ts';
import type { LocalHistograms } from './local-histograms.ts';

/** What goes past the metrics SDK, because there it is not had at all, or at a price that a log call should not pay. */
export interface MetricSink {
  /** Undefined where exemplars are not wanted. */
  readonly exemplars: ExemplarSink | undefined;
  /** Undefined where histograms have buckets that only the SDK knows. */
  readonly histograms: Pick<LocalHistograms, 'of'> | undefined;
}

/** Where a MeterProvider has its sink: found by any copy of this package. */
const SINK: unique symbol = Symbol.for('logspan.metric-sink.v1') as never;

/** The sink of a MeterProvider that `register({ metrics })` made; undefined for any other. */
export function metricSinkOf(provider: object): MetricSink | undefined {
  return (provider as { [SINK]?: MetricSink })[SINK];
}

export function attachSink(provider: object, sink: MetricSink): void {
  Object.defineProperty(provider, SINK, { value: sink });
}
