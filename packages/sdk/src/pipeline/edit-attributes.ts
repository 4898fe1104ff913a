import type { LogRecord } from './stage.ts';

/** Removes an attribute, from our records and from those of a stock SDK, which has no method for it. */
export function removeAttribute(record: LogRecord, key: string): void {
  const own = record as LogRecord & { removeAttribute?(key: string): unknown };
  if (own.removeAttribute !== undefined) own.removeAttribute(key);
  // A stock record owns its attributes object: it is a copy of what the caller passed.
  else delete (record.attributes as Record<string, unknown>)[key];
}
