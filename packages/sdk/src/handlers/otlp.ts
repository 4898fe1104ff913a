import { DeliveryEnd } from '../delivery/delivery-end.ts';
import type { HttpTarget, Sender } from '../delivery/http-sender.ts';
import { OTLP } from '../delivery/otlp-request.ts';
import { type OtlpTargetOptions, otlpTarget } from '../delivery/otlp-target.ts';
import { OVERFLOWS, type Overflow } from '../delivery/queue.ts';
import { canSendSync, type sendSync } from '../delivery/send-sync.ts';
import type { ShipperTime } from '../delivery/shipper.ts';
import { factory } from '../pipeline/factory.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { checkNumber, checkOneOf, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError } from '../provider/config-error.ts';
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
  /**
   * What happens when the queue is full. `drop-low-severity-first` (default): records below error go first, then the
   * oldest. `drop-newest`: the batch that has just been filled goes. `block`: the log call waits until there is room, at
   * most for `blockMillis`; only with `http/protobuf`.
   */
  readonly overflow?: Overflow;
  /** With `overflow: 'block'`, the longest that a log call waits, in milliseconds; then records go. Default 30 000. */
  readonly blockMillis?: number;
  /** Encoded bytes of one record. A larger one loses its attributes. Default 1 MiB. */
  readonly recordBytes?: number;
  /** Requests under way at a time. Default 4. */
  readonly concurrency?: number;
  /** @internal For tests. */
  readonly sender?: (target: HttpTarget, connections: number) => Sender;
  /** @internal For tests. */
  readonly sendSync?: typeof sendSync;
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
  'overflow',
  'blockMillis',
  'endpoint',
  'headers',
  'compression',
  'certificateFile',
  'clientKeyFile',
  'clientCertificateFile',
  'sender',
  'sendSync',
  'time',
] as const;

/**
 * Sends records to an OpenTelemetry collector by OTLP.
 *
 * A record is encoded when it is emitted, so the queue holds bytes, is bounded in bytes, and whatever the application does
 * to its objects later changes nothing. What cannot be delivered now waits and is tried again, as the OTLP specification
 * has it; when the queue is full, records below error go first, then the oldest, unless `overflow` says otherwise. Every
 * record that is given up is counted by reason and announced on OTel's diag.
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
  checkOneOf('otlp.overflow', options.overflow, OVERFLOWS);
  checkNumber('otlp.blockMillis', options.blockMillis, 1, 2 ** 31 - 1);

  return {
    name: options.name ?? 'otlp',
    ...(options.when === undefined ? {} : { when: options.when }),
    start({ environment }): HandlerEnd {
      const target = otlpTarget(options, environment.otlp);
      const timeoutMillis = options.timeoutMillis ?? environment.otlp.timeoutMillis ?? 10_000;
      const protocol = options.protocol ?? environment.otlp.protocol ?? 'http/protobuf';
      const delayMillis = options.delayMillis ?? environment.batch.scheduledDelayMillis ?? 1_000;
      const batchRecords = options.batchRecords ?? environment.batch.maxExportBatchSize ?? 512;
      const { overflow } = options;
      if (overflow === 'block') checkCanBlock(protocol);
      if (protocol !== 'http/protobuf') {
        return officialOtlp(protocol, target, {
          name: options.name ?? 'otlp',
          timeoutMillis,
          delayMillis,
          batchRecords,
          environment,
          ...(overflow === undefined || overflow === 'block' ? {} : { overflow }),
        });
      }
      return new DeliveryEnd(OTLP, target, {
        name: options.name ?? 'otlp',
        timeoutMillis,
        delayMillis,
        batchRecords,
        batchBytes: options.batchBytes ?? 512 * 1_024,
        queueBytes: options.queueBytes ?? 64 * MIB,
        recordBytes: options.recordBytes ?? MIB,
        concurrency: options.concurrency ?? 4,
        overflow: overflow ?? 'drop-low-severity-first',
        blockMillis: options.blockMillis ?? 30_000,
        sender: options.sender,
        sendSync: options.sendSync,
        time: options.time,
      });
    },
  };
}

factory(otlp);

/** A log call can wait only for a delivery that needs no event loop. */
function checkCanBlock(protocol: OtlpProtocol): void {
  if (protocol !== 'http/protobuf') {
    throw new ConfigError(
      'otlp.overflow',
      `"block" needs the protocol http/protobuf, not ${protocol}, whose exporter cannot deliver while a log call waits: await logging.forceFlush() now and then instead`,
    );
  }
  if (!canSendSync()) {
    throw new ConfigError('otlp.overflow', '"block" starts a Node process, and this executable is not Node itself');
  }
}
