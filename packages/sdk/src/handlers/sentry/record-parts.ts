import { inspect } from 'node:util';
import { PlainCopy, SEVERITY, type ValueLimits } from '@logspan/logger/internal';
import type { LogRecord } from '../../pipeline/stage.ts';
import type { SentryLevel } from './sentry-sdk.ts';

/** What an event may hold of a record: Sentry refuses what is larger than a megabyte. */
export const EVENT_LIMITS: ValueLimits = Object.freeze({
  stringLength: 8_192,
  depth: 8,
  keys: 100,
  items: 100,
  nodes: 1_000,
});

/** What a breadcrumb may hold: a hundred of them stay in memory for each request. */
export const BREADCRUMB_LIMITS: ValueLimits = Object.freeze({
  stringLength: 1_024,
  depth: 3,
  keys: 50,
  items: 20,
  nodes: 200,
});

/** What stands elsewhere in the event. */
const EXCEPTION: ReadonlySet<string> = new Set([
  'exception.type',
  'exception.message',
  'exception.stacktrace',
  'logspan.exception.cause',
  'logspan.exception.errors',
]);

/** The level that Sentry has for a severity: there is none below `debug`, and a record without one is `info`. */
export function levelOf({ severityNumber = 0 }: LogRecord): SentryLevel {
  if (severityNumber >= SEVERITY.fatal) return 'fatal';
  if (severityNumber >= SEVERITY.error) return 'error';
  if (severityNumber >= SEVERITY.warn) return 'warning';
  return severityNumber >= SEVERITY.info || !(severityNumber >= SEVERITY.trace) ? 'info' : 'debug';
}

/** The body as one text, no longer than the limit. */
export function textOf({ body, eventName }: LogRecord, { stringLength }: ValueLimits): string {
  const given: unknown = body ?? eventName ?? '';
  const text = typeof given === 'string' ? given : inspect(given, { depth: 4, breakLength: Number.POSITIVE_INFINITY });
  return text.length > stringLength ? `${text.slice(0, stringLength - 1)}…` : text;
}

export function secondsOf({ hrTime: [seconds, nanos] }: LogRecord): number {
  return seconds + nanos / 1e9;
}

/** A copy of the attributes that nobody changes any more, but for those that tell of the exception. */
export function dataOf({ attributes }: LogRecord, limits: ValueLimits): Record<string, unknown> {
  const copy = new PlainCopy(limits);
  const data: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(attributes)) {
    if (!EXCEPTION.has(key) && value !== undefined && key !== '__proto__') data[key] = copy.of(value);
  }
  return data;
}
