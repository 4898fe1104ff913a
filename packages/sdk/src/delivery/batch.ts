import type { LogRecord } from '../pipeline/stage.ts';
import type { Answer, Outcome } from './answer.ts';

/** One request's worth of records: the exact bytes that are sent. */
export interface Batch {
  readonly body: Uint8Array;
  readonly records: number;
  /** How many of them are of severity error or above. */
  readonly errors: number;
  /**
   * A request with only some of these records, or undefined if none is left. `keep` is asked with the index of each record
   * and whether its severity is error or above.
   */
  select(keep: (index: number, isError: boolean) => boolean): Batch | undefined;
  /** The records, made from the bytes while they are asked for. */
  read(): Iterable<LogRecord>;
}

/** The batch that is being filled. */
export interface OpenBatch {
  readonly records: number;
  /** Encoded bytes so far, with so much of the envelope as is known. */
  readonly bytes: number;
  /**
   * Encodes a record. One that is larger than a record may be loses its attributes, which are counted as dropped in the
   * record itself; if it is still too large, nothing is appended and the answer is false. Nor is one with which a batch that
   * has records would be larger than `maxBytes`: the answer is `full`. What it throws for a record that
   * cannot be encoded leaves the batch as it was.
   */
  append(record: LogRecord, maxBytes?: number): boolean | 'full';
  /** Closes the batch: its exact bytes, in a buffer of their own. The open batch is empty again. */
  seal(): Batch;
}

/** What is sent to a destination, and how its answers are to be read. */
export interface RequestFormat {
  open(maxRecordBytes: number): OpenBatch;
  /** Never throws, whatever was answered. */
  readAnswer(answer: Answer, nowMillis: number): Outcome;
}

/** A batch that is too large as one request, as two. */
export function halves(batch: Batch): Batch[] {
  const half = batch.records >> 1;
  return [batch.select((index) => index < half), batch.select((index) => index >= half)].filter(
    (part) => part !== undefined,
  );
}
