import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { InstrumentationScope, LogRecord, Resource } from '../pipeline/stage.ts';

/*
 * OTLP protobuf, opentelemetry/proto/logs/v1/logs.proto and common/v1/common.proto: one pass, into one growing buffer.
 * A message inside another needs its length in front of it, as a canonical (shortest) varint. Where the length can be
 * told before writing, it is; elsewhere one or two bytes are left free for it and the rare wrong guess moves the bytes.
 */

/** A record that keeps its time as two numbers, which saves an array per record. */
interface LeanTime {
  readonly timeMillis: number;
  readonly timeNanos: number;
  readonly observedMillis: number;
  readonly observedNanos: number;
}

const FIRST_CAPACITY = 65_536;
/** Strings up to this length are copied by a loop, longer ones by the engine: the call costs more than a short loop. */
const SHORT = 24;
/** Plain data from the pipeline is never this deep: what is, came by another way and may be a cycle. */
const DEEPEST = 64;
const MOST_CACHED = 2_048;
const LONGEST_CACHED = 128;

const hasOwn = Object.prototype.hasOwnProperty;

/** The fields of a record that repeat from call to call, already encoded. */
interface Head {
  readonly severityNumber: number | undefined;
  readonly severityText: string | undefined;
  readonly bytes: Uint8Array;
}

/**
 * Encodes log records, one after the other, as fields 2 (`log_records`) of a ScopeLogs message. What envelops them is
 * the business of otlp-request.ts. Attribute values and the body must be plain data (the pipeline's records are; see
 * `settleAttributes`): anything else throws, and {@link append} then leaves no trace of the record.
 */
export class OtlpEncoder {
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #view: DataView = new DataView(this.#buffer.buffer);
  #at = 0;
  #depth = 0;

  readonly #keys = new Map<string, Uint8Array>();
  readonly #heads = new Map<string, Head>();
  // The last span, second and buffer positions are the likeliest next ones.
  #span: SpanContext | undefined;
  readonly #spanBytes: Uint8Array = new Uint8Array(SPAN_LENGTH);
  #second = Number.NaN;
  #secondLow = 0;
  #secondHigh = 0;

  /** Bytes written since the last {@link reset}. */
  get length(): number {
    return this.#at;
  }

  /** A copy of the bytes from `start` to `end`. */
  slice(start: number, end: number): Uint8Array {
    const copy = Buffer.allocUnsafeSlow(end - start);
    this.#buffer.copy(copy, 0, start, end);
    return copy;
  }

  /** Copies the bytes from `start` to `end` into `target`. */
  copyTo(target: Uint8Array, targetStart: number, start: number, end: number): void {
    this.#buffer.copy(target, targetStart, start, end);
  }

  /** Starts again; the memory is kept, unless an unusually large batch made it grow. */
  reset(keepCapacity: number): void {
    this.#at = 0;
    if (this.#buffer.length > keepCapacity) this.#use(Buffer.allocUnsafeSlow(FIRST_CAPACITY));
  }

  /** Forgets what was written after `length`. */
  truncate(length: number): void {
    if (length < this.#at) this.#at = length;
  }

  /**
   * Appends one record; `withAttributes` false leaves its attributes out and counts them as dropped.
   *
   * @throws whatever reading the record throws; nothing of it is then left behind.
   */
  append(record: LogRecord, withAttributes = true): void {
    const start = this.#at;
    this.#depth = 0;
    try {
      this.#record(record, withAttributes);
    } catch (error) {
      this.#at = start;
      throw error;
    }
  }

  /** A `resource` field with its tag and length: field 1 of ResourceLogs. */
  resource(resource: Resource): Uint8Array {
    return this.#aside(() => this.#attributes(0x0a, resource.attributes));
  }

  /** A `scope` field with its tag and length: field 1 of ScopeLogs. */
  scope(scope: InstrumentationScope): Uint8Array {
    return this.#aside(() => {
      if (scope.name) this.#string(0x0a, scope.name);
      if (scope.version) this.#string(0x12, scope.version);
      if (scope.attributes !== undefined) this.#attributes(0x1a, scope.attributes);
    });
  }

