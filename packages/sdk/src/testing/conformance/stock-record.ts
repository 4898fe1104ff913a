import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { InstrumentationScope, LogRecord, Resource } from '../../pipeline/stage.ts';

/** What a record is made of. */
export interface RecordFields {
  readonly hrTime: HrTime;
  readonly spanContext?: SpanContext;
  readonly resource: Resource;
  readonly instrumentationScope: InstrumentationScope;
  readonly severityNumber?: number | undefined;
  readonly severityText?: string | undefined;
  readonly eventName?: string | undefined;
  readonly body?: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/**
 * A record as a stock OTel `LoggerProvider` makes it, without its package: attributes are a copy, and only what OTel calls an
 * `AnyValue`, the rest left out in silence; the body is whatever was given; nothing can be removed, nor looked at alone; and after
 * `seal` every edit is ignored.
 */
export class StockRecord implements LogRecord {
  readonly hrTime: HrTime;
  readonly hrTimeObserved: HrTime;
  readonly spanContext?: SpanContext;
  readonly resource: Resource;
  readonly instrumentationScope: InstrumentationScope;
  readonly attributes: Record<string, unknown> = {};
  droppedAttributesCount = 0;
  #fields: Pick<RecordFields, 'severityNumber' | 'severityText' | 'eventName' | 'body'>;
  #sealed = false;

  constructor({ hrTime, spanContext, resource, instrumentationScope, attributes, ...fields }: RecordFields) {
    this.hrTime = hrTime;
    this.hrTimeObserved = hrTime;
    if (spanContext !== undefined) this.spanContext = spanContext;
    this.resource = resource;
    this.instrumentationScope = instrumentationScope;
    this.#fields = fields;
    for (const [key, value] of Object.entries(attributes)) this.setAttribute(key, value);
  }

  get severityNumber(): number | undefined {
    return this.#fields.severityNumber;
  }
  set severityNumber(severityNumber: number | undefined) {
    this.#set({ severityNumber });
  }

  get severityText(): string | undefined {
    return this.#fields.severityText;
  }
  set severityText(severityText: string | undefined) {
    this.#set({ severityText });
  }

  get eventName(): string | undefined {
    return this.#fields.eventName;
  }
  set eventName(eventName: string | undefined) {
    this.#set({ eventName });
  }

  // biome-ignore lint/suspicious/noExplicitAny: as LogRecord has it
  get body(): any {
    return this.#fields.body;
  }
  set body(body: unknown) {
    this.#set({ body });
  }

  setAttribute(key: string, value?: unknown): this {
    if (this.#sealed || key === '') return this;
    try {
      const copy = anyValue(value, new Set());
      const isFull = Object.keys(this.attributes).length >= 128 && !Object.hasOwn(this.attributes, key);
      if (isFull) this.droppedAttributesCount++;
      else this.attributes[key] = copy;
    } catch {
      // Left out.
    }
    return this;
  }

  seal(): void {
    this.#sealed = true;
  }

  #set(fields: Partial<RecordFields>): void {
    if (!this.#sealed) this.#fields = { ...this.#fields, ...fields };
  }
}

/** A copy; throws for what is no `AnyValue`. */
function anyValue(value: unknown, visited: Set<unknown>): unknown {
  if (value === undefined || value === null || value instanceof Uint8Array) return value;
  if (['string', 'number', 'boolean'].includes(typeof value)) return value;
  // The second sight of an object counts as a cycle.
  if (typeof value !== 'object' || visited.has(value)) throw new TypeError();
  visited.add(value);
  if (Array.isArray(value)) return Array.from(value, (item) => anyValue(item, visited));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError();
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, anyValue(inner, visited)]));
}
