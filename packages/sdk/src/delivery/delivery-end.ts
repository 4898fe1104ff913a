import { PlainCopy, settleAttributes } from '@logspan/logger/internal';
import type { Context } from '@opentelemetry/api';
import type { HandlerEnd, Lost } from '../handlers/handler.ts';
import { copyRecord, keepRecord } from '../pipeline/copy-record.ts';
import { isHandedOver } from '../pipeline/hand-over.ts';
import type { FlushOptions, LogRecord } from '../pipeline/stage.ts';
import { splitStreamNumbers } from '../pipeline/stream-numbers.ts';
import { TimeoutError } from '../pipeline/within.ts';
import { Announcer } from './announce.ts';
import { withoutWordsOf } from './answer-text.ts';
import type { Batch, OpenBatch, RequestFormat } from './batch.ts';
import { Blocking } from './blocking.ts';
import { type HttpTarget, httpSender, type Sender } from './http-sender.ts';
import { type DropReason, Ledger } from './ledger.ts';
import { type Allowance, BatchQueue, dropAll, type Overflow } from './queue.ts';
import { sendSync } from './send-sync.ts';
import { type Notice, settle } from './settle.ts';
import { Shipper, type ShipperTime, SYSTEM_SHIPPER_TIME } from './shipper.ts';

/** What a handler came to from its options and the environment. */
export interface DeliveryOptions {
  readonly name: string;
  readonly timeoutMillis: number;
  readonly delayMillis: number;
  readonly batchRecords: number;
  readonly batchBytes: number;
  readonly queueBytes: number;
  readonly recordBytes: number;
  readonly concurrency: number;
  readonly overflow: Overflow;
  readonly blockMillis: number;
  readonly sender?: ((target: HttpTarget, connections: number) => Sender) | undefined;
  readonly sendSync?: typeof sendSync | undefined;
  readonly time?: ShipperTime | undefined;
}

/** Headers that are no secret. */
const OWN: ReadonlySet<string> = new Set(['user-agent', 'content-type']);

/** A running handler over HTTP: encodes records into the open batch, and has batches queued and shipped. */
export class DeliveryEnd implements HandlerEnd {
  readonly #format: RequestFormat;
  readonly #target: HttpTarget;
  readonly #sendSync: typeof sendSync;
  readonly #blocks: boolean;
  readonly #delayMillis: number;
  readonly #batchRecords: number;
  readonly #batchBytes: number;
  readonly #halfBytes: number;
  readonly #time: ShipperTime;
  readonly #recordBytes: number;
  #open: OpenBatch;
  readonly #queue: BatchQueue;
  readonly #ledger: Ledger;
  readonly #shipper: Shipper;
  readonly #announcer: Announcer;
  readonly #notice: Notice;
  #timer: { unref?(): void } | undefined;
  #shutdown: Promise<void> | undefined;
  /** True when deadlines of others apply, and room in the queue is of no use any more. */
  #ending = false;

