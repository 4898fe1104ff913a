import { DeliveryEnd } from '../delivery/delivery-end.ts';
import type { HttpTarget, Sender } from '../delivery/http-sender.ts';
import {
  type CertificateOptions,
  certificates,
  checkedHeaders,
  endpointUrl,
  isHeaderText,
  moveCredentials,
} from '../delivery/http-target.ts';
import { JSON_ENVELOPE_BYTES, JSON_LOGS } from '../delivery/json-request.ts';
import { OVERFLOWS, type Overflow } from '../delivery/queue.ts';
import { canSendSync, type sendSync } from '../delivery/send-sync.ts';
import type { ShipperTime } from '../delivery/shipper.ts';
import { factory } from '../pipeline/factory.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { checkNumber, checkOneOf, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { sdkVersion } from '../provider/resource.ts';
import type { Handler } from './handler.ts';

/** Options of {@link httpBatch}. */
export interface HttpBatchOptions extends CertificateOptions {
  /** The whole address that requests are posted to. User and password in it become Basic authentication. Required. */
  readonly endpoint: string | URL;
  /** Sent as `X-API-Key`, and shown nowhere. Named and undefined, as a variable that is not set, is a mistake. */
  readonly apiKey?: string;
  /** Further request headers. Never shown anywhere. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `gzip` or `none`, the default: not every service reads compressed requests. */
  readonly compression?: 'gzip' | 'none';
  /** The key of this destination in `stats().handlers`. Default `http-batch`. */
  readonly name?: string;
  /** Only records for which this is true are sent. */
  readonly when?: (record: LogRecord) => boolean;
  /** Records of one request. Default 100. */
  readonly batchRecords?: number;
  /** The longest a record waits for its batch to fill, in milliseconds. Default 5 000. */
  readonly delayMillis?: number;
  /** The longest one request may take, in milliseconds. Default 10 000. */
  readonly timeoutMillis?: number;
  /** The most bytes of one request before compression; not more than half of `queueBytes`. Default 512 KiB. */
  readonly batchBytes?: number;
  /** Bytes that are held at most, those of requests under way included. Default 64 MiB. */
  readonly queueBytes?: number;
  /** The most bytes of the JSON of one record, at most `batchBytes`. A larger one loses its attributes. Default 256 KiB. */
  readonly recordBytes?: number;
  /** Requests under way at a time. Default 2. */
  readonly concurrency?: number;
  /** What happens when the queue is full: as of `otlp`. Default `drop-low-severity-first`. */
  readonly overflow?: Overflow;
  /** With `overflow: 'block'`, the longest that a log call waits, in milliseconds; then records go. Default 30 000. */
  readonly blockMillis?: number;
  /** @internal For tests. */
  readonly sender?: (target: HttpTarget, connections: number) => Sender;
  /** @internal For tests. */
  readonly sendSync?: typeof sendSync;
  /** @internal For tests. */
  readonly time?: ShipperTime;
}

const MIB = 1_048_576;
const LONGEST_MILLIS = 2 ** 31 - 1;
const KEY_HEADER = 'x-api-key';
const OPTIONS = [
  'endpoint',
  'apiKey',
  'headers',
  'compression',
  'certificateFile',
  'clientKeyFile',
  'clientCertificateFile',
  'name',
  'when',
  'batchRecords',
  'delayMillis',
  'timeoutMillis',
  'batchBytes',
  'queueBytes',
  'recordBytes',
  'concurrency',
  'overflow',
  'blockMillis',
  'sender',
  'sendSync',
  'time',
] as const;

/**
 * Sends records to a service that takes `POST {"logs":[…]}`, each log the readable JSON that the console and files have.
 *
 * The delivery is that of `otlp`: a record is encoded when it is emitted, the queue is bounded in bytes, and what cannot be
 * delivered now waits and is tried again with growing pauses, or when `Retry-After` says. Tried again: no answer, and
 * 429, 502, 503, 504. 413 is sent again in halves; any other status but 2xx counts as `rejected`, and is not asked again. 2xx
 * has taken all of a request: its body is not waited for. Every record that is given up is counted by reason and announced on
 * OTel's diag, never as a record. A request whose answer is lost is repeated: the service may have it twice.
 */
