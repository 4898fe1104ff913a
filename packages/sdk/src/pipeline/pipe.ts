import type { Context } from '@opentelemetry/api';
import { ConfigError, given } from '../provider/config-error.ts';
import { contain } from './contain.ts';
import { type NewRecord, newRecord } from './new-record.ts';
import { Failures, report } from './report.ts';
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
 *
 * `emit` writes a record of its own because of this one, an alert for example: it follows the record through the stages
 * behind this one, and through no other, so it cannot come round again. At most {@link MOST_NEW_RECORDS} per record; what
 * is beyond that is dropped and counted as `emit_limit`.
 */
export type ProcessorFunction = (
  record: LogRecord,
  context: Context | undefined,
  emit: (fields: NewRecord) => void,
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is one that keeps the record
) => void | boolean;

/** How many records of its own a processor may write because of one record. */
export const MOST_NEW_RECORDS = 100;

/** What can stand in a pipeline: a stage, a function, or a third-party OTel processor. */
export type Step = Stage | ProcessorFunction | LogRecordProcessor;

/** The order of the phases, and why a stage of an earlier one may not come after one of a later one. */
export const PHASES: readonly Phase[] = ['filter', 'observe', 'volume', 'enrich', 'redact', 'render'];

const REASON: Readonly<Record<Phase, string>> = {
  filter: 'the work before it is done for records that it drops',
  observe: 'it would not see the records that were dropped before it',
  volume: 'the work before it is done for records that it drops',
  enrich: 'what it adds would leave unredacted',
  redact: 'what it takes out was already shown',
  render: '',
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
      return forwardTo(head, {
        onEmit: (record, from) => head.onEmit(record, from),
        account: () => total(built),
        release() {
          for (const processor of built) processor.release?.();
        },
      });
    },
    { stageName: 'pipe', steps },
  );
}

/** The stage that a user's step is, so contained that it cannot harm what is around it. */
export function asStage(step: Step, option: string): Stage {
  return contain(stageOf(step, option));
}

/** The stage that a user's step is: a stage as it is, a function or a third-party processor made into one. */
export function stageOf(step: Step, option: string): Stage {
  if (typeof step === 'function') return 'stageName' in step ? step : processor(step as ProcessorFunction);
  if (typeof step === 'object' && step !== null && typeof step.onEmit === 'function') return beside(step, option);
  throw new ConfigError(
    option,
    `must be a stage, a function (record, context) => void | boolean, or an OTel LogRecordProcessor, not ${given(step)}`,
  );
}

/** Makes a stage of a function: returning `false` drops the record, counted under the function's name. */
export function processor(fn: ProcessorFunction, phase?: Phase): Stage {
  const name = fn.name || 'processor';
  return stage(name, phase, (next) => {
    let dropped = 0;
    const late = new Failures(`processor ${name}`);
    const own = fn.length > 2 ? new OwnRecords(next) : undefined;
    const emit = (fields: NewRecord): void => own?.add(fields);
    return forwardTo(next, {
      onEmit(record, from) {
        own?.begin(record, from);
        let kept: unknown;
        try {
          kept = fn(record, from, emit);
          if (typeof kept === 'object') late.watch(kept);
          if (kept !== false) next.onEmit(record, from);
          else dropped++;
        } finally {
          own?.passOn();
        }
      },
      account: () => ({ dropped: { [name]: dropped, ...(own?.dropped ? { emit_limit: own.dropped } : {}) } }),
    });
  });
}

/** The records that a processor function writes: they wait until the one that caused them is through. */
class OwnRecords {
  dropped = 0;
  readonly #next: LogRecordProcessor;
  readonly #waiting: LogRecord[] = [];
  #cause: LogRecord | undefined;
  #context: Context | undefined;
  #busy = false;
  #written = 0;

  constructor(next: LogRecordProcessor) {
    this.#next = next;
  }

  begin(cause: LogRecord, context: Context | undefined): void {
    this.#cause = cause;
    this.#context = context;
    this.#busy = true;
    this.#written = 0;
  }

  add(fields: NewRecord): void {
    if (this.#cause === undefined) return;
    if (++this.#written > MOST_NEW_RECORDS) {
      this.dropped++;
      return;
    }
    this.#waiting.push(newRecord(this.#cause, fields));
    // An async function that comes back to it later: there is nothing to wait for.
    if (!this.#busy) this.passOn();
  }

  passOn(): void {
    this.#busy = false;
    for (const record of this.#waiting.splice(0)) {
      try {
        this.#next.onEmit(record, this.#context);
      } catch (error) {
        report('a record that a processor wrote could not be passed on', error);
      }
    }
  }
}

/** A third-party OTel processor as a stage: it sees and may edit the record, which then goes on. */
function beside(other: LogRecordProcessor, option: string): Stage {
  const name = other.constructor?.name ?? 'processor';
  if (Object.values(other).some(isExporter)) {
    throw new ConfigError(
      option,
      `${name} exports, and would export what is not yet redacted: give its exporter to batch(), among the handlers`,
    );
  }
  return stage(name, undefined, (next) => {
    const failures = new Failures(`processor ${name}`);
    // Async, so that one that throws does not keep the flush from those behind it.
    const both = async (call: (one: LogRecordProcessor) => Promise<void>): Promise<void> => {
      const [own, behind] = await Promise.allSettled([(async () => call(other))(), call(next)]);
      if (own.status === 'rejected') failures.count(own.reason);
      if (behind.status === 'rejected') throw behind.reason;
    };
    return {
      onEmit(record, from) {
        const answer: unknown = other.onEmit(record, from);
        if (answer !== undefined) failures.watch(answer);
        next.onEmit(record, from);
      },
      enabled: (options) => next.enabled === undefined || next.enabled(options),
      forceFlush: (options) => both((one) => one.forceFlush(options)),
      shutdown: (options) => both((one) => one.shutdown(options)),
    };
  });
}

/** An OTel LogRecordExporter, by its shape. The stock processors hold theirs in a property. */
function isExporter(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { export: send, shutdown } = value as { export?: unknown; shutdown?: unknown };
  return typeof send === 'function' && typeof shutdown === 'function';
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
      if (latest?.phase === 'redact' || latest?.phase === 'render') throw misplaced(current, latest, REASON.enrich);
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
export function total(steps: readonly Pick<LogRecordProcessor, 'account'>[]): Required<StageAccount> {
  const dropped: Record<string, number> = {};
  const failures: Record<string, number> = {};
  const redactedBy: Record<string, number> = {};
  const takenOut: string[] = [];
  const sum = { redacted: 0, held: 0, written: 0 };
  for (const step of steps) {
    const account = step.account?.();
    sum.redacted += account?.redacted ?? 0;
    sum.held += account?.held ?? 0;
    sum.written += account?.written ?? 0;
    add(dropped, account?.dropped);
    add(redactedBy, account?.redactedBy);
    add(failures, account?.failures);
    takenOut.push(...(account?.takenOut ?? []));
  }
  return { dropped, ...sum, redactedBy, failures, takenOut };
}

function add(sum: Record<string, number>, counts: Readonly<Record<string, number>> = {}): void {
  for (const [reason, count] of Object.entries(counts)) sum[reason] = (sum[reason] ?? 0) + count;
}
