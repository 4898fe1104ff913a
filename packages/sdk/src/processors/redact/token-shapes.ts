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
  'and auth authentication authorization bearer credential credentials error for format from header in invalid is must not of only or realm required scheme security the to token tokens type was with'.split(
    ' ',
  ),
);
const LONGEST_WORD = 16;

/** `Bearer …`, in any case. `at` is the `b`. */
export function bearer(text: string, at: number): Span | undefined {
  const start = afterWord(text, at, 'bearer');
  if (start === undefined) return undefined;
  let end = start;
  for (; end < text.length; end++) {
    const unit = text.charCodeAt(end);
    // , ; < > ) ] } \
    if (isSpace(unit) || isQuote(unit) || unit === 44 || unit === 59 || unit === 60 || unit === 62) break;
    if (unit === 41 || unit === 93 || unit === 125 || unit === 92) break;
  }
  if (end === start) return undefined;
  const isSentence =
    end - start <= LONGEST_WORD &&
    NO_TOKENS.has(
      text
        .slice(start, end)
        .toLowerCase()
        .replace(/[.:!?]$/, ''),
    );
  return isSentence ? undefined : { start, end };
}

/** `Basic …`, in any case, if what follows is a name and a password in base64. `at` is the `b`. */
export function basic(text: string, at: number): Span | undefined {
  const start = afterWord(text, at, 'basic');
  if (start === undefined) return undefined;
  const end = runEnd(text, start, isBase64);
  const length = end - start;
  const isCut = end === text.length && length >= 8 && length % 4 !== 0;
  return length >= 4 && (isCut || Buffer.from(text.slice(start, end), 'base64').includes(':'))
    ? { start, end }
    : undefined;
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
  let start = after;
  while (start - after < MOST_BLANKS && isSpace(text.charCodeAt(start))) start++;
  return start > after ? start : undefined;
}
