import type { Context } from '@opentelemetry/api';
import { passes } from './passes.ts';
import { isWorthReporting, report, watch } from './report.ts';
import type { FlushOptions, LogRecord, LogRecordProcessor } from './stage.ts';

/** One way out of a pipeline. */
export interface Branch {
  /** What it is called in what is told of its failures. Default `a handler`. */
  readonly name?: string;
  readonly to: LogRecordProcessor;
  /** Only records for which this is true go here. One that throws lets the record pass. */
  readonly when?: ((record: LogRecord) => boolean) | undefined;
  /** Told of each record on which it throws. */
  readonly failed?: ((record: LogRecord) => void) | undefined;
}

/** A processor that gives each record to several others. */
export interface Tee extends LogRecordProcessor {
  add(branch: Branch): void;
  /** Gives this one no more records. Flushes and the shutdown still go to it, until it is removed. */
  close(to: LogRecordProcessor): void;
  remove(to: LogRecordProcessor): void;
  /** Records on which this one threw. */
  failures(to: LogRecordProcessor): number;
}

/**
 * Gives each record to every branch in turn: the same one, so whoever edits it copies it first (copyRecord). A branch that
 * fails takes nothing from the others: its failure is reported on OTel's diag, now and then, and counted. A flush or
 * shutdown waits for all branches whatever one of them does.
 */
export function tee(...initial: readonly Branch[]): Tee {
  // Replaced, not changed: a record may be on its way along them.
  let branches: readonly Branch[] = initial;
  let closed: readonly Branch[] = [];
  const failures = new WeakMap<LogRecordProcessor, number>();
  const all = async (call: (to: LogRecordProcessor) => Promise<void>): Promise<void> => {
    const outcomes = await Promise.allSettled([...branches, ...closed].map(async ({ to }) => call(to)));
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  };
  return {
    add(branch) {
      branches = [...branches, branch];
    },
    close(to) {
      closed = [...closed, ...branches.filter((branch) => branch.to === to)];
      branches = branches.filter((branch) => branch.to !== to);
    },
    remove(to) {
      closed = closed.filter((branch) => branch.to !== to);
    },
    failures: (to) => failures.get(to) ?? 0,
    onEmit(record: LogRecord, context?: Context): void {
      const current = branches;
      for (let i = 0; i < current.length; i++) {
        const { name = 'a handler', to, when, failed: tell } = current[i] as Branch;
        try {
          if (when !== undefined && !passes(when, record)) continue;
          // An async onEmit is not foreseen, but its rejection must not end the process.
          const answer: unknown = to.onEmit(record, context);
          if (answer !== undefined) watch(answer, name);
        } catch (error) {
          const failed = (failures.get(to) ?? 0) + 1;
          failures.set(to, failed);
          if (isWorthReporting(failed)) report(`${name} failed on ${failed} record(s)`, error);
          tell?.(record);
        }
      }
    },
    enabled: (options) => branches.some(({ to }) => to.enabled === undefined || to.enabled(options)),
    forceFlush: (options?: FlushOptions) => all((to) => to.forceFlush(options)),
    shutdown: (options?: FlushOptions) => all((to) => to.shutdown(options)),
  };
}
