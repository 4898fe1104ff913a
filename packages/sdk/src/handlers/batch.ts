import { Announcer } from '../delivery/announce.ts';
import { type DropReason, Ledger } from '../delivery/ledger.ts';
import { OVERFLOWS, type Overflow } from '../delivery/queue.ts';
import { silently } from '../delivery/silence.ts';
import { keepRecord } from '../pipeline/copy-record.ts';
import { factory } from '../pipeline/factory.ts';
import { isWorthReporting, report } from '../pipeline/report.ts';
import type { FlushOptions, LogRecord } from '../pipeline/stage.ts';
import { TimeoutError, within } from '../pipeline/within.ts';
import { checkNumber, checkOneOf, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { type Held, RecordQueue } from './batch/record-queue.ts';
import type { Handler, HandlerEnd, Lost } from './handler.ts';

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
  /** Records that are held at most. Default 2 048. */
  readonly queueRecords?: number;
  /**
   * What happens when it is full. `drop-low-severity-first` (default): the oldest below error goes, or the oldest.
   * `drop-newest`: the record that has just come. There is no `block`: an exporter needs the event loop.
   */
  readonly overflow?: Exclude<Overflow, 'block'>;
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
    typeof value === 'object' &&
    value !== null &&
    (typeof (value as Partial<LogRecordExporter>).export === 'function' ||
      typeof (value as { then?: unknown }).then === 'function');
  if (!isExporter(exporter))
    throw new ConfigError('batch', `must be given a LogRecordExporter, not ${given(exporter)}`);
  checkOptions('batch', options, [
    'name',
    'when',
    'queueRecords',
    'overflow',
    'batchRecords',
    'delayMillis',
    'timeoutMillis',
  ]);
  checkType('batch.name', options.name, 'string');
  checkType('batch.when', options.when, 'function');
  checkNumber('batch.queueRecords', options.queueRecords, 1);
  checkNumber('batch.batchRecords', options.batchRecords, 1);
  checkNumber('batch.delayMillis', options.delayMillis, 0, 2 ** 31 - 1);
  checkNumber('batch.timeoutMillis', options.timeoutMillis, 1, 2 ** 31 - 1);
  if ((options.overflow as Overflow | undefined) === 'block') {
    throw new ConfigError(
      'batch.overflow',
      'cannot be "block", because an exporter delivers only while no log call waits: await logging.forceFlush() now and then instead',
    );
  }
  checkOneOf(
    'batch.overflow',
    options.overflow,
    OVERFLOWS.filter((name) => name !== 'block'),
  );
  return {
    name: options.name ?? 'exporter',
    ...(options.when === undefined ? {} : { when: options.when }),
    start: () => new BatchEnd(Promise.resolve(exporter), options),
  };
}

factory(batch);

const SUCCESS = 0;

class BatchEnd implements HandlerEnd {
  readonly #exporter: Promise<LogRecordExporter>;
  readonly #options: Required<Omit<BatchOptions, 'name' | 'when'>>;
  readonly #ledger: Ledger;
  readonly #waiting = new RecordQueue();
  #underWay: readonly Held[] = [];
  #exporting: Promise<void> | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #shutdown: Promise<void> | undefined;

