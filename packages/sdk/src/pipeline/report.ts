import { diag } from '@opentelemetry/api';

/**
 * Tells OTel's diagnostics channel of a failure inside logspan. Of the error its kind is told, not its message, which may
 * quote the record. Never throws: an application's diag logger that does must not reach the application from here.
 */
export function report(message: string, error: unknown): void {
  try {
    diag.error(`logspan: ${message}`, error instanceof Error ? error.name : typeof error);
  } catch {
    // There is nobody left to tell.
  }
}

/** True for the first failure, and then ever more rarely: what fails with every record must not flood. */
export function isWorthReporting(failures: number): boolean {
  return (failures & (failures - 1)) === 0;
}

/** What one part does wrong again and again, told now and then: `processor late failed 4 time(s)`. */
export class Failures {
  readonly #what: string;
  #count = 0;

  constructor(what: string) {
    this.#what = what;
  }

  count(error: unknown): void {
    this.#count++;
    if (isWorthReporting(this.#count)) report(`${this.#what} failed ${this.#count} time(s)`, error);
  }

  /** Counts it if this is a promise that rejects: an unhandled rejection would end the process. Never throws. */
  watch(answer: unknown): void {
    try {
      if (typeof (answer as { then?: unknown } | null | undefined)?.then !== 'function') return;
      Promise.resolve(answer).catch((error: unknown) => this.count(error));
    } catch {
      // A getter that throws in place of `then`: no promise.
    }
  }
}

/** The same for what has no count of its own. */
export function watch(answer: unknown, what: string): void {
  new Failures(what).watch(answer);
}
