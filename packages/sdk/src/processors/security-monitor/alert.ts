import { type NewRecord, newRecord } from '../../pipeline/new-record.ts';
import { peekAttribute } from '../../pipeline/peek-attribute.ts';
import type { LogRecord } from '../../pipeline/stage.ts';
import type { CheckedRule } from './check-rules.ts';
import type { Alert } from './store.ts';

const LONGEST_TEXT = 256;

/** The record that tells of an alert; `cause` is the record that brought it about. */
export function alertRecord(
  rule: CheckedRule,
  { count, suppressed, spanMillis }: Alert,
  group: Readonly<Record<string, unknown>>,
  cause: LogRecord,
): LogRecord {
  const own = { alert_type: rule.id, ...group, count, suppressed, ...timesOf(cause, spanMillis) };
  return newRecord(cause, alertFields(rule, own));
}

/** The record that tells of so many records for which the rule had no room. */
export function overflowRecord(rule: CheckedRule, count: number, cause: LogRecord): LogRecord {
  const own = { alert_type: 'security_monitor_overflow', rule: rule.id, count };
  return newRecord(cause, alertFields(rule, own));
}

/** What an alert has of a record whose trace it is no part of: when, and where. */
export function placeOf({ resource, instrumentationScope, hrTime, hrTimeObserved }: LogRecord): LogRecord {
  return {
    ...{ resource, instrumentationScope, hrTime, hrTimeObserved },
    ...{ attributes: {}, droppedAttributesCount: 0, setAttribute: () => undefined },
  };
}

/** What an alert of a rule consists of, besides where it belongs. */
export function alertFields(rule: CheckedRule, attributes: Readonly<Record<string, unknown>>): NewRecord {
  return { eventName: rule.alertEvent, level: rule.level, attributes: { ...attributes, ...rule.alertAttributes } };
}

/** The attributes that name the group of a record, as it has them now: a stage behind may redact them. */
export function groupOf(record: LogRecord, { groupBy }: CheckedRule): Readonly<Record<string, unknown>> {
  const group: Record<string, unknown> = {};
  for (const attribute of groupBy) {
    const value = peekAttribute(record, attribute);
    const isLong = typeof value === 'string' && value.length > LONGEST_TEXT;
    group[attribute] = isLong ? `${value.slice(0, LONGEST_TEXT)}…` : value;
  }
  return group;
}

function timesOf({ hrTime: [seconds, nanos] }: LogRecord, spanMillis: number): Record<string, Date> {
  const lastMillis = seconds * 1_000 + nanos / 1e6;
  return { first_time: new Date(lastMillis - spanMillis), last_time: new Date(lastMillis) };
}
