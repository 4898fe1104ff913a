import { checkNumber } from '../../provider/check-options.ts';
import { ConfigError, given } from '../../provider/config-error.ts';
import { checkNames, checkRule, millisOf } from './check-rules.ts';
import type { RecordMatch, SecurityRule, StepMatch, Timespan } from './rule.ts';
import { detection } from './sigma-detection.ts';
import { type Fields, fieldsOf, notSupported, type SigmaDocument } from './sigma-document.ts';

const LEVELS: Readonly<Record<string, NonNullable<SecurityRule['severity']>>> = {
  informational: 'info',
  low: 'info',
  medium: 'warn',
  high: 'error',
  critical: 'fatal',
};
const CORRELATION_KEYS = ['type', 'rules', 'group-by', 'timespan', 'condition'];
const TYPES = ['event_count', 'value_count', 'temporal_ordered'];
const OPERATORS = ['gte', 'gt', 'lt', 'lte'];

/**
 * Security rules from Sigma: the parsed YAML documents, detections and the correlations that refer to them by `name` or
 * `id`, in any order. Each correlation becomes one rule, unless another one refers to it; `title` and `id` are in its
 * alerts as `security_rule.name` and `security_rule.uuid`. `logsource` is not looked at: the source is this service.
 *
 * Throws a ConfigError if there is no correlation, and one that names the part of a document which is not in the supported
 * subset, because a rule of which a part is ignored finds something else: docs/security-monitor.md lists the subset. From
 * YAML: {@link loadSigmaRules}.
 */
export function fromSigma(documents: unknown): readonly SecurityRule[] {
  const all = [documents].flat().map((content, index) => ({ at: `fromSigma[${index}]`, content }));
  return sigmaRules(all, 'fromSigma');
}

/** The same for documents that have names, of which some source consists. */
export function sigmaRules(documents: readonly SigmaDocument[], source: string): readonly SecurityRule[] {
  const detections = new Map<string, Document>();
  const correlations = new Map<string, Document>();
  const heads: Document[] = [];
  for (const { at, content } of documents) {
    const document = { at, fields: fieldsOf(content, at) };
    const { fields } = document;
    for (const part of ['filter', 'action']) if (fields[part] !== undefined) throw notSupported(`${at}.${part}`, part);
    if (fields.detection === undefined && fields.correlation === undefined)
      throw new ConfigError(at, 'must have a detection or a correlation');
    if (fields.correlation !== undefined) heads.push(document);
    for (const name of [fields.name, fields.id].filter((value) => typeof value === 'string')) {
      if (detections.has(name) || correlations.has(name))
        throw new ConfigError(at, `${given(name)} is the name or id of another document`);
      (fields.correlation === undefined ? detections : correlations).set(name, document);
    }
  }
  if (heads.length === 0)
    throw new ConfigError(source, 'needs a correlation, because no rule comes of detections alone, or of nothing');
  const reader = new CorrelationReader(detections, correlations);
  const rules = new Map(heads.map((document) => [document.fields, reader.rule(document)]));
  for (const part of reader.parts) rules.delete(part);
  return [...rules.values()];
}

interface Document {
  readonly at: string;
  readonly fields: Fields;
}

class CorrelationReader {
  /** The correlations that others refer to. */
  readonly parts = new Set<Fields>();
  readonly #detections: ReadonlyMap<string, Document>;
  readonly #correlations: ReadonlyMap<string, Document>;

  constructor(detections: ReadonlyMap<string, Document>, correlations: ReadonlyMap<string, Document>) {
    this.#detections = detections;
    this.#correlations = correlations;
  }

  rule({ at, fields }: Document): SecurityRule {
    const { id, title, level } = fields;
    const alertType = alertTypeOf({ at, fields });
    const { where, type, groupBy, timespan, condition, rules } = this.#correlation({ at, fields });
    if (level !== undefined && !Object.hasOwn(LEVELS, level as string))
      throw notSupported(`${at}.level`, given(level), Object.keys(LEVELS));
    const isOrdered = type === 'temporal_ordered';
    const rule = {
      id: alertType,
      type,
      match: rules.map((one, index) =>
        isOrdered
          ? this.#step(one, `${where}.rules[${index}]`, groupBy, timespan)
          : this.#match(one, `${where}.rules[${index}]`),
      ),
      groupBy,
      window: timespan as Timespan,
      ...(isOrdered ? {} : { condition: conditionOf(condition, `${where}.condition`, type, groupBy) }),
      ...(level === undefined ? {} : { severity: LEVELS[level as string] }),
      emit: {
        attributes: {
          ...(typeof title === 'string' ? { 'security_rule.name': title } : {}),
          ...(typeof id === 'string' ? { 'security_rule.uuid': id } : {}),
        },
      },
    } as SecurityRule;
    checkRule(rule, where);
    return rule;
  }

