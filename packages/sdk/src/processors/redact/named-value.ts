import { isQuote, isSpace } from './character.ts';
import type { Hit, Rule } from './rule.ts';
import type { SecretKeys } from './secret-keys.ts';
import { gapEnd } from './terminal-colour.ts';
import { backslashesFrom, quoteEnd, wordEnd } from './value-end.ts';

const LESS = 60;
const GREATER = 62;
const COMMA = 44;
/** How far from a value its name is looked for, and how far a name from the end of its tag. */
const WINDOW = 256;
const LONGEST_TAG = 256;
const LONGEST_NAME = 128;
const MOST_ITEMS = 128;

const VALUE = /(?:values?|input|received|got|given|actual)$/i;
const NAME =
  '(?:name|key|header[_-]?(?:name)?|field[_-]?(?:name)?|path|param(?:eter)?[_-]?(?:name|key)?|property|attribute|label|variable)';
const NAMES = new RegExp(
  `(?<![\\w$])${NAME}\\\\{0,7}["'\`]?\\s?[:=]\\s{0,8}(?:\\x1b\\[\\d{1,3}m)?\\\\{0,7}(["'\`])([^"'\`\\\\]{1,${LONGEST_NAME}})\\\\{0,7}\\1`,
  'gi',
);
const IS_NAME = new RegExp(`^${NAME}$`, 'i');
/** What an object or an element is divided from others by. */
const EDGE = /[{}<>]/;

/** True for `value` and its like, beside which a `name` says what it is. */
export const mayBeNamed = (key: string): boolean => VALUE.test(key);

/**
 * The rule for the value of `value` or its like in an object or element in a text, by the name beside it: `{ name: 'cookie',
 * value: '…' }`, `<add key="password" value="…"/>`. `start` is where the key begins, `at` the colon or equals sign.
 */
export function ruleByName(text: string, start: number, at: number, keys: SecretKeys): Rule | undefined {
  const before = text.slice(Math.max(0, start - WINDOW), start).split(EDGE);
  const rule = ruleOfNames(before[before.length - 1] as string, keys);
  if (rule !== undefined) return rule;
  const after = text.slice(at + 1, at + 1 + WINDOW);
  let from = gapEnd(after, 0);
  const depth = backslashesFrom(after, from);
  const quote = after.charCodeAt(from + depth);
  if (isQuote(quote)) from = quoteEnd(after, from + depth + 1, quote, depth);
  return ruleOfNames(after.slice(from).split(EDGE, 1)[0] as string, keys);
}

function ruleOfNames(part: string, keys: SecretKeys): Rule | undefined {
  for (const [, , name] of part.matchAll(NAMES)) {
    const rule = keys.decide(name as string);
    if (rule !== undefined) return rule;
  }
  return undefined;
}

/** The text of an element that an attribute names: `<property name="password">…</property>`. `at` is the equals sign. */
export function namedElement(text: string, key: string, at: number, keys: SecretKeys): Hit | undefined {
  const quote = text.charCodeAt(at + 1);
  if (!isQuote(quote) || !IS_NAME.test(key) || !isInTag(text, at)) return undefined;
  const close = text.slice(at + 2, at + 2 + LONGEST_NAME).indexOf(text[at + 1] as string);
  const rule = close > 0 ? keys.decide(text.slice(at + 2, at + 2 + close)) : undefined;
  if (rule === undefined) return undefined;
  let end = at + 3 + close;
  for (const limit = end + LONGEST_TAG; text.charCodeAt(end) !== GREATER; end++) {
    if (end >= limit || end >= text.length || text.charCodeAt(end) === LESS) return undefined;
  }
  if (text[end - 1] === '/') return undefined;
  let start = end + 1;
  while (isSpace(text.charCodeAt(start))) start++;
  end = start;
  while (end < text.length && text.charCodeAt(end) !== LESS) end++;
  const isClosed = end >= text.length - 1 || text[end + 1] === '/';
  return isClosed && end > start ? { start, end, rule } : undefined;
}

function isInTag(text: string, at: number): boolean {
  for (let i = at - 1; i >= 0 && at - i < LONGEST_TAG; i--) {
    const unit = text.charCodeAt(i);
    if (unit === LESS) return true;
    if (unit === GREATER) return false;
  }
  return false;
}

/**
 * Adds the values of a list of names and values, as Node's rawHeaders, and of pairs: `["Cookie","…"]`, `[ 'password', '…' ]`.
 * `at` is the bracket.
 */
export function listedValues(text: string, at: number, keys: SecretKeys, hits: Hit[]): void {
  let rule: Rule | undefined;
  let i = at;
  for (let n = 0; n < MOST_ITEMS; n++) {
    i = itemStart(text, i + 1);
    const depth = backslashesFrom(text, i);
    const quote = text.charCodeAt(i + depth);
    if (!isQuote(quote)) {
      const end = rule === undefined || '[{]'.includes(text[i] ?? ']') ? i : wordEnd(text, i);
      if (
        rule !== undefined &&
        end > i &&
        !/^(?:null|undefined|true|false)$/.test(text.slice(i, Math.min(end, i + 10)))
      )
        hits.push({ start: i, end, rule });
      return;
    }
    const start = i + depth + 1;
    const end = quoteEnd(text, start, quote, depth);
    const isLabel = rule === undefined && n % 2 === 0 && end - start <= LONGEST_NAME;
    if (rule !== undefined && end > start) hits.push({ start, end, rule });
    i = itemStart(text, end + depth + 1);
    if (text.charCodeAt(i) !== COMMA) return;
    rule = isLabel ? keys.decide(text.slice(start, end)) : undefined;
  }
}

function itemStart(text: string, from: number): number {
  let i = from;
  while (isSpace(text.charCodeAt(i))) i++;
  return gapEnd(text, i);
}
