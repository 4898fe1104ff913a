import type { DropReason, Ledger } from './ledger.ts';
import { type Batch, selectRecords } from './otlp-request.ts';

/** A batch and its place in the order in which batches came; what is left of a batch keeps its place. */
interface Held {
  readonly batch: Batch;
  readonly place: number;
  /** How often it was sent in vain. */
  readonly tries: number;
}

/**
 * Sealed batches that wait for a request, first in first out, bounded in bytes. The bytes of batches that are under way
 * count too: they are held as well, and may come back.
 *
 * When a batch does not fit, room is made: the oldest batches lose their records below error first, the new one's
 * included; when only errors are left, the oldest batch goes. Every record that goes is counted as `queue_full`.
 */
export class BatchQueue {
  readonly #maxBytes: number;
  readonly #ledger: Ledger;
  /** In the order of their places. */
  readonly #waiting: Held[] = [];
  readonly #underWay = new Map<Batch, Held>();
  #newest = 0;
  #waitingBytes = 0;
  #waitingRecords = 0;
  #triedBefore = 0;
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

  /** The place of the batch that came last, whatever became of it. */
  get newest(): number {
    return this.#newest;
  }

  /** The place of the oldest batch that is held; Infinity if there is none. All that came before it has met its end. */
  get oldest(): number {
    let oldest = this.#waiting[0]?.place ?? Number.POSITIVE_INFINITY;
    for (const { place } of this.#underWay.values()) oldest = Math.min(oldest, place);
    return oldest;
  }

  /** Adds a batch at the end. */
  push(batch: Batch): void {
    const place = ++this.#newest;
    const most = this.#maxBytes - this.#underWayBytes;
    let fitting: Batch | undefined = batch;
    // One that cannot fit even into an empty queue must not empty it.
    if (batch.body.length > most) {
      fitting = errorsOf(batch);
      if (fitting !== undefined && fitting.body.length > most) fitting = undefined;
    }
    if (fitting !== undefined) this.#hold({ batch: fitting, place, tries: 0 }, this.#waiting.length);
    this.#ledger.drop('queue_full', batch.records - (fitting?.records ?? 0));
    this.#makeRoom();
  }

  /**
   * Takes the oldest of the batches that were tried least, which is under way from here until {@link finish} or
   * {@link putBack}. One that fails each time it is tried does not stand in the way of the others.
   */
  take(): Batch | undefined {
    let at = 0;
    if (this.#triedBefore > 0) {
      this.#waiting.forEach(({ tries }, i) => {
        if (tries < (this.#waiting[at] as Held).tries) at = i;
      });
    }
    const [held] = this.#waiting.splice(at, 1);
    if (held === undefined) return undefined;
    const { batch } = held;
    this.#count(held, -1);
    this.#underWay.set(batch, held);
    this.#underWayBytes += batch.body.length;
    this.#underWayRecords += batch.records;
    return batch;
  }

  /**
   * A batch that was under way has met its end; who calls enters it in the ledger. False if its books were closed before
   * its answer came, by {@link abandon} or {@link takeAll}.
   */
  finish(batch: Batch): boolean {
    if (!this.#underWay.delete(batch)) return false;
    this.#underWayBytes -= batch.body.length;
    this.#underWayRecords -= batch.records;
    return true;
  }

  /** A batch that was under way waits again, in its old place; `parts` if it comes back split. False as {@link finish}. */
  putBack(batch: Batch, ...parts: readonly Batch[]): boolean {
    const held = this.#underWay.get(batch);
    if (held === undefined || !this.finish(batch)) return false;
    const { place } = held;
    let at = 0;
    while ((this.#waiting[at]?.place ?? Number.POSITIVE_INFINITY) < place) at++;
    if (parts.length === 0) this.#hold({ batch, place, tries: held.tries + 1 }, at);
    for (const part of parts) this.#hold({ batch: part, place, tries: 0 }, at++);
    this.#makeRoom();
    return true;
  }

  /** Gives up everything, what is under way included, for the reason given. */
  abandon(reason: DropReason): void {
    // One entry for all, so that what is told of it is the whole.
    this.#ledger.drop(
      reason,
      this.takeAll().reduce((sum, { records }) => sum + records, 0),
    );
  }

  /** All batches, those under way first: nothing is held any more, who calls enters all of it in the ledger. */
  takeAll(): Batch[] {
    const all = [...this.#underWay.keys(), ...this.#waiting.splice(0).map(({ batch }) => batch)];
    this.#underWay.clear();
    this.#waitingBytes = this.#waitingRecords = this.#underWayBytes = this.#underWayRecords = this.#triedBefore = 0;
    return all;
  }

  #hold(held: Held, at: number): void {
    this.#waiting.splice(at, 0, held);
    this.#count(held, 1);
  }

  #count({ batch, tries }: Held, sign: 1 | -1): void {
    if (tries > 0) this.#triedBefore += sign;
    this.#waitingBytes += sign * batch.body.length;
    this.#waitingRecords += sign * batch.records;
  }

  #makeRoom(): void {
    while (this.bytes > this.#maxBytes && this.#waiting.length > 0) {
      const low = this.#waiting.findIndex(({ batch }) => batch.errors < batch.records);
      const at = Math.max(low, 0);
      const held = this.#waiting[at] as Held;
      const { batch } = held;
      const kept = low < 0 ? undefined : errorsOf(batch);
      this.#waiting.splice(at, 1);
      this.#count(held, -1);
      if (kept !== undefined) this.#hold({ ...held, batch: kept }, at);
      this.#ledger.drop('queue_full', batch.records - (kept?.records ?? 0));
    }
  }
}

function errorsOf(batch: Batch): Batch | undefined {
  return selectRecords(batch, (_, isError) => isError);
}
