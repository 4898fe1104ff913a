import { isDigit, isKey, isLetter, isQuote } from './character.ts';
import { mayBeNamed, namedElement, ruleByName } from './named-value.ts';
import { isNoSecret, isVersion, LONGEST_JUDGED } from './no-secret.ts';
import type { Hit, Rule } from './rule.ts';
import { fold, type SecretKeys } from './secret-keys.ts';
import { colourStart, gapEnd, gapStart } from './terminal-colour.ts';
import { backslashesBefore, bracketEnd, goesOn, lineEnd, quoteEnd, quotesEnd, wordEnd } from './value-end.ts';

const BACKSLASH = 92;
const EQUALS = 61;
const COLON = 58;
const WIDE_COLON = 0xff1a;
const LONGEST_KEY = 128;
/** Words of a key that is written apart: `social security number: …`. */
const MOST_WORDS = 3;
/** Longer words are no scheme, and nothing that is said of a secret. */
const LONGEST_WORD = 64;

/** What these name has spaces: it goes to the end of its line. */
const WHOLE_LINE: ReadonlySet<string> = new Set([
  'authorization',
  'proxyauthorization',
  'cookie',
  'cookies',
  'setcookie',
  'connectionstring',
  'passphrase',
]);
const COOKIES: ReadonlySet<string> = new Set(['cookie', 'cookies', 'setcookie']);

/** They stand before the secret itself. */
const SCHEMES: ReadonlySet<string> = new Set([
  'basic',
  'bearer',
  'token',
  'digest',
  'negotiate',
  'apikey',
  'hawk',
  'key',
]);

/** ! < > = : + */
const isOperator = (unit: number): boolean =>
  unit === 33 || unit === 60 || unit === 62 || unit === 61 || unit === 58 || unit === 43;
const isColon = (unit: number): boolean => unit === COLON || unit === WIDE_COLON;
const isLineEnd = (unit: number): boolean => unit === 10 || unit === 13;

/** What stands before a key that is none: `First pass: …`, `Unexpected token: …`. */
const OTHER_WORDS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['pass', new Set('first second third fourth last final next single each every this that one two main'.split(' '))],
  ['token', new Set(['unexpected', 'expected'])],
]);

interface Key {
  readonly text: string;
  readonly start: number;
  readonly quoted: boolean;
  /** How many backslashes write the line end before it, in JSON. */
  readonly escaped?: number;
}

/** Which detectors want what stands under a secret key. */
export interface Wanted {
  readonly url_query?: unknown;
  readonly pairs?: unknown;
}

/**
 * The value of a secret key in a text: `key=value`, `key: value`, `"key":"value"`, also as JSON within JSON, `'key' =>
 * 'value'`, and the parts of queries and forms. `at` is the equals sign or the colon. Blanks and the colours of a terminal
 * may stand around it, and after a colon the end of the line.
 *
 * A value in quotes ends at its quote, one in brackets at its bracket, another one at white space, except for headers of
 * credentials (`Authorization: …`, `Cookie: …`), which take the line. `&`, `,` and `;` end it if another pair follows.
 * What should end and does not is secret to the end of the text.
 */
export function labelledValue(text: string, at: number, keys: SecretKeys, wanted: Wanted): Hit | undefined {
  const key = keyBefore(text, at);
  if (key === undefined) return undefined;
  let label = afterEscape(text, key);
  let rule = keys.ruleOf(label.text);
  if (rule === undefined && label !== key) {
    label = key;
    rule = keys.ruleOf(key.text);
  }
  if (rule === undefined && wanted.pairs !== undefined) {
    if (mayBeNamed(label.text)) rule = ruleByName(text, label.start, at, keys);
    else if (text.charCodeAt(at) === EQUALS && !key.quoted) {
      const named = namedElement(text, label.text, at, keys);
      if (named !== undefined) return named;
    }
  }
  for (let words = 1; rule === undefined && words < MOST_WORDS; words++) {
    const longer = key.quoted ? undefined : withWordBefore(text, label, at);
    if (longer === undefined) return undefined;
    label = longer;
    rule = keys.ruleOf(label.text);
  }
  if (rule === undefined) return undefined;
  if (OTHER_WORDS.get(label.text.toLowerCase())?.has(wordBefore(text, label.start)) === true) return undefined;
  const before = text[label.start - 1];
  if ((before === '?' || before === '&' ? wanted.url_query : wanted.pairs) === undefined) return undefined;
  return valueAfter(text, at, label, rule);
}

