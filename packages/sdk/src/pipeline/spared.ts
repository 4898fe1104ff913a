import { STREAM } from '@logspan/logger/internal';
import { peekAttribute } from './peek-attribute.ts';
import type { LogRecord } from './stage.ts';

/**
 * True for what no stage leaves out to save volume: what stages wrote, and the events of a stream, whose consumers would see
 * a gap. Costs a look for one attribute.
 */
export function isSpared(record: LogRecord): boolean {
  return record.writtenByStage === true || typeof peekAttribute(record, STREAM.sequence) === 'number';
}
