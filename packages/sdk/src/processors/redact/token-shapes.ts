import { isAlphanumeric, isDigit, isQuote, isSpace, isUpper, runEnd } from './character.ts';
import type { Span } from './rule.ts';

/*
 * Each function is asked about one place in a text and answers with the secret that stands there. A secret that is cut
 * short by the end of the text counts as well, as far as it can be told.
 */

const isBase64Url = (unit: number): boolean => isAlphanumeric(unit) || unit === 45 || unit === 95;
const isBase64 = (unit: number): boolean => isBase64Url(unit) || unit === 43 || unit === 47 || unit === 61;
const isKeyId = (unit: number): boolean => isUpper(unit) || isDigit(unit);
const isWord = (unit: number): boolean => isAlphanumeric(unit) || unit === 95;
const isDashed = (unit: number): boolean => isAlphanumeric(unit) || unit === 45;
const isUrl = (unit: number): boolean => unit > 32 && !isQuote(unit) && unit !== 60 && unit !== 62 && unit !== 92;

/**
 * A JSON Web Token or its encrypted form: `eyJ…`, a dot, and at least one part more. `at` is the `e`. Answers where to
 * go on if there is none: all of the run of characters has been seen then.
 */
export function jwt(text: string, at: number): Span | number {
  let end = runEnd(text, at, isBase64Url);
  const header = end;
  if (header - at < 8 || text[header] !== '.') return header;
  const payloadIsJson = text.startsWith('eyJ', header + 1);
  let parts = 1;
  while (parts < 5 && text[end] === '.') {
    const next = runEnd(text, end + 1, isBase64Url);
    // The signature of an unsigned token is empty.
    if (next === end + 1 && !(parts === 2 && payloadIsJson)) break;
    end = next;
    parts++;
  }
  return parts >= 3 || (parts === 2 && payloadIsJson) ? { start: at, end } : header;
}

/** Words that follow “bearer” in a sentence. */
const NO_TOKENS: ReadonlySet<string> = new Set(
  'and auth authentication authorisation authorization bearer credential credentials error for format from header headers in invalid is must not of only or realm required scheme scope security the to token tokens type was with'.split(
    ' ',
  ),
);
const LONGEST_WORD = 16;

/** `Bearer …`, in any case, also `Bearer "…"`, and as a query has it, `Bearer+…`. `at` is the `b`. */
export function bearer(text: string, at: number): Span | undefined {
  let start = afterWord(text, at, 'bearer');
  if (start === undefined) return undefined;
  const isQuoted = isQuote(text.charCodeAt(start));
  if (isQuoted) start++;
  let end = start;
  for (; end < text.length; end++) {
    const unit = text.charCodeAt(end);
    // , ; < > ) ] } \
    if (isSpace(unit) || isQuote(unit) || unit === 44 || unit === 59 || unit === 60 || unit === 62) break;
    if (unit === 41 || unit === 93 || unit === 125 || unit === 92) break;
  }
  if (end === start) return undefined;
  // `Bearer realm="…"` says of which kind a token must be.
  const isSentence =
    end - start <= LONGEST_WORD &&
    NO_TOKENS.has(
      text
        .slice(start, end)
        .toLowerCase()
        .replace(/[.:!?=]$/, ''),
    );
  return isSentence ? undefined : { start, end };
}

/** As much of what follows tells whether it is one: so many are looked at, however many follow. */
const MOST_JUDGED = 512;

/** `Basic …`, in any case, if what follows is a name and a password in base64. `at` is the `b`. */
export function basic(text: string, at: number): Span | undefined {
  let start = afterWord(text, at, 'basic');
  if (start === undefined) return undefined;
  if (isQuote(text.charCodeAt(start))) start++;
  const end = runEnd(text, start, isBase64, start + MOST_JUDGED);
  const length = end - start;
  if (length < 4) return undefined;
  // Cut within a group, or within a character.
  const whole = end === text.length ? length - (length % 4) : length;
  if (whole < length && length >= 8 && !isWordLike(text, start, end)) return { start, end };
  const bytes = Buffer.from(text.slice(start, start + whole), 'base64');
  return isAccount(bytes) ? { start, end: runEnd(text, end, isBase64) } : undefined;
}

