import { SEVERITY, type SeverityName, severityText } from '@logspan/logger/internal';
import type { HrTime } from '@opentelemetry/api';
import { copyRecord, plainValue } from './copy-record.ts';
import type { LogRecord } from './stage.ts';

/** What a stage says in a record of its own. */
export interface NewRecord {
  readonly eventName: string;
  /** Default `info`. */
  readonly level?: SeverityName;
  /** For people. Default: the event name. */
  readonly body?: string;
  /** Any values: made plain data. Default none. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** When it happened. Default: when the record happened that caused it. */
  readonly hrTime?: HrTime;
}

/**
 * A record that a stage writes because of another one: an alert, a summary of what was left out. It belongs to the trace,
 * the resource and the scope of its cause. To be given to the `next` of the stage, never to its head: so it runs through
 * what comes after the stage, redaction included, and cannot come round again.
 *
 * It says so (`writtenByStage`), and those that thin records out or watch them leave it alone.
 */
export function newRecord(
  cause: LogRecord,
  { eventName, level = 'info', body, attributes = {}, hrTime }: NewRecord,
): LogRecord {
  const severityNumber = SEVERITY[level];
  const record: Uncounted = copyRecord({
    hrTime: hrTime ?? cause.hrTime,
    hrTimeObserved: hrTime ?? cause.hrTimeObserved,
    ...(cause.spanContext === undefined ? {} : { spanContext: cause.spanContext }),
    resource: cause.resource,
    instrumentationScope: cause.instrumentationScope,
    attributes: {},
    droppedAttributesCount: 0,
    severityNumber,
    severityText: severityText(severityNumber),
    body: body ?? eventName,
    eventName,
    writtenByStage: true,
    setAttribute: () => undefined,
  });
  record.counted = false;
  for (const [key, value] of Object.entries(attributes)) record.setAttribute(key, plainValue(value));
  return record;
}

type Uncounted = LogRecord & { counted?: boolean };

/** True once for each record that a stage wrote, when it leaves that stage: for the account. */
export function isFirstSeen(record: Uncounted): boolean {
  if (record.counted !== false) return false;
  record.counted = true;
  return true;
}
