import { LEVEL_NAMES, type SeverityName } from '@logspan/logger';
import { checkNumber, checkOptions, checkType } from '../../provider/check-options.ts';
import { ConfigError, given } from '../../provider/config-error.ts';
import { type RecordMatcher, recordMatcher } from './record-matcher.ts';
import type { AttributePattern, RecordMatch, SecurityRule, StepMatch } from './rule.ts';
import type { WindowRule } from './store.ts';

/** A rule after its check, in the form that the log call wants. */
export interface CheckedRule extends WindowRule {
  /** Which records count; of `temporal_ordered`, those of each step. */
  readonly matchers: readonly RecordMatcher[];
  readonly groupBy: readonly string[];
  /** Of `value_count`: the attribute whose values are counted. Otherwise empty. */
  readonly field: string;
  /** True if an alert is due when there are fewer than the threshold. */
  readonly isAbsence: boolean;
  readonly level: SeverityName;
  readonly alertEvent: string;
  readonly alertAttributes: Readonly<Record<string, string | number | boolean>>;
}

/** What an alert says of itself: no name for a group. */
const ALERT_ATTRIBUTES: readonly string[] = ['alert_type', 'count', 'suppressed', 'first_time', 'last_time'];

const ANY_RULE = ['id', 'type', 'match', 'groupBy', 'window', 'cooldown', 'severity', 'emit', 'maxKeys'];
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  event_count: [...ANY_RULE, 'condition'],
  value_count: [...ANY_RULE, 'condition'],
  temporal_ordered: ANY_RULE,
};
const TYPES = Object.keys(OPTIONS);

const UNIT_MILLIS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LONGEST_MILLIS = 30 * 86_400_000;
const MOST_STEPS = 100;
/** How many times or values all groups of a rule may hold together: 80 MB of times, or some 200 MB of values. */
const MOST_HELD: Readonly<Record<WindowRule['type'], number>> = {
  event_count: 10_000_000,
  value_count: 1_000_000,
  temporal_ordered: 10_000_000,
};

/** Throws a ConfigError for the first mistake. */
export function checkRules(rules: readonly SecurityRule[], at: string): readonly CheckedRule[] {
  if (!Array.isArray(rules)) throw mistake(at, rules, 'an array of rules');
  const ids = new Set<string>();
  return rules.map((rule: SecurityRule, index) => {
    const checked = checkRule(rule, `${at}[${index}]`);
    if (ids.has(checked.id)) throw mistake(`${at}[${index}].id`, checked.id, 'an id that no other rule has');
    ids.add(checked.id);
    return checked;
  });
}

/** The rule, made ready. Throws a ConfigError for the first mistake. */
export function checkRule(rule: SecurityRule, at: string): CheckedRule {
  if (typeof rule !== 'object' || rule === null) throw mistake(at, rule, 'a rule');
  const { id, type, groupBy = [], window, cooldown = window, severity = 'warn', emit = {}, maxKeys = 10_000 } = rule;
  if (!TYPES.includes(type)) throw mistake(`${at}.type`, type, TYPES.join(', '));
  checkOptions(at, rule, OPTIONS[type] as readonly string[]);
  if (!isText(id) || id.length > 256) throw mistake(`${at}.id`, id, 'a name of up to 256 characters');
  const matchers = checkMatch(rule, `${at}.match`);
  const { threshold, steps, isAbsence, field } = checkCondition(rule, at);
  checkNames(`${at}.groupBy`, groupBy);
  if (isAbsence && groupBy.length > 0) throw mistake(`${at}.groupBy`, groupBy, 'none, because the condition is lt');
  if (!LEVEL_NAMES.includes(severity) || (severity as string) === 'off')
    throw mistake(`${at}.severity`, severity, LEVEL_NAMES.filter((level) => level !== 'off').join(', '));
  checkOptions(`${at}.emit`, emit, ['event', 'attributes']);
  const { event: alertEvent = 'security_alert', attributes: alertAttributes = {} } = emit;
  if (!isText(alertEvent)) throw mistake(`${at}.emit.event`, alertEvent, 'an event name');
  if (typeof alertAttributes !== 'object' || alertAttributes === null || !Object.values(alertAttributes).every(isPlain))
    throw mistake(`${at}.emit.attributes`, alertAttributes, 'an object of texts, numbers and booleans');
  checkNames(`${at}.emit.attributes`, [...groupBy, ...Object.keys(alertAttributes)]);
  checkNumber(`${at}.maxKeys`, maxKeys, 1, 10_000_000);
  if (maxKeys * threshold > MOST_HELD[type])
    throw mistake(`${at}.maxKeys`, maxKeys, `${Math.floor(MOST_HELD[type] / threshold)} at most with this condition`);
  return {
    ...{ id, type, matchers, groupBy: [...groupBy], field, threshold, steps, isAbsence, maxKeys },
    windowMillis: millisOf(window, `${at}.window`),
    cooldownMillis: millisOf(cooldown, `${at}.cooldown`),
    ...{ level: severity, alertEvent, alertAttributes: { ...alertAttributes } },
  };
}