/** A name, a colon and a password: all of it can be printed. */
function isAccount(bytes: Uint8Array): boolean {
  return bytes.includes(58) && bytes.every((byte) => byte >= 32 && byte !== 127);
}

/** A word of a sentence has only its first letter as a capital. */
function isWordLike(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (!isAlphanumeric(unit) || isDigit(unit) || (i > start && isUpper(unit))) return false;
  }
  return true;
}

/** An access key id of AWS: `AKIA` or `ASIA` and 16 more. `at` is the `A`. */
export function awsAccessKey(text: string, at: number): Span | undefined {
  if (!text.startsWith('AKIA', at) && !text.startsWith('ASIA', at)) return undefined;
  const end = runEnd(text, at + 4, isKeyId);
  return end - at >= 20 || (end === text.length && end - at > 6) ? { start: at, end } : undefined;
}

/** A token of GitHub: `ghp_…`, `github_pat_…`. `at` is its first underscore. */
export function githubToken(text: string, at: number): Span | undefined {
  const start = text.startsWith('github_pat_', at - 6) ? at - 6 : at - 3;
  if (start < 0) return undefined;
  if (start === at - 3 && (!text.startsWith('gh', start) || !'pousr'.includes(text[at - 1] as string)))
    return undefined;
  const end = runEnd(text, at + 1, isWord);
  const length = end - at;
  // `highs_and_lows…` is a word, unless it is very long.
  if (length <= 36 && start > 0 && isAlphanumeric(text.charCodeAt(start - 1))) return undefined;
  return length > 20 || (end === text.length && length > 4) ? { start, end } : undefined;
}

/** A token of Slack: `xoxb-…`, `xapp-…`. `at` is the `x`. */
export function slackToken(text: string, at: number): Span | undefined {
  const dash = at + 4;
  if (text[dash] !== '-' || !(text.startsWith('xox', at) || text.startsWith('xapp', at))) return undefined;
  const end = runEnd(text, dash, isDashed);
  return end - dash > 8 || (end === text.length && end - dash > 2) ? { start: at, end } : undefined;
}

const SLACK_HOOKS = 'hooks.slack.com/';

/** The address of a Slack webhook is a secret itself. `at` is the host. */
export function slackWebhook(text: string, at: number): Span | undefined {
  if (!text.startsWith(SLACK_HOOKS, at)) return undefined;
  const start = at + SLACK_HOOKS.length;
  const end = runEnd(text, start, isUrl);
  return end > start ? { start, end } : undefined;
}

const DASHES = '-----';
const LONGEST_LABEL = 48;

/** A private key in PEM or OpenPGP armour, to its end or, if that is missing, the end of the text. `at` is the first dash. */
export function privateKey(text: string, at: number): Span | undefined {
  const label = `${DASHES}BEGIN `;
  if (!text.startsWith(label, at)) return undefined;
  if (!text.slice(at + label.length, at + label.length + LONGEST_LABEL).includes('PRIVATE KEY')) return undefined;
  const footer = text.indexOf(`${DASHES}END`, at + label.length);
  const close = footer < 0 ? -1 : text.indexOf(DASHES, footer + DASHES.length);
  return { start: at, end: close < 0 ? text.length : close + DASHES.length };
}

const MOST_BLANKS = 8;

/** Where that begins which follows a word and white space. */
function afterWord(text: string, at: number, word: string): number | undefined {
  for (let i = 0; i < word.length; i++) {
    if ((text.charCodeAt(at + i) | 32) !== word.charCodeAt(i)) return undefined;
  }
  const after = at + word.length;
  if (text[after] === '+') return after + 1;
  if (text.startsWith('%20', after)) return after + 3;
  let start = after;
  while (start - after < MOST_BLANKS && isSpace(text.charCodeAt(start))) start++;
  return start > after ? start : undefined;
}
