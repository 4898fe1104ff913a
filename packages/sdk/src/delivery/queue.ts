import type { DropReason, Ledger } from './ledger.ts';
import { type Batch, selectRecords } from './otlp-request.ts';

/**
 * Sealed batches that wait for a request, first in first out, bounded in bytes. The bytes of batches that are under way
 * count too: they are held as well, and may come back.
 *
 * When a batch does not fit, room is made: the oldest batches lose their records below error first; when only errors
 * are left, the oldest batch goes. Every record that goes is counted as `queue_full`.
 */
export class BatchQueue {
  readonly #maxBytes: number;
  readonly #ledger: Ledger;
  readonly #waiting: Batch[] = [];
  readonly #underWay = new Set<Batch>();
  #waitingBytes = 0;
  #waitingRecords = 0;
  #underWayBytes = 0;
  #underWayRecords = 0;

  constructor(maxBytes: number, ledger: Ledger) {
    this.#maxBytes = maxBytes;
    this.#ledger = ledger;
  }

  /** Batches that can be taken. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Records in batches that wait or are under way. */
  get records(): number {
    return this.#waitingRecords + this.#underWayRecords;
  }

  /** Bytes in batches that wait or are under way. */
  get bytes(): number {
    return this.#waitingBytes + this.#underWayBytes;
  }

  /** Adds a batch at the end. */
  push(batch: Batch): void {
    this.#makeRoom(batch.body.length);
    if (this.bytes + batch.body.length > this.#maxBytes) {
      this.#ledger.drop('queue_full', batch.records);
      return;
    }
    this.#waiting.push(batch);
    this.#count(batch, 1);
  }

  /** Takes the oldest batch, which is under way from here until {@link finish} or {@link putBack}. */
  take(): Batch | undefined {
    const batch = this.#waiting.shift();
    if (batch !== undefined) {
      this.#count(batch, -1);
      this.#underWay.add(batch);
      this.#underWayBytes += batch.body.length;
      this.#underWayRecords += batch.records;
    }
    return batch;
  }

  /** A batch that was under way has met its end; who calls has entered it in the ledger. */
  finish(batch: Batch): void {
    if (!this.#underWay.delete(batch)) return;
    this.#underWayBytes -= batch.body.length;
    this.#underWayRecords -= batch.records;
  }

  /** A batch that was under way waits again, as the oldest; `parts` if it comes back split. */
  putBack(batch: Batch, ...parts: readonly Batch[]): void {
    this.finish(batch);
    const back = parts.length === 0 ? [batch] : parts;
    this.#waiting.unshift(...back);
    for (const part of back) this.#count(part, 1);
    this.#makeRoom(0);
  }

  /** Gives up everything that waits, for the reason given. */
  abandon(reason: DropReason): void {
    for (const batch of this.#waiting.splice(0)) {
      this.#count(batch, -1);
      this.#ledger.drop(reason, batch.records);
    }
  }

  /** All batches, those under way first, for a process that ends now and will see no answer to them. */
  takeAll(): Batch[] {
    const all = [...this.#underWay, ...this.#waiting.splice(0)];
    this.#underWay.clear();
    this.#waitingBytes = this.#waitingRecords = this.#underWayBytes = this.#underWayRecords = 0;
    return all;
  }

  #count(batch: Batch, sign: 1 | -1): void {
    this.#waitingBytes += sign * batch.body.length;
    this.#waitingRecords += sign * batch.records;
  }

  #makeRoom(bytes: number): void {
    while (this.bytes + bytes > this.#maxBytes && this.#waiting.length > 0) {
      const index = this.#waiting.findIndex((batch) => batch.errors < batch.records);
      const at = Math.max(index, 0);
      const batch = this.#waiting[at] as Batch;
      const kept = index < 0 ? undefined : selectRecords(batch, (_, isError) => isError);
      this.#waiting.splice(at, 1, ...(kept === undefined ? [] : [kept]));
      this.#count(batch, -1);
      if (kept !== undefined) this.#count(kept, 1);
      this.#ledger.drop('queue_full', batch.records - (kept?.records ?? 0));
    }
  }
}
