import { type Attributes, attributesAt, type Value, valueAt } from './any-value.ts';
import { hexId, int32, messagesAt, text, uint64 } from './field.ts';
import { eachScope, type Origin } from './origin.ts';
import type { Message } from './otlp-schema.ts';

/** A log record that arrived. Texts and ids that the sender left out are '', numbers 0. OTel logs data model. */
export interface LogRecord extends Origin {
  /** Nanoseconds since 1970; 0n when the sender did not say. */
  readonly timeUnixNano: bigint;
  readonly observedTimeUnixNano: bigint;
  /** 1–24, or 0 when unspecified. */
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  /** null when the record has none. */
  readonly body: Value;
  readonly attributes: Attributes;
  readonly droppedAttributesCount: number;
  /** 32 lower-case hex digits, or ''. */
  readonly traceId: string;
  /** 16 lower-case hex digits, or ''. */
  readonly spanId: string;
  /** The lowest bit says that the trace is sampled. */
  readonly flags: number;
}

export function readLogs(request: Message): LogRecord[] {
  const records: LogRecord[] = [];
  eachScope(request, 'resourceLogs', 'scopeLogs', (ofScope, { service, resource, scope }) => {
    for (const record of messagesAt(ofScope, 'logRecords')) {
      records.push({
        timeUnixNano: uint64(record, 'timeUnixNano'),
        observedTimeUnixNano: uint64(record, 'observedTimeUnixNano'),
        severityNumber: int32(record, 'severityNumber'),
        severityText: text(record, 'severityText'),
        service,
        eventName: text(record, 'eventName'),
        body: valueAt(record, 'body'),
        attributes: attributesAt(record, 'attributes'),
        droppedAttributesCount: int32(record, 'droppedAttributesCount'),
        traceId: hexId(record, 'traceId', 16),
        spanId: hexId(record, 'spanId', 8),
        flags: int32(record, 'flags'),
        resource,
        scope,
      });
    }
  });
  return records;
}

/** The levels of OTel's severity numbers, four numbers each. */
export type Level = 'unspecified' | 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

const LEVELS: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

export function levelOf(severityNumber: number): Level {
  return LEVELS[Math.ceil(severityNumber / 4) - 1] ?? 'unspecified';
}
