import type { Attributes, SpanContext } from '@opentelemetry/api';
import { LOGSPAN_SCOPE } from './logspan-meter.ts';
import type { Exemplar } from './metric-data.ts';
import type { ExemplarsOf } from './otlp-metrics-encoder.ts';

/** Who has exemplars for the points of one metric of ours. */
export interface ExemplarSource {
  /** The name of the instrument. */
  readonly metric: string;
  /** What has gathered since the last call. */
  take(): Iterable<{ readonly attributes: Attributes; readonly exemplars: readonly Exemplar[] }>;
}

/** Where exemplars are wanted. */
export interface ExemplarSink {
  /** Whether a value measured in this span may become one. */
  isWanted(span: SpanContext): boolean;
  /** Asks this source at each export from now on. @returns how to end that: after one last time. */
  add(source: ExemplarSource): () => void;
}

/** `OTEL_METRICS_EXEMPLAR_FILTER`. */
export type ExemplarFilter = 'trace_based' | 'always_on' | 'always_off';

/**
 * The exemplars of one MeterProvider. The metrics SDK of OpenTelemetry for JavaScript (2.x, 3.x) gathers none, and its
 * exporters would leave them out, so they go past it: gathered by `logMetrics()`, joined with the points by our exporter.
 */
export class Exemplars implements ExemplarSink {
  readonly #filter: ExemplarFilter;
  readonly #sources = new Set<ExemplarSource>();
  readonly #leaving = new Set<ExemplarSource>();

  constructor(filter: ExemplarFilter) {
    this.#filter = filter;
  }

  isWanted({ traceFlags }: SpanContext): boolean {
    return this.#filter === 'always_on' || (traceFlags & 1) === 1;
  }

  add(source: ExemplarSource): () => void {
    this.#sources.add(source);
    return () => this.#leaving.add(source);
  }

  /** All that has gathered, once. */
  take(): ExemplarsOf {
    const taken = new Map<string, Exemplar[]>();
    for (const source of this.#sources) {
      for (const { attributes, exemplars } of source.take()) {
        const key = keyOf(source.metric, attributes);
        taken.set(key, [...(taken.get(key) ?? []), ...exemplars]);
      }
    }
    for (const source of this.#leaving) this.#sources.delete(source);
    this.#leaving.clear();
    if (taken.size === 0) return () => [];
    return (scope, metric, attributes) =>
      // Another meter may have a metric of the same name: nothing of it has come here.
      (scope.name === LOGSPAN_SCOPE.name ? taken.get(keyOf(metric, attributes)) : undefined) ?? [];
  }
}

function keyOf(metric: string, attributes: Attributes): string {
  const entries = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([metric, entries]);
}
