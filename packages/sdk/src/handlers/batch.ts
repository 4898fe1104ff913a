import { context, diag } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { Announcer } from '../delivery/announce.ts';
import { Ledger } from '../delivery/ledger.ts';
import { suppressLogging } from '../pipeline/guard.ts';
import type { FlushOptions, LogRecord } from '../pipeline/stage.ts';
import { checkNumber, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import type { Handler, HandlerEnd } from './handler.ts';

/** An OTel `LogRecordExporter` of either line, structurally. */
export interface LogRecordExporter {
  // biome-ignore lint/suspicious/noExplicitAny: the two OTel lines type the records differently
  export(records: any[], done: (result: { code: number; error?: Error }) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Options of {@link batch}. */
export interface BatchOptions {
  /** The key of this destination in `stats().handlers`. Default `exporter`. */
  readonly name?: string;
  /** Only records for which this is true are exported. */
  readonly when?: (record: LogRecord) => boolean;
  /** Records that are held at most; when it is full, the oldest below error go first. Default 2 048. */
  readonly queueRecords?: number;
  /** Records of one export. Default 512. */
  readonly batchRecords?: number;
  /** The longest a record waits for its batch to fill, in milliseconds. Default 1 000. */
  readonly delayMillis?: number;
  /** The longest one export may take, in milliseconds. Default 30 000. */
  readonly timeoutMillis?: number;
}

/**
 * Gives records to any OTel `LogRecordExporter`, a batch at a time, one export after the other, as the OTel logs SDK
 * specification has it for the batching processor. A failed export is not repeated, because retrying is the exporter's
 * business: its records are counted as `export_failed`. Unlike `otlp` this holds record objects, so it is bounded in
 * records, and it cannot deliver from `process.on('exit')`.
 */
export function batch(exporter: LogRecordExporter | Promise<LogRecordExporter>, options: BatchOptions = {}): Handler {
  const isExporter = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && ('export' in value || 'then' in value);
  if (!isExporter(exporter))
    throw new ConfigError('batch', `must be given a LogRecordExporter, not ${given(exporter)}`);
  checkOptions('batch', options, ['name', 'when', 'queueRecords', 'batchRecords', 'delayMillis', 'timeoutMillis']);
  checkType('batch.name', options.name, 'string');
  checkType('batch.when', options.when, 'function');
  checkNumber('batch.queueRecords', options.queueRecords, 1);
  checkNumber('batch.batchRecords', options.batchRecords, 1);
  checkNumber('batch.delayMillis', options.delayMillis, 0, 2 ** 31 - 1);
  checkNumber('batch.timeoutMillis', options.timeoutMillis, 1, 2 ** 31 - 1);
  return {
    name: options.name ?? 'exporter',
    ...(options.when === undefined ? {} : { when: options.when }),
    start: () => new BatchEnd(Promise.resolve(exporter), options),
  };
}

const SUCCESS = 0;
const ERROR = 17;

class BatchEnd implements HandlerEnd {
  readonly #exporter: Promise<LogRecordExporter>;
  readonly #options: Required<Omit<BatchOptions, 'name' | 'when'>>;
  readonly #ledger: Ledger;
  #records: LogRecord[] = [];
  #underWay = 0;
  #exporting: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(exporter: Promise<LogRecordExporter>, options: BatchOptions) {
    const {
      name = 'exporter',
      queueRecords = 2_048,
      batchRecords = 512,
      delayMillis = 1_000,
      timeoutMillis = 30_000,
    } = options;
    this.#exporter = exporter;
    // Known only once the first export is due: until then a rejection is nobody's unhandled one.
    exporter.catch(() => undefined);
    this.#options = { queueRecords, batchRecords: Math.min(batchRecords, queueRecords), delayMillis, timeoutMillis };
    const announcer = new Announcer(name, () => performance.now());
    this.#ledger = new Ledger((reason, records) => announcer.warn('dropped', `${records} records: ${reason}`));
  }

  onEmit(record: LogRecord): void {
    this.#ledger.accepted++;
    if (this.#closed) {
      this.#ledger.drop('after_shutdown', 1);
      return;
    }
    if (this.#records.length + this.#underWay >= this.#options.queueRecords) {
      const low = this.#records.findIndex(({ severityNumber }) => (severityNumber ?? 0) < ERROR);
      this.#records.splice(Math.max(low, 0), 1);
      this.#ledger.drop('queue_full', 1);
      if (this.#underWay >= this.#options.queueRecords) return;
    }
    // Settled now: an exporter reads later, when the caller may have changed its objects.
    void record.attributes;
    this.#records.push(record);
    if (this.#records.length >= this.#options.batchRecords) this.#pump();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#pump(), this.#options.delayMillis);
      this.#timer.unref();
    }
  }

  async forceFlush({ timeoutMillis = 30_000 }: FlushOptions = {}): Promise<void> {
    const deadline = performance.now() + timeoutMillis;
    while ((this.#records.length > 0 || this.#underWay > 0) && performance.now() < deadline) {
      this.#pump();
      await within(this.#exporting ?? Promise.resolve(), deadline - performance.now());
    }
    const exporter = await this.#exporter.catch(() => undefined);
    await within(exporter?.forceFlush?.() ?? Promise.resolve(), deadline - performance.now());
  }

  async shutdown({ timeoutMillis = 5_000 }: FlushOptions = {}): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.forceFlush({ timeoutMillis });
    this.#ledger.drop('shutdown_deadline', this.#records.splice(0).length);
    const exporter = await this.#exporter.catch(() => undefined);
    await within(exporter?.shutdown() ?? Promise.resolve(), timeoutMillis);
  }

  flushSync(): void {
    this.#ledger.drop('process_exit', this.#records.splice(0).length + this.#underWay);
    this.#underWay = 0;
  }

  deliveryAccount(): ReturnType<HandlerEnd['deliveryAccount']> {
    return this.#ledger.account(this.#records.length + this.#underWay);
  }

  #pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#exporting !== undefined || this.#records.length === 0) return;
    const taken = this.#records.splice(0, this.#options.batchRecords);
    this.#underWay = taken.length;
    this.#exporting = this.#export(taken).then((success) => {
      this.#exporting = undefined;
      // Zero once flushSync has closed the books.
      const records = this.#underWay;
      this.#underWay = 0;
      if (success) this.#ledger.delivered += records;
      else this.#ledger.drop('export_failed', records);
      if (this.#records.length >= this.#options.batchRecords) this.#pump();
      else if (this.#records.length > 0 && this.#timer === undefined) {
        this.#timer = setTimeout(() => this.#pump(), this.#options.delayMillis);
        this.#timer.unref();
      }
    });
  }

  async #export(records: LogRecord[]): Promise<boolean> {
    try {
      const exporter = await this.#exporter;
      const silent = suppressLogging(suppressTracing(context.active()));
      const result = new Promise<boolean>((resolve) =>
        context.with(silent, () => exporter.export(records, ({ code }) => resolve(code === SUCCESS))),
      );
      return (await within(result, this.#options.timeoutMillis)) ?? false;
    } catch (error) {
      diag.error('logspan: an exporter failed', error instanceof Error ? error.name : '');
      return false;
    }
  }
}

/** The result of a promise, or undefined if it is not there in time or rejects. */
async function within<T>(promise: Promise<T>, millis: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      promise.catch(() => undefined),
      new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), Math.max(0, millis));
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
