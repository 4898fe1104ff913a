import { watch } from './report.ts';
import type { LogRecord } from './stage.ts';

/**
 * Asks a predicate about a record. One that throws lets the record pass, because losing a record is worse than keeping
 * one too many. What an async one answers comes too late: it counts as yes, and should it reject, the process goes on.
 */
export function passes(predicate: (record: LogRecord) => unknown, record: LogRecord): boolean {
  try {
    const answer = predicate(record);
    if (typeof answer === 'object') watch(answer, 'an async filter');
    return Boolean(answer);
  } catch {
    return true;
  }
}
