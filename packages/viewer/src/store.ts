import { type Level, type LogRecord, levelOf } from './log-record.ts';
import type { Receiver } from './receiver.ts';
import { wholeNumber } from './whole-number.ts';

export interface StoreOptions {
  /** Log records held; the oldest goes first. Default 10 000. 0: only counts. */
  readonly maxRecords?: number;
  /** The held records' size in bytes, as measured in the requests they came in. Default 128 MiB. */
  readonly maxBytes?: number;
  /** Traces held; the one that was silent longest goes first. Default 10 000. */
  readonly maxTraces?: number;
  /** Services told apart; further ones are counted together as `(other)`. Default 1 000. */
  readonly maxServices?: number;
}

/** What has arrived since the store was made. Counts include what was evicted; only services and traces are bounded. */
export interface StoreCounts extends SignalCounts {
  readonly byService: Readonly<Record<string, SignalCounts>>;
  readonly bySeverity: Readonly<Record<Level, number>>;
  /** Traces held, and how many of them were seen in at least two services, be it in logs or in spans. */
  readonly traces: number;
  readonly tracesAcrossServices: number;
  /** What was held and is no longer. */
  readonly evicted: { readonly logRecords: number; readonly traces: number };
}

export interface SignalCounts {
  readonly logRecords: number;
  readonly spans: number;
  readonly dataPoints: number;
}

/** What is known of one trace. */
export interface TraceSummary {
  readonly traceId: string;
  readonly logRecords: number;
  readonly spans: number;
  /** The services that logged in it, and those that sent spans of it, in the order they were first seen. */
  readonly logServices: readonly string[];
  readonly spanServices: readonly string[];
}

/** A bounded memory of what a receiver received. */
export interface Store {
  counts(): StoreCounts;
  /** The log records held, oldest first. */
  logs(): LogRecord[];
  trace(traceId: string): TraceSummary | undefined;
  /** The traces held; the one heard of last comes last. */
  traces(): TraceSummary[];
}

/**
 * Listens to a receiver and remembers what arrives, within its limits. Throws a RangeError on options out of range.
 */
export function createStore(receiver: Receiver, options: StoreOptions = {}): Store {
  const maxRecords = wholeNumber('maxRecords', options.maxRecords ?? 10_000, 0, Infinity);
  const maxBytes = wholeNumber('maxBytes', options.maxBytes ?? 128 * 1024 * 1024, 0, Infinity);
  const maxTraces = wholeNumber('maxTraces', options.maxTraces ?? 10_000, 0, Infinity);
  const maxServices = wholeNumber('maxServices', options.maxServices ?? 1_000, 0, Infinity);

  const total = noItems();
  const evicted = { logRecords: 0, traces: 0 };
  const services = new Map<string, Mutable<SignalCounts>>();
  const severities = { trace: 0, debug: 0, info: 0, warn: 0, error: 0, fatal: 0, unspecified: 0 };
  const traces = new Map<string, TraceEntry>();
  const held = new Map<number, { readonly record: LogRecord; readonly bytes: number }>();
  let heldBytes = 0;
  let oldest = 0;

  /** The name to count a service under. */
  function count(service: string, kind: keyof SignalCounts): string {
    const name = services.has(service) || services.size < maxServices ? service : '(other)';
    const counts = services.get(name) ?? noItems();
    services.set(name, counts);
    counts[kind]++;
    total[kind]++;
    return name;
  }

  function touchTrace(traceId: string): TraceEntry | undefined {
    if (traceId === '') return undefined;
    const entry = traces.get(traceId) ?? { logRecords: 0, spans: 0, logServices: new Set(), spanServices: new Set() };
    traces.delete(traceId);
    traces.set(traceId, entry);
    if (traces.size > maxTraces) {
      traces.delete(traces.keys().next().value as string);
      evicted.traces++;
    }
    return entry;
  }

  function hold(record: LogRecord, bytes: number): void {
    held.set(oldest + held.size, { record, bytes });
    heldBytes += bytes;
    while (held.size > maxRecords || heldBytes > maxBytes) {
      heldBytes -= held.get(oldest)?.bytes ?? 0;
      held.delete(oldest++);
      evicted.logRecords++;
    }
  }

  receiver.onLogs((records, request) => {
    const bytesEach = Math.ceil(request.body.length / records.length);
    for (const record of records) {
      const service = count(record.service, 'logRecords');
      severities[levelOf(record.severityNumber)]++;
      hold(record, bytesEach);
      const trace = touchTrace(record.traceId);
      if (trace === undefined) continue;
      trace.logRecords++;
      trace.logServices.add(service);
    }
  });
  receiver.onSpans((spans) => {
    for (const span of spans) {
      const service = count(span.service, 'spans');
      const trace = touchTrace(span.traceId);
      if (trace === undefined) continue;
      trace.spans++;
      trace.spanServices.add(service);
    }
  });
  receiver.onMetrics((points) => {
    for (const point of points) count(point.service, 'dataPoints');
  });

  return {
    counts: () => ({
      ...total,
      byService: Object.fromEntries([...services].map(([name, counts]) => [name, { ...counts }])),
      bySeverity: { ...severities },
      traces: traces.size,
      tracesAcrossServices: [...traces.values()].filter(crossesServices).length,
      evicted: { ...evicted },
    }),
    logs: () => [...held.values()].map(({ record }) => record),
    trace(traceId) {
      const entry = traces.get(traceId);
      return entry && summary(traceId, entry);
    },
    traces: () => [...traces].map(([traceId, entry]) => summary(traceId, entry)),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface TraceEntry {
  logRecords: number;
  spans: number;
  readonly logServices: Set<string>;
  readonly spanServices: Set<string>;
}

function noItems(): Mutable<SignalCounts> {
  return { logRecords: 0, spans: 0, dataPoints: 0 };
}

function crossesServices({ logServices, spanServices }: TraceEntry): boolean {
  return new Set([...logServices, ...spanServices]).size > 1;
}

function summary(traceId: string, entry: TraceEntry): TraceSummary {
  const { logRecords, spans, logServices, spanServices } = entry;
  return { traceId, logRecords, spans, logServices: [...logServices], spanServices: [...spanServices] };
}