function checkMatch(rule: SecurityRule, at: string): readonly RecordMatcher[] {
  const isOrdered = rule.type === 'temporal_ordered';
  if (isOrdered && !Array.isArray(rule.match)) throw mistake(at, rule.match, 'an array of steps');
  const matches = [rule.match].flat() as readonly StepMatch[];
  if (matches.length === 0) throw mistake(at, rule.match, 'at least one record to look for');
  return matches.map((match, index) => {
    const where = Array.isArray(rule.match) ? `${at}[${index}]` : at;
    checkOptions(where, match, ['event', 'attributes', 'ignoreCase', ...(isOrdered ? ['count'] : [])]);
    checkNumber(`${where}.count`, match.count, 1, MOST_STEPS);
    return checkRecordMatch(match, where);
  });
}

function checkRecordMatch(match: RecordMatch, at: string): RecordMatcher {
  const { event, attributes = {}, ignoreCase } = match;
  checkType(`${at}.ignoreCase`, ignoreCase, 'boolean');
  if (event !== undefined) {
    const names: readonly unknown[] = [event].flat();
    if (names.length === 0 || !names.every(isText))
      throw mistake(`${at}.event`, event, 'an event name, or an array of them; * stands for any text');
  }
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes))
    throw mistake(`${at}.attributes`, attributes, 'an object of attributes and their values');
  for (const [key, allowed] of Object.entries(attributes)) {
    const values: readonly AttributePattern[] = [allowed].flat();
    if (values.length === 0 || !values.every(isPlain))
      throw mistake(`${at}.attributes.${key}`, allowed, 'a text, a number, a boolean, or an array of them');
  }
  return recordMatcher(match);
}

/** What the condition comes to: the number, and what is counted. */
function checkCondition(
  rule: SecurityRule,
  at: string,
): Pick<CheckedRule, 'threshold' | 'steps' | 'isAbsence' | 'field'> {
  if (rule.type === 'temporal_ordered') {
    const steps = rule.match.map(({ count = 1 }) => count);
    const threshold = steps.reduce((sum, count) => sum + count, 0);
    if (threshold > MOST_STEPS) throw mistake(`${at}.match`, threshold, `${MOST_STEPS} records in all steps together`);
    return { threshold, steps, isAbsence: false, field: '' };
  }
  const where = `${at}.condition`;
  const isValues = rule.type === 'value_count';
  const operators = isValues ? ['gte', 'gt'] : ['gte', 'gt', 'lt'];
  if (typeof rule.condition !== 'object' || rule.condition === null)
    throw mistake(where, rule.condition, `an object with one of ${operators.join(', ')}`);
  checkOptions(where, rule.condition, isValues ? ['field', ...operators] : operators);
  const { field = '', ...numbers } = rule.condition as Record<string, unknown>;
  if (isValues && !isText(field)) throw mistake(`${where}.field`, rule.condition.field, 'the name of an attribute');
  const [operator, ...more] = Object.keys(numbers);
  if (operator === undefined || more.length > 0)
    throw new ConfigError(where, `must have exactly one of ${operators.join(', ')}`);
  const number = numbers[operator];
  checkNumber(`${where}.${operator}`, number ?? null, operator === 'gt' ? 0 : 1, 1_000_000);
  const threshold = (number as number) + (operator === 'gt' ? 1 : 0);
  return { threshold, steps: [], isAbsence: operator === 'lt', field: field as string };
}

export function checkNames(at: string, names: readonly string[]): void {
  if (!Array.isArray(names) || !names.every(isText)) throw mistake(at, names, 'an array of attribute names');
  const taken = names.find((name, index) => ALERT_ATTRIBUTES.includes(name) || names.indexOf(name) !== index);
  if (taken !== undefined)
    throw mistake(at, taken, `every name once, and none of an alert's own: ${ALERT_ATTRIBUTES.join(', ')}`);
}

export function millisOf(span: unknown, at: string): number {
  const [, number, unit] = typeof span === 'string' ? (/^(\d{1,9})([smhd])$/.exec(span) ?? []) : [];
  const millis = Number(number) * (UNIT_MILLIS[unit as string] ?? Number.NaN);
  if (!(millis >= 1_000 && millis <= LONGEST_MILLIS))
    throw mistake(at, span, 'a number and s, m, h or d, from 1s to 30d: 300s, 5m');
  return millis;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && !Number.isNaN(value));
}

function mistake(option: string, value: unknown, allowed: string): ConfigError {
  return new ConfigError(option, `${given(value)} was given, allowed: ${allowed}`);
}
