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

/** Reports what a promise rejects with, if this is one: an unhandled rejection would end the process. */
export function watch(answer: unknown, what: string): void {
  try {
    if (typeof (answer as { then?: unknown } | null | undefined)?.then !== 'function') return;
    Promise.resolve(answer).catch((error: unknown) => report(`${what} failed`, error));
  } catch {
    // A getter that throws in place of `then`: no promise.
  }
}
