import { SEVERITY } from '@logspan/logger/internal';

/** Where every Sentry SDK marks an error that it has captured, so that none of its integrations reports it again. */
const MARK = '__sentry_captured__';
/** Where we say of ours when that was, and as what. In the registry: other copies of this code are to see it. */
const REPORT = Symbol.for('logspan.sentry.report');
/** An error on its way up is logged within moments; one that is kept and thrown again and again is news after a while. */
const NEWS_AFTER_MILLIS = 60_000;

/** What is remembered of a report of ours. */
export interface Report {
  readonly at: number;
  readonly severity: number;
}

interface Marked {
  [MARK]?: unknown;
  [REPORT]?: Report;
}

/**
 * True if a report of an error would only repeat what Sentry has: it was captured, by whomever. Not so after a minute if
 * it was by us, nor if it is `fatal` now and was reported as less. `isUncaught` is for what is fatal because nobody caught
 * it: the same failure on its way up. Never throws.
 */
export function isRepeated(thrown: unknown, { at, severity }: Report, isUncaught: boolean): boolean {
  try {
    if (typeof thrown !== 'object' || thrown === null) return false;
    const { [MARK]: captured, [REPORT]: before } = thrown as Marked;
    if (captured !== true) return false;
    if (before !== undefined && at - before.at >= NEWS_AFTER_MILLIS) return false;
    return isUncaught || severity < SEVERITY.fatal || (before !== undefined && before.severity >= SEVERITY.fatal);
  } catch {
    return false;
  }
}

/**
 * Marks an error as reported. What it returns takes the mark away again: for a report that did not arrive. One that is
 * frozen, or no object, cannot be marked. Does not hold the error. Never throws.
 */
export function markCaptured(thrown: unknown, report: Report): () => void {
  if (typeof thrown !== 'object' || thrown === null) return () => undefined;
  try {
    const others = (thrown as Marked)[MARK] === true && (thrown as Marked)[REPORT] === undefined;
    define(thrown, MARK, true);
    define(thrown, REPORT, report);
    const held = new WeakRef(thrown);
    return () => unmark(held.deref(), report, others);
  } catch {
    // It may come twice.
    return () => undefined;
  }
}

/** Unless it was reported again since. What others have captured stays so. */
function unmark(thrown: object | undefined, report: Report, others: boolean): void {
  try {
    if (thrown === undefined || (thrown as Marked)[REPORT] !== report) return;
    define(thrown, REPORT, undefined);
    if (!others) define(thrown, MARK, undefined);
  } catch {
    // Then it stays marked.
  }
}

function define(thrown: object, key: PropertyKey, value: unknown): void {
  if (value === undefined) Reflect.deleteProperty(thrown, key);
  else Object.defineProperty(thrown, key, { value, writable: true, configurable: true, enumerable: false });
}
