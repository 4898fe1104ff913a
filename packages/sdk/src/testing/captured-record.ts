import { isDeepStrictEqual } from 'node:util';
import type { SeverityName } from '@logspan/logger';
import type { HrTime } from '@opentelemetry/api';
import { plainValue } from '../pipeline/copy-record.ts';
import type { LogRecord } from '../pipeline/stage.ts';

/** A record as it left the pipeline, as plain data that nothing changes any more. What it has none of is not there. */
export interface CapturedRecord {
  /** `trace` … `fatal`. */
  readonly level?: SeverityName;
  readonly eventName?: string;
  readonly body?: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The name of the logger. */
  readonly scope: string;
  /** ISO 8601, to the millisecond. */
  readonly timestamp: string;
  readonly traceId?: string;
  readonly spanId?: string;
  /** The attributes `exception.*`, in short. */
  readonly error?: { readonly type?: unknown; readonly message?: unknown; readonly stacktrace?: unknown };
}

/**
 * Which records are meant: text is the event name or the whole body, a regular expression is looked for in either, an object
 * names the fields that count (of its `attributes` and `error`, too, only those that it has), a function decides.
 */
export type RecordPattern = string | RegExp | Partial<CapturedRecord> | ((record: CapturedRecord) => boolean);

/** Compares two values. The one of a test runner knows what `expect.any(String)` means. */
export type Equals = (actual: unknown, expected: unknown) => boolean;

const LEVELS: readonly SeverityName[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** Copies a record. */
export function capture(record: LogRecord): CapturedRecord {
  const { severityNumber = 0, eventName, body, spanContext } = record;
  const attributes = plainValue({ ...record.attributes }) as Record<string, unknown>;
  const level = LEVELS[(severityNumber - 1) >> 2];
  const error = {
    ...named('type', attributes['exception.type']),
    ...named('message', attributes['exception.message']),
    ...named('stacktrace', attributes['exception.stacktrace']),
  };
  return {
    ...named('level', level),
    ...named('eventName', eventName),
    ...named('body', typeof body === 'object' ? plainValue(body) : body),
    attributes,
    scope: record.instrumentationScope.name,
    timestamp: isoTime(record.hrTime),
    ...(spanContext === undefined ? {} : { traceId: spanContext.traceId, spanId: spanContext.spanId }),
    ...(Object.keys(error).length === 0 ? {} : { error }),
  };
}

/** True if a record is meant, and has these attributes among its own. An attribute that is to be undefined must be missing. */
export function matches(
  record: CapturedRecord,
  pattern: RecordPattern,
  attributes: Readonly<Record<string, unknown>> = {},
  equals: Equals = isDeepStrictEqual,
): boolean {
  return isMeant(record, pattern, equals) && hasAll(record.attributes, attributes, equals);
}

function isMeant(record: CapturedRecord, pattern: RecordPattern, equals: Equals): boolean {
  if (typeof pattern === 'function') return Boolean(pattern(record));
  const { eventName, body } = record;
  if (typeof pattern === 'string') return eventName === pattern || body === pattern;
  // `search` does not mind the flags g and y, which make `test` remember.
  if (pattern instanceof RegExp) return [eventName, body].some((t) => typeof t === 'string' && t.search(pattern) >= 0);
  const { attributes = {}, error, ...fields } = pattern;
  return (
    hasAll(record, fields, equals) &&
    hasAll(record.attributes, attributes, equals) &&
    (error === undefined || (record.error !== undefined && hasAll(record.error, error, equals)))
  );
}

function hasAll(actual: object, expected: object, equals: Equals): boolean {
  return Object.entries(expected).every(([key, value]) =>
    equals(Object.hasOwn(actual, key) ? (actual as Record<string, unknown>)[key] : undefined, value),
  );
}

function named<Key extends string, T>(key: Key, value: T): { [K in Key]?: NonNullable<T> } {
  return (value === undefined || value === null ? {} : { [key]: value }) as { [K in Key]?: NonNullable<T> };
}

/** The last millisecond that a Date can hold. */
const LAST_MILLI = 8.64e15;

function isoTime([seconds, nanos]: HrTime): string {
  const millis = seconds * 1_000 + Math.floor(nanos / 1_000_000);
  return Math.abs(millis) <= LAST_MILLI ? new Date(millis).toISOString() : String(millis);
}
