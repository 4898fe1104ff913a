import { ConfigError, given } from '../../provider/config-error.ts';
import type { AttributePattern, RecordMatch } from './rule.ts';
import { type Fields, fieldsOf, notSupported } from './sigma-document.ts';

/** The fields that mean the event name of a record. Any other field is the attribute of that name. */
const EVENT_FIELDS: readonly string[] = ['EventName', 'event.name', 'otel.event.name'];
const WILDCARDS: Readonly<Record<string, readonly [before: string, after: string]>> = {
  contains: ['*', '*'],
  startswith: ['', '*'],
  endswith: ['*', ''],
};

/** The records that a detection looks for. Throws a ConfigError that names what is not supported of it. */
export function detection(document: Fields, at: string): RecordMatch {
  const { condition, ...selections } = fieldsOf(document.detection, at);
  const [name, ...more] = Object.keys(selections);
  if (name === undefined || more.length > 0 || condition !== name)
    throw notSupported(`${at}.condition`, 'anything but the name of the only selection');
  const event: string[] = [];
  const attributes: Record<string, AttributePattern[]> = {};
  const cased = new Set<boolean>();
  const fields = Object.entries(fieldsOf(selections[name], `${at}.${name}`));
  if (fields.length === 0)
    throw new ConfigError(
      `${at}.${name}`,
      "must have a field, or it would find every record; EventName: '*' is any event",
    );
  for (const [key, value] of fields) {
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
