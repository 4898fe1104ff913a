import { ConfigError } from '../provider/config-error.ts';
import { isFirstSeen } from './new-record.ts';
import { isWorthReporting, report } from './report.ts';
import { forwardTo, type LogRecord, type LogRecordProcessor, type Stage, type StageAccount } from './stage.ts';

/** After how many failures in a row a stage is taken out, unless told otherwise. */
export const MOST_FAILURES_IN_A_ROW = 100;

/**
 * A stage that cannot harm what is around it. A record on which it throws goes on as it then is, and the failure is
 * counted, and told on OTel's diag now and then; never through the pipeline itself. After too many failures in a row the
 * stage is taken out, which is told as well: records pass by it from then on.
 *
 * A stage that redacts is never passed by: what it fails on is lost, counted as `failed`, rather than shown.
 */
export function contain(inner: Stage, mostInARow: number = MOST_FAILURES_IN_A_ROW): Stage {
  const name = inner.stageName ?? 'a stage';
  const mayPassBy = !holds(inner, 'redact');
  const wrap = (next: LogRecordProcessor): LogRecordProcessor => {
    let current: LogRecord | undefined;
    let passedOn = false;
    let failures = 0;
    let inARow = 0;
    let takenOut = false;
    let lost = 0;
    let letGoAfter = false;
    let written = 0;
    let reached = 0;
    const processor = inner(
      forwardTo(next, {
        forceFlush(options) {
          reached++;
          return next.forceFlush(options);
        },
        shutdown(options) {
          reached++;
          return next.shutdown(options);
        },
        onEmit(record, context) {
          // A stage may pass a copy on in place of the record. What it writes itself says nothing of the record.
          if (record === current || record.writtenByStage !== true) passedOn = true;
          else if (isFirstSeen(record)) written++;
          next.onEmit(record, context);
        },
      }),
    );
    if (typeof processor?.onEmit !== 'function') {
      throw new ConfigError('processors', `${name} does not return a LogRecordProcessor`);
    }

    const letGo = (): void => {
      // Taken out while it is at work, by a step behind it: it may yet take hold of the record.
      letGoAfter = current !== undefined;
      if (letGoAfter) return;
      try {
        processor.release?.();
      } catch (error) {
        report(`${name} failed to let go of what it holds`, error);
      }
    };

    /** A stage that cannot be flushed or ended must not cut off those behind it. */
    const through = async (what: string, call: (one: LogRecordProcessor) => Promise<void>): Promise<void> => {
      const before = reached;
      try {
        await call(processor);
      } catch (error) {
        // What those behind it did wrong is not its failure.
        if (reached > before) throw error;
        report(`${name} failed to ${what}`, error);
        await call(next);
      }
    };

    return {
      onEmit(record, context) {
        if (takenOut) {
          next.onEmit(record, context);
          return;
        }
        current = record;
        passedOn = false;
        try {
          processor.onEmit(record, context);
          inARow = 0;
        } catch (error) {
          failures++;
          inARow++;
          if (isWorthReporting(failures)) report(`${name} failed on ${failures} record(s)`, error);
          if (passedOn) {
            // Nothing to save.
          } else if (mayPassBy) next.onEmit(record, context);
          else lost++;
          if (mayPassBy && inARow >= mostInARow) {
            takenOut = true;
            report(`${name} failed on ${inARow} records in a row and was taken out`, error);
            letGoAfter = true;
          }
        } finally {
          current = undefined;
          if (letGoAfter) letGo();
        }
      },
      enabled(options) {
        if (takenOut) return next.enabled === undefined || next.enabled(options);
        return processor.enabled === undefined || processor.enabled(options);
      },
      // Through the stage even if it was taken out: it may have something of its own to flush and to end.
      forceFlush: (options) => through('flush', (one) => one.forceFlush(options)),
      shutdown: (options) => through('shut down', (one) => one.shutdown(options)),
      release: letGo,
      account(): StageAccount {
        const { dropped = {}, ...rest } = accountOf(processor);
        const { failures: known = {} } = rest;
        return {
          ...rest,
          dropped: lost === 0 ? dropped : { ...dropped, failed: (dropped.failed ?? 0) + lost },
          ...(written === 0 ? {} : { written: (rest.written ?? 0) + written }),
          ...(failures === 0
            ? {}
            : { failures: { ...known, [name]: (Object.hasOwn(known, name) ? (known[name] ?? 0) : 0) + failures } }),
          ...(takenOut ? { takenOut: [...(rest.takenOut ?? []), name] } : {}),
        };
      },
    };
  };
  const { stageName, phase } = inner;
  return Object.assign(wrap, stageName === undefined ? {} : { stageName }, phase === undefined ? {} : { phase }, {
    steps: [inner],
  });
}

/** A stage that cannot even tell its account must not make `stats()` fail, nor the end of the process. */
function accountOf(processor: LogRecordProcessor): StageAccount {
  try {
    return processor.account?.() ?? {};
  } catch {
    return {};
  }
}

/** True if a stage is of a phase, or made of stages of which one is. */
function holds(stage: Stage, phase: Stage['phase']): boolean {
  return stage.phase === phase || (stage.steps ?? []).some((step) => holds(step, phase));
}
