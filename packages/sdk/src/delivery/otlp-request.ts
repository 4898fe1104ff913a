import type { InstrumentationScope, LogRecord, Resource } from '../pipeline/stage.ts';
import type { Batch, OpenBatch, RequestFormat } from './batch.ts';
import { readAnswer } from './otlp-answer.ts';
import { encodedSeverity, OtlpEncoder, varintLength } from './otlp-encoder.ts';
import { readRequest } from './otlp-reader.ts';

/** OTLP protobuf. */
export const OTLP: RequestFormat = { open: (maxRecordBytes) => new OpenOtlpBatch(maxRecordBytes), readAnswer };

/** The exact bytes of an OTLP `ExportLogsServiceRequest`. */
class OtlpBatch implements Batch {
  readonly body: Uint8Array;
  readonly records: number;
  readonly errors: number;

  constructor(body: Uint8Array, records: number, errors: number) {
    this.body = body;
    this.records = records;
    this.errors = errors;
  }

  select(keep: (index: number, isError: boolean) => boolean): Batch | undefined {
    return selectRecords(this.body, keep);
  }

  read(): Iterable<LogRecord> {
    return readRequest(this.body);
  }
}

const ERROR = 17;
/** The buffer that is kept between batches; a larger one, left by an unusual batch, is given back. */
const KEPT_CAPACITY = 1_048_576;

/** Records of one resource and scope that follow each other in the buffer. */
interface Run {
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
  readonly start: number;
  end: number;
}

/**
 * The batch that is being filled. Records are encoded as they come and lie in the order they came; what groups them by
 * resource and scope is put around them when the batch is sealed.
 */
export class OpenOtlpBatch implements OpenBatch {
  records = 0;
  #errors = 0;
  #runs: Run[] = [];
  readonly #encoder = new OtlpEncoder();
  readonly #maxRecordBytes: number;
  readonly #resourceBytes = new WeakMap<object, Uint8Array>();
  readonly #scopeBytes = new WeakMap<object, Uint8Array>();

  constructor(maxRecordBytes: number) {
    this.#maxRecordBytes = maxRecordBytes;
  }

  get bytes(): number {
    return this.#encoder.length;
  }

  append(record: LogRecord, maxBytes: number = Number.POSITIVE_INFINITY): boolean | 'full' {
    const encoder = this.#encoder;
    const start = encoder.length;
    encoder.append(record);
    if (encoder.length - start > this.#maxRecordBytes) {
      encoder.truncate(start);
      encoder.append(record, false);
      if (encoder.length - start > this.#maxRecordBytes) {
        encoder.truncate(start);
        return false;
      }
    }
    if (this.records > 0 && encoder.length > maxBytes) {
      encoder.truncate(start);
      return 'full';
    }
    this.records++;
    if (encodedSeverity(record.severityNumber) >= ERROR) this.#errors++;
    const last = this.#runs[this.#runs.length - 1];
    if (last !== undefined && last.scope === record.instrumentationScope && last.resource === record.resource) {
      last.end = encoder.length;
    } else {
      this.#runs.push({ resource: record.resource, scope: record.instrumentationScope, start, end: encoder.length });
    }
    return true;
  }

  seal(): Batch {
    const batch = new OtlpBatch(this.#request(), this.records, this.#errors);
    this.records = 0;
    this.#errors = 0;
    this.#runs = [];
    this.#encoder.reset(KEPT_CAPACITY);
    return batch;
  }

  #request(): Uint8Array {
    const groups = new Map<Resource, Map<InstrumentationScope, Run[]>>();
    for (const run of this.#runs) {
      let scopes = groups.get(run.resource);
      if (scopes === undefined) {
        scopes = new Map();
        groups.set(run.resource, scopes);
      }
      const runs = scopes.get(run.scope);
      if (runs === undefined) scopes.set(run.scope, [run]);
      else runs.push(run);
    }
    const resources = [...groups].map(([resource, scopes]) => {
      const parts = [...scopes].map(([scope, runs]) => {
        const records = runs.reduce((sum, run) => sum + run.end - run.start, 0);
        const head = this.#headOf(scope, this.#scopeBytes, () => this.#encoder.scope(scope));
        const tail = this.#encoder.schemaUrl(scope.schemaUrl);
        return { head, runs, tail, length: head.length + records + tail.length };
      });
      const head = this.#headOf(resource, this.#resourceBytes, () => this.#encoder.resource(resource));
      const tail = this.#encoder.schemaUrl(resource.schemaUrl);
      const length = parts.reduce((sum, part) => sum + framed(part.length), head.length + tail.length);
      return { head, parts, tail, length };
    });

    const target = new Writer(resources.reduce((sum, { length }) => sum + framed(length), 0));
    for (const { head, parts, tail, length } of resources) {
      target.frame(0x0a, length);
      target.bytes(head);
      for (const part of parts) {
        target.frame(0x12, part.length);
        target.bytes(part.head);
        for (const run of part.runs) {
          this.#encoder.copyTo(target.buffer, target.at, run.start, run.end);
          target.at += run.end - run.start;
        }
        target.bytes(part.tail);
      }
      target.bytes(tail);
    }
    return target.buffer;
  }

