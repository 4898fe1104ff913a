import type { LogRecord } from '../../pipeline/stage.ts';

/** What a record takes without its texts: the object, its times, its ids, its context. */
const OBJECT = 500;
const VALUE = 16;

/** About how many bytes of memory a kept record takes. Two for each character, which is the most. */
export function recordBytes(record: LogRecord): number {
  return OBJECT + bytesOf(record.body) + bytesOf(record.attributes);
}

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return VALUE + 2 * value.length;
  if (typeof value !== 'object' || value === null) return VALUE;
  if (ArrayBuffer.isView(value)) return VALUE + value.byteLength;
  let bytes = VALUE;
  for (const [key, entry] of Object.entries(value)) bytes += 2 * key.length + bytesOf(entry);
  return bytes;
}
