import { type Context, context as contexts, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressLogging } from './guard.ts';
import { isWorthReporting, report } from './report.ts';
import type { LogRecord, LogRecordProcessor } from './stage.ts';

/**
 * Passes on what a stage has held or written, outside of the log call that it belongs to: from a timer, or while another
 * record is at work. Never throws. What is logged meanwhile is stopped, as it is in a log call; and the context is the
 * record's own, not the one in which the timer was started.
 */
export class PassLater {
  /** Records that were lost because what is behind threw: for the account. */
  failed = 0;
  readonly #next: LogRecordProcessor;

  constructor(next: LogRecordProcessor) {
    this.#next = next;
  }

  pass(record: LogRecord, context: Context = ROOT_CONTEXT): void {
    try {
      contexts.with(suppressLogging(context), () => this.#next.onEmit(record, context));
    } catch (error) {
      this.failed++;
      if (isWorthReporting(this.failed)) report(`${this.failed} held record(s) could not be passed on`, error);
    }
  }
}
