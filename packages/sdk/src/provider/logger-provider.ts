import {
  type AttributeLimits,
  type Attributes,
  attributesOf,
  type LogRecordInput,
  type OtelLogger,
  type OtelLoggerOptions,
  type OtelLoggerProvider,
  type RecordDestination,
  type RecordWriter,
  type ScopeLevel,
  type StreamMark,
  scopeLevel,
  settleAttributes,
  streamMarkOf,
} from '@logspan/logger/internal';
import {
  type Context,
  context,
  type HrTime,
  isSpanContextValid,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { timeInputToHrTime } from '@opentelemetry/core';
import { watch } from '../pipeline/report.ts';
import type { InstrumentationScope, LogRecordProcessor, Resource } from '../pipeline/stage.ts';
import type { Clock } from './clock.ts';
import { PipelineRecord } from './log-record.ts';

/** How one logger behaves. OTel logs SDK specification, "LoggerConfig". */
export interface LoggerConfig {
  /** False: the logger does nothing. Default true. */
  readonly enabled?: boolean;
  /** Records below this severity number are dropped; those without a severity pass. Default 0. */
  readonly minimumSeverity?: number;
  /** True: records of a trace that is not sampled are dropped. Default false. */
  readonly traceBased?: boolean;
}

/** Decides by scope how a logger behaves; asked once for each logger. OTel logs SDK specification, "LoggerConfigurator". */
export type LoggerConfigurator = (scope: InstrumentationScope) => LoggerConfig | undefined;

interface Shared {
  readonly resource: Resource;
  readonly limits: AttributeLimits;
  readonly clock: Clock;
  readonly pipeline: LogRecordProcessor;
  shutdown: boolean;
  // What the last context held: the next record is likely of the same one, and a context never changes. Once for all
  // loggers, because it keeps that context alive.
  context: Context | undefined;
  span: SpanContext | undefined;
  scoped: Attributes | undefined;
  /** Records that a logger dropped before the pipeline: below the level, or of an unsampled trace. */
  belowLevel: number;
  unsampled: number;
  /** Calls of `emit` that could not even be read. */
  failed: number;
}

/** Beyond this many scopes a logger is made anew each time: a name made per request must not grow memory for ever. */
const MOST_LOGGERS = 10_000;
const LONGEST_NAME = 1_024;

/**
 * logspan's LoggerProvider: implements the Logs API of both OTel lines, and is what the facade writes to. After
 * {@link close} its loggers do nothing.
 */
export class LoggerProvider implements OtelLoggerProvider, RecordDestination {
  readonly #shared: Shared;
  readonly #configurator: LoggerConfigurator | undefined;
  readonly #loggers = new Map<string, ProviderLogger>();

  constructor(
    pipeline: LogRecordProcessor,
    resource: Resource,
    limits: AttributeLimits,
    clock: Clock,
    configurator?: LoggerConfigurator,
  ) {
    this.#shared = {
      pipeline,
      resource,
      limits,
      clock,
      shutdown: false,
      context: undefined,
      span: undefined,
      scoped: undefined,
      belowLevel: 0,
      unsampled: 0,
      failed: 0,
    };
    this.#configurator = configurator;
  }

  /** Never throws, and answers a working logger whatever it is given. */
  getLogger(name: string, version?: string, options?: OtelLoggerOptions): ProviderLogger {
    try {
      return this.#loggerOf(name, version, options);
    } catch {
      // Options that cannot even be read.
      return this.#loggerOf(name, version, undefined);
    }
  }

  #loggerOf(name: string, version: string | undefined, options: OtelLoggerOptions | undefined): ProviderLogger {
    const scope = scopeOf(name, version, options);
    // A scope with attributes of its own is rare, and two with equal attributes need not be one.
    const key =
      scope.attributes === undefined ? JSON.stringify([scope.name, scope.version, scope.schemaUrl]) : undefined;
    let logger = key === undefined ? undefined : this.#loggers.get(key);
    if (logger === undefined) {
      logger = new ProviderLogger(scope, this.#shared, this.#configure(scope), options?.includeTraceContext !== false);
      if (key !== undefined && key.length <= LONGEST_NAME && this.#loggers.size < MOST_LOGGERS)
        this.#loggers.set(key, logger);
    }
    return logger;
  }

  getWriter(scopeName: string, version: string | undefined): RecordWriter {
    return this.getLogger(scopeName, version);
  }

  /** Records that were dropped before they reached the pipeline, by reason. */
  dropped(): Record<string, number> {
    const { belowLevel, unsampled, failed } = this.#shared;
    return { below_level: belowLevel, unsampled_trace: unsampled, failed };
  }

  close(): void {
    this.#shared.shutdown = true;
  }

  #configure(scope: InstrumentationScope): Required<LoggerConfig> {
    let config: LoggerConfig | undefined;
    try {
      config = this.#configurator?.(scope);
      watch(config, 'an async loggerConfigurator');
    } catch {
      // A logger that works beats one that is configured.
    }
    return {
      enabled: config?.enabled ?? true,
      minimumSeverity: config?.minimumSeverity ?? 0,
      traceBased: config?.traceBased ?? false,
    };
  }
}

