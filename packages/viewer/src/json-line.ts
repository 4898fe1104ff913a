import type { LogRecord } from './log-record.ts';

/** What JSON leaves raw and a terminal may act on: DEL, C1, format characters, line separators. */
const UNSAFE = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * A log record as one line of JSON for other programs: 64-bit integers as strings, attributes too big for a number
 * also, bytes in base64, NaN and infinities by name. Without a final newline.
 */
export function jsonLine(record: LogRecord): string {
  return JSON.stringify(record, plain).replace(UNSAFE, escapeUnits);
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

function escapeUnits(char: string): string {
  return char.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
