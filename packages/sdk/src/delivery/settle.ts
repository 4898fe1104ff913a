import type { Ledger } from './ledger.ts';
import type { Outcome } from './otlp-answer.ts';
import { readRequest } from './otlp-reader.ts';
import { type Batch, selectRecords } from './otlp-request.ts';

/** What happened that an operator wants to hear of. Never holds a header, a body or a record. */
export type Notice = (kind: 'rejected' | 'retrying' | 'partial' | 'unreadable' | 'waiting', message: string) => void;

/** Enters in the books what became of a batch whose way has ended: any outcome but one that lets it come back. */
export function settle(batch: Batch, outcome: Outcome, ledger: Ledger, notice: Notice): void {
  const { records } = batch;
  const read = () => readRequest(batch.body);
  switch (outcome.kind) {
    case 'delivered': {
      const rejected = Math.min(outcome.rejected, records);
      ledger.delivered += records - rejected;
      // Nobody knows which they are, unless it is all of them.
      ledger.reject(rejected, rejected === records ? read : undefined);
      if (rejected > 0 || outcome.message !== '') {
        notice('partial', `${rejected} of ${records} records rejected: ${outcome.message}`);
      }
      break;
    }
    case 'split':
      ledger.reject(records, read);
      notice('rejected', `HTTP status 413 for ${records} record`);
      break;
    case 'rejected':
      ledger.reject(records, read);
      notice('rejected', `${outcome.cause} for ${records} records`);
      break;
    case 'unreadable':
      ledger.drop('response_too_large', records, read);
      notice('unreadable', `an answer of more than 4 MiB for ${records} records`);
  }
}

/** A batch that is too large as one request, as two. */
export function halves(batch: Batch): Batch[] {
  const half = batch.records >> 1;
  return [selectRecords(batch, (index) => index < half), selectRecords(batch, (index) => index >= half)].filter(
    (part) => part !== undefined,
  );
}
