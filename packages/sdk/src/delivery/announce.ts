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
    try {
      diag.warn(`logspan: ${this.#subject}: ${kind}: ${message}${omitted}`);
    } catch {
      // A diag logger that throws must not stop the delivery.
    }
  }
}
