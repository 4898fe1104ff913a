import type { Answer, Outcome } from './answer.ts';
import { type Batch, halves, type RequestFormat } from './batch.ts';
import type { BatchQueue } from './queue.ts';
import { backoffMillis } from './retry.ts';
import type { ShipperTime } from './shipper.ts';

/** What the delivery of one destination is made of. */
export interface BlockingParts {
  readonly format: Pick<RequestFormat, 'readAnswer'>;
  readonly queue: BatchQueue;
  readonly time: ShipperTime;
  /** The longest one wait, in milliseconds. */
  readonly waitMillis: number;
  /** The longest one request may take, in milliseconds. */
  readonly timeoutMillis: number;
  send(bodies: readonly Uint8Array[], timeoutMillis: number): readonly Answer[];
  /** Enters the end of a batch in the books. */
  settle(batch: Batch, outcome: Outcome): void;
  /** How long the destination must not be asked yet. */
  patienceMillis(): number;
  failed(askedMillis: number | undefined): void;
  notice(message: string): void;
}

/**
 * Makes room in a full queue by delivering what waits in it, while the caller waits: for programs that had rather stand
 * still than lose a record. What is under way already stays there.
 *
 * It waits for `waitMillis` at most, with the pauses that the destination asks for. If it was in vain, the next wait comes
 * no sooner than after as long again, so that a destination that is gone halves the speed of a program and does not stop
 * it for good.
 */
export class Blocking {
  readonly #parts: BlockingParts;
  #notBefore = Number.NEGATIVE_INFINITY;
  #failures = 0;

  constructor(parts: BlockingParts) {
    this.#parts = parts;
  }

  /** True once the queue is within its limit, or nothing waits in it; false if it is still over it and somebody has to drop. */
  relieve(): boolean {
    const { queue, time, waitMillis, patienceMillis, failed, notice } = this.#parts;
    const start = time.now();
    if (start < this.#notBefore) return false;
    const deadline = start + waitMillis;
    for (let pause = patienceMillis(); ; ) {
      if (time.now() + pause >= deadline) break;
      if (pause > 0) time.sleepSync(pause);
      const trouble = this.#deliver(deadline - time.now());
      // What is under way may alone be too much, by the batch of a flush: nobody here can do anything about it.
      if (!queue.isTooMuch(0) || queue.waiting === 0) {
        this.#failures = 0;
        return true;
      }
      if (trouble === undefined) {
        // A batch that was too large has come back in two halves.
        pause = 0;
        continue;
      }
      this.#failures++;
      failed(trouble.waitMillis);
      pause = Math.max(backoffMillis(this.#failures, time.random), patienceMillis());
      notice(`${trouble.cause}; a log call waits while ${queue.records} records are held`);
    }
    this.#notBefore = time.now() + waitMillis;
    return false;
  }

  /** Sends all that waits, oldest first; what stands in the way if some of it must be tried again. */
  #deliver(leftMillis: number): { cause: string; waitMillis?: number | undefined } | undefined {
    const { format, queue, time, timeoutMillis, send, settle } = this.#parts;
    const batches: Batch[] = [];
    for (let batch = queue.take(); batch !== undefined; batch = queue.take()) batches.push(batch);
    const answers = send(
      batches.map(({ body }) => body),
      Math.min(leftMillis, timeoutMillis * batches.length),
    );
    let trouble: { cause: string; waitMillis?: number | undefined } | undefined;
    for (const [index, batch] of batches.entries()) {
      const answer = answers[index];
      const outcome = answer === undefined ? undefined : format.readAnswer(answer, time.wall());
      if (outcome === undefined || outcome.kind === 'retry') {
        trouble ??= outcome ?? { cause: 'no answer' };
        queue.putBack(batch);
      } else if (outcome.kind === 'split' && batch.records > 1) {
        queue.putBack(batch, ...halves(batch));
      } else if (queue.finish(batch)) {
        settle(batch, outcome);
      }
    }
    return trouble;
  }
}
