import { isKey, isLetter, isSpace } from './character.ts';
import type { Hit } from './rule.ts';
import type { SecretKeys } from './secret-keys.ts';

const LONGEST_NAME = 128;
const COLON = 58;
const LESS = 60;
const GREATER = 62;
const CDATA = '<![CDATA[';

/**
 * The text of an XML element with a secret name: `<Password>…</Password>`, also `<wsse:Password Type="…">` and CDATA. `at`
 * is the `<`. Without an end, it is the word that follows: `Usage: <token> is…` names none.
 */
export function xmlElement(text: string, at: number, keys: SecretKeys): Hit | undefined {
  // `Promise<Token>` is no element.
  if (!isLetter(text.charCodeAt(at + 1)) || isKey(text.charCodeAt(at - 1))) return undefined;
  let end = at + 1;
  while (end - at <= LONGEST_NAME && (isKey(text.charCodeAt(end)) || text.charCodeAt(end) === COLON)) end++;
  if (text[end] !== '>' && !isSpace(text.charCodeAt(end))) return undefined;
  const rule = keys.ruleOf(text.slice(at + 1, end));
  if (rule === undefined) return undefined;
  while (text[end] !== '>') {
    if (end >= text.length || text.charCodeAt(end) === LESS) return undefined;
    end++;
  }
  if (text[end - 1] === '/') return undefined;
  let start = end + 1;
  if (text.startsWith(CDATA, start)) {
    start += CDATA.length;
    const close = text.indexOf(']]>', start);
    return close === start ? undefined : { start, end: close < 0 ? text.length : close, rule };
  }
  while (isSpace(text.charCodeAt(start))) start++;
  let word = -1;
  for (end = start; end < text.length && text.charCodeAt(end) !== LESS; end++) {
    if (word < 0 && isSpace(text.charCodeAt(end))) word = end;
  }
  if (text[end + 1] !== '/' && end !== text.length - 1) {
    // What is no element, or one that was cut.
    if (end < text.length || text.charCodeAt(start - 1) !== GREATER || !isKey(text.charCodeAt(start))) return undefined;
    if (word > 0) end = word;
  }
  return end === start ? undefined : { start, end, rule };
}
