/** Where every Sentry SDK marks an error that it has captured, so that none of its integrations reports it again. */
const MARK = '__sentry_captured__';

/** True if an error has been reported to Sentry, by whomever. Never throws. */
export function isCaptured(thrown: unknown): boolean {
  try {
    return typeof thrown === 'object' && thrown !== null && (thrown as { [MARK]?: unknown })[MARK] === true;
  } catch {
    return false;
  }
}

/** Marks an error as reported. One that is frozen, or no object, cannot be marked. Never throws. */
export function markCaptured(thrown: unknown): void {
  try {
    if (typeof thrown !== 'object' || thrown === null) return;
    Object.defineProperty(thrown, MARK, { value: true, writable: true, configurable: true });
  } catch {
    // It may come twice.
  }
}
