/** Checks an option: a whole number in a range (Infinity where `max` is). Throws a RangeError that names the option. */
export function wholeNumber(option: string, value: unknown, min: number, max: number): number {
  const isWhole = Number.isInteger(value) || (value === Infinity && max === Infinity);
  if (isWhole && (value as number) >= min && (value as number) <= max) return value as number;
  const range = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new RangeError(`${option}: expected a whole number ${range}, got ${String(value)}`);
}
