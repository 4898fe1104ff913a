/** What a UTF-16 unit is, for scanners that look at each only once. NaN, past the end of a text, is nothing. */
export function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

export function isUpper(unit: number): boolean {
  return unit >= 65 && unit <= 90;
}

export function isLetter(unit: number): boolean {
  return isUpper(unit & ~32);
}

export function isAlphanumeric(unit: number): boolean {
  return isDigit(unit) || isLetter(unit);
}

/** Space and tab. */
export function isBlank(unit: number): boolean {
  return unit === 32 || unit === 9;
}

export function isSpace(unit: number): boolean {
  return unit === 32 || (unit >= 9 && unit <= 13) || unit === 0xa0 || unit === 0x2028 || unit === 0x2029;
}

/** `"`, `'` and the backtick. */
export function isQuote(unit: number): boolean {
  return unit === 34 || unit === 39 || unit === 96;
}

/** What keys are made of: letters, digits, _ $ % . - [ ] and what is not ASCII, but for blanks and the wide `:` and `=`. */
export function isKey(unit: number): boolean {
  if (unit >= 0x80) return unit !== 0xa0 && unit !== 0x3000 && unit !== 0xff1a && unit !== 0xff1d && !isSpace(unit);
  return (
    isAlphanumeric(unit) ||
    unit === 95 ||
    unit === 36 ||
    unit === 37 ||
    unit === 46 ||
    unit === 45 ||
    unit === 91 ||
    unit === 93
  );
}

/** The end of the characters of a kind that begin at `from`; `limit` if there are more. */
export function runEnd(text: string, from: number, is: (unit: number) => boolean, limit: number = text.length): number {
  let end = from;
  const last = Math.min(limit, text.length);
  while (end < last && is(text.charCodeAt(end))) end++;
  return end;
}
