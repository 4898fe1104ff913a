/** A word as people write it, with the punctuation around it, or a small number. */
const PLAIN = /^[("'[]*(?:[a-z]+(?:['’-][a-z]+)*|\d{1,3})[)"'\],.:;!?]*$/i;
/** Longer ones are no words. */
const LONGEST_WORD = 20;
/** What follows them may be what they name. */
const NAMES_SECRET =
  /^\W*(?:[\w-]*(?:key|token|password|passwd|pwd|secret|credentials?|passphrase|auth)|authorization|cookie|bearer|basic)\W*$/i;
const LONGEST = 1_024;

/**
 * What may be told of a text that a destination answered: its plain words and small numbers, the rest as `…`. It may
 * quote a header of the request, a record, or an address with a password, and it may be written for a terminal. At most
 * 1 024 characters of it are looked at.
 */
export function tellable(text: string): string {
  const words = text.slice(0, LONGEST).split(/[\s\p{Cc}\p{Cf}\u2028\u2029]+/u);
  const told: string[] = [];
  for (const [i, word] of words.entries()) {
    if (word === '') continue;
    const isPlain = word.length <= LONGEST_WORD && PLAIN.test(word) && !NAMES_SECRET.test(words[i - 1] ?? '');
    if (isPlain) told.push(word);
    else if (told.at(-1) !== '…') told.push('…');
  }
  return told.join(' ');
}

/** A text without the words of these: of the headers that were sent, one of which may be a key. */
export function withoutWordsOf(secrets: readonly string[]): (text: string) => string {
  const words = new Set(secrets.flatMap((secret) => secret.split(/[^\p{L}\p{N}]+/u)).filter((word) => word.length > 3));
  if (words.size === 0) return (text) => text;
  return (text) => text.replace(/[\p{L}\p{N}]+/gu, (word) => (words.has(word) ? '…' : word));
}
