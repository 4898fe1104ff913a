import { PlainCopy } from '@logspan/logger/internal';
import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { InstrumentationScope, LogRecord, Resource } from '../pipeline/stage.ts';
import { splitStreamNumbers } from '../pipeline/stream-numbers.ts';

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
/** Text up to this length is copied by a loop, longer text by the engine: its call costs more than a short loop. */
const SHORT = 48;
/** An encoded key up to this length leaves the pair it is in shorter than 128 bytes: a length of one byte. */
const SHORT_KEY = 64;
/** What a pair of a short key and a plain value takes at most. */
const ROOM_FOR_SHORT = SHORT_KEY + SHORT + 32;
/** Plain data from the pipeline is never this deep: what is, came by another way and may be a cycle. */
const DEEPEST = 64;
const MOST_CACHED = 2_048;
const LONGEST_CACHED = 128;

/** What no pipeline has looked at, the attributes of resources and scopes: far above what anyone means to set. */
const FOREIGN_LIMITS = Object.freeze({ stringLength: 32_768, depth: 9, keys: 1_000, items: 1_000, nodes: 10_000 });
/** The first second whose nanoseconds do not fit into 64 bits: in the year 2554. */
const END_OF_TIME = 18_446_744_073;

const hasOwn = Object.prototype.hasOwnProperty;
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;

/** The fields of a record that repeat from call to call, already encoded. */
interface Head {
  readonly severityNumber: number | undefined;
  readonly severityText: string | undefined;
  readonly bytes: Uint8Array;
  readonly key: Key;
}

/**
 * An attribute key, already encoded, and the key that came after it last time: mostly the one that comes now.
 *
 * The first 24 bytes stand as three doubles, because the engine writes a double as fast as a byte. (Eight bytes of a key
 * are never a NaN, whose bits the engine may change: no UTF-8 text has 0x7F or 0xFF behind a byte of 0xF0 or above.)
 */
interface Key {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly first: number;
  readonly second: number;
  readonly third: number;
  next: Key | undefined;
}

