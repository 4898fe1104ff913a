import { tellable } from './answer-text.ts';
import { retryAfterMillis } from './retry.ts';

/** What a destination answered, with the body cut at 4 MiB. */
export interface Answer {
  readonly status: number;
  readonly retryAfter?: string | undefined;
  readonly contentType?: string | undefined;
  readonly body: Uint8Array;
  /** True if the body was longer than the limit of the OTLP specification. */
  readonly oversized?: boolean | undefined;
}

/** What an answer means for the batch. */
export type Outcome =
  /** Taken, but for `rejected` records. The message is what may be told of the one of the destination. */
  | { readonly kind: 'delivered'; readonly rejected: number; readonly message: string }
  /** Not now. `waitMillis` is what the destination asked for, if it did. */
  | { readonly kind: 'retry'; readonly waitMillis?: number | undefined; readonly cause: string }
  /** Too large as one request. */
  | { readonly kind: 'split' }
  /** Refused for good. */
  | { readonly kind: 'rejected'; readonly cause: string }
  /** An answer that may not be read. */
  | { readonly kind: 'unreadable' };

/** The statuses that the OTLP specification calls retryable; all other failures must not be retried. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Reads an OTLP/HTTP answer. Never throws, whatever was answered. OTLP specification, "OTLP/HTTP Response". */
export function readAnswer(answer: Answer, nowMillis: number): Outcome {
  const { status } = answer;
  if (RETRYABLE.has(status)) {
    return {
      kind: 'retry',
      waitMillis: retryAfterMillis(answer.retryAfter, nowMillis),
      cause: `HTTP status ${status}`,
    };
  }
  if (status === 413) return { kind: 'split' };
  // Of any other answer the body would say what became of the records.
  if (answer.oversized) return { kind: 'unreadable' };
  if (status >= 200 && status < 300) return { kind: 'delivered', ...partialSuccess(answer) };
  return { kind: 'rejected', cause: `HTTP status ${status}` };
}

/** The partial success in a 2xx answer; garbage means none, because the status already said that the batch was taken. */
function partialSuccess(answer: Answer): { rejected: number; message: string } {
  try {
    if (answer.contentType?.includes('json')) {
      const partial = JSON.parse(Buffer.from(answer.body).toString())?.partialSuccess;
      return checked(Number(partial?.rejectedLogRecords ?? 0), partial?.errorMessage);
    }
    // ExportLogsServiceResponse { 1: partial_success { 1: rejected_log_records (int64), 2: error_message } }
    const partial = fields(answer.body).get(1);
    if (!(partial instanceof Uint8Array)) return checked(0, '');
    const inner = fields(partial);
    const message = inner.get(2);
    return checked(Number(inner.get(1) ?? 0), message instanceof Uint8Array ? Buffer.from(message).toString() : '');
  } catch {
    return checked(0, '');
  }
}

function checked(rejected: number, message: unknown): { rejected: number; message: string } {
  return {
    rejected: Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0,
    message: typeof message === 'string' ? tellable(message) : '',
  };
}

/** The last value of each field of a protobuf message. */
function fields(bytes: Uint8Array): Map<number, number | Uint8Array> {
  const found = new Map<number, number | Uint8Array>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('cut off');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 0) found.set(tag >>> 3, varint());
    else if (wire === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new RangeError('cut off');
      found.set(tag >>> 3, bytes.subarray(at, at + length));
      at += length;
    } else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else throw new RangeError('unknown wire type');
  }
  return found;
}
