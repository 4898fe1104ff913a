import { type Context, diag } from '@opentelemetry/api';
import type { DeliveryAccount, Handler, HandlerContext, Lost } from '../handlers/handler.ts';
import { guard } from '../pipeline/guard.ts';
import { asStage, checkOrder, flat, isRedaction, PHASES, type Step as StepGiven, total } from '../pipeline/pipe.ts';
import { sealRecord } from '../pipeline/seal-record.ts';
import type {
  EnabledOptions,
  FlushOptions,
  LogRecord,
  LogRecordProcessor,
  Stage,
  StageAccount,
} from '../pipeline/stage.ts';
import { within } from '../pipeline/within.ts';
import { ConfigError } from './config-error.ts';
import { Handlers } from './handlers.ts';

/** What became of the records on their way to the handlers: `emitted + written = passed + sum(dropped) + held`. */
export interface PipelineAccount {
  /** Records that entered the pipeline. */
  readonly emitted: number;
  /** Records that stages wrote themselves: alerts, summaries of what was left out. */
  readonly written: number;
  /** Records that stages hold back now, and will pass on or drop later. */
  readonly held: number;
  /** Records that were given to the handlers. */
  readonly passed: number;
  /** Records that a stage held back, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Values that were replaced because they are secret. */
  readonly redacted: number;
  /** The same by the rule that found them: `{ key: 2, jwt: 1 }`. */
  readonly redactedBy: Readonly<Record<string, number>>;
  /** Records on which a stage failed, by its name. They went on, unless the stage is there to redact. */
  readonly failures: Readonly<Record<string, number>>;
  /** Stages that were taken out because they failed on too many records in a row. */
  readonly takenOut: readonly string[];
}

/** Where one step ends and the next begins: can be pointed elsewhere while records flow. */
class Link implements LogRecordProcessor {
  readonly #end: LogRecordProcessor;
  /** The step behind, if there is one before the end. */
  step: Step | undefined;

  constructor(end: LogRecordProcessor, step?: Step) {
    this.#end = end;
    this.step = step;
  }

  onEmit(record: LogRecord, context?: Context): void {
    this.#target.onEmit(record, context);
  }

  enabled(options: EnabledOptions): boolean {
    const { enabled } = this.#target;
    return enabled === undefined || enabled.call(this.#target, options);
  }

  forceFlush(options?: FlushOptions): Promise<void> {
    return this.#target.forceFlush(options);
  }

  shutdown(options?: FlushOptions): Promise<void> {
    return this.#target.shutdown(options);
  }

  get #target(): LogRecordProcessor {
    return this.step === undefined ? this.#end : this.step.processor;
  }
}

function tellEdited(): void {
  try {
    diag.warn(
      'logspan: a record was edited after it came to the handlers, which share it: that has no effect; edit a copyRecord() of it',
    );
  } catch {
    // A diag logger that throws leaves nobody to tell.
  }
}

/** So many steps that were taken out are kept, in case one is still at work. */
const MOST_REMOVED = 100;

/** A stage in its place. */
class Step {
  readonly stage: Stage;
  /** What the user wrote. */
  readonly given: StepGiven;
  readonly processor: LogRecordProcessor;
  readonly out: Link;

  constructor(stage: Stage, given: StepGiven, out: Link) {
    this.stage = stage;
    this.given = given;
    this.out = out;
    this.processor = stage(out);
  }

  account(): StageAccount {
    return this.processor.account?.() ?? {};
  }
}

/**
 * The whole road from an emitted record to the handlers, as one processor: guard, stages, tee. Stages and handlers can
 * be added and removed while records flow; a change takes effect between two records.
 */
export class Pipeline implements LogRecordProcessor {
  readonly #end: LogRecordProcessor;
  readonly #first: Link;
  readonly #steps: Step[] = [];
  readonly #mustRedact: boolean;
  /** Steps that were taken out may still be at work on a record, or write one later; what the oldest counted is final. */
  readonly #removed: Step[] = [];
  #gone: StageAccount = {};
  readonly #guard: LogRecordProcessor;
  readonly #handlers: Handlers;
  #emitted = 0;
  #passed = 0;
  #hasToldEdited = false;
  readonly #tellEdited = (): void => {
    if (this.#hasToldEdited) return;
    this.#hasToldEdited = true;
    tellEdited();
  };

  /** Throws a {@link ConfigError} for a step that is none, for an order that leaks, and for what a handler finds wrong. */
  constructor(
    steps: readonly StepGiven[],
    handlers: readonly Handler[],
    context: HandlerContext,
    /** True if there must be a `redact()` at all times. */
    mustRedact = false,
  ) {
    // Also of the routes within a route.
    this.#handlers = new Handlers(mustRedact ? { ...context, redacts: true } : context);
    this.#mustRedact = mustRedact;
    const { tee } = this.#handlers;
    this.#end = {
      ...tee,
      onEmit: (record, from) => {
        this.#passed++;
        // The handlers share it, and behind them nothing redacts.
        sealRecord(record, this.#tellEdited);
        tee.onEmit(record, from);
      },
    };
    this.#first = new Link(this.#end);
    this.#guard = guard(this.#first);
    const stages = steps.map((step, index) => asStage(step, `processors[${index}]`));
    checkOrder(stages);
    try {
      for (const [index, stage] of stages.entries()) this.#insert(index, stage, steps[index] as StepGiven);
      for (const handler of handlers) this.addHandler(handler);
    } catch (error) {
      this.#handlers.end();
      throw error;
    }
  }

