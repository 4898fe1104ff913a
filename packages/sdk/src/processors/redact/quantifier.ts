/** How often a part of a regular expression is repeated. `length` is that of the quantifier itself. */
export interface Quantifier {
  readonly length: number;
  readonly least: number;
  readonly most: number;
  readonly varies: boolean;
}

/** The quantifier at a place in the source of a regular expression. */
export function quantifierAt(source: string, at: number): Quantifier | undefined {
  const found = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/.exec(source.slice(at, at + 32));
  if (found === null) return undefined;
  const [{ length }, sign, least, comma, most] = found;
  if (sign !== undefined)
    return { length, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Number.POSITIVE_INFINITY, varies: true };
  if (comma === undefined) return { length, least: Number(least), most: Number(least), varies: false };
  return {
    length,
    least: Number(least),
    most: most === '' ? Number.POSITIVE_INFINITY : Number(most),
    varies: most !== least,
  };
}
