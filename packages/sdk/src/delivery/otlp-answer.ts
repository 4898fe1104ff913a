import { type Answer, isSuccess, type Outcome, readStatus, refused } from './answer.ts';
import { tellable } from './answer-text.ts';

/** Reads an OTLP/HTTP answer. Never throws, whatever was answered. OTLP specification, "OTLP/HTTP Response". */
export function readAnswer(answer: Answer, nowMillis: number): Outcome {
  const outcome = readStatus(answer, nowMillis);
  if (outcome !== undefined) return outcome;
  // Of any other answer the body would say what became of the records.
  if (answer.oversized) return { kind: 'unreadable' };
  return isSuccess(answer) ? { kind: 'delivered', ...partialSuccess(answer) } : refused(answer);
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
