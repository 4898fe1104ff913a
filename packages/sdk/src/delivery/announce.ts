import { diag } from '@opentelemetry/api';

const EVERY_MILLIS = 10_000;

/**
 * Tells OTel's diagnostics channel what happens to a destination, each kind of news at most once in ten seconds: a
 * failure that repeats must not flood. The next message of a kind says how many were left out. Never throws.
 */
export class Announcer {
  readonly #subject: string;
  readonly #now: () => number;
  readonly #kinds = new Map<string, { next: number; omitted: number }>();
  readonly #losses = new Map<string, { next: number; records: number }>();

  constructor(subject: string, now: () => number) {
    this.#subject = subject;
    this.#now = now;
  }

  warn(kind: string, message: string): void {
    const now = this.#now();
    const entry = this.#kinds.get(kind) ?? { next: Number.NEGATIVE_INFINITY, omitted: 0 };
    this.#kinds.set(kind, entry);
    if (now < entry.next) {
      entry.omitted++;
      return;
    }
    const omitted = entry.omitted === 0 ? '' : ` (and ${entry.omitted} times since the last message)`;
    entry.next = now + EVERY_MILLIS;
    entry.omitted = 0;
    this.#tell(`${kind}: ${message}${omitted}`);
  }

  /** Records that were given up. Losses that come too soon to be told are added to the next message of their reason. */
  lost(reason: string, records: number): void {
    const loss = this.#losses.get(reason) ?? { next: Number.NEGATIVE_INFINITY, records: 0 };
    this.#losses.set(reason, loss);
    loss.records += records;
    if (this.#now() >= loss.next) this.#tellLoss(reason, loss);
  }

  /** Tells of all losses that were not told yet: nothing comes after. */
  finish(): void {
    for (const [reason, loss] of this.#losses) if (loss.records > 0) this.#tellLoss(reason, loss);
  }

  #tellLoss(reason: string, loss: { next: number; records: number }): void {
    const { records } = loss;
    loss.next = this.#now() + EVERY_MILLIS;
    loss.records = 0;
    this.#tell(`dropped: ${records} records: ${reason}`);
  }

  #tell(news: string): void {
    try {
      diag.warn(`logspan: ${this.#subject}: ${news}`);
    } catch {
      // A diag logger that throws must not stop the delivery.
    }
  }
}
