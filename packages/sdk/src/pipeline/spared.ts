import type { Context } from '@opentelemetry/api';
import type { LogRecord } from './stage.ts';
import { streamNumbersOf } from './stream-numbers.ts';

/**
 * True for what no stage leaves out to save volume: what stages wrote, and the events of a stream, whose consumers would see
 * a gap. No attribute makes a record one of these.
 */
export function isSpared(record: LogRecord, context: Context | undefined): boolean {
  return record.writtenByStage === true || streamNumbersOf(record, context) !== undefined;
}
