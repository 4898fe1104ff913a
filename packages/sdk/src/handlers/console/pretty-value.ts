import { printable } from './printable.ts';

/** Deeper than any normalised value; a cycle ends here instead of in a stack overflow. */
const MAX_DEPTH = 64;
const MOST_BYTES_SHOWN = 32;

/** Text that needs no quotes: printable, without space, quote or `=`, and not begun like an object or a list. */
const BARE = /^(?![{[])[^\s"'=\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]+$/u;
const WORDS = new Set(['true', 'false', 'null', 'undefined', 'NaN']);

/** An attribute's key: as it is, or in quotes if it could be misread. */
export function prettyKey(key: string): string {
  return BARE.test(key) ? key : quoted(key);
}

/**
 * An attribute's value on one line. Strings are in quotes only if they could be misread: as two words, as a number,
 * as `null`. Objects are `{key:value,…}`, lists `[…]`, bytes hexadecimal.
 */
export function prettyValue(value: unknown): string {
  if (typeof value !== 'string') return compact(value, 0);
  return BARE.test(value) && !WORDS.has(value) && Number.isNaN(Number(value)) ? value : quoted(value);
}

function compact(value: unknown, depth: number): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth > MAX_DEPTH) throw new RangeError('the value is too deep');
  if (ArrayBuffer.isView(value)) return bytes(value);
  if (Array.isArray(value)) return `[${value.map((item) => compact(item, depth + 1)).join(',')}]`;
  const entries = Object.entries(value).map(([key, entry]) => `${nestedKey(key)}:${compact(entry, depth + 1)}`);
  return `{${entries.join(',')}}`;
}

function nestedKey(key: string): string {
  return /^[\w$.-]+$/.test(key) ? key : quoted(key);
}

function quoted(text: string): string {
  return `"${printable(text.replace(/["\\]/g, '\\$&'))}"`;
}

function bytes(view: ArrayBufferView): string {
  const shown = Buffer.from(view.buffer, view.byteOffset, Math.min(view.byteLength, MOST_BYTES_SHOWN)).toString('hex');
  return view.byteLength > MOST_BYTES_SHOWN ? `0x${shown}…(${view.byteLength} bytes)` : `0x${shown}`;
}
