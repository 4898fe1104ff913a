import { isAlphanumeric, isBlank, isKey, isQuote, isSpace } from './character.ts';
import { colourEnd, colourStart, gapEnd } from './terminal-colour.ts';

const BACKSLASH = 92;
const EQUALS = 61;
const COLON = 58;
const LESS = 60;
const ESCAPE = 27;
const LONGEST_KEY = 128;
const LONGEST_TAG = 16;

const isLineEnd = (unit: number): boolean => unit === 10 || unit === 13;

/** How many backslashes stand before a place. */
export function backslashesBefore(text: string, at: number): number {
  let start = at;
  while (text.charCodeAt(start - 1) === BACKSLASH) start--;
  return at - start;
}

/** How many backslashes stand at a place. */
export function backslashesFrom(text: string, at: number): number {
  let end = at;
  while (text.charCodeAt(end) === BACKSLASH) end++;
  return end - at;
}

/**
 * Where a quoted value ends. `depth` is how many backslashes stand before its quotes: 1 in JSON within JSON, then 3. `line`
 * is true for a value that ends with its line as well.
 */
export function quoteEnd(text: string, from: number, quote: number, depth: number, line = false): number {
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
    if (line && (isLineEnd(unit) || (backslashes === depth + 1 && (unit === 110 || unit === 114)))) {
      return i - backslashes;
    }
    backslashes = 0;
  }
  return text.length;
}

/** The same, with what follows: `'…' +` on the next line, as inspect() writes a long text, and `"…""…"`. */
export function quotesEnd(text: string, from: number, quote: number, depth: number): number {
  let end = quoteEnd(text, from, quote, depth);
  for (;;) {
    let next = end + depth + 1;
    if (text.charCodeAt(next) !== quote || end === from) {
      next = colourEnd(text, next);
      if (text[next] !== ' ' || text[next + 1] !== '+' || !isLineEnd(text.charCodeAt(next + 2))) return end;
      next += 3;
      while (isLineEnd(text.charCodeAt(next))) next++;
      next = gapEnd(text, next);
      if (text.charCodeAt(next) !== quote) return end;
    }
    end = quoteEnd(text, next + 1, quote, depth);
  }
}

/** Where an object or a list ends; brackets inside of strings do not count. */
export function bracketEnd(text: string, from: number): number {
  let depth = 0;
  let backslashes = 0;
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === BACKSLASH || unit === ESCAPE) {
      const end = colourEnd(text, i);
      if (end > i) {
        i = end - 1;
        backslashes = 0;
      } else backslashes++;
      continue;
    }
    // An apostrophe in a word opens nothing.
    if (unit === 34 || ((unit === 39 || unit === 96) && opens(text, i - backslashes))) {
      i = quoteEnd(text, i + 1, unit, backslashes) + backslashes;
    } else if (unit === 123 || unit === 91) depth++;
    else if ((unit === 125 || unit === 93) && --depth === 0) return i + 1;
    backslashes = 0;
  }
  return text.length;
}

/** A colour ends in a letter. */
const opens = (text: string, at: number): boolean =>
  !isAlphanumeric(text.charCodeAt(at - 1)) || colourStart(text, at) < at;

/**
 * Where a line ends. A header goes on in the next line if that begins with a blank and this one ends in a comma or a
 * semicolon. `escaped` is with how many backslashes the line's end is written, and so the end of the text it is in: 0 if it
 * is no part of JSON.
 */
export function lineEnd(text: string, from: number, escaped: number): number {
  let backslashes = 0;
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === BACKSLASH) {
      backslashes++;
      continue;
    }
    if (isLineEnd(unit)) {
      const next = unit === 13 && text.charCodeAt(i + 1) === 10 ? i + 2 : i + 1;
      const isFolded = isBlank(text.charCodeAt(next)) && (text[i - 1] === ',' || text[i - 1] === ';');
      if (!isFolded) return i;
      i = next;
    } else if (escaped > 0) {
      if (backslashes === escaped && (unit === 110 || unit === 114)) return i - backslashes;
      if (unit === 34 && backslashes < escaped) return i - backslashes;
    }
    backslashes = 0;
  }
  return text.length;
}

/** True if what follows a quote makes it a part of a value: a letter, a digit, what is encoded. */
export const goesOn = (unit: number): boolean => isAlphanumeric(unit) || unit === 37;

/**
 * Where a value without quotes ends. `ofCookie`: `; name=value` is more of it. What is as long as `limit` is not read on;
 * from there it can be.
 */
export function wordEnd(text: string, from: number, ofCookie = false, limit: number = text.length): number {
  let i = from;
  for (; i < text.length && i < limit; i++) {
    const unit = text.charCodeAt(i);
    if (isSpace(unit) || unit === ESCAPE) return i;
    // `it's…`, `a''b`
    if (isQuote(unit)) {
      const after = isQuote(text.charCodeAt(i + 1)) ? i + 2 : i + 1;
      if (!goesOn(text.charCodeAt(after))) return i;
      continue;
    }
    switch (text[i]) {
      case '<':
        if (isTag(text, i + 1)) return i;
        break;
      case '\\':
        if (isEscapedEnd(text, i)) return i;
        break;
      case ';':
        if (ofCookie && text[i + 1] === ' ' && keyEnd(text, i + 2) > 0) {
          i++;
          break;
        }
        if (endsHere(text, i + 1)) return i;
        break;
      case '&':
      case ',':
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
  return Math.min(i, text.length);
}

/** A line end or a quote, as JSON writes them, unless a word goes on after it; the colour of a terminal. */
function isEscapedEnd(text: string, at: number): boolean {
  const unit = text.charCodeAt(at + 1);
  if (unit === 110 || unit === 114 || unit === 116)
    return text.charCodeAt(at + 2) === BACKSLASH || endsHere(text, at + 2);
  if (isQuote(unit)) return !isAlphanumeric(text.charCodeAt(at + 2));
  return Number.isNaN(unit) || colourEnd(text, at) > at;
}

/** `</name>`, `<!--`, `<br>`, `<br/>` */
function isTag(text: string, from: number): boolean {
  if (text[from] === '/' || text[from] === '!') return true;
  let end = from;
  while (end - from < LONGEST_TAG && isAlphanumeric(text.charCodeAt(end))) end++;
  return end > from && (text[end] === '>' || text[end] === '/');
}

/** True if a pair, white space or nothing follows. */
function endsHere(text: string, from: number): boolean {
  if (from >= text.length || isSpace(text.charCodeAt(from)) || isQuote(text.charCodeAt(from))) return true;
  return keyEnd(text, from) > 0;
}

/** Where the key of a pair ends; 0 if there is none. */
function keyEnd(text: string, from: number): number {
  let end = from;
  while (end - from < LONGEST_KEY && isKey(text.charCodeAt(end))) end++;
  const unit = text.charCodeAt(end);
  return end > from && (unit === EQUALS || unit === COLON) ? end : 0;
}

function closes(text: string, from: number): boolean {
  if (from >= text.length) return true;
  const unit = text.charCodeAt(from);
  return isSpace(unit) || isQuote(unit) || unit === LESS || ',;)]}|\\'.includes(text[from] as string);
}
