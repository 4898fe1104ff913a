import { type AttributeValue, PlainCopy, settleAttributes } from '@logspan/logger/internal';
import { Announcer } from '../delivery/announce.ts';
import { type HttpTarget, httpSender, type Sender } from '../delivery/http-sender.ts';
import { Ledger } from '../delivery/ledger.ts';
import { readAnswer } from '../delivery/otlp-answer.ts';
import { type Batch, OpenBatch } from '../delivery/otlp-request.ts';
import { type OtlpTargetOptions, otlpTarget } from '../delivery/otlp-target.ts';
import { BatchQueue } from '../delivery/queue.ts';
import { sendSync } from '../delivery/send-sync.ts';
import { Shipper, type ShipperTime, SYSTEM_SHIPPER_TIME } from '../delivery/shipper.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import type { FlushOptions, LogRecord } from '../pipeline/stage.ts';
import { TimeoutError } from '../pipeline/within.ts';
import { checkNumber, checkOneOf, checkOptions, checkType } from '../provider/check-options.ts';
import type { OtlpProtocol } from '../provider/environment.ts';
import type { Handler, HandlerEnd } from './handler.ts';
import { officialOtlp } from './official-otlp.ts';

/** Options of {@link otlp}. */
export interface OtlpOptions extends OtlpTargetOptions {
  /** The key of this destination in `stats().handlers`. Default `otlp`. */
  readonly name?: string;
  /** Only records for which this is true are sent. */
  readonly when?: (record: LogRecord) => boolean;
  /**
   * `http/protobuf` (the default) is logspan's own encoder and delivery; `http/json` and `grpc` are the official
   * exporters, which must be installed.
   */
  readonly protocol?: OtlpProtocol;
  /** The longest one request may take, in milliseconds. Default 10 000. */
  readonly timeoutMillis?: number;
  /** The longest a record waits for its batch to fill, in milliseconds. Default 1 000. */
  readonly delayMillis?: number;
  /** Records of one request. Default 512. */
  readonly batchRecords?: number;
  /** Bytes of one request before compression; not more than half of `queueBytes`. Default 512 KiB. */
  readonly batchBytes?: number;
  /** Bytes that are held at most, those of requests under way included. Default 64 MiB. */
  readonly queueBytes?: number;
  /** Encoded bytes of one record. A larger one loses its attributes. Default 1 MiB. */
  readonly recordBytes?: number;
  /** Requests under way at a time. Default 4. */
  readonly concurrency?: number;
  /** @internal For tests. */
  readonly sender?: (target: HttpTarget, connections: number) => Sender;
  /** @internal For tests. */
  readonly time?: ShipperTime;
}

const MIB = 1_048_576;
const OPTIONS = [
  'name',
  'when',
  'protocol',
  'timeoutMillis',
  'delayMillis',
  'batchRecords',
  'batchBytes',
  'queueBytes',
  'recordBytes',
  'concurrency',
  'endpoint',
  'headers',
  'compression',
  'certificateFile',
  'clientKeyFile',
  'clientCertificateFile',
  'sender',
  'time',
] as const;

/**
 * Sends records to an OpenTelemetry collector by OTLP.
 *
 * A record is encoded when it is emitted, so the queue holds bytes, is bounded in bytes, and whatever the application does
 * to its objects later changes nothing. What cannot be delivered now waits and is tried again, as the OTLP specification
 * has it; when the queue is full, records below error go first, then the oldest. Every record that is given up is counted
 * by reason and announced on OTel's diag.
 */
export function otlp(options: OtlpOptions = {}): Handler {
  checkOptions('otlp', options, OPTIONS);
  checkType('otlp.name', options.name, 'string');
  checkType('otlp.when', options.when, 'function');
  checkOneOf('otlp.protocol', options.protocol, ['http/protobuf', 'http/json', 'grpc']);
  checkOneOf('otlp.compression', options.compression, ['gzip', 'none']);
  for (const name of ['certificateFile', 'clientKeyFile', 'clientCertificateFile'] as const) {
    checkType(`otlp.${name}`, options[name], 'string');
  }
  checkNumber('otlp.timeoutMillis', options.timeoutMillis, 1, 2 ** 31 - 1);
  checkNumber('otlp.delayMillis', options.delayMillis, 0, 2 ** 31 - 1);
  checkNumber('otlp.batchRecords', options.batchRecords, 1, 1_000_000);
  // The OTLP specification: a client must not send more than 64 MiB.
  checkNumber('otlp.batchBytes', options.batchBytes, 1_024, 64 * MIB);
  checkNumber('otlp.queueBytes', options.queueBytes, 1_024);
  checkNumber('otlp.recordBytes', options.recordBytes, 1_024, 64 * MIB);
  checkNumber('otlp.concurrency', options.concurrency, 1, 256);

  return {
    name: options.name ?? 'otlp',
    ...(options.when === undefined ? {} : { when: options.when }),
    start({ environment }): HandlerEnd {
      const target = otlpTarget(options, environment.otlp);
      const timeoutMillis = options.timeoutMillis ?? environment.otlp.timeoutMillis ?? 10_000;
      const protocol = options.protocol ?? environment.otlp.protocol ?? 'http/protobuf';
      const delayMillis = options.delayMillis ?? environment.batch.scheduledDelayMillis ?? 1_000;
      const batchRecords = options.batchRecords ?? environment.batch.maxExportBatchSize ?? 512;
      if (protocol !== 'http/protobuf') {
        return officialOtlp(protocol, target, {
          name: options.name ?? 'otlp',
          timeoutMillis,
          delayMillis,
          batchRecords,
          environment,
        });
      }
      return new OtlpEnd(target, options, timeoutMillis, delayMillis, batchRecords);
    },
  };
}

