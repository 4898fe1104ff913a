import type { Context, HrTime, SpanContext } from '@opentelemetry/api';

/** The scope of a record: which logger wrote it. OTel logs data model, "InstrumentationScope". */
export interface InstrumentationScope {
  readonly name: string;
  readonly version?: string;
  readonly schemaUrl?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** The entity that produced the records. OTel resource specification. */
export interface Resource {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly schemaUrl?: string;
}

/**
 * A log record on its way through the pipeline: the shape that the OTel SDKs of both lines call
 * `ReadWriteLogRecord`, so a stage written against it also runs inside a stock `LoggerProvider`.
 *
 * `attributes` may be the very object that the caller passed: read it, never assign to it. Edit through
 * `setAttribute` and `removeAttribute` (pipeline/edit-attributes.ts has the latter for stock records).
 */
export interface LogRecord {
  readonly hrTime: HrTime;
  readonly hrTimeObserved: HrTime;
  readonly spanContext?: SpanContext;
  readonly resource: Resource;
  readonly instrumentationScope: InstrumentationScope;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly droppedAttributesCount: number;
  /**
   * True if a stage wrote this record because of another one (`newRecord`), an alert for example: samplers and limits let
   * it pass, security rules do not judge it. A stock record has no such field.
   */
  readonly writtenByStage?: boolean;
  /** Longer attribute values were cut to this many characters. A stock record has no such field. */
  readonly attributeValueLengthLimit?: number;
  severityNumber?: number | undefined;
  severityText?: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the two OTel lines type the body differently; any is assignable to both
  body?: any;
  eventName?: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as body
  setAttribute(key: string, value?: any): unknown;
}

/** What a stage may be asked before a record exists. OTel logs SDK specification, "Enabled". */
export interface EnabledOptions {
  readonly context: Context;
  readonly instrumentationScope: InstrumentationScope;
  readonly severityNumber?: number | undefined;
  readonly eventName?: string | undefined;
}

/** Limits of one flush or shutdown. */
export interface FlushOptions {
  /** How long to wait, in milliseconds. Unsent by then: still pending (flush), or dropped and counted (shutdown). */
  readonly timeoutMillis?: number | undefined;
}

/** A step or an end of the pipeline: the OTel `LogRecordProcessor`, structurally, for both lines. */
export interface LogRecordProcessor {
  onEmit(record: LogRecord, context?: Context): void;
  enabled?(options: EnabledOptions): boolean;
  forceFlush(options?: FlushOptions): Promise<void>;
  shutdown(options?: FlushOptions): Promise<void>;
  /** What this step dropped, by reason, and how many attributes it redacted, since it was made. For `logging.stats()`. */
  account?(): StageAccount;
  /**
   * Called when a stage is taken out while records flow: lets go of all it holds (passes it on, or drops and counts it)
   * and stops its timers. A stage that holds nothing has none. `shutdown` does the same before it goes on.
   */
  release?(): void;
}

/** What one step has to account for: `in + written = passed on + sum(dropped) + held`. */
export interface StageAccount {
  /** Records that were not passed on, by reason: `{ sampled: 12 }`. */
  readonly dropped?: Readonly<Record<string, number>>;
  /** Records that it holds back now, and will pass on or drop later. */
  readonly held?: number;
  /** Records that it wrote itself. Counted for it by what is around it. */
  readonly written?: number;
  /** Values that were replaced, masked or removed because they were secret. */
  readonly redacted?: number;
  /** The same by the rule that found them. */
  readonly redactedBy?: Readonly<Record<string, number>>;
  /** Records on which a stage failed, by the name of the stage. They went on, unless the stage is there to redact. */
  readonly failures?: Readonly<Record<string, number>>;
  /** The stages that were taken out because they failed on too many records in a row, by name. */
  readonly takenOut?: readonly string[];
}

/**
 * Where a stage belongs on the road. `pipe` holds stages to this order, because another one leaks or wastes:
 * a metric or a security rule must see what a sampler would drop, and nothing may be added behind `redact`. What is of
 * phase `render` shows what is there in another form, and adds nothing.
 */
export type Phase = 'filter' | 'observe' | 'volume' | 'enrich' | 'redact' | 'render';

/**
 * One step of the pipeline: wraps the processor that comes after it. Dropping a record is not calling `next.onEmit`.
 * Made with {@link stage}: the name is what tells it from a processor function, the phase lets `pipe` check the order.
 */
export interface Stage {
  (next: LogRecordProcessor): LogRecordProcessor;
  readonly phase?: Phase;
  readonly stageName?: string;
  /** The stages that this one is made of, in their order: their phases count in place of its own. */
  readonly steps?: readonly Stage[];
}

/** Names a stage and says where it belongs. */
export function stage(
  stageName: string,
  phase: Phase | undefined,
  wrap: (next: LogRecordProcessor) => LogRecordProcessor,
): Stage {
  return Object.assign(wrap, phase === undefined ? { stageName } : { stageName, phase });
}

/** A step that acts on records and forwards everything else to the next one. */
export function forwardTo(
  next: LogRecordProcessor,
  step: Pick<LogRecordProcessor, 'onEmit'> & Partial<LogRecordProcessor>,
): LogRecordProcessor {
  return {
    enabled: (options) => next.enabled === undefined || next.enabled(options),
    forceFlush: (options) => next.forceFlush(options),
    shutdown: (options) => next.shutdown(options),
    ...step,
  };
}