  constructor(format: RequestFormat, target: HttpTarget, options: DeliveryOptions) {
    const { queueBytes, timeoutMillis, concurrency, overflow } = options;
    this.#format = format;
    this.#target = target;
    this.#sendSync = options.sendSync ?? sendSync;
    this.#delayMillis = options.delayMillis;
    this.#batchRecords = options.batchRecords;
    // A batch that no queue can hold would only be sealed to be dropped.
    this.#batchBytes = Math.min(options.batchBytes, queueBytes / 2);
    this.#halfBytes = queueBytes / 2;
    this.#recordBytes = options.recordBytes;
    this.#blocks = overflow === 'block';
    const time = options.time ?? SYSTEM_SHIPPER_TIME;
    this.#time = time;
    const announcer = new Announcer(options.name, () => time.now());
    this.#announcer = announcer;
    const told = withoutWordsOf(
      Object.entries(target.headers).flatMap(([name, value]) => (OWN.has(name) ? [] : value)),
    );
    const notice: Notice = (kind, message) => announcer.warn(kind, told(message));
    this.#notice = notice;
    const ledger = new Ledger((reason, records) => announcer.lost(reason, records));
    this.#ledger = ledger;
    this.#open = format.open(options.recordBytes);
    const relieve = { relieve: (): boolean => blocking.relieve() };
    const queue = new BatchQueue(queueBytes, ledger, { overflow, ...(this.#blocks ? relieve : {}) });
    this.#queue = queue;
    const shipper = new Shipper(queue, ledger, (options.sender ?? httpSender)(target, concurrency), {
      format,
      concurrency,
      timeoutMillis,
      notice,
      time,
    });
    this.#shipper = shipper;
    const blocking = new Blocking({
      format,
      queue,
      time,
      waitMillis: options.blockMillis,
      timeoutMillis,
      send: (bodies, millis) => this.#sendSync(target, bodies, millis),
      settle: (batch, outcome) => settle(batch, outcome, ledger, notice),
      patienceMillis: () => shipper.patienceMillis,
      failed: (askedMillis) => shipper.failed(askedMillis),
      notice: (message) => notice('waiting', message),
    });
  }

  onLost(listener: (lost: Lost) => void): void {
    this.#ledger.onLost = listener;
  }

  onEmit(record: LogRecord, from?: Context): void {
    this.#ledger.accepted++;
    if (this.#shutdown !== undefined) {
      this.#drop('after_shutdown', record);
      return;
    }
    if (!this.#append(record, from)) return;
    if (this.#open.records >= this.#batchRecords || this.#open.bytes >= this.#batchBytes) {
      this.#sealFull(from);
    } else if (this.#timer === undefined) this.#sealLater();
  }

  #sealFull(from: Context | undefined): void {
    if (isHandedOver(from)) this.#seal('drop');
    else this.#seal(this.#ending ? 'exceed' : 'wait');
  }

  /** Rejects with a {@link TimeoutError} at the deadline. */
  async forceFlush({ timeoutMillis = 30_000 }: FlushOptions = {}): Promise<void> {
    const deadline = this.#time.now() + timeoutMillis;
    const flush = async (): Promise<void> => {
      const reached = await this.#shipper.flush({ timeoutMillis: Math.max(0, deadline - this.#time.now()) });
      if (!reached) throw new TimeoutError('not delivered in time');
    };
    // A flush is no log call that could block, so its batch may be beyond the limit: one, or flushes had no limit at all.
    if (this.#blocks && this.#queue.isTooMuch(0)) await flush();
    this.#seal();
    await flush();
  }

  shutdown(options: FlushOptions = {}): Promise<void> {
    this.#shutdown ??= this.#end(options.timeoutMillis ?? 5_000);
    return this.#shutdown;
  }

  async #end(timeoutMillis: number): Promise<void> {
    this.#ending = true;
    this.#seal();
    // What is given up is not lost if somebody takes it over: the sooner it is, the more time they have.
    await this.#shipper.flush({ timeoutMillis, unlessDown: this.#ledger.onLost !== undefined });
    this.#shipper.abandon('shutdown_deadline');
    this.#announcer.finish();
  }

  flushSync(timeoutMillis: number): void {
    this.#ending = true;
    this.#seal();
    const batches = this.#queue.takeAll();
    if (batches.length === 0) return;
    const answers = this.#sendSync(
      this.#target,
      batches.map(({ body }) => body),
      timeoutMillis,
    );
    const left = batches.filter((batch, index) => {
      const answer = answers[index];
      const outcome = answer === undefined ? undefined : this.#format.readAnswer(answer, this.#time.wall());
      if (outcome?.kind !== 'delivered' && outcome?.kind !== 'rejected') return true;
      settle(batch, outcome, this.#ledger, this.#notice);
      return false;
    });
    dropAll(left, 'process_exit', this.#ledger);
    this.#announcer.finish();
  }

  isFilling(): boolean {
    return this.#queue.isTooMuch(this.#halfBytes);
  }

  deliveryAccount(): ReturnType<HandlerEnd['deliveryAccount']> {
    return this.#ledger.account(this.#open.records + this.#queue.records);
  }

  #append(record: LogRecord, from: Context | undefined): boolean {
    let fits: boolean;
    try {
      fits = this.#appendOrSeal(record, from);
    } catch {
      // Something that is not plain data came in behind the pipeline's back: by a stock SDK, which lets any body pass,
      // or by a processor that wrote into the attributes object.
      try {
        fits = this.#appendOrSeal(madePlain(record), from);
      } catch {
        this.#drop('encode_error', record);
        return false;
      }
    }
    if (!fits) this.#drop('too_large', record);
    return fits;
  }

  /** One for which a batch has no room begins the next one. */
  #appendOrSeal(record: LogRecord, from: Context | undefined): boolean {
    let fits = this.#open.append(record, this.#batchBytes);
    if (fits === 'full') {
      this.#sealFull(from);
      fits = this.#open.append(record);
    }
    return fits === true;
  }

  /** Gives up a record that has just come. */
  #drop(reason: DropReason, record: LogRecord): void {
    let read: (() => LogRecord[]) | undefined;
    if (this.#ledger.onLost !== undefined) {
      try {
        const kept = keepRecord(record);
        read = () => [kept];
      } catch {
        // What cannot be copied cannot be taken over either.
      }
    }
    this.#ledger.drop(reason, 1, read);
  }

  #sealLater(): void {
    this.#timer = this.#time.setTimeout(() => {
      // A timer is no log call that could wait: the batch stays open until there is room, or until it is full.
      if (this.#blocks && this.#queue.isTooMuch(this.#open.bytes)) this.#sealLater();
      else this.#seal();
    }, this.#delayMillis);
    // The exit hooks deliver what is left: waiting for a batch to fill must not keep a finished process alive.
    this.#timer.unref?.();
  }

  #seal(allowance: Allowance = 'exceed'): void {
    this.#time.clearTimeout(this.#timer);
    this.#timer = undefined;
    const { records } = this.#open;
    if (records === 0) return;
    let batch: Batch | undefined;
    try {
      batch = this.#open.seal();
    } catch {
      // The resource or scope of a stock SDK that is not plain data: it would fail with every batch from here on.
      this.#open = this.#format.open(this.#recordBytes);
      this.#ledger.drop('encode_error', records);
    }
    if (batch !== undefined) this.#queue.push(batch, allowance);
    this.#shipper.pump();
  }
}

function madePlain(record: LogRecord): LogRecord {
  const { numbers, others } = splitStreamNumbers(record.attributes);
  const { attributes, dropped } = settleAttributes(others);
  return {
    ...copyRecord(record),
    attributes: { ...(new PlainCopy().of(numbers) as object), ...attributes },
    droppedAttributesCount: record.droppedAttributesCount + dropped,
    body: new PlainCopy().of(record.body),
  };
}
