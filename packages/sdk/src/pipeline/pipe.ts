import type { Context } from '@opentelemetry/api';
import { ConfigError, given } from '../provider/config-error.ts';
import { isWorthReporting, report } from './report.ts';
import {
  forwardTo,
  type LogRecord,
  type LogRecordProcessor,
  type Phase,
  type Stage,
  type StageAccount,
  stage,
} from './stage.ts';

/**
 * A user's own processor: looks at the record, may edit it through `setAttribute`; `false` drops it. What an async one
 * answers comes too late and counts for nothing; should it reject, the application does not notice.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is one that keeps the record
export type ProcessorFunction = (record: LogRecord, context: Context | undefined) => void | boolean;

/** What can stand in a pipeline: a stage, a function, or a third-party OTel processor. */
export type Step = Stage | ProcessorFunction | LogRecordProcessor;

/** The order of the phases, and why a stage of an earlier one may not come after one of a later one. */
export const PHASES: readonly Phase[] = ['filter', 'observe', 'volume', 'enrich', 'redact'];

const REASON: Readonly<Record<Phase, string>> = {
  filter: 'the work before it is done for records that it drops',
  observe: 'it would not see the records that were dropped before it',
  volume: 'the work before it is done for records that it drops',
  enrich: 'what it adds would leave unredacted',
  redact: '',
};

/**
 * Joins stages into one: `pipe(sample({ ratio: 0.1 }), redact())(end)`. The first stage sees a record first. Checks the
 * order of the stages that say where they belong and throws a {@link ConfigError} that names both stages and the fix.
 * A stage without a phase, such as a plain function, may stand anywhere before `redact`.
 */
export function pipe(...stages: readonly Step[]): Stage {
  const steps = stages.map((step, index) => asStage(step, `processors[${index}]`));
  checkOrder(steps);
  return Object.assign(
    (end: LogRecordProcessor): LogRecordProcessor => {
      const built: LogRecordProcessor[] = [];
      const head = steps.reduceRight<LogRecordProcessor>((next, step) => {
        const processor = step(next);
        built.push(processor);
        return processor;
      }, end);
      return forwardTo(head, { onEmit: (record, from) => head.onEmit(record, from), account: () => total(built) });
    },
    { stageName: 'pipe', steps },
  );
}

/** The stage that a user's step is: a stage as it is, a function or a third-party processor made into one. */
export function asStage(step: Step, option: string): Stage {
  if (typeof step === 'function') return 'stageName' in step ? step : processor(step as ProcessorFunction);
  if (typeof step === 'object' && step !== null && typeof step.onEmit === 'function') return beside(step);
  throw new ConfigError(
    option,
    `must be a stage, a function (record, context) => void | boolean, or an OTel LogRecordProcessor, not ${given(step)}`,
  );
}

/**
 * Makes a stage of a function: returning `false` drops the record, counted under the function's name. If it throws,
 * the failure is reported on OTel's diag, now and then, and the record goes on as it is.
 */
export function processor(fn: ProcessorFunction, phase?: Phase): Stage {
  const name = fn.name || 'processor';
  return stage(name, phase, (next) => {
    let dropped = 0;
    const failures = new Failures(name);
    return forwardTo(next, {
      onEmit(record, from) {
        let kept: unknown = true;
        try {
          kept = fn(record, from);
          if (kept !== undefined && typeof kept !== 'boolean') failures.watch(kept);
        } catch (error) {
          failures.count(error);
        }
        if (kept === false) dropped++;
        else next.onEmit(record, from);
      },
      account: () => ({ dropped: { [name]: dropped } }),
    });
  });
}

/** A third-party OTel processor as a stage: it sees and may edit the record, which then goes on. */
function beside(other: LogRecordProcessor): Stage {
  const name = other.constructor?.name ?? 'processor';
  return stage(name, undefined, (next) => {
    const failures = new Failures(name);
    // Async, so that one that throws does not keep the flush from those behind it.
    const both = async (call: (one: LogRecordProcessor) => Promise<void>): Promise<void> => {
      const [own, behind] = await Promise.allSettled([(async () => call(other))(), call(next)]);
      if (own.status === 'rejected') failures.count(own.reason);
      if (behind.status === 'rejected') throw behind.reason;
    };
    return {
      onEmit(record, from) {
        try {
          const answer: unknown = other.onEmit(record, from);
          if (answer !== undefined) failures.watch(answer);
        } catch (error) {
          failures.count(error);
        }
        next.onEmit(record, from);
      },
      enabled: (options) => next.enabled === undefined || next.enabled(options),
      forceFlush: (options) => both((one) => one.forceFlush(options)),
      shutdown: (options) => both((one) => one.shutdown(options)),
    };
  });
}

/** What a user's step does wrong, told now and then. */
class Failures {
  readonly #name: string;
  #failures = 0;

  constructor(name: string) {
    this.#name = name;
  }

  count(error: unknown): void {
    this.#failures++;
    if (isWorthReporting(this.#failures)) report(`processor ${this.#name} failed ${this.#failures} time(s)`, error);
  }

  /** What a step answered that is neither nothing nor a boolean: a promise that rejects must not end the process. */
  watch(answer: unknown): void {
    if (typeof (answer as { then?: unknown } | null)?.then !== 'function') return;
    Promise.resolve(answer).catch((error: unknown) => this.count(error));
  }
}

/** The stages that a stage is made of: itself, unless it is a pipe. */
export function flat(stage: Stage): readonly Stage[] {
  return stage.steps?.flatMap(flat) ?? [stage];
}

/** Throws a {@link ConfigError} that names both stages if one stands where it would leak or waste. */
export function checkOrder(stages: readonly Stage[]): void {
  let latest: Stage | undefined;
  for (const current of stages.flatMap(flat)) {
    if (current.phase === undefined) {
      if (latest?.phase === 'redact') throw misplaced(current, latest, REASON.enrich);
      continue;
    }
    if (latest?.phase !== undefined && PHASES.indexOf(current.phase) < PHASES.indexOf(latest.phase)) {
      throw misplaced(current, latest, REASON[current.phase]);
    }
    latest = current;
  }
}

function misplaced(current: Stage, before: Stage, reason: string): ConfigError {
  const name = current.stageName ?? 'processor';
  const other = before.stageName ?? 'processor';
  return new ConfigError(
    'processors',
    `${name} stands after ${other}, so ${reason}: put ${name} before ${other} (order: ${PHASES.join(', ')})`,
  );
}

/** The accounts of several steps, added up. */
export function total(steps: readonly Pick<LogRecordProcessor, 'account'>[]): StageAccount {
  const dropped: Record<string, number> = {};
  let redacted = 0;
  for (const step of steps) {
    const account = step.account?.();
    redacted += account?.redacted ?? 0;
    for (const [reason, count] of Object.entries(account?.dropped ?? {}))
      dropped[reason] = (dropped[reason] ?? 0) + count;
  }
  return { dropped, redacted };
}