/** The scope as plain data: it is encoded with every batch, where nothing could be said about it any more. */
function scopeOf(name: unknown, version: unknown, options: OtelLoggerOptions | undefined): InstrumentationScope {
  const { schemaUrl }: { schemaUrl?: unknown } = options ?? {};
  const scopeAttributes = attributesOfScope(options);
  return {
    // The specification keeps an invalid name as it is where it can.
    name: typeof name === 'string' ? name : '',
    ...(typeof version === 'string' ? { version } : {}),
    ...(typeof schemaUrl === 'string' ? { schemaUrl } : {}),
    // Copied: the caller's object may change, and what was encoded once is not looked at again.
    ...(scopeAttributes === undefined ? {} : { attributes: { ...settleAttributes(scopeAttributes).attributes } }),
  };
}

class ProviderLogger implements OtelLogger, RecordWriter {
  readonly #scope: InstrumentationScope;
  readonly #shared: Shared;
  readonly #config: Required<LoggerConfig>;
  readonly #includeTraceContext: boolean;
  readonly #level: ScopeLevel;

  constructor(
    scope: InstrumentationScope,
    shared: Shared,
    config: Required<LoggerConfig>,
    includeTraceContext: boolean,
  ) {
    this.#scope = scope;
    this.#shared = shared;
    this.#config = config;
    this.#includeTraceContext = includeTraceContext;
    this.#level = scopeLevel(scope.name);
  }

