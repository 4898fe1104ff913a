import { randomUUID } from 'node:crypto';
import { SEVERITY } from '@logspan/logger/internal';
import type { LogRecord } from '../../pipeline/stage.ts';
import { dataOf, EVENT_LIMITS, levelOf, secondsOf, textOf } from './record-parts.ts';
import type { SentryClient, SentryEvent, SentryException } from './sentry-sdk.ts';

/** What the options say of events. */
export interface EventOptions {
  /** Attributes that become tags. */
  readonly tags: readonly string[];
  readonly fingerprint: (record: LogRecord, error: Error | undefined) => readonly string[] | undefined;
}

const MECHANISM = 'auto.log.logspan';
/** What Sentry indexes of a tag. */
const LONGEST_TAG = 200;

/** The Sentry event of a record, and of the error that {@link redactedError} has made of it. */
export function eventOf(
  record: LogRecord,
  error: Error | undefined,
  client: SentryClient,
  options: EventOptions,
): SentryEvent {
  const { eventName, spanContext, instrumentationScope } = record;
  const message = textOf(record, EVENT_LIMITS);
  const fingerprint = options.fingerprint(record, error);
  const tags: Record<string, string> = eventName === undefined ? {} : { event_name: tagText(eventName) };
  for (const key of options.tags) {
    const value = record.attributes[key];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      tags[key] = tagText(String(value));
    }
  }
  return {
    event_id: randomUUID().replaceAll('-', ''),
    timestamp: secondsOf(record),
    level: levelOf(record),
    logger: instrumentationScope.name,
    ...(message === error?.message ? {} : { message }),
    ...(error === undefined ? {} : { exception: { values: [exceptionOf(error, client, !isUncaught(record))] } }),
    ...(fingerprint === undefined ? {} : { fingerprint: [...fingerprint] }),
    tags,
    contexts: {
      log: dataOf(record, EVENT_LIMITS),
      ...(spanContext === undefined ? {} : { trace: { trace_id: spanContext.traceId, span_id: spanContext.spanId } }),
    },
  };
}

/** By event; within an event by error, as Sentry does it: many errors may be told under one name. */
export function byEvent({ eventName }: LogRecord, error: Error | undefined): readonly string[] | undefined {
  if (eventName === undefined) return undefined;
  return error === undefined ? [eventName] : ['{{ default }}', eventName];
}

function exceptionOf(error: Error, client: SentryClient, handled: boolean): SentryException {
  const frames = client.getOptions().stackParser?.(error.stack ?? '', 1) ?? [];
  return {
    type: error.name,
    value: error.message,
    ...(frames.length === 0 ? {} : { stacktrace: { frames } }),
    mechanism: { type: MECHANISM, handled },
  };
}

/** True for the record that tells of an exception that nobody caught: it makes the session a crashed one. */
export function isUncaught({ instrumentationScope, eventName, severityNumber = 0 }: LogRecord): boolean {
  return instrumentationScope.name === 'process' && eventName === 'exception' && severityNumber >= SEVERITY.fatal;
}

function tagText(text: string): string {
  return text.length > LONGEST_TAG ? `${text.slice(0, LONGEST_TAG - 1)}…` : text;
}