export function httpBatch(options: HttpBatchOptions): Handler {
  checkOptions('httpBatch', options, OPTIONS);
  checkType('httpBatch.name', options.name, 'string');
  checkType('httpBatch.when', options.when, 'function');
  checkOneOf('httpBatch.compression', options.compression, ['gzip', 'none']);
  for (const name of ['certificateFile', 'clientKeyFile', 'clientCertificateFile'] as const) {
    checkType(`httpBatch.${name}`, options[name], 'string');
  }
  checkNumber('httpBatch.batchRecords', options.batchRecords, 1, 1_000_000);
  checkNumber('httpBatch.delayMillis', options.delayMillis, 0, LONGEST_MILLIS);
  checkNumber('httpBatch.timeoutMillis', options.timeoutMillis, 1, LONGEST_MILLIS);
  checkNumber('httpBatch.batchBytes', options.batchBytes, 1_024, 64 * MIB);
  checkNumber('httpBatch.queueBytes', options.queueBytes, 1_024);
  checkNumber('httpBatch.recordBytes', options.recordBytes, 1_024, 64 * MIB);
  checkNumber('httpBatch.concurrency', options.concurrency, 1, 256);
  checkOneOf('httpBatch.overflow', options.overflow, OVERFLOWS);
  checkNumber('httpBatch.blockMillis', options.blockMillis, 1, LONGEST_MILLIS);
  if (options.overflow === 'block' && !canSendSync()) {
    throw new ConfigError(
      'httpBatch.overflow',
      '"block" starts a Node process, and this executable is not Node itself',
    );
  }
  const target = targetOf(options);
  const name = options.name ?? 'http-batch';
  const batchBytes = options.batchBytes ?? 512 * 1_024;

  return {
    name,
    ...(options.when === undefined ? {} : { when: options.when }),
    start: () =>
      new DeliveryEnd(JSON_LOGS, target, {
        name,
        timeoutMillis: options.timeoutMillis ?? 10_000,
        delayMillis: options.delayMillis ?? 5_000,
        batchRecords: options.batchRecords ?? 100,
        batchBytes,
        queueBytes: options.queueBytes ?? 64 * MIB,
        // One record is a request that no service with such a limit would take.
        recordBytes: Math.min(options.recordBytes ?? 256 * 1_024, batchBytes - JSON_ENVELOPE_BYTES),
        concurrency: options.concurrency ?? 2,
        overflow: options.overflow ?? 'drop-low-severity-first',
        blockMillis: options.blockMillis ?? 30_000,
        sender: options.sender,
        sendSync: options.sendSync,
        time: options.time,
      }),
  };
}

factory(httpBatch);

function targetOf(options: HttpBatchOptions): HttpTarget {
  const { endpoint } = options;
  const address = endpoint instanceof URL ? endpoint.href : endpoint;
  const url = endpointUrl('httpBatch.endpoint', address, 'https://logs.example.com/ingest');
  const headers: Record<string, string> = {
    'user-agent': `logspan/${sdkVersion}`,
    'content-type': 'application/json',
    ...checkedHeaders('httpBatch.headers', options.headers),
  };
  if (Object.hasOwn(options, 'apiKey')) {
    if (KEY_HEADER in headers) throw new ConfigError('httpBatch.apiKey', 'is in the headers too: give one of them');
    headers[KEY_HEADER] = checkedKey(options.apiKey);
  }
  moveCredentials(url, headers);
  return {
    url,
    headers,
    compression: options.compression ?? 'none',
    isAnsweredByHead: true,
    ...certificates('httpBatch', options),
  };
}

/** Nothing of what was given is shown. */
function checkedKey(key: unknown): string {
  const wrong = (what: string): ConfigError =>
    new ConfigError('httpBatch.apiKey', `must be the key that the service has given you, not ${what}`);
  if (key === undefined) throw wrong('undefined: is the variable set that it comes from?');
  if (typeof key !== 'string') throw wrong(typeof key === 'number' ? 'a number' : given(key));
  if (key.trim() === '') throw wrong('an empty text');
  if (!isHeaderText(key)) throw wrong('text that a header cannot hold, such as a line end');
  return key;
}