  #correlation({ at, fields }: Document) {
    const where = `${at}.correlation`;
    const parts = fieldsOf(fields.correlation, where);
    const unknown = Object.keys(parts).find((key) => !CORRELATION_KEYS.includes(key));
    if (unknown !== undefined) throw notSupported(`${where}.${unknown}`, 'this part of a correlation');
    if (fields.generate === true) throw notSupported(`${at}.generate`, 'an alert for each single record');
    const { type, rules, timespan, condition, 'group-by': groupBy = [] } = parts;
    if (!TYPES.includes(type as string)) throw notSupported(`${where}.type`, given(type), TYPES);
    if (!Array.isArray(rules)) throw new ConfigError(`${where}.rules`, `must be a list, not ${given(rules)}`);
    if (type === 'temporal_ordered' && condition !== undefined)
      throw notSupported(`${where}.condition`, 'a condition of temporal_ordered');
    checkNames(`${where}.group-by`, groupBy as string[]);
    millisOf(timespan, `${where}.timespan`);
    return { where, type, rules: rules as unknown[], timespan, condition, groupBy: groupBy as readonly string[] };
  }

  #match(name: unknown, at: string): RecordMatch {
    if (this.#correlations.has(name as string))
      throw notSupported(at, 'a correlation of correlations, except event_count in temporal_ordered,');
    const found = this.#detections.get(name as string);
    if (found === undefined) throw new ConfigError(at, `${given(name)} is the name or id of no document`);
    return detection(found.fields, `${found.at}.detection`);
  }

  /** A step may be a number of records, which Sigma says by another correlation. */
  #step(name: unknown, at: string, groupBy: readonly string[], timespan: unknown): StepMatch {
    const found = this.#correlations.get(name as string);
    if (found === undefined) return this.#match(name, at);
    const part = this.#correlation(found);
    const [only, ...more] = part.rules;
    if (part.type !== 'event_count' || more.length > 0)
      throw notSupported(at, 'a correlation in temporal_ordered that is not event_count of one rule');
    if (part.timespan !== timespan)
      throw notSupported(`${part.where}.timespan`, 'another timespan than in the correlation that it is part of');
    if (part.groupBy.join('\n') !== groupBy.join('\n'))
      throw notSupported(`${part.where}.group-by`, 'another group-by than in the correlation that it is part of');
    const condition = conditionOf(part.condition, `${part.where}.condition`, part.type, groupBy);
    this.parts.add(found.fields);
    const match = this.#match(only, `${part.where}.rules[0]`);
    const { gte, gt } = condition as { gte?: number; gt?: number };
    if (gte === undefined && gt === undefined) throw notSupported(`${part.where}.condition`, 'lt in temporal_ordered');
    return { ...match, count: gte ?? (gt as number) + 1 };
  }
}

/** What the alerts of a correlation are called. */
function alertTypeOf({ at, fields }: Document): string {
  const key = ['name', 'id', 'title'].find((one) => (fields[one] ?? undefined) !== undefined);
  if (key === undefined) throw new ConfigError(at, 'needs one of name, id and title, as the alert_type of its alerts');
  const value = fields[key];
  if (typeof value === 'string' && value !== '' && value.length <= 256) return value;
  throw new ConfigError(`${at}.${key}`, `${given(value)} was given, allowed: a text of up to 256 characters`);
}

function conditionOf(condition: unknown, at: string, type: unknown, groupBy: readonly string[]): Fields {
  const { field, ...numbers } = fieldsOf(condition, at);
  const isEvents = type === 'event_count';
  if (isEvents && field !== undefined) throw notSupported(`${at}.field`, 'a field of event_count', OPERATORS);
  const [operator, ...more] = Object.keys(numbers);
  for (const one of Object.keys(numbers)) {
    if (!OPERATORS.includes(one)) throw notSupported(`${at}.${one}`, 'this condition', OPERATORS);
  }
  if (operator === undefined)
    throw new ConfigError(at, `must have exactly one of ${isEvents ? OPERATORS.join(', ') : 'gte, gt'}`);
  if (more.length > 0) throw notSupported(at, 'a range');
  if (operator === 'lt' || operator === 'lte') {
    if (!isEvents) throw notSupported(`${at}.${operator}`, 'too few values');
    if (groupBy.length > 0) throw notSupported(`${at}.${operator}`, 'too few records of a group');
  }
  if (operator === 'lte') {
    checkNumber(`${at}.lte`, numbers.lte ?? null, 0, 999_999);
    return { lt: (numbers.lte as number) + 1 };
  }
  return field === undefined ? numbers : { field, ...numbers };
}
