import type { LogRecord } from './stage.ts';

/** A record that still knows the very thing that was thrown. */
export interface Throwing {
  thrown(): unknown;
}

/**
 * The very error that a log call was given, or undefined. It has not been through `redact`: whoever asks may see whether
 * it is the same one, and must never show anything of it. A stock record does not know it. Never throws.
 */
export function thrownOf(record: LogRecord): unknown {
  return (record as LogRecord & Partial<Throwing>).thrown?.();
}
