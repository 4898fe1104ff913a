import { isAlphanumeric, isDigit, isLetter, isUpper } from './character.ts';
import type { Span } from './rule.ts';

const SHORTEST = 13;
const LONGEST_CARD = 19;
/** What is left of a number that was cut, if it is more than its issuer's eight digits, which may be shown (PCI DSS 3.4). */
const SHORTEST_REST = 9;

/** Space, dash, underscore and no-break space, between groups of digits. */
const isSeparator = (unit: number): boolean => unit === 32 || unit === 45 || unit === 95 || unit === 0xa0;
/** In an IBAN, dots as well; in a card number they would be those of a number or an address. */
const isIbanSeparator = (unit: number): boolean => isSeparator(unit) || unit === 46;
const isOfNumber = (unit: number): boolean => isDigit(unit) || isUpper(unit);

const mayBeOfNumber = (unit: number): boolean => isOfNumber(unit) || isIbanSeparator(unit);

/** An IBAN has at least this many characters, and with separators at most the other. */
const SHORTEST_IBAN = 15;
const LONGEST = 44;

/**
 * True if a text may hold a card number or an IBAN. Each is at least 13 characters of digits, capitals and separators, so
 * one look in 13 is enough to miss none.
 */
export function mayHoldNumber(text: string): boolean {
  for (let i = SHORTEST - 1; i < text.length; i += SHORTEST) {
    if (mayBeOfNumber(text.charCodeAt(i)) && mayBeNumber(text, i)) return true;
  }
  return false;
}

function mayBeNumber(text: string, at: number): boolean {
  let start = at;
  while (start > 0 && at - start < LONGEST && mayBeOfNumber(text.charCodeAt(start - 1))) start--;
  let digits = 0;
  let capitals = 0;
  let end = start;
  for (; end - at < LONGEST; end++) {
    const unit = text.charCodeAt(end);
    if (isDigit(unit)) digits++;
    else if (isUpper(unit)) capitals++;
    else if (!isIbanSeparator(unit)) break;
  }
  return digits >= SHORTEST || (capitals >= 2 && end - start >= SHORTEST_IBAN);
}

/** First four digits, from and to, and how many digits there are then: what the issuers have been given, ISO/IEC 7812. */
const ISSUERS: readonly (readonly [from: number, to: number, lengths: readonly number[]])[] = [
  // Visa
  [4000, 4999, [13, 16, 19]],
  // Mastercard
  [5100, 5599, [16]],
  [2221, 2720, [16]],
  // American Express
  [3400, 3499, [15]],
  [3700, 3799, [15]],
  // Diners Club
  [3000, 3099, [14]],
  [3600, 3699, [14]],
  [3800, 3999, [14]],
  // JCB
  [3528, 3589, [16, 17, 18, 19]],
  // Discover
  [6011, 6011, [16, 17, 18, 19]],
  [6440, 6599, [16, 17, 18, 19]],
  // UnionPay
  [6200, 6299, [16, 17, 18, 19]],
  // Mir
  [2200, 2204, [16, 17, 18, 19]],
  // Maestro, the numbers of which shops see most
  [5018, 5020, [16, 17, 18, 19]],
  [5038, 5038, [16, 17, 18, 19]],
  [5893, 5893, [16, 17, 18, 19]],
  [6304, 6304, [16, 17, 18, 19]],
  [6759, 6763, [16, 17, 18, 19]],
];

/**
 * A payment card: as many digits as its issuer gives, with the right check digit, in one piece or in groups of 3 and more
 * of which the first has 4 to 6; 13 digits only in groups: in one piece they are those of a barcode. It does not stand in a fraction, a hash or a UUID. `at` is the first of a run of digits.
 */