  #headOf(
    of: Resource | InstrumentationScope,
    cache: WeakMap<object, Uint8Array>,
    encode: () => Uint8Array,
  ): Uint8Array {
    const cached = cache.get(of);
    if (cached !== undefined) return cached;
    const bytes = encode();
    // A stock SDK's resource may still be waiting for a detector: what it says now is not its last word.
    if ((of as { asyncAttributesPending?: boolean }).asyncAttributesPending !== true) cache.set(of, bytes);
    return bytes;
  }
}

function selectRecords(body: Uint8Array, keep: (index: number, isError: boolean) => boolean): Batch | undefined {
  let index = 0;
  let records = 0;
  let errors = 0;

  /** The fields of a message, those kept as they are or rewritten; undefined where `each` says to leave one out. */
  const rewrite = (
    start: number,
    end: number,
    each: (tag: number, from: number, to: number) => Uint8Array[] | undefined,
  ): Uint8Array[] => {
    const parts: Uint8Array[] = [];
    for (let at = start; at < end; ) {
      const tag = body[at] as number;
      const { length, at: from } = readLength(body, at + 1);
      const content = each(tag, from, from + length);
      if (content !== undefined) {
        const size = content.reduce((sum, part) => sum + part.length, 0);
        const frame = new Writer(1 + varintLength(size));
        frame.frame(tag, size);
        parts.push(frame.buffer);
        // One by one: a call takes only so many arguments, and a batch may have any number of records.
        for (const part of content) parts.push(part);
      }
      at = from + length;
    }
    return parts;
  };

  const request = rewrite(0, body.length, (_, resourceStart, resourceEnd) => {
    const before = records;
    const resourceLogs = rewrite(resourceStart, resourceEnd, (tag, start, end) => {
      if (tag !== 0x12) return [body.subarray(start, end)];
      const beforeScope = records;
      const scopeLogs = rewrite(start, end, (field, from, to) => {
        if (field !== 0x12) return [body.subarray(from, to)];
        // Our encoder puts the severity behind the two times: tag 0x10, one byte.
        const isError = body[from + 18] === 0x10 && (body[from + 19] as number) >= ERROR;
        if (!keep(index++, isError)) return undefined;
        records++;
        if (isError) errors++;
        return [body.subarray(from, to)];
      });
      return records > beforeScope ? scopeLogs : undefined;
    });
    return records > before ? resourceLogs : undefined;
  });
  return records === 0 ? undefined : new OtlpBatch(Buffer.concat(request), records, errors);
}

function readLength(bytes: Uint8Array, at: number): { length: number; at: number } {
  let length = 0;
  let shift = 0;
  let position = at;
  for (;;) {
    const byte = bytes[position++] as number;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { length, at: position };
    shift += 7;
  }
}

/** Bytes of a length-delimited field whose tag is one byte. */
function framed(length: number): number {
  return 1 + varintLength(length) + length;
}

class Writer {
  readonly buffer: Buffer;
  at = 0;

  constructor(length: number) {
    this.buffer = Buffer.allocUnsafeSlow(length);
  }

  frame(tag: number, length: number): void {
    this.buffer[this.at++] = tag;
    let rest = length;
    while (rest > 0x7f) {
      this.buffer[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.at++] = rest;
  }

  bytes(bytes: Uint8Array): void {
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }
}
