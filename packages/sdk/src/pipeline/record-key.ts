import { createHash } from 'node:crypto';
import { ConfigError, given } from '../provider/config-error.ts';
import { peekAttribute } from './peek-attribute.ts';
import { Failures } from './report.ts';
import type { LogRecord } from './stage.ts';

/** Which records belong together: a text for each, or undefined for one that belongs to none. Never throws. */
export type RecordKey = (record: LogRecord) => string | undefined;

/** Longer texts are not held: what is held has a limit. */
const LONGEST = 256;

/** The part of a key that an attribute is. No two lists of values make one key, whatever stands in them. */
export function keyPart(value: unknown): string {
  switch (typeof value) {
    case 'string': {
      const text = keyText(value);
      return `s${text.length}:${text}`;
    }
    case 'number':
    case 'boolean':
    case 'bigint':
      return `${typeof value}:${keyText(String(value))};`;
    default:
      // Objects and lazy values are not looked into: that is for records that are kept.
      return '-';
  }
}

/** A text that is this text, or stands for it if it is long. */
export function keyText(text: string): string {
  return text.length <= LONGEST ? text : `sha256:${createHash('sha256').update(text).digest('base64')}`;
}

/** The event name, or for a record without one the scope. */
export function eventKey(record: LogRecord): string {
  return record.eventName ? keyText(record.eventName) : `\0${keyText(record.instrumentationScope.name)}`;
}

/** The values of some attributes; a lazy one, an object and a missing one count as the same. */
export function attributesKey(names: readonly string[]): RecordKey {
  const [only = ''] = names;
  if (names.length === 1) return (record) => onlyPart(peekAttribute(record, only));
  return (record) => {
    let key = '';
    for (const name of names) key += keyPart(peekAttribute(record, name));
    return key;
  };
}

/** A key of one part: a short text as it is, which costs nothing. */
function onlyPart(value: unknown): string {
  const isItself = typeof value === 'string' && value.length <= LONGEST && value.charCodeAt(0) !== 0;
  return isItself ? value : `\0${keyPart(value)}`;
}

/**
 * The same attributes as they may be shown: without objects and long texts. A text is never cut: half of a secret is none
 * that redaction knows.
 */
export function shownAttributes(record: LogRecord, names: readonly string[]): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const name of names) {
    const value = peekAttribute(record, name);
    if (typeof value === 'string' ? value.length <= LONGEST : typeof value === 'number' || typeof value === 'boolean') {
      shown[name] = value;
    }
  }
  return shown;
}

/** A key that a user's function makes. If it throws, or answers something else than a text, the record belongs to none. */
export function functionKey(make: (record: LogRecord) => string | undefined, option: string): RecordKey {
  const failures = new Failures(option);
  return (record) => {
    try {
      const key: unknown = make(record);
      if (typeof key === 'string') return keyText(key);
      failures.watch(key);
    } catch (error) {
      failures.count(error);
    }
    return undefined;
  };
}

/** Throws a {@link ConfigError} unless `names` is a list of attribute names, with at least one. */
export function checkAttributeNames(option: string, names: unknown): asserts names is readonly string[] {
  if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === 'string' && name !== '')) {
    throw new ConfigError(option, `must be a list of attribute names, not ${given(names)}`);
  }
}
