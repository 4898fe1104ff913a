import { jsonFormat } from '../formats/json-format.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import type { InstrumentationScope, LogRecord, Resource } from '../pipeline/stage.ts';
import { type Answer, isSuccess, type Outcome, readStatus, refused } from './answer.ts';
import type { Batch, OpenBatch, RequestFormat } from './batch.ts';

/** `{"logs":[…]}`, each log the readable JSON of json-format.ts. The body of an answer says nothing. */
export const JSON_LOGS: RequestFormat = {
  open: (maxRecordBytes) => new OpenJsonBatch(maxRecordBytes),
  readAnswer: readJsonAnswer,
};

const ERROR = 17;
const HEAD = Buffer.from('{"logs":[');
const TAIL = Buffer.from(']}');
const COMMA = Buffer.from(',');

/** One record of a batch: where its JSON begins and ends in the body, and what the JSON does not say whole. */
interface Log {
  readonly start: number;
  readonly end: number;
  readonly isError: boolean;
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
}

class OpenJsonBatch implements OpenBatch {
  bytes = 0;
  readonly #maxRecordBytes: number;
  readonly #format = jsonFormat();
  #texts: Buffer[] = [];
  #sources: LogRecordSource[] = [];

  constructor(maxRecordBytes: number) {
    this.#maxRecordBytes = maxRecordBytes;
  }

  get records(): number {
    return this.#texts.length;
  }

  append(record: LogRecord): boolean {
    let text = Buffer.from(this.#format(record));
    if (text.length > this.#maxRecordBytes) text = Buffer.from(this.#format(withoutAttributes(record)));
    if (text.length > this.#maxRecordBytes) return false;
    const { resource, instrumentationScope: scope, severityNumber = 0 } = record;
    this.#texts.push(text);
    this.#sources.push({ isError: severityNumber >= ERROR, resource, scope });
    this.bytes += text.length;
    return true;
  }

  seal(): Batch {
    const batch = new JsonBatch(this.#texts, this.#sources);
    this.#texts = [];
    this.#sources = [];
    this.bytes = 0;
    return batch;
  }
}

/** What is known of a record besides its JSON. */
type LogRecordSource = Pick<Log, 'isError' | 'resource' | 'scope'>;

class JsonBatch implements Batch {
  readonly body: Uint8Array;
  readonly errors: number;
  readonly #logs: Log[] = [];

  constructor(texts: readonly Uint8Array[], sources: readonly LogRecordSource[]) {
    const parts: Uint8Array[] = [];
    let at = HEAD.length;
    for (const [index, source] of sources.entries()) {
      const text = texts[index] as Uint8Array;
      if (index > 0) {
        parts.push(COMMA);
        at += COMMA.length;
      }
      parts.push(text);
      this.#logs.push({ ...source, start: at, end: at + text.length });
      at += text.length;
    }
    this.body = Buffer.concat([HEAD, ...parts, TAIL]);
    this.errors = sources.filter(({ isError }) => isError).length;
  }

  get records(): number {
    return this.#logs.length;
  }

  select(keep: (index: number, isError: boolean) => boolean): Batch | undefined {
    const logs = this.#logs.filter(({ isError }, index) => keep(index, isError));
    if (logs.length === 0) return undefined;
    return new JsonBatch(
      logs.map(({ start, end }) => this.body.subarray(start, end)),
      logs,
    );
  }

  *read(): Generator<LogRecord> {
    for (const { start, end, resource, scope } of this.#logs) {
      yield readLog(Buffer.from(this.body.subarray(start, end)).toString(), resource, scope);
    }
  }
}

function withoutAttributes(record: LogRecord): LogRecord {
  const bare = copyRecord(record);
  const count = Object.keys(bare.attributes).length;
  return { ...bare, attributes: {}, droppedAttributesCount: bare.droppedAttributesCount + count };
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
