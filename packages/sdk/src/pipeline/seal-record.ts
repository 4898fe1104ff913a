import type { LogRecord } from './stage.ts';

/** A record that can be closed to edits. */
export interface Sealable {
  /** From here on edits are ignored, and `onEdit` is called at each. What was given first stays. */
  seal(onEdit?: () => void): void;
}

/**
 * Closes one of our records to edits through its methods; a stock record has no way to do that. Assigning to its plain
 * fields is not guarded against.
 */
export function sealRecord(record: LogRecord, onEdit: () => void): void {
  (record as LogRecord & Partial<Sealable>).seal?.(onEdit);
}
