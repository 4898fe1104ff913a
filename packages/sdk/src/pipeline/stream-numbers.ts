import { isStreamKey, STREAM, type StreamNumbers, streamMarkOf } from '@logspan/logger/internal';
import type { Context } from '@opentelemetry/api';
import { peekAttribute } from './peek-attribute.ts';
import type { LogRecord } from './stage.ts';

/** A record that knows whether `eventStream` emitted it. */
export interface Numbered {
  streamNumbers(): StreamNumbers | undefined;
}

/**
 * Which event of a stream a record is, as `eventStream` said it; undefined for every other record, whatever its attributes
 * are. A stock record does not know it: for one of these `context` is asked, that of its `onEmit`. Never throws.
 */
export function streamNumbersOf(record: LogRecord, context?: Context): StreamNumbers | undefined {
  const own = record as LogRecord & Partial<Numbered>;
  if (own.streamNumbers !== undefined) return own.streamNumbers();
  const numbers = context === undefined ? undefined : streamMarkOf(context)?.numbers;
  if (numbers === undefined) return undefined;
  // Another record may have been written in the context of the event.
  const isIts = (key: string): boolean => peekAttribute(record, key) === numbers[key];
  return isIts(STREAM.sequence) && isIts(STREAM.epoch) ? numbers : undefined;
}

/** The attributes in two: those that say which event of a stream it is, and all others. */
export function splitStreamNumbers(attributes: Readonly<Record<string, unknown>>): {
  numbers: Record<string, unknown>;
  others: Record<string, unknown>;
} {
  const numbers: Record<string, unknown> = {};
  const others = { ...attributes };
  for (const key of Object.keys(others)) {
    if (!isStreamKey(key)) continue;
    numbers[key] = others[key];
    delete others[key];
  }
  return { numbers, others };
}
