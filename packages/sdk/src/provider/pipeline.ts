import type { Context } from '@opentelemetry/api';
import type { DeliveryAccount, Handler, HandlerContext, HandlerEnd } from '../handlers/handler.ts';
import { guard } from '../pipeline/guard.ts';
import { asStage, checkOrder, PHASES, type Step, total } from '../pipeline/pipe.ts';
import type { EnabledOptions, FlushOptions, LogRecord, LogRecordProcessor, Stage } from '../pipeline/stage.ts';
import { type Tee, tee } from '../pipeline/tee.ts';

/** What became of the records on their way to the handlers: `emitted = passed + sum(dropped)`. */
export interface PipelineAccount {
  /** Records that entered the pipeline. */
  readonly emitted: number;
  /** Records that were given to the handlers. */
  readonly passed: number;
  /** Records that a stage held back, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Values that were replaced because they are secret. */
  readonly redacted: number;
}

/** Where one processor ends and the next begins: can be pointed elsewhere while records flow. */
class Link implements LogRecordProcessor {
  target: LogRecordProcessor;

  constructor(target: LogRecordProcessor) {
    this.target = target;
  }

  onEmit(record: LogRecord, context?: Context): void {
    this.target.onEmit(record, context);
  }

  enabled(options: EnabledOptions): boolean {
    return this.target.enabled === undefined || this.target.enabled(options);
  }

  forceFlush(options?: FlushOptions): Promise<void> {
    return this.target.forceFlush(options);
  }

  shutdown(options?: FlushOptions): Promise<void> {
    return this.target.shutdown(options);
  }
}

interface Placed {
  readonly stage: Stage;
  readonly given: Step;
  readonly processor: LogRecordProcessor;
  readonly out: Link;
}

/**
 * The whole road from an emitted record to the handlers, as one processor: guard, stages, tee. Stages and handlers can
 * be added and removed while records flow; a change takes effect between two records.
 */
export class Pipeline implements LogRecordProcessor {
  readonly #context: HandlerContext;
  readonly #tee: Tee;
  readonly #first: Link;
  readonly #placed: Placed[] = [];
  readonly #removed: LogRecordProcessor[] = [];
  readonly #guard: LogRecordProcessor;
  readonly #handlers = new Map<string, HandlerEnd>();
  #emitted = 0;
  #passed = 0;

  /** Throws a {@link ConfigError} for a step that is none, for an order that leaks, and for what a handler finds wrong. */
  constructor(steps: readonly Step[], handlers: readonly Handler[], context: HandlerContext) {
    this.#context = context;
    this.#tee = tee();
    const stages = steps.map((step, index) => asStage(step, `processors[${index}]`));
    checkOrder(stages);
    for (const handler of handlers) this.addHandler(handler);
    const end: LogRecordProcessor = {
      ...this.#tee,
      onEmit: (record, from) => {
        this.#passed++;
        this.#tee.onEmit(record, from);
      },
    };
    this.#first = new Link(end);
    for (const [index, stage] of stages.entries()) this.#insert(index, stage, steps[index] as Step);
    this.#guard = guard(this.#first);
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

  shutdown(options?: FlushOptions): Promise<void> {
    return this.#guard.shutdown(options);
  }

  /** The last chance of a process that ends now. */
  flushSync(timeoutMillis: number): void {
    for (const end of this.#handlers.values()) {
      try {
        end.flushSync?.(timeoutMillis);
      } catch {
        // The next handler must have its chance, and the process its exit code.
      }
    }
  }

  /** Adds a step after those of its phase and before the next one; a step without a phase goes before `redact`. */
  addProcessor(step: Step): void {
    const stage = asStage(step, 'processor');
    const phase = PHASES.indexOf(stage.phase ?? 'enrich');
    const after = this.#placed.findIndex((placed) => PHASES.indexOf(placed.stage.phase ?? 'filter') > phase);
    this.#insert(after < 0 ? this.#placed.length : after, stage, step);
  }

  /** Takes a step out; false if it is not there. What it has counted stays counted. */
  removeProcessor(step: Step): boolean {
    const index = this.#placed.findIndex(({ given }) => given === step);
    const placed = this.#placed[index];
    if (placed === undefined) return false;
    this.#before(index).target = placed.out.target;
    this.#placed.splice(index, 1);
    this.#removed.push(placed.processor);
    return true;
  }

  /** Starts a handler. Throws a {@link ConfigError} for what it finds wrong. */
  addHandler(handler: Handler): void {
    let name = handler.name;
    for (let n = 2; this.#handlers.has(name); n++) name = `${handler.name}#${n}`;
    const end = handler.start(this.#context);
    this.#handlers.set(name, end);
    this.#tee.add({ to: end, when: handler.when });
  }

  account(): { dropped: Readonly<Record<string, number>>; redacted: number } {
    const { dropped, redacted } = this.pipelineAccount();
    return { dropped, redacted };
  }

  pipelineAccount(): PipelineAccount {
    const { dropped = {}, redacted = 0 } = total([
      this.#guard,
      ...this.#placed.map(({ processor }) => processor),
      ...this.#removed,
    ]);
    const happened = Object.entries(dropped).filter(([, count]) => count > 0);
    return { emitted: this.#emitted, passed: this.#passed, dropped: Object.fromEntries(happened), redacted };
  }

  deliveryAccounts(): Readonly<Record<string, DeliveryAccount>> {
    return Object.fromEntries([...this.#handlers].map(([name, end]) => [name, end.deliveryAccount()]));
  }

  #before(index: number): Link {
    return index === 0 ? this.#first : (this.#placed[index - 1] as Placed).out;
  }

  #insert(index: number, stage: Stage, given: Step): void {
    const before = this.#before(index);
    const out = new Link(before.target);
    const processor = stage(out);
    before.target = processor;
    this.#placed.splice(index, 0, { stage, given, processor, out });
  }
}
