import { DEFAULT_ATTRIBUTE_LIMITS } from '@logspan/logger/internal';
import { type Context, type HrTime, ROOT_CONTEXT } from '@opentelemetry/api';
import { type Step, stageOf } from '../../pipeline/pipe.ts';
import type {
  EnabledOptions,
  FlushOptions,
  LogRecord,
  LogRecordProcessor,
  Resource,
  Stage,
} from '../../pipeline/stage.ts';
import { PipelineRecord } from '../../provider/log-record.ts';
import { must } from './check.ts';
import type { SampleRecord } from './sample-records.ts';
import { StockRecord } from './stock-record.ts';

/** Who makes the records: logspan's provider, or a stock one. */
export type Maker = 'logspan' | 'stock';

const RESOURCE = Object.freeze({ attributes: Object.freeze({ 'service.name': 'conformance' }) });
const SCOPE = Object.freeze({ name: 'conformance' });
const FIRST_SECOND = 1_767_225_600;

/** What stands behind the stage that is tried: remembers all, and does as it is told. */
export class TrialEnd implements LogRecordProcessor {
  readonly records: LogRecord[] = [];
  readonly contexts: (Context | undefined)[] = [];
  readonly asked: EnabledOptions[] = [];
  readonly flushes: (FlushOptions | undefined)[] = [];
  readonly shutdowns: (FlushOptions | undefined)[] = [];
  answer = true;
  /** Throws and rejects, at every call. */
  fails = false;
  readonly #promises: WatchedPromise<void>[] = [];

  onEmit(record: LogRecord, context?: Context): void {
    this.records.push(record);
    this.contexts.push(context);
    if (this.fails) throw new Error('the end of the trial failed');
  }

  enabled(options: EnabledOptions): boolean {
    this.asked.push(options);
    return this.answer;
  }

  forceFlush(options?: FlushOptions): Promise<void> {
    this.flushes.push(options);
    return this.#promise();
  }

  shutdown(options?: FlushOptions): Promise<void> {
    this.shutdowns.push(options);
    return this.#promise();
  }

  /** Promises that rejected, and nobody looked at. */
  get unseen(): number {
    return this.#promises.filter((promise) => !promise.isSeen).length;
  }

  #promise(): Promise<void> {
    const promise = new WatchedPromise<void>((resolve, reject) =>
      this.fails ? reject(new Error('the end of the trial failed')) : resolve(),
    );
    if (this.fails) this.#promises.push(promise.harmless());
    return promise;
  }
}

/** Knows whether anybody waits for it: a test runner may keep unhandled rejections from whoever listens. */
class WatchedPromise<T> extends Promise<T> {
  isSeen = false;

  // So that `await` asks for `then` and does not take it for a plain promise.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** That nobody waits is told by {@link isSeen}, and need not end the process. */
  harmless(): this {
    super.then(undefined, () => undefined);
    return this;
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  override then<A = T, B = never>(
    onfulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isSeen = true;
    return super.then(onfulfilled, onrejected);
  }
}

/** Makes records as a provider does. Each has a time of its own, by which it is known. */
export class RecordMaker {
  readonly resource: Resource = RESOURCE;
  readonly context: Context = ROOT_CONTEXT.setValue(Symbol.for('logspan.conformance'), true);
  #made = 0;

  make(sample: SampleRecord, maker: Maker = 'logspan'): PipelineRecord | StockRecord {
    const { eventName, body, attributes = {}, spanContext } = sample;
    const severityNumber = 'severityNumber' in sample ? sample.severityNumber : 9;
    const made = this.#made++;
    // Within one second: what counts by time sees all at once.
    const millis = Math.floor(made / 1_000);
    const nanos = made % 1_000;
    if (maker === 'stock') {
      const hrTime: HrTime = [FIRST_SECOND, millis * 1_000_000 + nanos];
      return new StockRecord({
        ...{ hrTime, resource: RESOURCE, instrumentationScope: SCOPE, severityNumber, eventName, body, attributes },
        ...(spanContext === undefined ? {} : { spanContext }),
      });
    }
    const time = FIRST_SECOND * 1_000 + millis;
    return new PipelineRecord(
      ...([RESOURCE, SCOPE, DEFAULT_ATTRIBUTE_LIMITS, spanContext, time, nanos, severityNumber, undefined] as const),
      ...([eventName, body, attributes, undefined, undefined] as const),
    );
  }
}

/** One stage at work, between a source of records and an end. */
export class Trial {
  readonly end: TrialEnd = new TrialEnd();
  readonly stage: Stage;
  readonly processor: LogRecordProcessor;
  readonly given: LogRecord[] = [];
  readonly #maker: Maker;
  readonly #records: RecordMaker = new RecordMaker();

  constructor(step: Step, maker: Maker = 'logspan') {
    this.stage = stageOf(step, 'stageConformance');
    this.#maker = maker;
    this.processor = this.stage(this.end);
    must(typeof this.processor?.onEmit === 'function', 'the stage does not return a LogRecordProcessor');
  }

  /** Makes a record, hands it over, and seals it, as a provider does. What the stage throws comes through. */
  give(sample: SampleRecord): LogRecord {
    const record = this.make(sample);
    this.hand(record);
    record.seal();
    return record;
  }

  make(sample: SampleRecord): PipelineRecord | StockRecord {
    return this.#records.make(sample, this.#maker);
  }

  hand(record: LogRecord): void {
    this.given.push(record);
    this.processor.onEmit(record, this.context);
  }

  get context(): Context {
    return this.#records.context;
  }

  /** What came out, without what the stage wrote itself. */
  get passed(): LogRecord[] {
    return this.end.records.filter((record) => record.writtenByStage !== true || this.given.includes(record));
  }

  /** `in + written = passed on + sum(dropped) + held`. */
  mustBalance(): void {
    const { dropped = {}, held = 0 } = this.processor.account?.() ?? {};
    const counts = [...Object.values(dropped), held];
    must(
      counts.every((count) => Number.isInteger(count) && count >= 0),
      'account() has a count that is none',
    );
    const accounted = this.passed.length + counts.reduce((sum, count) => sum + count, 0);
    must(
      accounted === this.given.length,
      `of ${this.given.length} records ${this.passed.length} were passed on and ${accounted - this.passed.length} are in account() as dropped or held`,
    );
  }

  mustHoldNothing(when: string): void {
    const held = this.processor.account?.().held ?? 0;
    must(held === 0, `${held} record(s) are still held ${when}`);
  }
}

/** By what a record is known, whoever copies it. */
export function timeOf({ hrTime: [seconds, nanos] }: LogRecord): string {
  return `${seconds}.${nanos}`;
}
