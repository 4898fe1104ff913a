import type { FlushOptions } from '../pipeline/stage.ts';
import type { Sender } from './http-sender.ts';
import type { DropReason, Ledger } from './ledger.ts';
import { type Outcome, readAnswer } from './otlp-answer.ts';
import type { Batch } from './otlp-request.ts';
import { selectRecords } from './otlp-request.ts';
import type { BatchQueue } from './queue.ts';
import { backoffMillis } from './retry.ts';

/** Time and chance, so that tests can hold them. */
export interface ShipperTime {
  /** Monotonic milliseconds. */
  now(): number;
  /** Wall-clock milliseconds, for the dates in `Retry-After`. */
  wall(): number;
  random(): number;
  setTimeout(callback: () => void, millis: number): { unref?(): void };
  clearTimeout(timer: unknown): void;
}

export const SYSTEM_SHIPPER_TIME: ShipperTime = {
  now: () => performance.now(),
  wall: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (callback, millis) => setTimeout(callback, millis),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** What happened that an operator wants to hear of. Never holds a header, a body or a record. */
export type ShipperNotice = (kind: 'rejected' | 'retrying' | 'partial' | 'unreadable', message: string) => void;

/**
 * Moves batches from the queue to the destination: several requests at a time while it answers, one probe at a time
 * while it does not (a circuit per destination, not per batch), with exponential backoff or the wait that the
 * destination asks for, whichever is longer. A batch is given up only where the OTLP specification says so; otherwise it
 * waits until there is an answer, or until the queue needs its room.
 */
export class Shipper {
  readonly #queue: BatchQueue;
  readonly #ledger: Ledger;
  readonly #sender: Sender;
  readonly #time: ShipperTime;
  readonly #concurrency: number;
  readonly #timeoutMillis: number;
  readonly #notice: ShipperNotice;
  #underWay = 0;
  #failures = 0;
  /** Set while the destination asked for patience: not even a flush may ask before. */
  #notBefore = 0;
  #timer: { unref?(): void } | undefined;
  #flushing = 0;
  #idle: (() => void)[] = [];
  #abandoned: DropReason | undefined;

  constructor(
    queue: BatchQueue,
    ledger: Ledger,
    sender: Sender,
    options: { concurrency: number; timeoutMillis: number; notice: ShipperNotice; time?: ShipperTime },
  ) {
    this.#queue = queue;
    this.#ledger = ledger;
    this.#sender = sender;
    this.#concurrency = options.concurrency;
    this.#timeoutMillis = options.timeoutMillis;
    this.#notice = options.notice;
    this.#time = options.time ?? SYSTEM_SHIPPER_TIME;
  }

  /** Starts as many requests as are allowed now. To be called whenever a batch was added. */
  pump(): void {
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

  /** Resolves when nothing waits and nothing is under way: true, or at the deadline: false. */
  async flush({ timeoutMillis = 30_000 }: FlushOptions = {}): Promise<boolean> {
    if (this.#queue.records === 0) return true;
    this.#flushing++;
    if (this.#timer !== undefined) {
      // Someone waits: a backoff of our own is cut short, a wait that the destination asked for is not.
      if (this.#notBefore <= this.#time.now()) this.#wake();
      // A pending timer keeps the process alive from here on.
      else this.#sleep(this.#notBefore - this.#time.now());
    }
    this.pump();
    let deadline: unknown;
    try {
      return await Promise.race([
        new Promise<boolean>((resolve) => this.#idle.push(() => resolve(true))),
        new Promise<boolean>((resolve) => {
          deadline = this.#time.setTimeout(() => resolve(false), timeoutMillis);
        }),
      ]);
    } finally {
      this.#time.clearTimeout(deadline);
      this.#flushing--;
    }
  }

  /** Gives up what is left, for the reason given: what waits, and, by breaking the connections, what is under way. */
  async abandon(reason: DropReason): Promise<void> {
    this.#abandoned = reason;
    this.#time.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#queue.abandon(reason);
    this.#sender.close();
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #ship(batch: Batch): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = readAnswer(await this.#sender.send(batch.body, this.#timeoutMillis), this.#time.wall());
    } catch (error) {
      // The code of a connection error (ECONNREFUSED) is safe to tell; its message may hold the address.
      outcome = { kind: 'retry', cause: String((error as { code?: unknown })?.code ?? 'no answer') };
    }
    this.#underWay--;
    this.#settle(batch, outcome);
    if (this.#queue.records === 0) for (const resolve of this.#idle.splice(0)) resolve();
    if (this.#abandoned === undefined) this.pump();
  }

  #settle(batch: Batch, outcome: Outcome): void {
    const { records } = batch;
    if (this.#abandoned !== undefined && (outcome.kind === 'retry' || outcome.kind === 'split')) {
      this.#queue.finish(batch);
      this.#ledger.drop(this.#abandoned, records);
      return;
    }
    if (outcome.kind === 'retry') {
      this.#queue.putBack(batch);
      // Requests that were under way together fail together: that is one failure of the destination.
      if (this.#timer === undefined) this.#failures++;
      this.#notice('retrying', `${outcome.cause}; ${this.#queue.records} records wait`);
      this.#pause(outcome.waitMillis);
      return;
    }
    this.#failures = 0;
    switch (outcome.kind) {
      case 'split': {
        const half = records >> 1;
        const first = half === 0 ? undefined : selectRecords(batch, (index) => index < half);
        const second = half === 0 ? undefined : selectRecords(batch, (index) => index >= half);
        if (first !== undefined && second !== undefined) {
          this.#queue.putBack(batch, first, second);
          return;
        }
        this.#ledger.rejected += records;
        this.#notice('rejected', `HTTP status 413 for ${records} record`);
        break;
      }
      case 'delivered': {
        const rejected = Math.min(outcome.rejected, records);
        this.#ledger.delivered += records - rejected;
        this.#ledger.rejected += rejected;
        if (rejected > 0 || outcome.message !== '') {
          this.#notice('partial', `${rejected} of ${records} records rejected: ${outcome.message}`);
        }
        break;
      }
      case 'rejected':
        this.#ledger.rejected += records;
        this.#notice('rejected', `${outcome.cause} for ${records} records`);
        break;
      case 'unreadable':
        this.#ledger.drop('response_too_large', records);
        this.#notice('unreadable', `an answer of more than 4 MiB for ${records} records`);
    }
    this.#queue.finish(batch);
  }

  #pause(askedMillis: number | undefined): void {
    const own = backoffMillis(this.#failures, this.#time.random);
    const wait = Math.max(own, askedMillis ?? 0);
    if (askedMillis !== undefined) this.#notBefore = Math.max(this.#notBefore, this.#time.now() + askedMillis);
    this.#sleep(wait);
  }

  #sleep(millis: number): void {
    this.#time.clearTimeout(this.#timer);
    const timer = this.#time.setTimeout(() => this.#wake(), millis);
    // Between flushes waiting for a dead destination must not keep the process alive.
    if (this.#flushing === 0) timer.unref?.();
    this.#timer = timer;
  }

  #wake(): void {
    this.#time.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.pump();
  }
}
