import { createHmac, createSecretKey } from 'node:crypto';
import { checkNumber, checkOptions } from '../../provider/check-options.ts';
import { ConfigError, given } from '../../provider/config-error.ts';

/**
 * What becomes of a secret.
 *
 * - `'replace'`: the `replacement` stands in its place.
 * - `'remove'`: an attribute or an entry of an object goes; in a list or a text an empty string is left.
 * - `mask`: the last characters stay (`***4242`), 1 to 8 of them, if the secret is at least three times as long; a
 *   shorter one is replaced.
 * - `pseudonym`: `pseudonym:` and 24 hex digits, the start of HMAC-SHA-256 over the value as text under your key of at
 *   least 32 bytes. One value has one pseudonym, so that records can be joined without telling who it is.
 *
 * Masks and pseudonyms are of text, numbers and booleans; an object or a list is replaced.
 */
export type RedactAction =
  | 'replace'
  | 'remove'
  | { readonly mask: { readonly keepLast: number } }
  | { readonly pseudonym: { readonly key: string | Uint8Array } };

/** A checked action. */
export interface Action {
  readonly name: 'replace' | 'remove' | 'mask' | 'pseudonym';
  /** What stands in place of a secret text. */
  text(secret: string): string;
  /** What stands in place of a secret value; undefined: nothing does. */
  value(secret: unknown): unknown;
}

const SHORTEST_KEY_BYTES = 32;
const PSEUDONYM_DIGITS = 24;

/** Checks an action. Throws a ConfigError that never shows the key of a pseudonym. */
export function actionOf(option: string, action: RedactAction, replacement: string): Action {
  if (action === 'replace') return { name: 'replace', text: () => replacement, value: () => replacement };
  if (action === 'remove') return { name: 'remove', text: () => '', value: () => undefined };
  if (typeof action === 'object' && action !== null && Object.keys(action).length === 1) {
    if ('mask' in action) return ofText('mask', replacement, mask(`${option}.mask`, action.mask, replacement));
    if ('pseudonym' in action)
      return ofText('pseudonym', replacement, pseudonym(`${option}.pseudonym`, action.pseudonym));
  }
  throw new ConfigError(
    option,
    `must be 'replace', 'remove', { mask: { keepLast } } or { pseudonym: { key } }, not ${typeof action === 'string' ? 'another word' : given(action)}`,
  );
}

function ofText(name: Action['name'], replacement: string, text: (secret: string) => string): Action {
  const value = (secret: unknown): string =>
    typeof secret === 'object' || typeof secret === 'function' ? replacement : text(String(secret));
  return { name, text, value };
}

function mask(option: string, options: unknown, replacement: string): (secret: string) => string {
  checkOptions(option, options, ['keepLast']);
  const { keepLast } = options as { keepLast?: unknown };
  if (keepLast === undefined) throw new ConfigError(`${option}.keepLast`, 'must be given: how many characters stay');
  checkNumber(`${option}.keepLast`, keepLast, 1, 8);
  const kept = keepLast as number;
  return (secret) => {
    if (secret.length < 3 * kept) return replacement;
    const last = secret.slice(-kept);
    // Half of a surrogate pair is no character.
    return `***${/^[\udc00-\udfff]/.test(last) ? last.slice(1) : last}`;
  };
}

function pseudonym(option: string, options: unknown): (secret: string) => string {
  checkOptions(option, options, ['key']);
  const { key } = options as { key?: unknown };
  if (typeof key !== 'string' && !(key instanceof Uint8Array)) {
    throw new ConfigError(
      `${option}.key`,
      `must be a string or a Uint8Array, not ${key === null ? 'null' : `of type ${typeof key}`}`,
    );
  }
  const bytes = typeof key === 'string' ? Buffer.from(key) : Buffer.from(key);
  if (bytes.length < SHORTEST_KEY_BYTES) {
    throw new ConfigError(`${option}.key`, `must have at least ${SHORTEST_KEY_BYTES} bytes, not ${bytes.length}`);
  }
  // A KeyObject shows nothing of itself, however it is printed.
  const secretKey = createSecretKey(bytes);
  return (secret) =>
    `pseudonym:${createHmac('sha256', secretKey).update(secret).digest('hex').slice(0, PSEUDONYM_DIGITS)}`;
}
