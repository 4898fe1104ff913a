import type { LogRecord } from './stage.ts';

/** A record that can be asked for one attribute without settling all of them. */
export interface Peekable {
  peekAttribute(key: string): unknown;
}

/**
 * One attribute of a record, without the cost of making all of them plain data: for stages before the sampler. A lazy
 * value is not computed for it: it reads as undefined. Never throws.
 */
export function peekAttribute(record: LogRecord, key: string): unknown {
  const peekable = record as LogRecord & Partial<Peekable>;
  if (peekable.peekAttribute !== undefined) return peekable.peekAttribute(key);
  try {
    return record.attributes[key];
  } catch {
    return undefined;
  }
}