/** What the expectations of one kind of event start from. */
const noKey = (): Key => ({ name: '', bytes: new Uint8Array(0), first: 0, second: 0, third: 0, next: undefined });

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

  readonly #keys = new Map<string, Key>();
  /** The key that was written last, in record order, nested ones included. */
  #key: Key = noKey();
  readonly #heads = new Map<string, Head>();
  // The last span, second and buffer positions are the likeliest next ones.
  #span: SpanContext | undefined;
  #spanBytes: Uint8Array = new Uint8Array(0);
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
   * Appends one record; `withAttributes` false leaves its attributes out, but for `logspan.stream.*`, and counts them as dropped.
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

  /** A `resource` field with its tag and length: field 1 of ResourceLogs. Attributes may be any values. */
  resource(resource: Resource): Uint8Array {
    return this.#aside(() => this.#foreignAttributes(0x0a, resource.attributes));
  }

  /** A `scope` field with its tag and length: field 1 of ScopeLogs. Attributes may be any values. */
  scope(scope: InstrumentationScope): Uint8Array {
    return this.#aside(() => {
      if (isText(scope.name)) this.#string(0x0a, scope.name);
      if (isText(scope.version)) this.#string(0x12, scope.version);
      this.#foreignAttributes(0x1a, scope.attributes);
      // A stock SDK limits the attributes of its scopes and counts what it cut.
      const { droppedAttributesCount: dropped = 0 } = scope as { droppedAttributesCount?: number };
      if (dropped > 0) {
        this.#reserve(11);
        this.#buffer[this.#at++] = 0x20;
        this.#varint(dropped);
      }
    });
  }

  /** A `schema_url` field with its tag and length: field 3 of ResourceLogs and ScopeLogs. Empty if there is none. */
  schemaUrl(url: string | undefined): Uint8Array {
    if (!isText(url)) return new Uint8Array(0);
    const start = this.#at;
    this.#string(0x1a, url);
    return this.#take(start);
  }

  /** Whoever made a resource or scope could put anything into it, and that must not cost the records that carry it. */
  #foreignAttributes(tag: number, attributes: unknown): void {
    const plain = new PlainCopy(FOREIGN_LIMITS).of(attributes);
    this.#depth = 0;
    if (typeof plain !== 'object' || plain === null) return;
    // Not by #attributes: a large copy like this one is a dictionary to the engine, and one seen there makes the loop
    // over every record's attributes slow for good.
    for (const [name, value] of Object.entries(plain)) this.#keyValue(tag, name, undefined, value);
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

  /**
   * Key-value pairs. The plain cases (a short ASCII text, a number, a boolean, under a key of ordinary length) are
   * written here and now with the position in a local variable, which is what makes the record path fast; all others go
   * to {@link #keyValue}.
   */
  #attributes(tag: number, attributes: Readonly<Record<string, unknown>>): void {
    let buffer = this.#buffer;
    let view = this.#view;
    let at = this.#at;
    let last = this.#key;
    for (const name in attributes) {
      if (!hasOwn.call(attributes, name)) continue;
      const value = attributes[name];
      if (value === undefined) continue;
      let key = last.next;
      if (key === undefined || key.name !== name) {
        this.#at = at;
        key = this.#known(name);
        last.next = key;
        buffer = this.#buffer;
        view = this.#view;
      }
      if (key !== undefined && key.bytes.length <= SHORT_KEY) {
        last = key;
        const start = at;
        if (start + ROOM_FOR_SHORT > buffer.length) {
          this.#at = at;
          this.#reserve(ROOM_FOR_SHORT);
          buffer = this.#buffer;
          view = this.#view;
        }
        // Tag and length of the pair come last, when the length is known.
        at += 2;
        const { bytes } = key;
        const { length } = bytes;
        if (length <= 24) {
          // Whole doubles: what is too much is overwritten by what follows.
          view.setFloat64(at, key.first, true);
          if (length > 8) view.setFloat64(at + 8, key.second, true);
          if (length > 16) view.setFloat64(at + 16, key.third, true);
        } else {
          buffer.set(bytes, at);
        }
        at += length;
        let end = 0;
        if (typeof value === 'string') {
          if (value.length <= SHORT) end = asciiTo(value, view, at + 4);
          // Tag of the value, its length, tag of the text, its length.
          if (end !== 0) view.setInt32(at, 0x0a_0012 | ((value.length + 2) << 8) | (value.length << 24), true);
        } else if (typeof value === 'number') {
          if (value >= 0 && value <= 0x7fff_ffff && value === (value | 0) && !Object.is(value, -0)) {
            // Tag of the value, its length, tag of the integer; its last byte is the first of the integer.
            end = at + 3;
            let rest = value;
            while (rest > 0x7f) {
              buffer[end++] = (rest & 0x7f) | 0x80;
              rest >>>= 7;
            }
            buffer[end++] = rest;
            buffer[at] = 0x12;
            buffer[at + 1] = end - at - 2;
            buffer[at + 2] = 0x18;
          } else if (!Number.isInteger(value)) {
            view.setInt32(at, 0x21_0912, true);
            view.setFloat64(at + 3, value, true);
            end = at + 11;
          }
        } else if (typeof value === 'boolean') {
          view.setInt32(at, value ? 0x01_10_02_12 : 0x10_02_12, true);
          end = at + 4;
        }
        if (end !== 0) {
          view.setInt16(start, tag | ((end - start - 2) << 8), true);
          at = end;
          continue;
        }
        at = start;
      }
      this.#at = at;
      this.#key = last;
      this.#keyValue(tag, name, key, value);
      last = this.#key;
      buffer = this.#buffer;
      view = this.#view;
      at = this.#at;
    }
    this.#at = at;
    this.#key = last;
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
      // An event of a stream stays one: its consumer would see a gap.
      const { numbers, others } = splitStreamNumbers(attributes);
      this.#attributes(0x32, numbers);
      dropped += Object.keys(others).length;
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
        this.#bytes(head.bytes);
        this.#key = head.key;
        return;
      }
      const start = this.#at;
      this.#writeHead(severityNumber, severityText, body, eventName);
      if (eventName.length <= LONGEST_CACHED && (head !== undefined || this.#heads.size < MOST_CACHED)) {
        this.#heads.set(eventName, {
          severityNumber,
          severityText,
          bytes: this.slice(start, this.#at),
          key: noKey(),
        });
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
    const severity = encodedSeverity(severityNumber);
    if (severity !== 0) {
      this.#buffer[this.#at++] = 0x10;
      this.#buffer[this.#at++] = severity;
    }
    if (isText(severityText)) this.#string(0x1a, severityText);
    if (body !== undefined) {
      this.#reserve(16);
      this.#buffer[this.#at++] = 0x2a;
      this.#anyValue(body);
    }
    if (isText(eventName)) this.#string(0x62, eventName);
  }

  #spanContext(span: SpanContext): void {
    if (span !== this.#span) {
      this.#spanBytes = encodeSpan(span);
      this.#span = span;
    }
    this.#bytes(this.#spanBytes);
  }

  #keyValue(tag: number, name: string, key: Key | undefined, value: unknown): void {
    this.#reserve(16);
    this.#buffer[this.#at++] = tag;
    const start = this.#open(1);
    if (key !== undefined) this.#bytes(key.bytes);
    else this.#string(0x0a, name);
    this.#reserve(16);
    this.#buffer[this.#at++] = 0x12;
    this.#anyValue(value);
    this.#close(start, 1);
  }

  /** The encoded form of a key that is not the expected one; undefined for what is too long or too much to remember. */
  #known(name: string): Key | undefined {
    let key = this.#keys.get(name);
    if (key === undefined) {
      if (name.length > LONGEST_CACHED || this.#keys.size >= MOST_CACHED) return undefined;
      const start = this.#at;
      this.#string(0x0a, name);
      key = keyOf(name, this.#take(start));
      this.#keys.set(name, key);
    }
    return key;
  }

  /** Writes the length and the content of an AnyValue; the tag is the caller's. Needs 16 bytes reserved. */
  #anyValue(value: unknown): void {
    const buffer = this.#buffer;
    switch (typeof value) {
      case 'string':
        this.#anyString(value);
        return;
      case 'number': {
        if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) {
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
    } else if (isPlainObject(value)) {
      this.#buffer[this.#at++] = 0x32;
      const list = this.#open(1);
      this.#attributes(0x0a, value as Record<string, unknown>);
      this.#close(list, 1);
    } else if (Reflect.get(typedArray, Symbol.toStringTag, value) === 'Uint8Array') {
      // Of any realm; and the length is not what it says it is but what will be copied.
      const length: number = Reflect.get(typedArray, 'length', value);
      this.#reserve(length + 16);
      this.#buffer[this.#at++] = 0x3a;
      this.#varint(length);
      // Nothing can be copied out of a buffer that was transferred away, not even nothing.
      if (length > 0) this.#buffer.set(value as Uint8Array, this.#at);
      this.#at += length;
    } else {
      throw new TypeError('not plain data');
    }
    this.#close(start, 1);
    this.#depth--;
  }

  #anyString(text: string): void {
    if (text.length <= SHORT) {
      // The length of the AnyValue, its tag, the length of the text.
      this.#reserve(text.length + 16);
      const start = this.#at;
      const buffer = this.#buffer;
      const end = asciiTo(text, this.#view, start + 3);
      if (end !== 0) {
        buffer[start] = text.length + 2;
        buffer[start + 1] = 0x0a;
        buffer[start + 2] = text.length;
        this.#at = end;
        return;
      }
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

  #bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }
  /** A fixed64 of nanoseconds since the epoch, which is beyond what one number holds. */
  #time(tag: number, millis: number, nanos: number): void {
    const second = Math.floor(millis / 1_000);
    if (second !== this.#second) {
      const isTime = second >= 0 && second < END_OF_TIME;
      const total = isTime ? BigInt(second) * 1_000_000_000n : 0n;
      this.#second = second;
      // NaN makes all of it 0, which is OTLP's "unknown", whatever is added.
      this.#secondLow = isTime ? Number(total & 0xffff_ffffn) : Number.NaN;
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

/** The severity number that is written: one of the data model's, or 0 for none. */
export function encodedSeverity(severityNumber: unknown): number {
  return typeof severityNumber === 'number' && severityNumber >= 1 && severityNumber <= 24
    ? Math.floor(severityNumber)
    : 0;
}

/** True for text worth a field. What comes through the OTel API may be anything, whatever its type says. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Tags, lengths and content of flags (fixed32), trace id and span id. */
const SPAN_LENGTH = 5 + 18 + 10;

function encodeSpan(span: SpanContext): Uint8Array {
  const into = new Uint8Array(SPAN_LENGTH);
  into[0] = 0x45;
  into[1] = span.traceFlags & 0xff;
  into[2] = into[3] = into[4] = 0;
  into[5] = 0x4a;
  into[6] = 16;
  hexTo(span.traceId, into, 7, 16);
  into[23] = 0x52;
  into[24] = 8;
  hexTo(span.spanId, into, 25, 8);
  return into;
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Writes ASCII text at a position, four characters at a time: up to three bytes behind it are written too. The position
 * behind the text, or 0 if it is not ASCII.
 */
function asciiTo(text: string, view: DataView, at: number): number {
  const { length } = text;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    if ((a | b | c | d) > 0x7f) return 0;
    view.setUint32(at + i, a | (b << 8) | (c << 16) | (d << 24), true);
  }
  for (; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return 0;
    view.setUint8(at + i, code);
  }
  return at + length;
}

function keyOf(name: string, bytes: Uint8Array): Key {
  const padded = new DataView(new ArrayBuffer(24));
  for (let i = 0; i < Math.min(bytes.length, 24); i++) padded.setUint8(i, bytes[i] as number);
  const double = (at: number): number => padded.getFloat64(at, true);
  return { name, bytes, first: double(0), second: double(8), third: double(16), next: undefined };
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