  constructor(exporter: Promise<LogRecordExporter>, options: BatchOptions) {
    const {
      name = 'exporter',
      queueRecords = 2_048,
      batchRecords = 512,
      delayMillis = 1_000,
      timeoutMillis = 30_000,
      overflow = 'drop-low-severity-first',
    } = options;
    this.#exporter = exporter;
    // Known only once the first export is due: until then a rejection is nobody's unhandled one.
    exporter.catch(() => undefined);
    this.#options = {
      queueRecords,
      batchRecords: Math.min(batchRecords, queueRecords),
      delayMillis,
      timeoutMillis,
      overflow,
    };
    const announcer = new Announcer(name, () => performance.now());
    this.#ledger = new Ledger((reason, records) => announcer.lost(reason, records));
  }

  onLost(listener: (lost: Lost) => void): void {
    this.#ledger.onLost = listener;
  }

  onEmit(record: LogRecord): void {
    this.#ledger.accepted++;
    let kept: LogRecord;
    try {
      // A copy: an exporter reads later, when the caller may have changed its objects.
      kept = keepRecord(record);
    } catch {
      this.#ledger.drop('encode_error', 1);
      return;
    }
    if (this.#shutdown !== undefined) {
      this.#drop('after_shutdown', [kept]);
      return;
    }
    this.#waiting.push(kept);
    if (this.#pending > this.#options.queueRecords) this.#makeRoom();
    if (this.#waiting.length >= this.#options.batchRecords) this.#pump();
    else this.#pumpLater();
  }

  /** Rejects with a {@link TimeoutError} at the deadline. */
  async forceFlush({ timeoutMillis = 30_000 }: FlushOptions = {}): Promise<void> {
    const deadline = performance.now() + timeoutMillis;
    const barrier = this.#waiting.newest;
    while ((this.#underWay[0]?.place ?? this.#waiting.oldest) <= barrier) {
      const left = deadline - performance.now();
      if (left <= 0) throw new TimeoutError('not exported in time');
      this.#pump();
      await within(() => this.#exporting, left);
    }
    await this.#ask((exporter) => exporter.forceFlush?.(), deadline);
  }

  shutdown({ timeoutMillis = 5_000 }: FlushOptions = {}): Promise<void> {
    this.#shutdown ??= this.#end(timeoutMillis);
    return this.#shutdown;
  }

  async #end(timeoutMillis: number): Promise<void> {
    const deadline = performance.now() + timeoutMillis;
    await this.forceFlush({ timeoutMillis }).catch(() => undefined);
    this.#giveUp('shutdown_deadline');
    await this.#ask((exporter) => exporter.shutdown(), deadline);
  }

  isFilling(): boolean {
    return this.#pending * 2 > this.#options.queueRecords;
  }

  flushSync(): void {
    this.#giveUp('process_exit');
  }

  deliveryAccount(): ReturnType<HandlerEnd['deliveryAccount']> {
    return this.#ledger.account(this.#pending);
  }

  get #pending(): number {
    return this.#waiting.length + this.#underWay.length;
  }

  /** The oldest record below error goes; if there is none, the oldest. The one that has just come is among them. */
  #makeRoom(): void {
    const held =
      this.#options.overflow === 'drop-newest' ? this.#waiting.takeNewest() : this.#waiting.takeLeastWanted();
    if (held !== undefined) this.#drop('queue_full', [held.record]);
  }

  #drop(reason: DropReason, lost: readonly LogRecord[]): void {
    this.#ledger.drop(reason, lost.length, () => lost);
  }

  #giveUp(reason: 'shutdown_deadline' | 'process_exit'): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lost = [...this.#underWay, ...this.#waiting.take(this.#waiting.length)];
    this.#underWay = [];
    this.#drop(reason, lost.map(recordOf));
  }

  #pumpLater(): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    this.#timer = setTimeout(() => this.#pump(), this.#options.delayMillis);
    this.#timer.unref();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#exporting !== undefined || this.#waiting.length === 0) return;
    const batch = this.#waiting.take(this.#options.batchRecords);
    this.#underWay = batch;
    this.#exporting = this.#export(batch.map(recordOf)).then((success) => {
      this.#exporting = undefined;
      // Not so once the books were closed, by a shutdown or the end of the process.
      if (this.#underWay === batch) {
        this.#underWay = [];
        if (success) this.#ledger.delivered += batch.length;
        else this.#drop('export_failed', batch.map(recordOf));
      }
      if (this.#waiting.length >= this.#options.batchRecords) this.#pump();
      else this.#pumpLater();
    });
  }

  async #export(records: readonly LogRecord[]): Promise<boolean> {
    const attempt = async (): Promise<boolean> => {
      try {
        const exporter = await this.#exporter;
        return await new Promise<boolean>((resolve) =>
          silently(() => exporter.export([...records], (result) => resolve(result?.code === SUCCESS))),
        );
      } catch (error) {
        this.#failed(error);
        return false;
      }
    };
    // The process is kept alive by who waits for a flush, not by an exporter that hangs.
    return (await within(attempt, this.#options.timeoutMillis, { keepAlive: false })) ?? false;
  }

  /** Calls the exporter, for as long as there is time. */
  async #ask(call: (exporter: LogRecordExporter) => Promise<void> | undefined, deadline: number): Promise<void> {
    const asked = async (): Promise<void> => {
      try {
        const exporter = await this.#exporter;
        await silently(() => call(exporter));
      } catch (error) {
        this.#failed(error);
      }
    };
    await within(asked, deadline - performance.now());
  }

  #failed(error: unknown): void {
    this.#failures++;
    if (isWorthReporting(this.#failures)) report(`an exporter failed ${this.#failures} time(s)`, error);
  }
}

const recordOf = ({ record }: Held): LogRecord => record;