function keyBefore(text: string, at: number): Key | undefined {
  let end = at;
  // Of := != and the like.
  while (at - end < 3 && isOperator(text.charCodeAt(end - 1))) end--;
  end = gapStart(text, end);
  const quote = text.charCodeAt(end - 1);
  if (isQuote(quote)) {
    end--;
    while (text.charCodeAt(end - 1) === BACKSLASH) end--;
    let start = end;
    while (start > 0 && text.charCodeAt(start - 1) !== quote) {
      if (end - --start > LONGEST_KEY) return undefined;
    }
    return start === end ? undefined : { text: text.slice(start, end), start, quoted: true };
  }
  const start = keyStart(text, end, end);
  // What begins and ends with a digit is a time, a port, a version.
  if (start === end || (isDigit(text.charCodeAt(start)) && isDigit(text.charCodeAt(end - 1)))) return undefined;
  return { text: text.slice(start, end), start, quoted: false };
}

/** Where the characters of a key begin that end at `end`; what is part of a colour is none. */
function keyStart(text: string, from: number, end: number): number {
  let start = from;
  while (start > 0 && end - start < LONGEST_KEY) {
    const unit = text.charCodeAt(start - 1);
    if (!isKey(unit) || (unit === 109 && colourStart(text, start) < start)) break;
    start--;
  }
  return start;
}

/** After `\n` and `\u0026` the key begins behind the escape, unless that is a part of a path. */
function afterEscape(text: string, key: Key): Key {
  const escaped = key.quoted ? 0 : backslashesBefore(text, key.start);
  if (escaped === 0) return key;
  const first = key.text[0] as string;
  const length = 'nrtbf'.includes(first) ? 1 : first === 'u' ? 5 : first === 'x' ? 3 : 0;
  return length === 0 || length >= key.text.length
    ? key
    : { text: key.text.slice(length), start: key.start + length, quoted: false, escaped };
}

/** `api key: …`: the key with the word before it. */
function withWordBefore(text: string, key: Key, at: number): Key | undefined {
  if (text[key.start - 1] !== ' ') return undefined;
  const start = keyStart(text, key.start - 1, at);
  if (start === key.start - 1) return undefined;
  return { text: text.slice(start, key.start) + key.text, start, quoted: false };
}

function wordBefore(text: string, end: number): string {
  if (text[end - 1] !== ' ') return '';
  let start = end - 1;
  while (end - start < LONGEST_WORD && isLetter(text.charCodeAt(start - 1))) start--;
  return text.slice(start, end - 1).toLowerCase();
}

