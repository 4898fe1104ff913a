import type { Batch } from './batch.ts';
import type { DropReason, Ledger } from './ledger.ts';

/** What may happen when a queue is full. */
export const OVERFLOWS = ['drop-low-severity-first', 'drop-newest', 'block'] as const;
export type Overflow = (typeof OVERFLOWS)[number];

/**
 * What a batch may do that does not fit into a queue of `block`: `wait` until there is room, `exceed` the limit, or have
 * records dropped.
 */
export type Allowance = 'wait' | 'exceed' | 'drop';

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
 * When a batch does not fit, room is made. `drop-low-severity-first`: the oldest batches lose their records below error
 * first, the new one's included; when only errors are left, the oldest batch goes. `drop-newest`: the new batch goes.
 * `block`: `relieve` is asked to make room by delivery, and what it leaves goes by low severity. Every record that goes is
 * counted as `queue_full`.
 */
export class BatchQueue {
  readonly #maxBytes: number;
  readonly #ledger: Ledger;
  readonly #overflow: Overflow;
  readonly #relieve: (() => boolean) | undefined;
  /** In the order of their places. */
  readonly #waiting: Held[] = [];
  /** So many at the head of those that wait hold errors only: nothing to be looked for among them. */
  #errorsOnly = 0;
  readonly #underWay = new Map<Batch, Held>();
  #newest = 0;
  #waitingBytes = 0;
  #waitingRecords = 0;
  #triedBefore = 0;
  #underWayBytes = 0;
  #underWayRecords = 0;

  /**
   * @param relieve for `block`: delivers what waits, by {@link take}, {@link finish} and {@link putBack}; true if nothing
   * needs to be dropped.
   */
  constructor(
    maxBytes: number,
    ledger: Ledger,
    { overflow = 'drop-low-severity-first', relieve }: { overflow?: Overflow; relieve?: () => boolean } = {},
  ) {
    this.#maxBytes = maxBytes;
    this.#ledger = ledger;
    this.#overflow = overflow;
    this.#relieve = relieve;
  }

  /** Whether so many more bytes would be too many. */
  isTooMuch(bytes: number): boolean {
    return this.bytes + bytes > this.#maxBytes;
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

  /** Adds a batch at the end. What is allowed matters only to a queue that can ask for relief. */
  push(batch: Batch, allowance: Allowance = 'wait'): void {
    this.#hold({ batch, place: ++this.#newest, tries: 0 }, this.#waiting.length);
    if (!this.isTooMuch(0)) return;
    if (this.#relieve !== undefined && (allowance === 'exceed' || (allowance === 'wait' && this.#relieve()))) return;
    this.#makeRoom();
  }

  /**
   * Takes the oldest of the batches that were tried least, which is under way from here until {@link finish} or
   * {@link putBack}. One that fails each time it is tried does not stand in the way of the others.
   */
  take(): Batch | undefined {
    const held = this.#release(this.#leastTried());
    if (held === undefined) return undefined;
    const { batch } = held;
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
    // Two halves are a little more than the whole, which is not worth a wait.
    if (this.#relieve === undefined) this.#makeRoom();
    return true;
  }

  /** Gives up everything, what is under way included, for the reason given. */
  abandon(reason: DropReason): void {
    // One entry for all, so that what is told of it is the whole.
    dropAll(this.takeAll(), reason, this.#ledger);
  }

  /** All batches, those under way first: nothing is held any more, who calls enters all of it in the ledger. */
  takeAll(): Batch[] {
    const all = [...this.#underWay.keys(), ...this.#waiting.splice(0).map(({ batch }) => batch)];
    this.#underWay.clear();
    this.#waitingBytes = this.#waitingRecords = this.#underWayBytes = this.#underWayRecords = this.#triedBefore = 0;
    this.#errorsOnly = 0;
    return all;
  }

  #leastTried(): number {
    if (this.#triedBefore === 0) return 0;
    let least = 0;
    for (let at = 0; at < this.#waiting.length; at++) {
      const { tries } = this.#waiting[at] as Held;
      if (tries < (this.#waiting[least] as Held).tries) least = at;
      if (tries === 0) break;
    }
    return least;
  }

  #hold(held: Held, at: number): void {
    // Mostly at the end, where it costs nothing however many there are.
    if (at === this.#waiting.length) this.#waiting.push(held);
    else this.#waiting.splice(at, 0, held);
    if (at < this.#errorsOnly) this.#errorsOnly = isErrorsOnly(held.batch) ? this.#errorsOnly + 1 : at;
    this.#count(held, 1);
  }

  #release(at: number): Held | undefined {
    const held = at === 0 ? this.#waiting.shift() : this.#waiting.splice(at, 1)[0];
    if (held === undefined) return undefined;
    if (at < this.#errorsOnly) this.#errorsOnly--;
    this.#count(held, -1);
    return held;
  }

  #count({ batch, tries }: Held, sign: 1 | -1): void {
    if (tries > 0) this.#triedBefore += sign;
    this.#waitingBytes += sign * batch.body.length;
    this.#waitingRecords += sign * batch.records;
  }

  #makeRoom(): void {
    if (this.#overflow === 'drop-newest') {
      while (this.isTooMuch(0) && this.#waiting.length > 0) this.#reduce(this.#waiting.length - 1, 0);
      return;
    }
    const most = this.#maxBytes - this.#underWayBytes;
    const newest = this.#waiting.length - 1;
    // One that cannot fit even into an empty queue must not empty it.
    if (newest >= 0 && (this.#waiting[newest] as Held).batch.body.length > most) this.#reduce(newest, most);
    while (this.isTooMuch(0) && this.#waiting.length > 0) this.#reduce(this.#oldestWithLow() ?? 0, most);
  }

  /** A batch that waits loses its records below error; all, if it has no others, or those are more than `most` bytes. */
  #reduce(at: number, most: number): void {
    const held = this.#release(at) as Held;
    const { batch } = held;
    let kept = most === 0 || isErrorsOnly(batch) ? undefined : batch.select((_, isError) => isError);
    if (kept !== undefined && kept.body.length > most) kept = undefined;
    if (kept !== undefined) this.#hold({ ...held, batch: kept }, at);
    this.#ledger.drop('queue_full', batch.records - (kept?.records ?? 0), () => {
      const lost = kept === undefined ? batch : batch.select((_, isError) => !isError);
      return lost?.read() ?? [];
    });
  }

  #oldestWithLow(): number | undefined {
    while (this.#errorsOnly < this.#waiting.length) {
      if (!isErrorsOnly((this.#waiting[this.#errorsOnly] as Held).batch)) return this.#errorsOnly;
      this.#errorsOnly++;
    }
    return undefined;
  }
}

function isErrorsOnly({ errors, records }: Batch): boolean {
  return errors === records;
}

/** Gives up batches, which are one loss. */
export function dropAll(batches: readonly Batch[], reason: DropReason, ledger: Ledger): void {
  const records = batches.reduce((sum, batch) => sum + batch.records, 0);
  ledger.drop(reason, records, function* () {
    for (const batch of batches) yield* batch.read();
  });
}
