import { ConfigError, given } from '../../provider/config-error.ts';
import { checkRules } from './check-rules.ts';
import type { AttributePattern, RecordMatch, SecurityRule, Timespan } from './rule.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The fields that mean the event name of a record. Any other field is the attribute of that name. */
const EVENT_FIELDS: readonly string[] = ['EventName', 'event.name', 'otel.event.name'];
const WILDCARDS: Readonly<Record<string, readonly [before: string, after: string]>> = {
  contains: ['*', '*'],
  startswith: ['', '*'],
  endswith: ['*', ''],
};
const LEVELS: Readonly<Record<string, NonNullable<SecurityRule['severity']>>> = {
  informational: 'info',
  low: 'info',
  medium: 'warn',
  high: 'error',
  critical: 'fatal',
};
const CORRELATION_KEYS = ['type', 'rules', 'group-by', 'timespan', 'condition'];
const TYPES = ['event_count', 'value_count', 'temporal_ordered'];

/**
 * Security rules from Sigma: the parsed YAML documents, detections and the correlations that refer to them by `name` or
 * `id`, in any order. Each correlation becomes one rule; `title` and `id` are in its alerts as `security_rule.name` and
 * `security_rule.uuid`. `logsource` is not looked at: the source is this service.
 *
 * Throws a ConfigError that names the part of the document which is not in the supported subset, because a rule of which
 * a part is ignored finds something else: docs/security-monitor.md lists the subset.
 */
export function fromSigma(documents: unknown): readonly SecurityRule[] {
  const all = [documents].flat().map((document, index) => fieldsOf(document, `fromSigma[${index}]`));
  const detections = new Map<string, () => RecordMatch>();
  const correlations = new Set<string>();
  for (const [index, document] of all.entries()) {
    if (document.detection === undefined && document.correlation === undefined)
      throw new ConfigError(`fromSigma[${index}]`, 'must have a detection or a correlation');
    for (const name of [document.name, document.id].filter((value) => typeof value === 'string')) {
      if (document.correlation !== undefined) correlations.add(name);
      else detections.set(name, () => detection(document, `fromSigma[${index}].detection`));
    }
  }
  const referred = (name: unknown, at: string): RecordMatch => {
    if (correlations.has(name as string)) throw notSupported(at, 'a correlation of correlations');
    const found = detections.get(name as string);
    if (found === undefined) throw new ConfigError(at, `${given(name)} is the name or id of no detection`);
    return found();
  };
  const rules = all.flatMap((document, index) =>
    document.correlation === undefined ? [] : [correlation(document, `fromSigma[${index}]`, referred)],
  );
  checkRules(rules, 'fromSigma');
  return rules;
}

function correlation(document: Fields, at: string, referred: (name: unknown, at: string) => RecordMatch): SecurityRule {
  const { name, id, title, level } = document;
  const where = `${at}.correlation`;
  const parts = fieldsOf(document.correlation, where);
  const unknown = Object.keys(parts).find((key) => !CORRELATION_KEYS.includes(key));
  if (unknown !== undefined) throw notSupported(`${where}.${unknown}`, 'this part of a correlation');
  if (document.generate === true) throw notSupported(`${at}.generate`, 'an alert for each single record');
  const { type, rules, timespan, condition, 'group-by': groupBy = [] } = parts;
  if (!TYPES.includes(type as string)) throw notSupported(`${where}.type`, given(type), TYPES);
  if (!Array.isArray(rules)) throw new ConfigError(`${where}.rules`, `must be a list, not ${given(rules)}`);
  if (level !== undefined && !Object.hasOwn(LEVELS, level as string))
    throw notSupported(`${at}.level`, given(level), Object.keys(LEVELS));
  if (type === 'temporal_ordered' && condition !== undefined)
    throw notSupported(`${where}.condition`, 'a condition of temporal_ordered');
  // What is wrong in these parts is for the check of the rules to say.
  return {
    id: (name ?? id ?? title) as string,
    type,
    match: rules.map((rule, index) => referred(rule, `${where}.rules[${index}]`)),
    groupBy,
    window: timespan as Timespan,
    ...(type === 'temporal_ordered' ? {} : { condition }),
    ...(level === undefined ? {} : { severity: LEVELS[level as string] }),
    emit: {
      attributes: {
        ...(typeof title === 'string' ? { 'security_rule.name': title } : {}),
        ...(typeof id === 'string' ? { 'security_rule.uuid': id } : {}),
      },
    },
  } as SecurityRule;
}

function detection(document: Fields, at: string): RecordMatch {
  const { condition, ...selections } = fieldsOf(document.detection, at);
  const [name, ...more] = Object.keys(selections);
  if (name === undefined || more.length > 0 || condition !== name)
    throw notSupported(`${at}.condition`, 'anything but the name of the only selection');
  const event: string[] = [];
  const attributes: Record<string, AttributePattern[]> = {};
  const cased = new Set<boolean>();
  for (const [key, value] of Object.entries(fieldsOf(selections[name], `${at}.${name}`))) {
    const where = `${at}.${name}.${key}`;
    const [field = '', ...modifiers] = key.split('|');
    const patterns = [value].flat().map((one) => pattern(one, modifiers, where));
    if (patterns.some((one) => typeof one === 'string')) cased.add(modifiers.includes('cased'));
    const isEvent = EVENT_FIELDS.includes(field);
    if (isEvent ? event.length > 0 : Object.hasOwn(attributes, field)) throw notSupported(where, 'a field twice');
    if (isEvent) event.push(...patterns.map(String));
    else attributes[field] = patterns;
  }
  if (cased.size > 1) throw notSupported(`${at}.${name}`, 'cased for some fields and not for all');
  return {
    ...(event.length === 0 ? {} : { event }),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    // Texts are compared without case, unless the modifier is there. Sigma rules specification, "Value modifiers".
    ignoreCase: !cased.has(true),
  };
}

function pattern(value: unknown, modifiers: readonly string[], at: string): AttributePattern {
  const wildcards = modifiers.filter((modifier) => modifier !== 'cased');
  const [wildcard, ...more] = wildcards;
  if (more.length > 0 || (wildcard !== undefined && !Object.hasOwn(WILDCARDS, wildcard)))
    throw notSupported(at, `the modifier ${given(more[0] ?? wildcard)}`, [...Object.keys(WILDCARDS), 'cased']);
  if (typeof value === 'string') {
    if (/[?\\]/.test(value)) throw notSupported(at, 'a ? or a backslash in a value');
    const [before, after] = WILDCARDS[wildcard ?? ''] ?? ['', ''];
    return before + value + after;
  }
  if (wildcard === undefined && (typeof value === 'number' || typeof value === 'boolean')) return value;
  throw notSupported(at, `${given(value)} as a value`);
}

function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new ConfigError(at, `must be a map of fields, not ${given(value)}`);
}

function notSupported(at: string, what: string, supported: readonly string[] = []): ConfigError {
  return new ConfigError(
    at,
    `${what} is not supported${supported.length > 0 ? `; supported are ${supported.join(', ')}` : ''}`,
  );
}