function valueAfter(text: string, at: number, key: Key, rule: Rule): Hit | undefined {
  let from = at + 1;
  // == and =>
  while (from - at < 3 && (text.charCodeAt(from) === EQUALS || text[from] === '>')) from++;
  from = gapEnd(text, from);
  const hasColon = isColon(text.charCodeAt(at));
  const below = hasColon ? lineBelow(text, from) : from;
  if (below > from && text.startsWith('at ', below)) return undefined;
  const isBlock = text[from] === '|' || text[from] === '>';
  const isBelow = below > from;
  from = below;
  const said = quotedBy(text, from);
  if (said === 0) return undefined;
  from += said ?? 0;
  if (from >= text.length) return undefined;
  if (said !== undefined && !isQuote(text.charCodeAt(from))) return { start: from, end: lineEnd(text, from, 0), rule };
  let open = from;
  while (text.charCodeAt(open) === BACKSLASH) open++;
  const quote = text.charCodeAt(open);
  if (isQuote(quote)) {
    const depth = open - from;
    const end = quotesEnd(text, open + 1, quote, depth);
    // The quotes are a part of it: `''abc`.
    const after = end + depth + 1;
    if (goesOn(text.charCodeAt(after))) return { start: open + 1, end: wordEnd(text, after), rule };
    if (end === open + 1 || isVersion(text.slice(open + 1, Math.min(end, open + LONGEST_WORD)))) return undefined;
    return { start: open + 1, end, rule };
  }
  if (text[from] === '{' || text[from] === '[') {
    const end = bracketEnd(text, from);
    return end - from <= 2 ? undefined : { start: from, end, rule };
  }
  if (isBelow && text.startsWith('- ', from)) return { start: from, end: listEnd(text, from), rule };
  const folded = fold(key.text);
  // As much as tells whether it is one: what turns out to be none is not read to its end, again and again.
  const ofCookie = COOKIES.has(folded);
  let end = wordEnd(text, from, ofCookie, from + LONGEST_JUDGED);
  const word = text.slice(from, Math.min(end, from + LONGEST_JUDGED));
  const wholeLine = hasColon && (isBlock || WHOLE_LINE.has(folded));
  if (isNoSecret(word, key.text, folded)) {
    if (!wholeLine || folded !== 'passphrase' || isAtLineEnd(text, end)) return undefined;
  }
  if (wholeLine) {
    end = headerEnd(text, from, key);
    return end === from ? undefined : { start: from, end, rule };
  }
  if (end - from >= LONGEST_JUDGED) end = wordEnd(text, end, ofCookie);
  // A line of its own that is no value.
  if (isBelow && (word.endsWith(':') || !isAtLineEnd(text, end)) && !isMixed(word)) return undefined;
  if (text[end] === ' ' && (SCHEMES.has(fold(word)) || word.startsWith('AWS4-'))) end = wordEnd(text, end + 1);
  return end === from ? undefined : { start: from, end, rule };
}

/** What Mongoose says of a value. Here 64 characters are enough for names. */
const MESSAGE =
  /^(?:Path `[^`]{1,64}` (?:(?:is invalid )?\(|(?=\w))|Cast to .{1,64}? failed for value |Validator failed for path `[^`]{1,64}` with value )/;
const LONGEST_MESSAGE = 160;

/** How much of a sentence stands before the value that it quotes, 0 if it quotes none; undefined if there is no such one. */
function quotedBy(text: string, from: number): number | undefined {
  const unit = text[from];
  if (unit !== 'P' && unit !== 'C' && unit !== 'V') return undefined;
  const said = MESSAGE.exec(text.slice(from, from + LONGEST_MESSAGE))?.[0];
  if (said === undefined) return undefined;
  return said.endsWith('` ') ? 0 : said.length;
}

/** Where the next line begins, after its blanks, if nothing but the mark of a YAML block is left of this one; else `from`. */
function lineBelow(text: string, from: number): number {
  let next = from;
  if (text[next] === '|' || text[next] === '>') {
    next++;
    if (text[next] === '-' || text[next] === '+') next++;
  }
  if (!isLineEnd(text.charCodeAt(next))) return from;
  next += text.charCodeAt(next) === 13 && text.charCodeAt(next + 1) === 10 ? 2 : 1;
  return gapEnd(text, next);
}

function isAtLineEnd(text: string, from: number): boolean {
  const end = gapEnd(text, from);
  return end >= text.length || isLineEnd(text.charCodeAt(end));
}

const MIXED = /^(?=.*\p{L})(?=.*\d)/su;
/** A date, a key of YAML. */
const NOT_MIXED = /^(?:\d{4}-\d\d-\d\d|[a-z][a-z\d_-]*:$)/;

/** Letters and digits, as no word of a sentence has them: a value, whatever follows it in its line. */
const isMixed = (word: string): boolean => MIXED.test(word) && !NOT_MIXED.test(word);

/** The end of a YAML list that begins at `from`. */
function listEnd(text: string, from: number): number {
  let end = from;
  for (let next = from; text.startsWith('- ', next); next = lineBelow(text, end)) end = lineEnd(text, next, 0);
  return end;
}

/** Of `-H "Authorization: …"`, and of headers in JSON. */
function headerEnd(text: string, from: number, key: Key): number {
  if (key.escaped !== undefined) return lineEnd(text, from, key.escaped);
  const opened = text.charCodeAt(key.start - 1);
  if (!isQuote(opened)) return lineEnd(text, from, 0);
  return quoteEnd(text, from, opened, backslashesBefore(text, key.start - 1), true);
}
