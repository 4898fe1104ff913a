import { STREAM } from '@logspan/logger/internal';

/** Which event of which stream a record is. */
export interface StreamMark {
  readonly stream: string;
  readonly producer: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly isEnd: boolean;
}

/** Longer than any name that `eventStream` takes. */
const LONGEST_NAME = 1_024;

type Fields = Readonly<Record<string, unknown>>;

/**
 * The marks in what a consumer may have of a stream: a record, an event as `emit` answered it, a record as JSON, a request of
 * OTLP JSON or of `httpBatch` with any number of records; or the JSON text of one of these. Undefined for each record that
 * is of no stream. Throws for text that is no JSON, and for what is no object.
 */
export function* streamMarks(input: unknown): Generator<StreamMark | undefined> {
  const value: unknown = typeof input === 'string' ? JSON.parse(input) : input;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no record');
  const { resourceLogs, logs, attributes } = value as Fields;
  if (Array.isArray(resourceLogs)) {
    for (const { scopeLogs } of objects(resourceLogs)) {
      for (const { logRecords } of objects(scopeLogs)) {
        for (const record of objects(logRecords)) yield markOf(attributesOfOtlp(record.attributes));
      }
    }
  } else if (Array.isArray(logs)) {
    for (const log of objects(logs)) yield markOf(log.attributes);
  } else if (attributes !== undefined) {
    yield markOf(attributes);
  } else {
    const { stream, producer, epoch, sequence } = value as Fields;
    yield checked(stream, producer, epoch, sequence, false);
  }
}

function markOf(attributes: unknown): StreamMark | undefined {
  if (typeof attributes !== 'object' || attributes === null) return undefined;
  const of = attributes as Fields;
  return checked(of[STREAM.name], of[STREAM.producer], of[STREAM.epoch], of[STREAM.sequence], of[STREAM.end] === true);
}

function checked(
  stream: unknown,
  producer: unknown,
  epoch: unknown,
  sequence: unknown,
  isEnd: boolean,
): StreamMark | undefined {
  if (!isName(stream) || !isName(producer) || !isName(epoch)) return undefined;
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 1) return undefined;
  return { stream, producer, epoch, sequence, isEnd };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_NAME;
}

/** The attributes of a stream among those of an OTLP record: `[{ key, value: { stringValue } }]`. */
function attributesOfOtlp(attributes: unknown): Fields {
  const found: Record<string, unknown> = {};
  for (const { key, value } of objects(attributes)) {
    if (!OF_STREAM.has(key)) continue;
    const { stringValue, intValue, doubleValue, boolValue } = (value ?? {}) as Fields;
    // 64-bit integers are strings in OTLP JSON, and numbers in that of some.
    found[key as string] = stringValue ?? boolValue ?? (intValue === undefined ? doubleValue : Number(intValue));
  }
  return found;
}

const OF_STREAM: ReadonlySet<unknown> = new Set(Object.values(STREAM));

function objects(list: unknown): readonly Fields[] {
  return Array.isArray(list) ? list.filter((item) => typeof item === 'object' && item !== null) : [];
}