  /** A `schema_url` field with its tag and length: field 3 of ResourceLogs and ScopeLogs. Empty if there is none. */
  schemaUrl(url: string | undefined): Uint8Array {
    if (!url) return new Uint8Array(0);
    const start = this.#at;
    this.#string(0x1a, url);
    return this.#take(start);
  }

  /** Encodes a message in field 1, beside the records. */
  #aside(write: () => void): Uint8Array {
    const start = this.#at;
    this.#reserve(16);
    this.#buffer[this.#at++] = 0x0a;
    const content = this.#open(1);
    write();
    this.#close(content, 1);
    return this.#take(start);
  }

  #take(start: number): Uint8Array {
    const bytes = this.slice(start, this.#at);
    this.#at = start;
    return bytes;
  }

  #attributes(tag: number, attributes: Readonly<Record<string, unknown>>): void {
    for (const key in attributes) {
      if (!hasOwn.call(attributes, key)) continue;
      const value = attributes[key];
      if (value !== undefined) this.#keyValue(tag, key, value);
    }
  }

  #record(record: LogRecord, withAttributes: boolean): void {
    const lean = record as LogRecord & Partial<LeanTime>;
    this.#reserve(128);
    this.#buffer[this.#at++] = 0x12;
    // Most records are between 128 bytes and 16 KiB: a length of two bytes.
    const start = this.#open(2);

    if (lean.timeMillis !== undefined) {
      this.#time(0x09, lean.timeMillis, lean.timeNanos as number);
      this.#time(0x59, lean.observedMillis as number, lean.observedNanos as number);
    } else {
      this.#hrTime(0x09, record.hrTime);
      this.#hrTime(0x59, record.hrTimeObserved);
    }
    this.#head(record);
    if (record.spanContext !== undefined) this.#spanContext(record.spanContext);
    const attributes = record.attributes;
    let dropped = record.droppedAttributesCount;
    if (withAttributes) {
      this.#attributes(0x32, attributes);
    } else {
      dropped += Object.keys(attributes).length;
    }
    if (dropped > 0) {
      this.#reserve(11);
      this.#buffer[this.#at++] = 0x38;
      this.#varint(dropped);
    }
    this.#close(start, 2);
  }

  /** Severity, body and event name, which are the same at each call of one log statement. */
  #head(record: LogRecord): void {
    const { eventName, severityNumber, severityText } = record;
    const body: unknown = record.body;
    if (typeof eventName === 'string' && body === eventName) {
      const head = this.#heads.get(eventName);
      if (head !== undefined && head.severityNumber === severityNumber && head.severityText === severityText) {
        this.#reserve(head.bytes.length);
        this.#bytes(head.bytes);
        return;
      }
      const start = this.#at;
      this.#writeHead(severityNumber, severityText, body, eventName);
      if (eventName.length <= LONGEST_CACHED && (head !== undefined || this.#heads.size < MOST_CACHED)) {
        this.#heads.set(eventName, { severityNumber, severityText, bytes: this.slice(start, this.#at) });
      }
      return;
    }
    this.#writeHead(severityNumber, severityText, body, eventName);
  }

  #writeHead(
    severityNumber: number | undefined,
    severityText: string | undefined,
    body: unknown,
    eventName: string | undefined,
  ): void {
    this.#reserve(16);
    if (severityNumber) {
      this.#buffer[this.#at++] = 0x10;
      this.#varint(severityNumber);
    }
    if (severityText) this.#string(0x1a, severityText);
    if (body !== undefined) {
      this.#reserve(16);
      this.#buffer[this.#at++] = 0x2a;
      this.#anyValue(body);
    }
    if (eventName) this.#string(0x62, eventName);
  }

  #spanContext(span: SpanContext): void {
    if (span !== this.#span) {
      encodeSpan(span, this.#spanBytes);
      this.#span = span;
    }
    this.#reserve(SPAN_LENGTH);
    this.#bytes(this.#spanBytes);
  }

  #keyValue(tag: number, key: string, value: unknown): void {
    let keyBytes = this.#keys.get(key);
    if (keyBytes === undefined) {
      keyBytes = this.#encodeKey(key);
      if (key.length <= LONGEST_CACHED && this.#keys.size < MOST_CACHED) this.#keys.set(key, keyBytes);
    }
    this.#reserve(keyBytes.length + 32);
    this.#buffer[this.#at++] = tag;
    const start = this.#open(1);
    this.#bytes(keyBytes);
    this.#buffer[this.#at++] = 0x12;
    this.#anyValue(value);
    this.#close(start, 1);
  }

  /** Writes the length and the content of an AnyValue; the tag is the caller's. Needs 16 bytes reserved. */
  #anyValue(value: unknown): void {
    const buffer = this.#buffer;
    switch (typeof value) {
      case 'string':
        this.#anyString(value);
        return;
      case 'number': {
        if (Number.isSafeInteger(value)) {
          const start = this.#open(1);
          buffer[this.#at++] = 0x18;
          this.#varint(value);
          buffer[start] = this.#at - start - 1;
        } else {
          buffer[this.#at++] = 9;
          buffer[this.#at++] = 0x21;
          this.#view.setFloat64(this.#at, value, true);
          this.#at += 8;
        }
        return;
      }
      case 'boolean':
        buffer[this.#at++] = 2;
        buffer[this.#at++] = 0x10;
        buffer[this.#at++] = value ? 1 : 0;
        return;
      case 'object':
        this.#anyObject(value);
        return;
      case 'undefined':
        buffer[this.#at++] = 0;
        return;
      default:
        throw new TypeError('not plain data');
    }
  }

  #anyObject(value: object | null): void {
    if (value === null) {
      this.#buffer[this.#at++] = 0;
      return;
    }
    if (++this.#depth > DEEPEST) throw new RangeError('too deep');
    const start = this.#open(1);
    if (Array.isArray(value)) {
      this.#buffer[this.#at++] = 0x2a;
      const list = this.#open(1);
      for (let i = 0; i < value.length; i++) {
        this.#reserve(16);
        this.#buffer[this.#at++] = 0x0a;
        this.#anyValue(value[i]);
      }
      this.#close(list, 1);
    } else if (ArrayBuffer.isView(value)) {
      const bytes = value as Uint8Array;
      this.#reserve(bytes.length + 16);
      this.#buffer[this.#at++] = 0x3a;
      this.#varint(bytes.length);
      this.#buffer.set(bytes, this.#at);
      this.#at += bytes.length;
    } else {
      const prototype = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) throw new TypeError('not plain data');
      this.#buffer[this.#at++] = 0x32;
      const list = this.#open(1);
      this.#attributes(0x0a, value as Record<string, unknown>);
      this.#close(list, 1);
    }
    this.#close(start, 1);
    this.#depth--;
  }

  #anyString(text: string): void {
    const start = this.#at;
    // The length of the AnyValue, its tag, the length of the text.
    if (text.length <= SHORT && this.#ascii(text, start + 3)) {
      const buffer = this.#buffer;
      buffer[start] = text.length + 2;
      buffer[start + 1] = 0x0a;
      buffer[start + 2] = text.length;
      return;
    }
    const length = Buffer.byteLength(text);
    this.#reserve(length + 16);
    this.#varint(length + 1 + varintLength(length));
    this.#buffer[this.#at++] = 0x0a;
    this.#varint(length);
    this.#at += this.#buffer.write(text, this.#at, length);
  }

  /** A string field: tag, length, UTF-8 with lone surrogates as U+FFFD. */
  #string(tag: number, text: string): void {
    const length = Buffer.byteLength(text);
    this.#reserve(length + 16);
    this.#buffer[this.#at++] = tag;
    this.#varint(length);
    this.#at += this.#buffer.write(text, this.#at, length);
  }

  /** Writes short ASCII text at a position and moves there; false, with nothing changed, if it is not ASCII. */
  #ascii(text: string, position: number): boolean {
    this.#reserve(text.length + 16);
    const buffer = this.#buffer;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      buffer[position + i] = code;
    }
    this.#at = position + text.length;
    return true;
  }

  #encodeKey(key: string): Uint8Array {
    const start = this.#at;
    this.#string(0x0a, key);
    return this.#take(start);
  }

  #bytes(bytes: Uint8Array): void {
    const buffer = this.#buffer;
    const at = this.#at;
    const { length } = bytes;
    if (length <= 48) for (let i = 0; i < length; i++) buffer[at + i] = bytes[i] as number;
    else buffer.set(bytes, at);
    this.#at = at + length;
  }

  /** A fixed64 of nanoseconds since the epoch, which is beyond what one number holds. */
  #time(tag: number, millis: number, nanos: number): void {
    const second = Math.floor(millis / 1_000);
    if (second !== this.#second) {
      const total = BigInt(second) * 1_000_000_000n;
      this.#second = second;
      this.#secondLow = Number(total & 0xffff_ffffn);
      this.#secondHigh = Number((total >> 32n) & 0xffff_ffffn);
    }
    const low = this.#secondLow + (millis - second * 1_000) * 1_000_000 + nanos;
    const carry = low > 0xffff_ffff ? 1 : 0;
    this.#buffer[this.#at] = tag;
    this.#view.setUint32(this.#at + 1, low, true);
    this.#view.setUint32(this.#at + 5, this.#secondHigh + carry, true);
    this.#at += 9;
  }

  #hrTime(tag: number, [seconds, nanos]: HrTime): void {
    this.#time(tag, seconds * 1_000 + Math.floor(nanos / 1_000_000), nanos % 1_000_000);
  }

  /** An int64 as a varint; negative numbers take ten bytes, as protobuf has it. */
  #varint(value: number): void {
    const buffer = this.#buffer;
    let at = this.#at;
    if (value >= 0 && value <= 0x7fff_ffff) {
      let rest = value;
      while (rest > 0x7f) {
        buffer[at++] = (rest & 0x7f) | 0x80;
        rest >>>= 7;
      }
      buffer[at++] = rest;
    } else {
      let low = value >>> 0;
      let high = Math.floor(value / 0x1_0000_0000) >>> 0;
      while (high > 0 || low > 0x7f) {
        buffer[at++] = (low & 0x7f) | 0x80;
        low = ((low >>> 7) | (high << 25)) >>> 0;
        high >>>= 7;
      }
      buffer[at++] = low;
    }
    this.#at = at;
  }

  /** Leaves room for a length and answers where it is. */
  #open(room: number): number {
    const start = this.#at;
    this.#at += room;
    return start;
  }

  /** Fills in a length; if it needs more or less room than was left, what follows is moved. */
  #close(start: number, room: number): void {
    const content = start + room;
    const length = this.#at - content;
    const needed = varintLength(length);
    if (needed !== room) {
      if (needed > room) this.#reserve(needed - room);
      this.#buffer.copyWithin(start + needed, content, this.#at);
      this.#at += needed - room;
    }
    const buffer = this.#buffer;
    let at = start;
    let rest = length;
    while (rest > 0x7f) {
      buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buffer[at] = rest;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#use(larger);
  }

  #use(buffer: Buffer): void {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }
}

