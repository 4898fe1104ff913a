import { isAlphanumeric, isDigit, isLetter, isQuote, isSpace } from './character.ts';
import type { Span } from './rule.ts';

/** `<`, `>`, white space, a quote: no part of an address. */
const isOutside = (unit: number): boolean => isSpace(unit) || isQuote(unit) || unit === 60 || unit === 62;
const AT = 64;
const SLASH = 47;

/** A user without a password is taken for a token if it is this long: `https://ghp_…@github.com`. */
const SHORTEST_TOKEN = 12;

/**
 * User and password of a URL, `https://user:password@host`; also a token in their place. `at` is the `@`. A password with
 * `@` or `/` that is not encoded counts to its end: the last `@` before a query.
 */
export function urlCredentials(text: string, at: number): Span | undefined {
  let start = at;
  let firstSlash = -1;
  for (;;) {
    const unit = text.charCodeAt(start - 1);
    if (start === 0 || isOutside(unit) || unit === AT) return undefined;
    if (unit === SLASH && text.charCodeAt(start - 2) === SLASH && text[start - 3] === ':') break;
    start--;
    // / ? #
    if (unit === SLASH || unit === 63 || unit === 35) firstSlash = start;
  }
  const colon = text.slice(start, at).indexOf(':');
  if (firstSlash < 0) {
    if (colon < 0 && at - start < SHORTEST_TOKEN) return undefined;
  } else if (colon < 0 || start + colon > firstSlash || isPort(text, start + colon + 1, firstSlash)) {
    // The path of `https://host:8080/@user`.
    return undefined;
  }
  let end = at;
  for (let i = at + 1; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // ? #
    if (isOutside(unit) || unit === 63 || unit === 35) break;
    if (unit === AT) end = i;
  }
  return { start, end };
}

/**
 * The same where the text was cut before the `@`: what stands at its end between `://` and nothing, if there is a colon
 * in it. `at` is the host or user.
 */
export function cutUrlCredentials(text: string, at: number): Span | undefined {
  let hasColon = false;
  for (let i = at; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (isOutside(unit) || unit === SLASH || unit === 63 || unit === 35 || unit === AT) return undefined;
    if (unit === 58) hasColon = true;
  }
  return hasColon ? { start: at, end: text.length } : undefined;
}

function isPort(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!isDigit(text.charCodeAt(i))) return false;
  return true;
}

const LONGEST_LOCAL = 64;
const LONGEST_DOMAIN = 253;
/** Beside letters and digits: . _ % + - ' */
const isLocal = (unit: number): boolean =>
  isAlphanumeric(unit) ||
  unit === 46 ||
  unit === 95 ||
  unit === 37 ||
  unit === 43 ||
  unit === 45 ||
  unit === 39 ||
  unit >= 0x80;

/** An e-mail address. `at` is the `@`. */
export function email(text: string, at: number): Span | undefined {
  let start = at;
  while (start > 0 && at - start < LONGEST_LOCAL && isLocal(text.charCodeAt(start - 1))) start--;
  // A quote that opens is no part of it.
  while (start < at && text[start] === "'") start++;
  if (start === at) return undefined;
  let end = at + 1;
  let lastDot = -1;
  for (; end < text.length && end - at <= LONGEST_DOMAIN; end++) {
    const unit = text.charCodeAt(end);
    if (unit === 46) lastDot = end;
    else if (!isAlphanumeric(unit) && unit !== 45 && !(unit >= 0x80)) break;
  }
  if (end === text.length && end > at + 1 && lastDot < 0 && text.length >= CUT_LENGTH) return { start, end };
  // The end of a sentence.
  if (lastDot === end - 1) {
    end--;
    lastDot = text.lastIndexOf('.', end - 1);
  }
  if (lastDot <= at + 1 || end - lastDot <= 2) return undefined;
  for (let i = lastDot + 1; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (!isLetter(unit) && !(unit >= 0x80) && unit !== 45) return undefined;
  }
  return { start, end };
}

/** So long a text may have been cut in the middle of an address. */
const CUT_LENGTH = 1_024;
