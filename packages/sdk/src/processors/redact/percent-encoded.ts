import { isAlphanumeric, isDigit } from './character.ts';

const PERCENT = 37;

/** Beside letters and digits: what a value of a query may hold as it is. ! $ % ' ( ) * + - . / : @ _ ~ */
const isEncoded = (unit: number): boolean =>
  isAlphanumeric(unit) ||
  unit === 33 ||
  (unit >= 36 && unit <= 43 && unit !== 38) ||
  (unit >= 45 && unit <= 47) ||
  unit === 58 ||
  unit === 64 ||
  unit === 95 ||
  unit === 126;

const digit = (unit: number): number =>
  isDigit(unit) ? unit - 48 : (unit | 32) >= 97 && (unit | 32) <= 102 ? (unit | 32) - 87 : Number.NaN;

/** A part of a text as it was before `encodeURIComponent`, byte by byte. */
export class PercentEncoded {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Where each character of {@link text} begins in the part. */
  readonly #places: readonly number[];

  constructor(start: number, end: number, text: string, places: readonly number[]) {
    this.start = start;
    this.end = end;
    this.text = text;
    this.#places = places;
  }

  /** Where in the text it came from something stands. */
  placeOf(at: number): number {
    return this.#places[at] ?? this.end;
  }
}

/** The part of a text that is encoded around the `%` at `at`, no earlier than `from`; undefined if that encodes nothing. */
export function percentEncoded(text: string, at: number, from: number): PercentEncoded | undefined {
  if (Number.isNaN(byteAt(text, at))) return undefined;
  let start = at;
  while (start > from && isEncoded(text.charCodeAt(start - 1))) start--;
  const places: number[] = [];
  let decoded = '';
  let plain = start;
  let i = start;
  while (i < text.length) {
    const unit = text.charCodeAt(i);
    if (!isEncoded(unit)) break;
    places.push(i);
    const byte = unit === PERCENT ? byteAt(text, i) : Number.NaN;
    if (Number.isNaN(byte)) {
      i++;
      continue;
    }
    decoded += text.slice(plain, i) + String.fromCharCode(byte);
    i += 3;
    plain = i;
  }
  return new PercentEncoded(start, i, decoded + text.slice(plain, i), places);
}

function byteAt(text: string, percent: number): number {
  return digit(text.charCodeAt(percent + 1)) * 16 + digit(text.charCodeAt(percent + 2));
}
