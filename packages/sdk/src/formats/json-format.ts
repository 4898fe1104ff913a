import { isSpanContextValid } from '@opentelemetry/api';
import type { LogRecord } from '../pipeline/stage.ts';
import { oneLine } from './one-line.ts';

/** Deeper than any normalised value; a cycle ends here instead of in a stack overflow. */
const MAX_DEPTH = 64;

/**
 * Makes a formatter that turns a record into one line of JSON (no line end). Trace ids are at the top level, as OTel
 * asks of JSON logs that are not OTLP ("Trace Context in non-OTLP Log Formats"); fields that are not set are left out.
 *
 * `JSON.parse` gives the data back, except for what JSON cannot say: NaN and the infinities are strings, bytes are
 * base64, a bigint is a string of digits. Throws for a record that cannot be written: deeper than 64, cyclic, or with a
 * time outside the range of `Date`.
 */
export function jsonFormat(): (record: LogRecord) => string {
  let second = Number.NaN;
  let secondText = '';

  /** ISO 8601 with nanoseconds. Most records share their second with the one before: its text is kept. */
  const timestamp = ([seconds, nanos]: LogRecord['hrTime']): string => {
    if (seconds !== second) {
      secondText = new Date(seconds * 1000).toISOString().slice(0, -'000Z'.length);
      second = seconds;
    }
    return `${secondText}${String(nanos).padStart(9, '0')}Z`;
  };

  return (record) => {
    const span = record.spanContext;
    const traced = span !== undefined && isSpanContextValid(span);
    const line = JSON.stringify({
      timestamp: timestamp(record.hrTime),
      severity_text: record.severityText,
      severity_number: record.severityNumber,
      'otel.event.name': record.eventName,
      body: jsonValue(record.body),
      attributes: jsonValue(record.attributes),
      trace_id: traced ? span.traceId : undefined,
      span_id: traced ? span.spanId : undefined,
      trace_flags: traced ? (span.traceFlags & 0xff).toString(16).padStart(2, '0') : undefined,
      'otel.scope.name': record.instrumentationScope.name,
      'service.name': jsonValue(record.resource.attributes['service.name']),
      dropped_attributes_count: record.droppedAttributesCount || undefined,
    });
    return oneLine(line);
  };
}

/**
 * The value itself if JSON.stringify says it right, else a copy that it does. A replacer function would do the same at
 * several times the cost, and would run after a value's own `toJSON`.
 */
function jsonValue(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return String(value);
    case 'function':
    case 'symbol':
      return `[${typeof value}]`;
    case 'object':
      if (value === null) return null;
      if (depth > MAX_DEPTH) throw new RangeError('the value is too deep');
      if (ArrayBuffer.isView(value)) {
        return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
      }
      return Array.isArray(value) ? jsonArray(value, depth) : jsonObject(value as Record<string, unknown>, depth);
    default:
      return value;
  }
}

function jsonArray(array: readonly unknown[], depth: number): unknown {
  let copy: unknown[] | undefined;
  for (let i = 0; i < array.length; i++) {
    const converted = jsonValue(array[i], depth + 1);
    if (converted === array[i]) continue;
    copy ??= array.slice();
    copy[i] = converted;
  }
  return copy ?? array;
}

function jsonObject(object: Readonly<Record<string, unknown>>, depth: number): unknown {
  const prototype = Object.getPrototypeOf(object);
  // A prototype may bring a toJSON of its own: only plain objects go as they are.
  let copy = prototype === Object.prototype || prototype === null ? undefined : own(object);
  // Not Object.keys, which allocates: this walk runs for every record and is half as long.
  for (const key in object) {
    const converted = jsonValue(object[key], depth + 1);
    if (converted === object[key] || !Object.hasOwn(object, key)) continue;
    copy ??= own(object);
    copy[key] = converted;
  }
  return copy ?? object;
}

/** A copy of the own properties. Without a prototype, so that a key `__proto__` is a key like any other. */
function own(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.assign(Object.create(null), object);
}
