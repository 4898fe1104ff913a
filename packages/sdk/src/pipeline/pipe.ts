import type { Context } from '@opentelemetry/api';
import { ConfigError, given } from '../provider/config-error.ts';
import { contain } from './contain.ts';
import { factory, forgottenCall } from './factory.ts';
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
  if (typeof step === 'function') {
    const call = forgottenCall(step);
    if (call !== undefined) throw new ConfigError(option, `must be what ${call} returns: the call is missing`);
    if (!('stageName' in step)) return processor(step as ProcessorFunction);
    for (const { phase, stageName } of flat(step)) {
      if (phase === undefined || PHASES.includes(phase)) continue;
      throw new ConfigError(
        option,
        `${stageName} has a phase that does not exist; the phases are ${PHASES.join(', ')}`,
      );
    }
    return step;
  }
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
    let tooMany = 0;
    const late = new Failures(`processor ${name}`);
    return forwardTo(next, {
      onEmit(record, from) {
        // Of this record alone, so that what an async function writes later still belongs to it.
        const waiting: LogRecord[] = [];
        let written = 0;
        let busy = true;
        const emit = (fields: NewRecord): void => {
          if (++written > MOST_NEW_RECORDS) tooMany++;
          else if (busy) waiting.push(newRecord(record, fields));
          else passOn(next, newRecord(record, fields), from);
        };
        try {
          const kept: unknown = fn(record, from, emit);
          if (typeof kept === 'object') late.watch(kept);
          if (kept !== false) next.onEmit(record, from);
          else dropped++;
        } finally {
          busy = false;
          for (const one of waiting) passOn(next, one, from);
        }
      },
      account: () => ({ dropped: { [name]: dropped, ...(tooMany === 0 ? {} : { emit_limit: tooMany }) } }),
    });
  });
}

factory(pipe, processor);

/** A record that a processor wrote must not harm it, nor the one that caused it. */
function passOn(next: LogRecordProcessor, record: LogRecord, context: Context | undefined): void {
  try {
    next.onEmit(record, context);
  } catch (error) {
    report('a record that a processor wrote could not be passed on', error);
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
      // It may be put back, so what it holds goes, and it is not ended.
      release: () => failures.watch((async () => other.forceFlush())()),
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

/** True if a stage is `redact()`, or made of stages of which one is. Another one of its phase takes no secret out. */
export function isRedaction(stage: Stage): boolean {
  return flat(stage).some(({ phase, stageName }) => phase === 'redact' && stageName === 'redact');
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
  const dropped: Record<string, number> = Object.create(null);
  const failures: Record<string, number> = Object.create(null);
  const redactedBy: Record<string, number> = Object.create(null);
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
  return { dropped: { ...dropped }, ...sum, redactedBy: { ...redactedBy }, failures: { ...failures }, takenOut };
}

/** A reason may be called as users call their functions, `constructor` included: the sum has no prototype. */
function add(sum: Record<string, number>, counts: Readonly<Record<string, number>> = {}): void {
  for (const [reason, count] of Object.entries(counts)) sum[reason] = (sum[reason] ?? 0) + count;
}