/** Tags, lengths and content of flags (fixed32), trace id and span id. */
const SPAN_LENGTH = 5 + 18 + 10;

function encodeSpan(span: SpanContext, into: Uint8Array): void {
  into[0] = 0x45;
  into[1] = span.traceFlags & 0xff;
  into[2] = into[3] = into[4] = 0;
  into[5] = 0x4a;
  into[6] = 16;
  hexTo(span.traceId, into, 7, 16);
  into[23] = 0x52;
  into[24] = 8;
  hexTo(span.spanId, into, 25, 8);
}

function hexTo(hex: string, into: Uint8Array, at: number, bytes: number): void {
  for (let i = 0; i < bytes; i++) {
    into[at + i] = (nibble(hex.charCodeAt(2 * i)) << 4) | nibble(hex.charCodeAt(2 * i + 1));
  }
}

function nibble(code: number): number {
  // '0'-'9' are 0x30-0x39; letters of either case have their value in the low four bits, less nine.
  return code <= 0x39 ? code & 0xf : (code & 0xf) + 9;
}

/** Bytes of a length as a varint. */
export function varintLength(length: number): number {
  if (length < 0x80) return 1;
  if (length < 0x4000) return 2;
  if (length < 0x20_0000) return 3;
  return length < 0x1000_0000 ? 4 : 5;
}
