import type { Outcome } from './answer.ts';
import type { Batch } from './batch.ts';
import type { Ledger } from './ledger.ts';

/** What happened that an operator wants to hear of. Never holds a header, a body or a record. */
export type Notice = (kind: 'rejected' | 'retrying' | 'partial' | 'unreadable' | 'waiting', message: string) => void;

/** Enters in the books what became of a batch whose way has ended: any outcome but one that lets it come back. */
export function settle(batch: Batch, outcome: Outcome, ledger: Ledger, notice: Notice): void {
  const { records } = batch;
  const read = () => batch.read();
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
