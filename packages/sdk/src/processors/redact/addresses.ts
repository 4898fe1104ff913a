import { isAlphanumeric, isDigit, isLetter, isQuote, isSpace } from './character.ts';
import type { Span } from './rule.ts';

const AT = 64;
const SLASH = 47;
const COLON = 58;
const BACKSLASH = 92;
const LESS = 60;
const GREATER = 62;

/** A user without a password is taken for a token if it is this long: `https://ghp_…@github.com`. */
const SHORTEST_TOKEN = 12;
/** So much of one that was cut may be more than a host. */
const SHORTEST_REST = 12;
const LONGEST_SCHEME = 16;
const LONGEST_PORT = 5;

/** Where a URL goes on after its scheme, also as some write it in JSON: `https:\/\/`. `at` is the colon. */
export function afterScheme(text: string, at: number): number | undefined {
  if (text.charCodeAt(at + 1) === SLASH) return text.charCodeAt(at + 2) === SLASH ? at + 3 : undefined;
  return text.startsWith('\\/\\/', at + 1) ? at + 5 : undefined;
}

/**
 * User and password of a URL, `https://user:password@host`; also a token in their place. `start` is what follows `://`. A
 * password with `@`, `/` or a quote that is not encoded counts to its end: the last `@` before white space, and before a
 * query if there is one. A quote ends the URL if it is the one the URL began with, or if it can no more be part of a
 * password. If there is no `@`, the answer is up to where, and `noAtBefore` is the last such answer: the same is not
 * searched twice. `isCut`: the `@` may have been cut off.
 */
export function urlCredentials(text: string, start: number, noAtBefore: number, isCut: boolean): Span | number {
  const url = new UrlEnd(text, start);
  let colon = -1;
  let lastAt = -1;
  let i = start;
  for (; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === SLASH || isQuery(unit) || url.endsAt(i, unit, colon < 0 || lastAt >= 0)) break;
    if (unit === AT) lastAt = i;
    else if (unit === COLON && colon < 0) colon = i;
  }
  const isWebPort = colon >= 0 && i < text.length && isDigits(text, colon + 1, i) && url.isOfWeb(colon, i);
  if (colon < 0 || isWebPort || text[start] === '[') {
    // A host has a dot, or is short.
    if (isCut && lastAt < 0 && colon < 0 && i >= text.length && i - start >= SHORTEST_REST && !hasDot(text, start, i)) {
      return { start, end: i };
    }
    return lastAt - start >= SHORTEST_TOKEN ? { start, end: lastAt } : noAtBefore;
  }
  if (lastAt < 0) i = Math.max(i, noAtBefore);
  const isPort = isDigits(text, colon + 1, i);
  let inQuery = false;
  for (; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (url.endsAt(i, unit, lastAt >= 0)) break;
    if (isQuery(unit)) {
      if (lastAt > colon || isPort) break;
      inQuery = true;
    } else if (unit === AT) {
      lastAt = i;
      if (inQuery) break;
    }
  }
  if (lastAt > colon) return { start, end: lastAt };
  // What is cut behind a port is no password, unless that begins with a number and ends there.
  if (isCut && i >= text.length && !(isPort && i - colon > 2 && i - colon <= LONGEST_PORT + 1))
    return { start, end: i };
  return lastAt < 0 ? Math.max(i, noAtBefore) : noAtBefore;
}

/** ? # */
const isQuery = (unit: number): boolean => unit === 63 || unit === 35;

const WEB_PORTS: ReadonlySet<string> = new Set(['80', '443']);
/** Beside letters and digits: + - . */
const isScheme = (unit: number): boolean => isAlphanumeric(unit) || unit === 43 || unit === 45 || unit === 46;

/** Knows where a URL ends that begins at a place. */
class UrlEnd {
  readonly #text: string;
  readonly #start: number;
  #schemeStart: number | undefined;

  constructor(text: string, start: number) {
    this.#text = text;
    this.#start = start;
  }

  /** `hasHost`: no password can follow. */
  endsAt(at: number, unit: number, hasHost: boolean): boolean {
    if (isSpace(unit)) return true;
    // A line end, as JSON writes it.
    if (unit === BACKSLASH) return hasHost && 'nrt'.includes(this.#text[at + 1] ?? 'n');
    if (!isQuote(unit) && unit !== LESS && unit !== GREATER) return false;
    const before = this.#text.charCodeAt(this.#scheme() - 1);
    if (unit === before || (before === LESS && unit === GREATER) || (before === GREATER && unit === LESS)) return true;
    return hasHost && !isAlphanumeric(this.#text.charCodeAt(at + 1));
  }

  /** True if a number between a name and a slash is rather the port of a web server than the begin of a password. */
  isOfWeb(colon: number, slash: number): boolean {
    const scheme = this.#text.slice(this.#scheme(), this.#start).toLowerCase();
    if (!/^(?:https?|wss?|webpack):/.test(scheme)) return false;
    const digits = slash - colon - 1;
    return (
      digits === 0 ||
      digits === 4 ||
      digits === 5 ||
      WEB_PORTS.has(this.#text.slice(colon + 1, Math.min(slash, colon + 6)))
    );
  }

  #scheme(): number {
    if (this.#schemeStart !== undefined) return this.#schemeStart;
    let at = this.#start;
    // ://
    while (this.#start - at < 5 && !isAlphanumeric(this.#text.charCodeAt(at - 1))) at--;
    while (at > 0 && this.#start - at < LONGEST_SCHEME && isScheme(this.#text.charCodeAt(at - 1))) at--;
    this.#schemeStart = at;
    return at;
  }
}

function isDigits(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!isDigit(text.charCodeAt(i))) return false;
  return true;
}

function hasDot(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text[i] === '.') return true;
  return false;
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

/** An e-mail address. `at` is the `@`. `isCut`: its end may have been cut off. */
export function email(text: string, at: number, isCut: boolean): Span | undefined {
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
  const mayBeCut = end === text.length && (isCut || text.length >= CUT_LENGTH);
  if (mayBeCut && (lastDot < 0 || end - lastDot <= 2)) return { start, end };
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
