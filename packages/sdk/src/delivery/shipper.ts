import type { FlushOptions } from '../pipeline/stage.ts';
import { LONGEST_TIMER_MILLIS } from '../pipeline/within.ts';
import type { Outcome } from './answer.ts';
import { type Batch, halves, type RequestFormat } from './batch.ts';
import type { Sender } from './http-sender.ts';
import type { DropReason, Ledger } from './ledger.ts';
import type { BatchQueue } from './queue.ts';
import { backoffMillis } from './retry.ts';
import { type Notice, settle } from './settle.ts';

/** Time and chance, so that tests can hold them. */
export interface ShipperTime {
  /** Monotonic milliseconds. */
  now(): number;
  /** Wall-clock milliseconds, for the dates in `Retry-After`. */
  wall(): number;
  random(): number;
  setTimeout(callback: () => void, millis: number): { unref?(): void };
  clearTimeout(timer: unknown): void;
  /** Stops this thread. */
  sleepSync(millis: number): void;
}

export const SYSTEM_SHIPPER_TIME: ShipperTime = {
  now: () => performance.now(),
  wall: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (callback, millis) => setTimeout(callback, millis),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  sleepSync: (millis) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis),
};

/**
 * Moves batches from the queue to the destination: several requests at a time while it answers, one probe at a time
 * while it does not (a circuit per destination, not per batch), with exponential backoff or the wait that the
 * destination asks for, whichever is longer. A batch is given up only where the format of its requests says so; otherwise it
 * waits until there is an answer, or until the queue needs its room.
 *
 * Keeps the process alive only while someone waits for {@link flush}.
 */
export class Shipper {
  readonly #queue: BatchQueue;
  readonly #ledger: Ledger;
  readonly #sender: Sender;
  readonly #format: Pick<RequestFormat, 'readAnswer'>;
  readonly #time: ShipperTime;
  readonly #concurrency: number;
  readonly #timeoutMillis: number;
  readonly #notice: Notice;
  #underWay = 0;
  #failures = 0;
  /** Requests that have come to an end. */
  #tries = 0;
  /** Until then the destination asked for patience: not even a flush may ask before. */
  #notBefore = 0;
  #timer: { unref?(): void } | undefined;
  /** True if the last try got no answer at all. */
  #silent = false;
  /** Looked at whenever batches may have met their end. */
  readonly #flushes = new Set<() => void>();

  constructor(
    queue: BatchQueue,
    ledger: Ledger,
    sender: Sender,
    options: {
      format: Pick<RequestFormat, 'readAnswer'>;
      concurrency: number;
      timeoutMillis: number;
      notice: Notice;
      time?: ShipperTime;
    },
  ) {
    this.#queue = queue;
    this.#ledger = ledger;
    this.#sender = sender;
    this.#format = options.format;
    this.#concurrency = options.concurrency;
    this.#timeoutMillis = options.timeoutMillis;
    this.#notice = options.notice;
    this.#time = options.time ?? SYSTEM_SHIPPER_TIME;
  }

  /** How long the destination must not be asked yet, in milliseconds, because it wants patience. */
  get patienceMillis(): number {
    return Math.max(0, this.#notBefore - this.#time.now());
  }

  /** A try that somebody else made failed: the destination is left alone for a while, `askedMillis` if it said so. */
  failed(askedMillis?: number): void {
    if (this.#timer === undefined) this.#failures++;
    this.#pause(askedMillis);
  }

  /** Starts as many requests as are allowed now. To be called whenever a batch was added. */
  pump(): void {
    // A batch that was added may have pushed out the one that a flush waits for.
    for (const check of this.#flushes) check();
    if (this.#timer !== undefined) return;
    // After a failure one request at a time asks whether the destination is back.
    const allowed = this.#failures > 0 ? 1 : this.#concurrency;
    while (this.#underWay < allowed) {
      const batch = this.#queue.take();
      if (batch === undefined) break;
      this.#underWay++;
      void this.#ship(batch);
    }
  }

  /**
   * Resolves when everything that is held now has met its end: true, or at the deadline: false. With `unlessDown` false
   * also once the destination is known to be down: it has not answered twice in a row, the second time now, or wants to be
   * left alone until after the deadline. Never rejects.
   */
  flush({
    timeoutMillis = 30_000,
    unlessDown = false,
  }: FlushOptions & { unlessDown?: boolean } = {}): Promise<boolean> {
    const barrier = this.#queue.newest;
    if (this.#queue.oldest > barrier) return Promise.resolve(true);
    const before = this.#tries;
    const isDown = (): boolean => this.#silent && this.#failures > 1 && this.#tries > before;
    // Someone waits: a backoff of our own is cut short, a wait that the destination asked for is not.
    if (this.#timer !== undefined && this.#notBefore <= this.#time.now()) this.#wake();
    else this.pump();
    const end = this.#time.now() + timeoutMillis;
    return new Promise((resolve) => {
      const finish = (reached: boolean): void => {
        this.#time.clearTimeout(deadline);
        this.#flushes.delete(check);
        resolve(reached);
      };
      const check = (): void => {
        if (this.#queue.oldest > barrier) finish(true);
        else if (unlessDown && (isDown() || this.#notBefore > end)) finish(false);
      };
      const deadline = this.#time.setTimeout(() => finish(false), Math.min(timeoutMillis, LONGEST_TIMER_MILLIS));
      this.#flushes.add(check);
      check();
    });
  }

  /**
   * Gives up what is left, for the reason given: what waits, and what is under way, whose connections are broken. To be
   * called once, when nothing is added any more.
   */
  abandon(reason: DropReason): void {
    this.#time.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#queue.abandon(reason);
    this.#sender.close();
    for (const check of this.#flushes) check();
  }

  async #ship(batch: Batch): Promise<void> {
    let outcome: Outcome;
    let silent = false;
    try {
      const answer = await this.#sender.send(batch.body, this.#timeoutMillis);
      outcome = this.#format.readAnswer(answer, this.#time.wall());
    } catch (error) {
      // The code of a connection error (ECONNREFUSED) is safe to tell; its message may hold the address.
      outcome = { kind: 'retry', cause: String((error as { code?: unknown })?.code ?? 'no answer') };
      silent = true;
    }
    this.#silent = silent;
    this.#tries++;
    this.#underWay--;
    this.#settle(batch, outcome);
    this.pump();
  }

  #settle(batch: Batch, outcome: Outcome): void {
    if (outcome.kind === 'retry') {
      if (!this.#queue.putBack(batch)) return;
      // Requests that were under way together fail together: that is one failure of the destination.
      this.failed(outcome.waitMillis);
      this.#notice('retrying', `${outcome.cause}; ${this.#queue.records} records wait`);
      return;
    }
    this.#failures = 0;
    if (outcome.kind === 'split' && batch.records > 1) this.#queue.putBack(batch, ...halves(batch));
    else if (this.#queue.finish(batch)) settle(batch, outcome, this.#ledger, this.#notice);
  }

  #pause(askedMillis: number | undefined): void {
    const now = this.#time.now();
    if (askedMillis !== undefined) this.#notBefore = Math.max(this.#notBefore, now + askedMillis);
    // Another request that failed at the same time may have been asked to wait longer.
    const wait = Math.max(backoffMillis(this.#failures, this.#time.random), this.#notBefore - now);
    this.#time.clearTimeout(this.#timer);
    this.#timer = this.#time.setTimeout(() => this.#wake(), wait);
    this.#timer.unref?.();
  }

  #wake(): void {
    this.#time.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.pump();
  }
}
