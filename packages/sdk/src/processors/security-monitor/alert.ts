import { type NewRecord, newRecord } from '../../pipeline/new-record.ts';
import { peekAttribute } from '../../pipeline/peek-attribute.ts';
import type { LogRecord } from '../../pipeline/stage.ts';
import type { CheckedRule } from './check-rules.ts';
import type { Verdict } from './store.ts';

const LONGEST_TEXT = 256;

/** The record that tells of a verdict; `cause` is the record that brought it about. */
export function alertRecord(
  rule: CheckedRule,
  verdict: Verdict,
  group: Readonly<Record<string, unknown>>,
  cause: LogRecord,
): LogRecord {
  const own =
    'alert' in verdict
      ? { alert_type: rule.id, ...group, count: verdict.alert.count, suppressed: verdict.alert.suppressed }
      : { alert_type: 'security_monitor_overflow', rule: rule.id, count: verdict.overflow };
  const times = 'alert' in verdict ? timesOf(cause, verdict.alert.spanMillis) : {};
  return newRecord(cause, alertFields(rule, { ...own, ...times }));
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