  onEmit(record: LogRecord, context?: Context): void {
    this.#emitted++;
    this.#guard.onEmit(record, context);
  }

  enabled(options: EnabledOptions): boolean {
    return this.#handlers.size > 0 && (this.#guard.enabled?.(options) ?? true);
  }

  forceFlush(options?: FlushOptions): Promise<void> {
    return this.#guard.forceFlush(options);
  }

  async shutdown(options?: FlushOptions): Promise<void> {
    // Third-party processors that were taken out could have been put back: nobody has ended them yet.
    const gone = this.#removed.filter(({ given }) => this.#steps.every((step) => step.given !== given));
    const others = new Set(gone.map(({ given }) => given).filter((given) => typeof given === 'object'));
    const ended = [...others].map((other) => within(() => other.shutdown(options), options?.timeoutMillis ?? 30_000));
    await Promise.all([this.#guard.shutdown(options), ...ended]);
  }

  /** The last chance of a process that ends now: what stages hold back, and then what handlers do. */
  flushSync(timeoutMillis: number): void {
    for (const { processor } of this.#steps) processor.release?.();
    this.#handlers.flushSync(timeoutMillis);
  }

  /** True if one of the handlers should be given the time to deliver what it holds. */
  isFilling(): boolean {
    return this.#handlers.isFilling();
  }

  /** Adds a step after those of its phase and before the next one; a step without a phase goes before `redact`. */
  addProcessor(given: StepGiven): void {
    const stage = asStage(given, 'processor');
    const first = Math.min(...flat(stage).map(({ phase = 'enrich' }) => PHASES.indexOf(phase)));
    const later = this.#steps.findIndex(({ stage: other }) =>
      flat(other).some(({ phase = 'filter' }) => PHASES.indexOf(phase) > first),
    );
    const index = later < 0 ? this.#steps.length : later;
    checkOrder(this.#steps.map((step) => step.stage).toSpliced(index, 0, stage));
    this.#insert(index, stage, given);
  }

  /** Takes a step out; false if it is not there. What it has counted stays counted. */
  removeProcessor(given: StepGiven): boolean {
    const index = this.#steps.findIndex((step) => step.given === given);
    const step = this.#steps[index];
    if (step === undefined) return false;
    if (this.#mustRedact && isRedaction(step.stage) && this.#steps.filter((s) => isRedaction(s.stage)).length === 1) {
      throw new ConfigError('removeProcessor', 'would leave no redact(): add another one first, or set redact: false');
    }
    // First what it holds, through those behind it; then nothing comes to it any more.
    step.processor.release?.();
    this.#before(index).step = step.out.step;
    this.#steps.splice(index, 1);
    // One that was removed before, and is still at work on a record, must not lead to it.
    for (const { out } of this.#removed) if (out.step === step) out.step = step.out.step;
    this.#removed.push(step);
    const oldest = this.#removed.length > MOST_REMOVED ? this.#removed.shift() : undefined;
    if (oldest !== undefined) this.#gone = total([oldest, { account: () => this.#gone }]);
    return true;
  }

  /** Starts a handler. Throws a {@link ConfigError} for what it finds wrong. */
  addHandler(handler: Handler): void {
    this.#handlers.add(handler);
  }

  /**
   * Takes a handler out. It gets no more records, delivers what it holds until the deadline, and drops the rest. What it
   * has counted stays counted. True if it was there, and nothing of what it held was lost. Never rejects.
   */
  removeHandler(handler: Handler, options?: FlushOptions): Promise<boolean> {
    return this.#handlers.remove(handler, options);
  }

  /** As a handler does: what the handlers lose. */
  onLost(listener: (lost: Lost) => void): readonly string[] {
    return this.#handlers.onLost(listener);
  }

  /** Records that a handler has lost, and nobody has taken over. */
  lost(): number {
    return this.#handlers.lost();
  }

  account(): StageAccount {
    const { emitted: _emitted, passed: _passed, ...account } = this.pipelineAccount();
    return account;
  }

  pipelineAccount(): PipelineAccount {
    const gone = { account: () => this.#gone };
    const routes = { account: () => this.#handlers.done() };
    const { dropped, ...account } = total([this.#guard, ...this.#steps, ...this.#removed, gone, routes]);
    const happened = Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0));
    return { emitted: this.#emitted, passed: this.#passed, dropped: happened, ...account };
  }

  deliveryAccounts(): Readonly<Record<string, DeliveryAccount>> {
    return this.#handlers.accounts();
  }

  #before(index: number): Link {
    return index === 0 ? this.#first : (this.#steps[index - 1] as Step).out;
  }

  #insert(index: number, stage: Stage, given: StepGiven): void {
    const before = this.#before(index);
    const step = new Step(stage, given, new Link(this.#end, before.step));
    before.step = step;
    this.#steps.splice(index, 0, step);
  }
}
