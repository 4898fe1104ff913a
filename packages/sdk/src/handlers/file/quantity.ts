const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};
const MILLIS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Bytes: a number, or `100MB`, `1.5GiB`. Undefined for anything else. */
export function bytesOf(size: unknown): number | undefined {
  return quantity(size, BYTES);
}

/** Milliseconds: a number, or `90m`, `12h`, `14d`. Undefined for anything else. */
export function millisOf(duration: unknown): number | undefined {
  return quantity(duration, MILLIS);
}

function quantity(given: unknown, units: Readonly<Record<string, number>>): number | undefined {
  let amount = given;
  if (typeof given === 'string') {
    const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(given) ?? [];
    amount = Object.hasOwn(units, unit) ? Math.floor(Number(digits) * (units[unit] as number)) : undefined;
  }
  return typeof amount === 'number' && Number.isSafeInteger(amount) && amount >= 1 ? amount : undefined;
}
