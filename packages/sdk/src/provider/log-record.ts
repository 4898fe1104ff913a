import {
  type AttributeLimits,
  type Attributes,
  type AttributeValue,
  ERROR_KEYS,
  isError,
  isPlain,
  isSettled,
  isStreamKey,
  lazyCompute,
  PlainCopy,
  type StreamNumbers,
  setOwn,
  settleAttributes,
} from '@logspan/logger/internal';
import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { Sealable } from '../pipeline/seal-record.ts';
import type { InstrumentationScope, LogRecord, Resource } from '../pipeline/stage.ts';

/**
 * A record on its way through the pipeline: satisfies `ReadWriteLogRecord` and `ReadableLogRecord` of both OTel lines.
 *
 * Lean by design: nothing is copied, no time array built, no value inspected before someone asks. The attributes are
 * settled (lazy values computed, everything made plain data) when they are first read as a whole, which of the built-in
 * stages before the sampler only a `filter` does whose rule reads them. They are the caller's own object until an edit makes a copy.
 *
 * Once the pipeline gives it to the handlers, or has returned, the record is sealed: edits by its methods, and of `body`,
 * are ignored. Assigning the plain fields (`eventName`, the severity) is not guarded against, which would cost
 * every record: whoever keeps a record must not do it.
 */
export class PipelineRecord implements LogRecord, Sealable {
  readonly resource: Resource;
  readonly instrumentationScope: InstrumentationScope;
  /** Present only if valid. */
  readonly spanContext?: SpanContext;
  severityNumber: number | undefined;
  severityText: string | undefined;
  eventName: string | undefined;
  /** Whole milliseconds since the Unix epoch, and nanoseconds within: the event's time. */
  timeMillis: number;
  timeNanos: number;
  observedMillis: number;
  observedNanos: number;
  #limits: AttributeLimits;
  #given: unknown;
  #bound: Attributes | undefined;
  #exception: unknown;
  #stream: StreamNumbers | undefined;
  #attributes: Record<string, AttributeValue> | undefined;
  #owned = false;
  #dropped = 0;
  #body: unknown;
  #bodyPlain = false;
  #sealed = false;
  #onEdit: (() => void) | undefined;

  constructor(
    resource: Resource,
    scope: InstrumentationScope,
    limits: AttributeLimits,
    spanContext: SpanContext | undefined,
    timeMillis: number,
    timeNanos: number,
    severityNumber: number | undefined,
    severityText: string | undefined,
    eventName: string | undefined,
    body: unknown,
    given: unknown,
    bound: Attributes | undefined,
    exception: unknown,
    stream?: StreamNumbers,
  ) {
    this.resource = resource;
    this.instrumentationScope = scope;
    this.#limits = limits;
    // Assigned in every case, so that all records have one shape.
    this.spanContext = spanContext as SpanContext;
    this.timeMillis = timeMillis;
    this.timeNanos = timeNanos;
    this.observedMillis = timeMillis;
    this.observedNanos = timeNanos;
    this.severityNumber = severityNumber;
    this.severityText = severityText;
    this.eventName = eventName;
    this.#body = body;
    this.#given = given;
    this.#bound = bound;
    this.#exception = exception;
    this.#stream = stream;
  }

  get hrTime(): HrTime {
    return hrTime(this.timeMillis, this.timeNanos);
  }

  get hrTimeObserved(): HrTime {
    return hrTime(this.observedMillis, this.observedNanos);
  }

  get attributes(): Record<string, AttributeValue> {
    return this.#attributes ?? this.#settle();
  }

