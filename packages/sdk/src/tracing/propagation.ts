import { types } from 'node:util';
import { type Context, propagation, type TextMapGetter, trace } from '@opentelemetry/api';
import { report } from '../pipeline/report.ts';

/** The headers of a request or message, as Node, `fetch` and queues have them. The case of a name does not matter. */
export type RequestHeaders =
  | Readonly<Record<string, HeaderValue | readonly HeaderValue[] | undefined>>
  | { get(name: string): HeaderValue | readonly HeaderValue[] | null | undefined; keys(): Iterable<string> };

/** Queues have bytes, which are read as UTF-8. */
type HeaderValue = string | Uint8Array;

/** Of the flags in a `traceparent`, those that have a meaning: sampled, and random (W3C Trace Context Level 2). */
const KNOWN_FLAGS = 3;

/**
 * The context that headers carry, read by the propagator that the process has, on top of `base`. What is not valid is
 * ignored, as W3C Trace Context wants it. Never throws.
 */
export function extractContext(headers: unknown, base: Context): Context {
  if (!areHeaders(headers)) return base;
  try {
    const extracted = propagation.extract(base, headers, HEADERS);
    const span = trace.getSpanContext(extracted);
    // Flags that nobody knows must not be passed on, and OTel's propagator would write them as three digits.
    return span === undefined || span.traceFlags <= KNOWN_FLAGS
      ? extracted
      : trace.setSpanContext(extracted, { ...span, traceFlags: span.traceFlags & KNOWN_FLAGS });
  } catch (error) {
    report('a trace context could not be read', error);
    return base;
  }
}

/** True for what may hold headers. */
export function areHeaders(headers: unknown): headers is RequestHeaders {
  return typeof headers === 'object' && headers !== null;
}

const HEADERS: TextMapGetter<RequestHeaders> = {
  get(headers, name) {
    const value = hasGet(headers) ? getFrom(headers, name) : ownOf(headers, name);
    // One header that came twice. Lists are joined as HTTP does it; a `traceparent` is not valid then, and must not be.
    return Array.isArray(value) ? value.map(textOf).join(',') : textOf(value);
  },
  keys: (headers) => [...namesOf(headers)],
};

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return types.isUint8Array(value) ? new TextDecoder().decode(value) : undefined;
}

/** True for `Headers` and `Map`; a plain object may have a header of this name. */
function hasGet(headers: object): headers is { get(name: unknown): unknown; keys(): Iterable<unknown> } {
  return typeof (headers as { get?: unknown }).get === 'function';
}

function getFrom(headers: { get(name: unknown): unknown; keys(): Iterable<unknown> }, name: string): unknown {
  const value = headers.get(name);
  if (value !== undefined) return value;
  // To a Map, names in different case are different ones.
  return headers.get(sameName(headers.keys(), name));
}

function ownOf(headers: RequestHeaders, name: string): unknown {
  const record = headers as Readonly<Record<string, unknown>>;
  // Node writes all names in lower case: most are found here.
  if (Object.hasOwn(record, name)) return record[name];
  const other = sameName(Object.keys(record), name);
  return other === undefined ? undefined : record[other];
}

/** The name as it is written here: HTTP names are the same in any case. */
function sameName(names: Iterable<unknown>, name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (const candidate of names) {
    if (typeof candidate === 'string' && candidate.length === wanted.length && candidate.toLowerCase() === wanted) {
      return candidate;
    }
  }
  return undefined;
}

function namesOf(headers: RequestHeaders): Iterable<string> {
  return typeof headers.keys === 'function' ? headers.keys() : Object.keys(headers);
}

/** Headers that carry a context, to be sent along. None if the context has no valid span, or the process no propagator. */
export function injectedHeaders(from: Context): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  try {
    propagation.inject(from, headers);
  } catch (error) {
    report('a trace context could not be written', error);
  }
  return headers;
}
