import { PlainCopy, setOwn } from '@logspan/logger/internal';
import { removeAttribute } from '../pipeline/edit-attributes.ts';
import { forwardTo, type LogRecord, type Stage, stage } from '../pipeline/stage.ts';
import { checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { SecretKeys } from './redact/secret-keys.ts';

/** Options of {@link redact}. */
export interface RedactOptions {
  /** Further keys whose values are secret, at any depth; case, `_`, `-` and spaces do not matter. */
  readonly keys?: readonly string[];
  /** False to leave out the well-known keys (password, token, authorization, cookie, …). Default true. */
  readonly wellKnown?: boolean;
  /** What stands in place of a secret. Default `***REDACTED***`. */
  readonly replacement?: string;
}

/** Values looked at in one record before it counts as hostile and is withheld whole. */
const MOST_VALUES = 20_000;
const DEEPEST = 64;
const hasOwn = Object.prototype.hasOwnProperty;

/**
 * Replaces secret values: those under a secret key, at any depth of the attributes and of the body. A key counts as a
 * whole (`api_key`, `apiKey`, `X-Api-Key` are one) and by its last dotted part (`http.request.header.authorization`).
 *
 * Stands last before anything is held or leaves. The caller's objects are never changed: what contains a secret is
 * copied. Fails closed: if a record cannot be walked to its end, all its attributes and its body go, and
 * `logspan.redact.failed` says so. Costs a look-up per key; a record without secrets is not copied.
 */
export function redact(options: RedactOptions = {}): Stage {
  checkOptions('redact', options, ['keys', 'wellKnown', 'replacement']);
  const { keys = [], wellKnown = true, replacement = '***REDACTED***' } = options;
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== 'string' || key.trim() === '')) {
    throw new ConfigError('redact.keys', `must be an array of names, not ${given(keys)}`);
  }
  checkType('redact.wellKnown', options.wellKnown, 'boolean');
  checkType('redact.replacement', options.replacement, 'string');

  return stage('redact', 'redact', (next) => {
    const secrets = new SecretKeys(keys, wellKnown);
    const walk = new Walk(secrets, replacement);
    let redacted = 0;
    return forwardTo(next, {
      onEmit(record, context) {
        walk.begin();
        try {
          redactRecord(record, secrets, walk, replacement);
        } catch {
          withhold(record);
          walk.replaced++;
        }
        redacted += walk.replaced;
        next.onEmit(record, context);
      },
      account: () => ({ redacted }),
    });
  });
}

function redactRecord(record: LogRecord, secrets: SecretKeys, walk: Walk, replacement: string): void {
  // The first edit makes a copy; this one stays as it is and can be walked to the end.
  const attributes = record.attributes;
  for (const key in attributes) {
    // What somebody put on Object.prototype is no attribute.
    if (!hasOwn.call(attributes, key)) continue;
    const value = attributes[key];
    if (secrets.has(key)) {
      if (value === undefined || value === null) continue;
      record.setAttribute(key, replacement);
      walk.replaced++;
    } else if (typeof value === 'object' && value !== null) {
      const clean = walk.clean(value, 1);
      if (clean === value) continue;
      record.setAttribute(key, clean);
      // A stock SDK refuses in silence what it finds odd, and the secret would stay.
      if (record.attributes[key] === value) removeAttribute(record, key);
    }
  }
  const body: unknown = record.body;
  if (typeof body === 'object' && body !== null) {
    const clean = walk.clean(body, 1);
    if (clean !== body) record.body = clean;
  }
}

function withhold(record: LogRecord): void {
  for (const key of Object.keys(record.attributes)) removeAttribute(record, key);
  record.body = record.eventName ?? '[withheld: could not be redacted]';
  record.setAttribute('logspan.redact.failed', true);
}

/** Walks plain data and copies what lies above a secret. */
class Walk {
  replaced = 0;
  readonly #secrets: SecretKeys;
  readonly #replacement: string;
  #values = 0;

  constructor(secrets: SecretKeys, replacement: string) {
    this.#secrets = secrets;
    this.#replacement = replacement;
  }

  begin(): void {
    this.replaced = 0;
    this.#values = 0;
  }

  /** The value itself if nothing in it is secret, else a copy without the secrets. */
  clean(value: object, depth: number): object {
    if (depth > DEEPEST || ++this.#values > MOST_VALUES) throw new RangeError('too deep or too large');
    if (Array.isArray(value)) return this.#cleanArray(value, depth);
    if (ArrayBuffer.isView(value)) return value;
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return this.#cleanPlain(value, depth);
    let copy: Record<string, unknown> | undefined;
    for (const key in value) {
      if (!hasOwn.call(value, key)) continue;
      const entry = (value as Record<string, unknown>)[key];
      let clean: unknown = entry;
      if (this.#secrets.has(key)) {
        if (entry === undefined || entry === null) continue;
        clean = this.#replacement;
        this.replaced++;
      } else if (typeof entry === 'object' && entry !== null) {
        clean = this.clean(entry, depth + 1);
      }
      if (clean !== entry) {
        copy ??= ownCopy(value as Record<string, unknown>);
        setOwn(copy, key, clean);
      }
    }
    return copy ?? value;
  }

  /** What a processor put there past `setAttribute`, such as a Map: what it holds shows only in its plain form. */
  #cleanPlain(value: object, depth: number): object {
    const plain = new PlainCopy().of(value);
    // Text in place of an object would need a place of its own: a list says the same.
    return typeof plain === 'object' && plain !== null ? this.clean(plain, depth + 1) : [plain];
  }

  #cleanArray(items: readonly unknown[], depth: number): object {
    // A header or form field as a pair: ['authorization', 'Bearer …'].
    const [name, second] = items;
    if (
      items.length === 2 &&
      typeof name === 'string' &&
      second !== undefined &&
      second !== null &&
      this.#secrets.has(name)
    ) {
      this.replaced++;
      return [name, this.#replacement];
    }
    let copy: unknown[] | undefined;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (typeof item !== 'object' || item === null) continue;
      const clean = this.clean(item, depth + 1);
      if (clean !== item) {
        copy ??= items.slice();
        copy[i] = clean;
      }
    }
    return copy ?? items;
  }
}

function ownCopy(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) setOwn(copy, key, value[key]);
  return copy;
}
