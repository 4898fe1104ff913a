import { type Context, context, createContextKey } from '@opentelemetry/api';
import { isWorthReporting, report } from './report.ts';
import type { LogRecord, LogRecordProcessor, StageAccount } from './stage.ts';

const SUPPRESSED = createContextKey('logspan.suppressed');

/** A context in which records are stopped at the guard: for the code that delivers records, so that it cannot feed itself. */
export function suppressLogging(from: Context): Context {
  return from.setValue(SUPPRESSED, true);
}

/**
 * The head of every pipeline: what is below can neither throw into the application nor feed itself. A record that is
 * written while another one is being processed by the same pipeline, or by the code that delivers records, is stopped
 * and counted as `reentrant`; a record during which something failed is counted as `failed`. Ends and stages below have
 * guards of their own where a record can be saved; this is the last one.
 */
export function guard(next: LogRecordProcessor): LogRecordProcessor {
  let busy = false;
  let reentrant = 0;
  let failed = 0;
  return {
    onEmit(record: LogRecord, from: Context = context.active()): void {
      if (busy || from.getValue(SUPPRESSED) !== undefined) {
        reentrant++;
        return;
      }
      busy = true;
      try {
        next.onEmit(record, from);
      } catch (error) {
        failed++;
        if (isWorthReporting(failed)) report(`the pipeline failed on ${failed} record(s)`, error);
      } finally {
        busy = false;
      }
    },
    enabled(options): boolean {
      try {
        return next.enabled === undefined || next.enabled(options);
      } catch (error) {
        report('the pipeline failed to answer enabled()', error);
        return true;
      }
    },
    forceFlush: (options) => next.forceFlush(options),
    shutdown: (options) => next.shutdown(options),
    account: (): StageAccount => ({ dropped: { reentrant, failed } }),
  };
}
