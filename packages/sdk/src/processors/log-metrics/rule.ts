import { LEVEL_NAMES, type SeverityName } from '@logspan/logger';
import { glob, severityOf } from '@logspan/logger/internal';
import { checkOptions } from '../../provider/check-options.ts';
import { ConfigError, given } from '../../provider/config-error.ts';

/** One metric that is derived from log records. */
export interface MetricRule {
  /**
   * `counter`: records, or with `value` the sum of that attribute. `histogram`: how the attribute is distributed.
   * `gauge`: its last value.
   */
  readonly type: 'counter' | 'histogram' | 'gauge';
  /** The instrument's name, unique within a stage: a letter, then letters, digits, `_`, `.`, `-`, `/`; at most 255. */
  readonly name: string;
  /** The instrument's unit, in UCUM: `ms`, `By`, `{order}`. At most 63 ASCII characters. */
  readonly unit?: string;
  readonly description?: string;
  /**
   * The attribute that holds the number. A record without it is passed over. Only finite numbers count, and for a
   * counter or a histogram none below zero: `"12"` is not a number. Required, except for a counter of records.
   */
  readonly value?: string;
  /** Only events of this name, or of one of these; `*` stands for any text. Default: every record, named or not. */
  readonly event?: string | readonly string[];
  /** Only records of this level or above; one without a severity is not. Default: every record. */
  readonly minSeverity?: SeverityName;
  /**
   * A series per event name, in the metric attribute `event`; those in whose name `redact()` would find a secret share one:
   * `other`. Default: true.
   */
  readonly perEvent?: boolean;
  /** A series per level, in the metric attribute `severity`: `trace` … `fatal`. Default: false. */
  readonly perSeverity?: boolean;
  /**
   * Record attributes that become metric attributes of the same name. Choose those with few values, and nothing secret:
   * metrics are taken before `redact`. A value that is not a string of at most 256 characters, a finite number or a
   * boolean is left out. Default: none.
   */
  readonly attributes?: readonly string[];
}

/**
 * What is measured when nothing else is asked for: records per event, the distribution of `duration_ms` per event, and
 * the last `queue_size`.
 */
export const DEFAULT_METRIC_RULES: readonly MetricRule[] = Object.freeze([
  Object.freeze<MetricRule>({
    type: 'counter',
    name: 'logspan.log.count',
    unit: '{log_record}',
    description: 'Log records by event name.',
  }),
  Object.freeze<MetricRule>({
    type: 'histogram',
    name: 'logspan.log.duration',
    unit: 'ms',
    description: 'The attribute duration_ms of log records, by event name.',
    value: 'duration_ms',
  }),
  Object.freeze<MetricRule>({
    type: 'gauge',
    name: 'logspan.queue.size',
    unit: '{item}',
    description: 'The last value of the attribute queue_size.',
    value: 'queue_size',
    perEvent: false,
  }),
]);

/** A rule after its check, in the form that the hot path wants. */
export interface CheckedRule {
  readonly type: MetricRule['type'];
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly value: string | undefined;
  readonly matchesEvent: ((name: string) => boolean) | undefined;
  /** 0: any record, also one without a severity. */
  readonly minimum: number;
  readonly perEvent: boolean;
  readonly perSeverity: boolean;
  readonly attributes: readonly string[];
}

const FIELDS: readonly (keyof MetricRule)[] = [
  'type',
  'name',
  'unit',
  'description',
  'value',
  'event',
  'minSeverity',
  'perEvent',
  'perSeverity',
  'attributes',
];
const TYPES: readonly string[] = ['counter', 'histogram', 'gauge'];
// The instrument name and unit syntax of the OTel metrics API specification.
const NAME = /^[A-Za-z][A-Za-z0-9_.\-/]{0,254}$/;
const UNIT = /^[\x20-\x7e]{0,63}$/;

/** Throws a ConfigError for the first mistake. */
export function checkRules(rules: readonly MetricRule[]): readonly CheckedRule[] {
  if (!Array.isArray(rules)) throw mistake('rules', rules, 'an array of rules');
  const names = new Set<string>();
  return rules.map((rule: MetricRule, index) => {
    const checked = checkRule(rule, `rules[${index}]`);
    // Instrument names are compared without case.
    const name = checked.name.toLowerCase();
    if (names.has(name)) throw mistake(`rules[${index}].name`, checked.name, 'a name that no other rule has');
    names.add(name);
    return checked;
  });
}

function checkRule(rule: MetricRule, at: string): CheckedRule {
  if (typeof rule !== 'object' || rule === null) throw mistake(at, rule, 'a rule');
  checkOptions(`logMetrics.${at}`, rule, FIELDS);
  const { type, name, unit = '', description = '', value, event, minSeverity, attributes = [] } = rule;
  const { perEvent = true, perSeverity = false } = rule;
  if (!TYPES.includes(type)) throw mistake(`${at}.type`, type, TYPES.join(', '));
  if (typeof name !== 'string' || !NAME.test(name))
    throw mistake(`${at}.name`, name, 'a letter, then up to 254 letters, digits, _, ., - or /');
  if (typeof unit !== 'string' || !UNIT.test(unit))
    throw mistake(`${at}.unit`, unit, 'at most 63 printable ASCII characters');
  if (typeof description !== 'string') throw mistake(`${at}.description`, description, 'a string');
  if (value === undefined ? type !== 'counter' : !isText(value))
    throw mistake(
      `${at}.value`,
      value,
      `the name of the attribute that holds the number${type === 'counter' ? '' : ' (required)'}`,
    );
  const patterns: readonly unknown[] | undefined = event === undefined || Array.isArray(event) ? event : [event];
  if (patterns && (patterns.length === 0 || !patterns.every(isText)))
    throw mistake(`${at}.event`, event, 'an event name, or an array of them; * stands for any text');
  const minimum = minSeverity === undefined ? 0 : typeof minSeverity === 'string' ? severityOf(minSeverity) : undefined;
  if (minimum === undefined || (minSeverity as string) === 'off')
    throw mistake(`${at}.minSeverity`, minSeverity, LEVEL_NAMES.filter((level) => level !== 'off').join(', '));
  for (const [option, flag] of Object.entries({ perEvent, perSeverity }))
    if (typeof flag !== 'boolean') throw mistake(`${at}.${option}`, flag, 'true or false');
  if (!Array.isArray(attributes) || !attributes.every(isText))
    throw mistake(`${at}.attributes`, attributes, 'an array of attribute names');
  const keys = [...(perEvent ? ['event'] : []), ...(perSeverity ? ['severity'] : []), ...attributes];
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw mistake(`${at}.attributes`, twice, 'every metric attribute once');
  return {
    ...{ type, name, unit, description, value, minimum, perEvent, perSeverity },
    attributes: [...attributes],
    matchesEvent: patterns && anyOf(patterns.map((pattern) => glob(pattern as string))),
  };
}

function anyOf(matchers: readonly ((name: string) => boolean)[]): (name: string) => boolean {
  return (name) => {
    for (const matches of matchers) if (matches(name)) return true;
    return false;
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function mistake(option: string, value: unknown, allowed: string): ConfigError {
  return new ConfigError(`logMetrics.${option}`, `${given(value)} was given, allowed: ${allowed}`);
}
