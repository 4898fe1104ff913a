import { createHash } from 'node:crypto';
import { peekAttribute } from '../../pipeline/peek-attribute.ts';
import type { LogRecord } from '../../pipeline/stage.ts';

const LONGEST_KEY = 160;
/** What is beyond this is not looked at, only its length is. */
const LONGEST_LOOKED_AT = 4_096;

/**
 * The group of a record by these attributes, or undefined if it lacks one: strangers must not be one group for what they
 * both lack. Only a text, a number or a boolean names a group, and not the empty text; `1` and `"1"` are the same.
 */
export function groupKey(record: LogRecord, attributes: readonly string[]): string | undefined {
  let key = '';
  for (const attribute of attributes) {
    const text = textOf(peekAttribute(record, attribute));
    if (text === undefined) return undefined;
    // The length in front, so that ('ab', 'c') is not ('a', 'bc').
    key += `${text.length}:${text.length > LONGEST_LOOKED_AT ? text.slice(0, LONGEST_LOOKED_AT) : text}`;
  }
  if (key.length > LONGEST_KEY) return `#${createHash('sha256').update(key).digest('base64')}`;
  // The text may be a slice of a whole request, which it would keep in memory: a template makes a text of its own.
  return key === '' ? '*' : key;
}

function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value === '' ? undefined : value;
    case 'number':
      return Number.isFinite(value) ? String(value) : undefined;
    case 'boolean':
    case 'bigint':
      return String(value);
    default:
      return undefined;
  }
}