  /** Of the facade, which has compared the level already. */
  write(
    severityNumber: number,
    severityText: string,
    eventName: string | undefined,
    body: unknown,
    attributes: unknown,
    bound: Attributes | undefined,
    exception: unknown,
  ): void {
    const shared = this.#shared;
    if (shared.shutdown) return;
    const active = context.active();
    if (active !== shared.context) enter(shared, active);
    const span = this.#includeTraceContext ? shared.span : undefined;
    if (!this.#lets(severityNumber, span)) return;
    const { scoped } = shared;
    const both = scoped === undefined ? bound : bound === undefined ? scoped : { ...scoped, ...bound };
    const { clock } = shared;
    clock.read();
    const record = new PipelineRecord(
      shared.resource,
      this.#scope,
      shared.limits,
      span,
      clock.epochMillis,
      clock.nanos,
      severityNumber,
      severityText,
      eventName,
      body,
      attributes,
      both,
      exception,
    );
    shared.pipeline.onEmit(record, active);
    record.seal();
  }

  /** Of anyone who uses the OTel Logs API. Never throws. */
  emit(input: LogRecordInput): void {
    const shared = this.#shared;
    if (shared.shutdown) return;
    try {
      // What is of the wrong kind counts as not given: it must not cost the record.
      const from = isContext(input.context) ? input.context : context.active();
      if (from !== shared.context) enter(shared, from);
      const { scoped } = shared;
      const span = this.#includeTraceContext ? shared.span : undefined;
      const severityNumber = typeof input.severityNumber === 'number' ? input.severityNumber : undefined;
      const mark = isContext(input.context) ? markOf(input.context, input) : undefined;
      if (mark === undefined && isBelow(severityNumber, this.#level.minimum)) {
        shared.belowLevel++;
        return;
      }
      if (!this.#lets(severityNumber, span)) return;
      const { clock } = shared;
      clock.read();
      const record = new PipelineRecord(
        shared.resource,
        this.#scope,
        shared.limits,
        span,
        clock.epochMillis,
        clock.nanos,
        severityNumber,
        typeof input.severityText === 'string' ? input.severityText : undefined,
        typeof input.eventName === 'string' ? input.eventName : undefined,
        input.body,
        input.attributes,
        scoped,
        input.exception,
        mark?.numbers,
      );
      const timestamp = hrTimeOf(input.timestamp);
      if (timestamp !== undefined) {
        const [seconds, nanos] = timestamp;
        record.timeMillis = seconds * 1_000 + Math.floor(nanos / 1_000_000);
        record.timeNanos = nanos % 1_000_000;
      }
      const observed = hrTimeOf(input.observedTimestamp);
      if (observed !== undefined) {
        const [seconds, nanos] = observed;
        record.observedMillis = seconds * 1_000 + Math.floor(nanos / 1_000_000);
        record.observedNanos = nanos % 1_000_000;
      }
      if (record.eventName === undefined) {
        // How bridges from other loggers say it (semantic conventions, otel.event.name).
        const eventName = record.peekAttribute('otel.event.name');
        if (typeof eventName === 'string') record.removeAttribute('otel.event.name').eventName = eventName;
      }
      shared.pipeline.onEmit(record, from);
      record.seal();
    } catch {
      // Reading what was passed threw: a getter or proxy in the record itself. There is nothing left to log.
      shared.failed++;
    }
  }

  /** Never throws: true where it cannot be told. */
  enabled(options: { context?: Context; severityNumber?: number; eventName?: string } = {}): boolean {
    const shared = this.#shared;
    if (shared.shutdown || !this.#config.enabled) return false;
    try {
      const { severityNumber, eventName } = options;
      if (severityNumber && severityNumber < Math.max(this.#level.minimum, this.#config.minimumSeverity)) return false;
      const from = options.context ?? context.active();
      if (this.#config.traceBased && this.#includeTraceContext && isUnsampled(validSpan(from))) return false;
      const asked = { context: from, instrumentationScope: this.#scope, severityNumber, eventName };
      return shared.pipeline.enabled?.(asked) ?? true;
    } catch {
      return true;
    }
  }

  /** The specification's order: enabled, severity, trace. What is dropped here never was a record of the pipeline. */
  #lets(severityNumber: number | undefined, span: SpanContext | undefined): boolean {
    const { enabled, minimumSeverity, traceBased } = this.#config;
    if (!enabled) return false;
    if (severityNumber && severityNumber < minimumSeverity) {
      this.#shared.belowLevel++;
      return false;
    }
    if (traceBased && isUnsampled(span)) {
      this.#shared.unsampled++;
      return false;
    }
    return true;
  }
}

/** The span of a context, if it is valid. */
function validSpan(from: Context): SpanContext | undefined {
  const span = trace.getSpanContext(from);
  return span !== undefined && isSpanContextValid(span) ? span : undefined;
}

function enter(shared: Shared, from: Context): void {
  // First what may throw: a context of another make.
  const span = validSpan(from);
  shared.scoped = attributesOf(from);
  shared.span = span;
  shared.context = from;
}

/** Of an event of a stream, which needs no level; of no other record that somebody writes in its context. */
function markOf(from: Context, { attributes }: LogRecordInput): StreamMark | undefined {
  const mark = streamMarkOf(from);
  return mark !== undefined && mark.attributes === attributes ? mark : undefined;
}

function isBelow(severityNumber: number | undefined, minimum: number): boolean {
  return severityNumber !== undefined && severityNumber !== 0 && severityNumber < minimum;
}

function isContext(value: unknown): value is Context {
  return typeof (value as Partial<Context> | null | undefined)?.getValue === 'function';
}

/** A time of the API as a pair of numbers; undefined for none, and for what is no time. */
function hrTimeOf(time: LogRecordInput['timestamp']): HrTime | undefined {
  if (time === undefined) return undefined;
  try {
    const [seconds, nanos] = timeInputToHrTime(time);
    return Number.isFinite(seconds) && Number.isFinite(nanos) ? [seconds, nanos] : undefined;
  } catch {
    return undefined;
  }
}

function isUnsampled(span: SpanContext | undefined): boolean {
  return span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) === 0;
}

/** Older versions of the API call them `scopeAttributes`. */
function attributesOfScope(options: OtelLoggerOptions | undefined): unknown {
  return options?.attributes ?? options?.scopeAttributes;
}
