import { setOwn } from '@logspan/logger/internal';
import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { InstrumentationScope, LogRecord, Resource } from '../pipeline/stage.ts';

/*
 * OTLP protobuf back into records: what otlp-encoder.ts and otlp-request.ts wrote, for whoever takes over records that
 * could not be delivered. Fields that those do not write are skipped.
 */

/** A record that was read back: a plain object, which may be edited and kept. */
class ReadRecord implements LogRecord {
  readonly resource: Resource;
  readonly instrumentationScope: InstrumentationScope;
  hrTime: HrTime = [0, 0];
  hrTimeObserved: HrTime = [0, 0];
  readonly attributes: Record<string, unknown> = {};
  droppedAttributesCount = 0;
  severityNumber: number | undefined;
  severityText: string | undefined;
  body: unknown;
  eventName: string | undefined;
  spanContext?: SpanContext;

  constructor(resource: Resource, scope: InstrumentationScope) {
    this.resource = resource;
    this.instrumentationScope = scope;
  }

  setAttribute(key: string, value?: unknown): this {
    if (value !== undefined) setOwn(this.attributes, key, value);
    return this;
  }

  removeAttribute(key: string): this {
    delete this.attributes[key];
    return this;
  }
}

/**
 * The records of an `ExportLogsServiceRequest` of ours, one at a time as they are asked for. What the encoding cannot
 * tell apart comes back as the simpler of the two: an empty text as undefined, -0 as 0, undefined in a list as null; a
 * lone surrogate as U+FFFD. A span context comes back without its trace state.
 *
 * @throws RangeError, while it is read, for bytes that end too early.
 */
export function* readRequest(body: Uint8Array): Generator<LogRecord> {
  for (const resourceLogs of messages(new Reader(body), 1)) yield* readResourceLogs(resourceLogs);
}

function* readResourceLogs(from: Reader): Generator<LogRecord> {
  const scopes: Reader[] = [];
  let attributes: Readonly<Record<string, unknown>> = {};
  let schemaUrl: string | undefined;
  // The schema URL comes last, behind the records that it holds for.
  from.each((field) => {
    if (field === 1) attributes = readScope(from.message()).attributes ?? {};
    else if (field === 2) scopes.push(from.message());
    else if (field === 3) schemaUrl = from.text();
  });
  const resource = { attributes, ...(schemaUrl === undefined ? {} : { schemaUrl }) };
  for (const scope of scopes) yield* readScopeLogs(scope, resource);
}

function* readScopeLogs(from: Reader, resource: Resource): Generator<LogRecord> {
  const records: Reader[] = [];
  let scope: InstrumentationScope = { name: '' };
  let schemaUrl: string | undefined;
  from.each((field) => {
    if (field === 1) scope = readScope(from.message(), 3);
    else if (field === 2) records.push(from.message());
    else if (field === 3) schemaUrl = from.text();
  });
  if (schemaUrl !== undefined) scope = { ...scope, schemaUrl };
  for (const record of records) yield readRecord(record, resource, scope);
}

/** A scope, or a resource, which is a scope without a name and has its attributes in field 1. */
function readScope(from: Reader, attributesField = 1): InstrumentationScope {
  const attributes: Record<string, unknown> = {};
  const scope: { name: string; version?: string; droppedAttributesCount?: number } = { name: '' };
  let any = false;
  from.each((field) => {
    if (field === attributesField) {
      any = true;
      readPair(from.message(), attributes);
    } else if (field === 1) scope.name = from.text();
    else if (field === 2) scope.version = from.text();
    else if (field === 4) scope.droppedAttributesCount = from.integer();
  });
  return any ? { ...scope, attributes } : scope;
}

