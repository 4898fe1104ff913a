import { isAlphanumeric, isBlank, isDigit, isQuote, isSpace } from './character.ts';
import type { Hit, Rule } from './rule.ts';
import { fold } from './secret-keys.ts';

const BACKSLASH = 92;
const EQUALS = 61;
const COLON = 58;
const LONGEST_KEY = 128;
/** Words of a key that is written apart: `social security number: …`. */
const MOST_WORDS = 3;

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

/** Beside letters and digits: _ $ % . - [ ] and everything that is not ASCII. */
const isKey = (unit: number): boolean =>
  isAlphanumeric(unit) ||
  unit === 95 ||
  unit === 36 ||
  unit === 37 ||
  unit === 46 ||
  unit === 45 ||
  unit === 91 ||
  unit === 93 ||
  unit >= 0x80;

/** ! < > = : + */
const isOperator = (unit: number): boolean =>
  unit === 33 || unit === 60 || unit === 62 || unit === 61 || unit === 58 || unit === 43;

interface Key {
  readonly text: string;
  readonly start: number;
  readonly quoted: boolean;
}

/**
 * The value of a secret key in a text: `key=value`, `key: value`, `"key":"value"`, also as JSON within JSON, `'key' =>
 * 'value'`, and the parts of queries and forms. `at` is the equals sign or the colon.
 *
 * A value in quotes ends at its quote, one in brackets at its bracket, another one at white space, except for headers of
 * credentials (`Authorization: …`, `Cookie: …`), which take the line. `&`, `,` and `;` end it if another pair follows.
 * What should end and does not is secret to the end of the text.
 *
 * `isWanted` is asked before the end is searched, with true for a value of a query: `?token=…`.
 */
export function labelledValue(
  text: string,
  at: number,
  keys: { ruleOf(key: string): Rule | undefined },
  isWanted: (ofQuery: boolean) => boolean,
): Hit | undefined {
  const key = keyBefore(text, at);
  if (key === undefined) return undefined;
  let label = key;
  let rule = keys.ruleOf(key.text);
  for (let words = 1; rule === undefined && words < MOST_WORDS; words++) {
    const longer = key.quoted ? undefined : withWordBefore(text, label, at);
    if (longer === undefined) return undefined;
    label = longer;
    rule = keys.ruleOf(label.text);
  }
  const before = text[label.start - 1];
  if (rule === undefined || !isWanted(before === '?' || before === '&')) return undefined;

  const start = valueStart(text, at);
  const value = valueSpan(text, start, label, text.charCodeAt(at) === COLON);
  return value === undefined ? undefined : { start: value.start, end: value.end, rule };
}

function keyBefore(text: string, at: number): Key | undefined {
  let end = at;
  // Of := != and the like.
  while (at - end < 3 && isOperator(text.charCodeAt(end - 1))) end--;
  const spaced = end;
  while (spaced - end < 4 && isBlank(text.charCodeAt(end - 1))) end--;
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
  let start = end;
  while (start > 0 && end - start < LONGEST_KEY && isKey(text.charCodeAt(start - 1))) start--;
  // What begins and ends with a digit is a time, a port, a version.
  if (start === end || (isDigit(text.charCodeAt(start)) && isDigit(text.charCodeAt(end - 1)))) return undefined;
  return { text: text.slice(start, end), start, quoted: false };
}

/** `api key: …`: the key with the word before it. */
function withWordBefore(text: string, key: Key, at: number): Key | undefined {
  if (text[key.start - 1] !== ' ') return undefined;
  let start = key.start - 1;
  while (start > 0 && at - start < LONGEST_KEY && isKey(text.charCodeAt(start - 1))) start--;
  if (start === key.start - 1) return undefined;
  return { text: text.slice(start, key.start) + key.text, start, quoted: false };
}

function valueStart(text: string, at: number): number {
  let start = at + 1;
  // == and =>
  while (start - at < 3 && (text.charCodeAt(start) === EQUALS || text[start] === '>')) start++;
  while (isBlank(text.charCodeAt(start))) start++;
  return start;
}

function valueSpan(text: string, from: number, key: Key, isColon: boolean): { start: number; end: number } | undefined {
  if (from >= text.length) return undefined;
  let open = from;
  while (text.charCodeAt(open) === BACKSLASH) open++;
  if (isQuote(text.charCodeAt(open))) {
    const end = quoteEnd(text, open + 1, text.charCodeAt(open), open - from);
    return end === open + 1 ? undefined : { start: open + 1, end };
  }
  const first = text[from];
  if (first === '{' || first === '[') {
    const end = bracketEnd(text, from);
    return end - from <= 2 ? undefined : { start: from, end };
  }
  let end: number;
  if (isColon && WHOLE_LINE.has(fold(key.text))) {
    // Of -H "Authorization: …"
    const opened = text.charCodeAt(key.start - 1);
    end = lineEnd(text, from, isQuote(opened) ? opened : undefined);
  } else {
    end = wordEnd(text, from);
    const word = text.slice(from, Math.min(end, from + 16));
    if (word === 'null' || word === 'undefined') return undefined;
    if (text[end] === ' ' && (SCHEMES.has(fold(word)) || word.startsWith('AWS4-'))) end = wordEnd(text, end + 1);
  }
  return end === from ? undefined : { start: from, end };
}

/** Where a quoted value ends. `depth` is how many backslashes stand before its quotes: 1 in JSON within JSON, then 3. */
function quoteEnd(text: string, from: number, quote: number, depth: number): number {
  let backslashes = 0;
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === BACKSLASH) {
      backslashes++;
      continue;
    }
    if (unit === quote && (backslashes < depth || backslashes % (2 * (depth + 1)) === depth)) {
      return i - Math.min(backslashes, depth);
    }
    backslashes = 0;
  }
  return text.length;
}

/** Where an object or a list ends; brackets inside of strings do not count. */
function bracketEnd(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const character = text[i];
    if (character === '"') i = quoteEnd(text, i + 1, 34, 0);
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return i + 1;
  }
  return text.length;
}

function lineEnd(text: string, from: number, quote: number | undefined): number {
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 10 || unit === 13 || unit === quote) return i;
  }
  return text.length;
}

function wordEnd(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (isSpace(unit) || isQuote(unit) || unit === 60) return i;
    switch (text[i]) {
      case '\\':
        // A line end or a quote, as JSON writes them.
        if ('nrt"\''.includes(text[i + 1] ?? 'n')) return i;
        break;
      case '&':
      case ',':
      case ';':
        if (endsHere(text, i + 1)) return i;
        break;
      case ')':
      case ']':
      case '}':
      case '|':
        if (closes(text, i + 1)) return i;
        break;
    }
  }
  return text.length;
}

/** True if a pair, white space or nothing follows. */
function endsHere(text: string, from: number): boolean {
  if (from >= text.length || isSpace(text.charCodeAt(from)) || isQuote(text.charCodeAt(from))) return true;
  let end = from;
  while (end - from < LONGEST_KEY && isKey(text.charCodeAt(end))) end++;
  return end > from && (text.charCodeAt(end) === EQUALS || text.charCodeAt(end) === COLON || text[end] === ';');
}

function closes(text: string, from: number): boolean {
  if (from >= text.length) return true;
  const unit = text.charCodeAt(from);
  return isSpace(unit) || isQuote(unit) || ',;)]}|\\<'.includes(text[from] as string);
}
