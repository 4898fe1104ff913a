import { jsonFormat } from '../formats/json-format.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import type { InstrumentationScope, LogRecord, Resource } from '../pipeline/stage.ts';
import { splitStreamNumbers } from '../pipeline/stream-numbers.ts';
import { type Answer, isSuccess, type Outcome, readStatus, refused } from './answer.ts';
import type { Batch, OpenBatch, RequestFormat } from './batch.ts';

/** `{"logs":[…]}`, each log the readable JSON of json-format.ts. The body of an answer says nothing. */
export const JSON_LOGS: RequestFormat = {
  open: (maxRecordBytes) => new OpenJsonBatch(maxRecordBytes),
  readAnswer: readJsonAnswer,
};

const ERROR = 17;
const HEAD = '{"logs":[';
const COMMA = ',';
const TAIL = ']}';
/** What a request with one log has besides it. */
export const JSON_ENVELOPE_BYTES: number = HEAD.length + TAIL.length;

/** One record of a batch: the length of its JSON, and what the JSON does not say whole. */
interface Log {
  readonly bytes: number;
  readonly isError: boolean;
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
}

class OpenJsonBatch implements OpenBatch {
  bytes = 0;
  readonly #maxRecordBytes: number;
  readonly #format = jsonFormat();
  #texts: string[] = [];
  #logs: Log[] = [];

  constructor(maxRecordBytes: number) {
    this.#maxRecordBytes = maxRecordBytes;
  }

  get records(): number {
    return this.#texts.length;
  }

  append(record: LogRecord, maxBytes: number = Number.POSITIVE_INFINITY): boolean | 'full' {
    let text = this.#format(record);
    let bytes = Buffer.byteLength(text);
    if (bytes > this.#maxRecordBytes) {
      text = this.#format(withoutAttributes(record));
      bytes = Buffer.byteLength(text);
      if (bytes > this.#maxRecordBytes) return false;
    }
    const isFirst = this.#texts.length === 0;
    const more = bytes + (isFirst ? JSON_ENVELOPE_BYTES : COMMA.length);
    if (!isFirst && this.bytes + more > maxBytes) return 'full';
    const { resource, instrumentationScope: scope, severityNumber = 0 } = record;
    this.#texts.push(text);
    this.#logs.push({ bytes, isError: severityNumber >= ERROR, resource, scope });
    this.bytes += more;
    return true;
  }

  seal(): Batch {
    // Into bytes only now: a buffer for each record would cost as much as its text.
    const batch = new JsonBatch(Buffer.from(`${HEAD}${this.#texts.join(COMMA)}${TAIL}`), this.#logs);
    this.#texts = [];
    this.#logs = [];
    this.bytes = 0;
    return batch;
  }
}

class JsonBatch implements Batch {
  readonly body: Buffer;
  readonly errors: number;
  readonly #logs: readonly Log[];

  constructor(body: Buffer, logs: readonly Log[]) {
    this.body = body;
    this.#logs = logs;
    this.errors = logs.filter(({ isError }) => isError).length;
  }

  get records(): number {
    return this.#logs.length;
  }

  select(keep: (index: number, isError: boolean) => boolean): Batch | undefined {
    const kept = [...this.#each()].filter(({ log }, index) => keep(index, log.isError));
    if (kept.length === 0) return undefined;
    const parts = kept.flatMap(({ json }, index) => (index === 0 ? [json] : [Buffer.from(COMMA), json]));
    return new JsonBatch(
      Buffer.concat([Buffer.from(HEAD), ...parts, Buffer.from(TAIL)]),
      kept.map(({ log }) => log),
    );
  }

  *read(): Generator<LogRecord> {
    for (const { log, json } of this.#each()) yield readLog(json.toString(), log.resource, log.scope);
  }

  *#each(): Generator<{ log: Log; json: Buffer }> {
    let at = HEAD.length;
    for (const log of this.#logs) {
      yield { log, json: this.body.subarray(at, at + log.bytes) };
      at += log.bytes + COMMA.length;
    }
  }
}

/** All but what says which event of a stream it is: its consumer would see a gap. */
function withoutAttributes(record: LogRecord): LogRecord {
  const bare = copyRecord(record);
  const { numbers, others } = splitStreamNumbers(bare.attributes);
  const dropped = bare.droppedAttributesCount + Object.keys(others).length;
  return { ...bare, attributes: numbers, droppedAttributesCount: dropped };
}

/** What JSON cannot tell apart comes back as the simpler of the two; the observed time as the time. */
function readLog(json: string, resource: Resource, instrumentationScope: InstrumentationScope): LogRecord {
  const log = JSON.parse(json);
  const dot = log.timestamp.indexOf('.');
  const hrTime: LogRecord['hrTime'] = [
    Date.parse(`${log.timestamp.slice(0, dot)}Z`) / 1_000,
    Number(log.timestamp.slice(dot + 1, -1)),
  ];
  const span = { traceId: log.trace_id, spanId: log.span_id, traceFlags: Number.parseInt(log.trace_flags, 16) };
  return copyRecord({
    hrTime,
    hrTimeObserved: hrTime,
    ...(log.trace_id === undefined ? {} : { spanContext: span }),
    resource,
    instrumentationScope,
    attributes: log.attributes,
    droppedAttributesCount: log.dropped_attributes_count ?? 0,
    severityNumber: log.severity_number,
    severityText: log.severity_text,
    body: log.body,
    eventName: log['otel.event.name'],
    setAttribute: () => undefined,
  });
}

/** 2xx has taken all, whatever comes with it; else as OTLP has it: what is retryable, and what is too large. */
function readJsonAnswer(answer: Answer, nowMillis: number): Outcome {
  const outcome = readStatus(answer, nowMillis);
  if (outcome !== undefined) return outcome;
  return isSuccess(answer) ? { kind: 'delivered', rejected: 0, message: '' } : refused(answer);
}