function readRecord(from: Reader, resource: Resource, scope: InstrumentationScope): LogRecord {
  const record = new ReadRecord(resource, scope);
  let traceId = '';
  let spanId = '';
  let traceFlags = 0;
  from.each((field) => {
    switch (field) {
      case 1:
        record.hrTime = from.time();
        break;
      case 11:
        record.hrTimeObserved = from.time();
        break;
      case 2:
        record.severityNumber = from.integer();
        break;
      case 3:
        record.severityText = from.text();
        break;
      case 5:
        record.body = readValue(from.message());
        break;
      case 6:
        readPair(from.message(), record.attributes);
        break;
      case 7:
        record.droppedAttributesCount = from.integer();
        break;
      case 8:
        traceFlags = from.fixed32();
        break;
      case 9:
        traceId = from.hex();
        break;
      case 10:
        spanId = from.hex();
        break;
      case 12:
        record.eventName = from.text();
    }
  });
  if (traceId !== '') record.spanContext = { traceId, spanId, traceFlags };
  return record;
}

function readPair(from: Reader, into: Record<string, unknown>): void {
  let key = '';
  let value: unknown = null;
  from.each((field) => {
    if (field === 1) key = from.text();
    else if (field === 2) value = readValue(from.message());
  });
  // Not by assignment: `__proto__` is a key like any other.
  setOwn(into, key, value);
}

/** An AnyValue; null if it is empty. */
function readValue(from: Reader): unknown {
  let value: unknown = null;
  from.each((field) => {
    switch (field) {
      case 1:
        value = from.text();
        break;
      case 2:
        value = from.integer() !== 0;
        break;
      case 3:
        value = from.integer();
        break;
      case 4:
        value = from.double();
        break;
      case 5:
        value = messages(from.message(), 1).map(readValue);
        break;
      case 6: {
        const object = {};
        for (const pair of messages(from.message(), 1)) readPair(pair, object);
        value = object;
        break;
      }
      case 7:
        value = from.bytes();
    }
  });
  return value;
}

/** The messages in one field. */
function messages(from: Reader, wanted: number): Reader[] {
  const found: Reader[] = [];
  from.each((field) => {
    if (field === wanted) found.push(from.message());
  });
  return found;
}

/** A message and a place in it. */
class Reader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = start;
    this.#end = end;
  }

  /** Calls `read` for each field; what that does not read is skipped. */
  each(read: (field: number) => void): void {
    while (this.#at < this.#end) {
      const tag = this.integer();
      const start = this.#at;
      read(tag >>> 3);
      if (this.#at === start) this.#skip(tag & 7);
    }
  }

  message(): Reader {
    const length = this.integer();
    const start = this.#take(length);
    return new Reader(this.#bytes, start, start + length);
  }

  text(): string {
    const length = this.integer();
    const start = this.#take(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  bytes(): Uint8Array {
    const length = this.integer();
    const start = this.#take(length);
    // A copy: who keeps the value must not keep the whole request.
    return new Uint8Array(this.#bytes.subarray(start, start + length));
  }

  hex(): string {
    const length = this.integer();
    const start = this.#take(length);
    return this.#bytes.toString('hex', start, start + length);
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  fixed32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** Nanoseconds since the epoch. */
  time(): HrTime {
    const nanos = this.#bytes.readBigUInt64LE(this.#take(8));
    return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)];
  }

  /** A varint as a signed 64-bit integer. */
  integer(): number {
    let value = 0;
    const start = this.#at;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.#take(1)] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    // Up to seven bytes a number holds them exactly.
    return this.#at - start <= 7 ? value : this.#largeInteger(start);
  }

  #largeInteger(start: number): number {
    let value = 0n;
    for (let at = this.#at - 1; at >= start; at--) value = (value << 7n) | BigInt((this.#bytes[at] as number) & 0x7f);
    return Number(BigInt.asIntN(64, value));
  }

  #skip(wireType: number): void {
    if (wireType === 0) this.integer();
    else if (wireType === 1) this.#take(8);
    else if (wireType === 2) this.message();
    else if (wireType === 5) this.#take(4);
    else throw new RangeError('not a protobuf message');
  }

  /** Where the next `length` bytes begin, behind which it goes on. */
  #take(length: number): number {
    const start = this.#at;
    if (!(length >= 0 && start + length <= this.#end)) throw new RangeError('the message ends too early');
    this.#at = start + length;
    return start;
  }
}