class OtlpEnd implements HandlerEnd {
  readonly #target: HttpTarget;
  readonly #delayMillis: number;
  readonly #batchRecords: number;
  readonly #batchBytes: number;
  readonly #time: ShipperTime;
  readonly #recordBytes: number;
  #open: OpenBatch;
  readonly #queue: BatchQueue;
  readonly #ledger: Ledger;
  readonly #shipper: Shipper;
  readonly #announcer: Announcer;
  #timer: { unref?(): void } | undefined;
  #shutdown: Promise<void> | undefined;

  constructor(
    target: HttpTarget,
    options: OtlpOptions,
    timeoutMillis: number,
    delayMillis: number,
    batchRecords: number,
  ) {
    const { concurrency = 4 } = options;
    this.#target = target;
    this.#delayMillis = delayMillis;
    this.#batchRecords = batchRecords;
    const { batchBytes = 512 * 1_024, queueBytes = 64 * MIB, recordBytes = MIB } = options;
    // A batch that no queue can hold would only be sealed to be dropped.
    this.#batchBytes = Math.min(batchBytes, queueBytes / 2);
    this.#recordBytes = recordBytes;
    this.#time = options.time ?? SYSTEM_SHIPPER_TIME;
    const announcer = new Announcer(options.name ?? 'otlp', () => this.#time.now());
    this.#announcer = announcer;
    this.#ledger = new Ledger((reason, records) => announcer.lost(reason, records));
    this.#open = new OpenBatch(recordBytes);
    this.#queue = new BatchQueue(queueBytes, this.#ledger);
    this.#shipper = new Shipper(this.#queue, this.#ledger, (options.sender ?? httpSender)(target, concurrency), {
      concurrency,
      timeoutMillis,
      notice: (kind, message) => announcer.warn(kind, message),
      time: this.#time,
    });
  }

  onEmit(record: LogRecord): void {
    this.#ledger.accepted++;
    if (this.#shutdown !== undefined) {
      this.#ledger.drop('after_shutdown', 1);
      return;
    }
    if (!this.#append(record)) return;
    if (this.#open.records >= this.#batchRecords || this.#open.bytes >= this.#batchBytes) this.#seal();
    else if (this.#timer === undefined) {
      this.#timer = this.#time.setTimeout(() => this.#seal(), this.#delayMillis);
      // The exit hooks deliver what is left: waiting for a batch to fill must not keep a finished process alive.
      this.#timer.unref?.();
    }
  }

  /** Rejects with a {@link TimeoutError} at the deadline. */
  async forceFlush(options?: FlushOptions): Promise<void> {
    this.#seal();
    if (!(await this.#shipper.flush(options))) throw new TimeoutError('not delivered in time');
  }

  shutdown(options: FlushOptions = {}): Promise<void> {
    this.#shutdown ??= this.#end(options.timeoutMillis ?? 5_000);
    return this.#shutdown;
  }

  async #end(timeoutMillis: number): Promise<void> {
    this.#seal();
    await this.#shipper.flush({ timeoutMillis });
    this.#shipper.abandon('shutdown_deadline');
    this.#announcer.finish();
  }

  flushSync(timeoutMillis: number): void {
    this.#seal();
    const batches = this.#queue.takeAll();
    if (batches.length === 0) return;
    const answers = sendSync(
      this.#target,
      batches.map(({ body }) => body),
      timeoutMillis,
    );
    let lost = 0;
    for (const [index, { records }] of batches.entries()) {
      const answer = answers[index];
      const outcome = answer === undefined ? undefined : readAnswer(answer, this.#time.wall());
      if (outcome?.kind === 'delivered') {
        const rejected = Math.min(outcome.rejected, records);
        this.#ledger.delivered += records - rejected;
        this.#ledger.rejected += rejected;
      } else if (outcome?.kind === 'rejected') {
        this.#ledger.rejected += records;
      } else {
        lost += records;
      }
    }
    this.#ledger.drop('process_exit', lost);
    this.#announcer.finish();
  }

  deliveryAccount(): ReturnType<HandlerEnd['deliveryAccount']> {
    return this.#ledger.account(this.#open.records + this.#queue.records);
  }

  #append(record: LogRecord): boolean {
    let fits: boolean;
    try {
      fits = this.#open.append(record);
    } catch {
      // Something that is not plain data came in behind the pipeline's back: by a stock SDK, which lets any body pass,
      // or by a processor that wrote into the attributes object.
      try {
        fits = this.#open.append(madePlain(record));
      } catch {
        this.#ledger.drop('encode_error', 1);
        return false;
      }
    }
    if (!fits) this.#ledger.drop('too_large', 1);
    return fits;
  }

  #seal(): void {
    this.#time.clearTimeout(this.#timer);
    this.#timer = undefined;
    const { records } = this.#open;
    if (records === 0) return;
    let batch: Batch | undefined;
    try {
      batch = this.#open.seal();
    } catch {
      // The resource or scope of a stock SDK that is not plain data: it would fail with every batch from here on.
      this.#open = new OpenBatch(this.#recordBytes);
      this.#ledger.drop('encode_error', records);
    }
    if (batch !== undefined) this.#queue.push(batch);
    this.#shipper.pump();
  }
}

function madePlain(record: LogRecord): LogRecord {
  const { attributes, dropped } = settleAttributes(record.attributes);
  return {
    ...copyRecord(record),
    attributes: attributes as Readonly<Record<string, AttributeValue>>,
    droppedAttributesCount: record.droppedAttributesCount + dropped,
    body: new PlainCopy().of(record.body),
  };
}