export function card(text: string, at: number, isCut: boolean): Span | undefined {
  const first = text.charCodeAt(at);
  if (first < 50 || first > 54) return undefined;
  const prefix = Number(text.slice(at, at + 4));
  const lengths = ISSUERS.find(([from, to]) => prefix >= from && prefix <= to)?.[2];
  if (lengths === undefined || isInside(text, at)) return undefined;
  let count = 0;
  let sum = 0;
  let sumShifted = 0;
  let groupStart = at;
  let end = -1;
  for (let i = at; ; i++) {
    const unit = text.charCodeAt(i);
    if (isDigit(unit)) {
      if (++count > LONGEST_CARD) break;
      // Which digits count twice is told by the last one: both sums are kept.
      const digit = unit - 48;
      const twice = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
      const before = sum;
      sum = sumShifted + digit;
      sumShifted = before + twice;
      continue;
    }
    // The rest of a number that was cut, as far as it goes.
    if (i >= text.length && isCut && count >= SHORTEST_REST) return { start: at, end: i };
    const group = i - groupStart;
    const isGroup = groupStart === at ? group >= SHORTEST || (group >= 4 && group <= 6) : group >= 3;
    if (!isGroup) break;
    const isOutOfUse = count === SHORTEST && groupStart === at;
    if (sum % 10 === 0 && lengths.includes(count) && !isOutOfUse && !goesOn(text, i)) end = i;
    if (groupStart === at && group >= SHORTEST) break;
    let next = i;
    while (next - i < 2 && isSeparator(text.charCodeAt(next))) next++;
    if (next >= text.length && isCut && count >= SHORTEST_REST) return { start: at, end: next };
    if (next === i || !isDigit(text.charCodeAt(next))) break;
    groupStart = next;
    i = next - 1;
  }
  return end < 0 ? undefined : { start: at, end };
}

const DASH = 45;

/** True if a number is a part of what stands before it. */
function isInside(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  // A fraction: 0.4111111111111111
  if (before === 46) return isDigit(text.charCodeAt(at - 2));
  if (isLetter(before)) return !isEscape(text, at - 1);
  if (before !== DASH) return false;
  let start = at - 1;
  while (at - start < LONGEST && isHex(text.charCodeAt(start - 1))) start--;
  return !isAlphanumeric(text.charCodeAt(start - 1)) && isPartOfUuid(text, start, at - 1);
}

/** True if a number is a part of what stands behind it. */
function goesOn(text: string, end: number): boolean {
  const after = text.charCodeAt(end);
  // 4111111111111111n is a BigInt.
  if (isLetter(after)) return after !== 110 || isAlphanumeric(text.charCodeAt(end + 1));
  if (after !== DASH) return false;
  let last = end + 1;
  while (last - end < LONGEST && isHex(text.charCodeAt(last))) last++;
  return !isAlphanumeric(text.charCodeAt(last)) && isPartOfUuid(text, end + 1, last);
}

const isHex = (unit: number): boolean => isDigit(unit) || ((unit | 32) >= 97 && (unit | 32) <= 102);

/** Hexadecimal digits, and one of them a letter: digits alone may be an order's. */
function isPartOfUuid(text: string, start: number, end: number): boolean {
  if (end - start < 4) return false;
  for (let i = start; i < end; i++) if (isLetter(text.charCodeAt(i))) return true;
  return false;
}

/** The letter of `\n`, `\r`, `\t`, and that of a terminal's colour, `ESC [ 33 m`. */
function isEscape(text: string, at: number): boolean {
  if (text[at - 1] === '\\') return 'nrt'.includes(text[at] as string);
  if (text[at] !== 'm') return false;
  let start = at;
  while (at - start < 16 && (isDigit(text.charCodeAt(start - 1)) || text[start - 1] === ';')) start--;
  return text[start - 1] === '[';
}

/** The length of an IBAN, by country. Registry of ISO 13616. */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** An international bank account number in capitals: of a known country, of its length, with the right check digits. */
export function iban(text: string, at: number, isCut: boolean): Span | undefined {
  if (isOfNumber(text.charCodeAt(at - 1))) return undefined;
  const length = IBAN_LENGTHS.get(text.slice(at, at + 2));
  if (length === undefined) return undefined;
  let rest = 0;
  let head = 0;
  let i = at;
  for (let count = 0; count < length; i++) {
    const unit = text.charCodeAt(i);
    if (isOfNumber(unit)) {
      const value = isDigit(unit) ? unit - 48 : unit - 55;
      // The first four characters are counted last.
      if (count < 4) head = head * (value > 9 ? 100 : 10) + value;
      else rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
      count++;
    } else if (i >= text.length) {
      return isCut && count >= 8 ? { start: at, end: i } : undefined;
    } else if (!isIbanSeparator(unit) || !isOfNumber(text.charCodeAt(i - 1))) {
      return undefined;
    }
  }
  if (isAlphanumeric(text.charCodeAt(i))) return undefined;
  // Two letters are two digits each, and two digits follow: six in all.
  return (rest * 1_000_000 + head) % 97 === 1 ? { start: at, end: i } : undefined;
}