  get droppedAttributesCount(): number {
    if (this.#attributes === undefined) this.#settle();
    return this.#dropped;
  }

  get attributeValueLengthLimit(): number {
    return this.#limits.stringLength;
  }

  get totalAttributesCount(): number {
    return Object.keys(this.attributes).length + this.#dropped;
  }

  /** Any value, as plain data. The attribute limits do not apply to it (OTel logs SDK), ours on hostile values do. */
  // biome-ignore lint/suspicious/noExplicitAny: the two OTel lines type the body differently
  get body(): any {
    if (!this.#bodyPlain) {
      // The common case, ahead of everything else.
      if (typeof this.#body === 'string' && this.#body.length <= BODY_LIMITS.stringLength) return this.#body;
      this.#body = plain(this.#body, BODY_LIMITS);
      this.#bodyPlain = true;
    }
    return this.#body;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  set body(body: any) {
    if (this.#isClosed()) return;
    this.#body = body;
    this.#bodyPlain = false;
  }

  /**
   * Sets or replaces an attribute; undefined is ignored. A new one beyond the limit is dropped and counted, and so is
   * `logspan.stream.*`, which only `eventStream` may say.
   */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  setAttribute(key: string, value?: any): this {
    if (value === undefined || this.#isClosed()) return this;
    const attributes = this.#own();
    const isNew = !Object.hasOwn(attributes, key);
    if (isStreamKey(key) || (isNew && Object.keys(attributes).length >= this.#limits.attributeCount)) {
      this.#dropped++;
      return this;
    }
    setOwn(attributes, key, plain(value, this.#limits));
    return this;
  }

  setAttributes(attributes: Attributes): this {
    for (const key of Object.keys(attributes)) this.setAttribute(key, attributes[key]);
    return this;
  }

  /** Removes an attribute; the OTel interface has no such method, the specification wants the ability. */
  removeAttribute(key: string): this {
    if (!this.#isClosed() && Object.hasOwn(this.attributes, key)) delete this.#own()[key];
    return this;
  }

  /**
   * Replaces all attributes with data that is known to be plain and within the limits: for stages that rewrite many.
   * @internal
   */
  replaceAttributes(attributes: Record<string, AttributeValue>): void {
    if (this.#isClosed()) return;
    if (this.#attributes === undefined) this.#settle();
    this.#attributes = attributes;
    this.#owned = true;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  setBody(body: any): this {
    this.body = body;
    return this;
  }

  setEventName(eventName: string): this {
    if (!this.#isClosed()) this.eventName = eventName;
    return this;
  }

  setSeverityNumber(severityNumber: number): this {
    if (!this.#isClosed()) this.severityNumber = severityNumber;
    return this;
  }

  setSeverityText(severityText: string): this {
    if (!this.#isClosed()) this.severityText = severityText;
    return this;
  }

  /** One attribute as it was given, without settling the others; lazy values read as undefined. Never throws. */
  peekAttribute(key: string): unknown {
    if (this.#attributes !== undefined) return ownValue(this.#attributes, key);
    try {
      let value: unknown;
      if (typeof this.#given === 'object' && this.#given !== null) value = ownValue(this.#given, key);
      if (value === undefined && this.#bound !== undefined) value = ownValue(this.#bound, key);
      return typeof value === 'object' && value !== null && lazyCompute(value) !== undefined ? undefined : value;
    } catch {
      return undefined;
    }
  }

  /** The very error that the log call was given: for who must know whether it is the same, not to be shown. Never throws. */
  thrown(): unknown {
    if (this.#exception !== undefined) return this.#exception;
    try {
      if (isError(this.#given)) return this.#given;
    } catch {
      return undefined;
    }
    return errorUnder(this.#given) ?? errorUnder(this.#bound);
  }

  /** Which event of a stream it is, if it is one. */
  streamNumbers(): StreamNumbers | undefined {
    return this.#stream;
  }

  /** From here on only reads are permitted; `onEdit` is told of anything else. */
  seal(onEdit?: () => void): void {
    this.#sealed = true;
    if (onEdit !== undefined) this.#onEdit ??= onEdit;
  }

  #isClosed(): boolean {
    if (this.#sealed) this.#onEdit?.();
    return this.#sealed;
  }

  #settle(): Record<string, AttributeValue> {
    const given = this.#given;
    if (this.#stream !== undefined) return this.#settleEvent(this.#stream);
    try {
      // The common case, without the result object of settleAttributes.
      if (this.#bound === undefined && this.#exception === undefined && isSettled(given, this.#limits)) {
        this.#attributes = given;
        return given;
      }
    } catch {
      // A getter or proxy threw: settleAttributes contains it.
    }
    const settled = settleAttributes(this.#given, this.#bound, this.#exception, this.#limits);
    this.#attributes = settled.attributes;
    this.#owned = settled.owned;
    this.#dropped = settled.dropped;
    return settled.attributes;
  }

  /** An event of a stream: its numbers first, so that no limit cuts them. */
  #settleEvent(stream: StreamNumbers): Record<string, AttributeValue> {
    const left = Math.max(0, this.#limits.attributeCount - Object.keys(stream).length);
    const limits = { ...this.#limits, attributeCount: left };
    const settled = settleAttributes(this.#given, this.#bound, this.#exception, limits);
    this.#attributes = { ...stream, ...settled.attributes };
    this.#owned = true;
    this.#dropped = settled.dropped;
    return this.#attributes;
  }

  #own(): Record<string, AttributeValue> {
    const attributes = this.attributes;
    if (this.#owned) return attributes;
    const copy: Record<string, AttributeValue> = Object.assign({}, attributes);
    // The engine copies an object like a literal much faster than any loop here could, but sets the prototype where the
    // loop would set a property of that name.
    if (Object.hasOwn(attributes, '__proto__')) {
      Object.setPrototypeOf(copy, Object.prototype);
      setOwn(copy, '__proto__', Object.getOwnPropertyDescriptor(attributes, '__proto__')?.value);
    }
    this.#attributes = copy;
    this.#owned = true;
    return copy;
  }
}

/** The specification exempts the body from attribute limits: only what would hurt the process is cut. */
const BODY_LIMITS = Object.freeze({ stringLength: 262_144, depth: 16, keys: 1_000, items: 1_000, nodes: 10_000 });

function plain(value: unknown, limits: AttributeLimits | typeof BODY_LIMITS): AttributeValue {
  switch (typeof value) {
    case 'string':
      if (value.length <= limits.stringLength) return value;
      break;
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'object':
      try {
        if (isPlain(value, limits)) return value as AttributeValue;
      } catch {
        // The careful way contains what a getter or proxy throws.
      }
  }
  return new PlainCopy(limits).of(value);
}

/** The first error under one of the keys where one is looked for. */
function errorUnder(given: unknown): unknown {
  try {
    if (typeof given !== 'object' || given === null) return undefined;
    for (const key of ERROR_KEYS) {
      const value = ownValue(given, key);
      if (isError(value)) return value;
    }
  } catch {
    // A getter or proxy threw.
  }
  return undefined;
}

function ownValue(object: object, key: string): unknown {
  return Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined;
}

function hrTime(millis: number, nanos: number): HrTime {
  const seconds = Math.floor(millis / 1_000);
  return [seconds, (millis - seconds * 1_000) * 1_000_000 + nanos];
}
