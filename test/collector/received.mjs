// @ts-check
// Reads what the collector's file exporter wrote, and finds out what is missing, there twice, or not as it was sent.
import { createReadStream, existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

/**
 * A log record as it arrived, with OTLP's wrappings taken off. Integers are bigints, so that 1 and 1.0 stay different.
 *
 * @typedef {object} Received
 * @property {bigint} timeUnixNano
 * @property {bigint} observedTimeUnixNano
 * @property {number} severityNumber
 * @property {string} severityText
 * @property {string} eventName
 * @property {unknown} body
 * @property {Record<string, unknown>} attributes
 * @property {number} droppedAttributesCount
 * @property {string} traceId
 * @property {string} spanId
 * @property {number} flags
 * @property {{ name: string, version: string }} scope
 * @property {{ name: unknown, version: unknown }} service from the resource
 */

/**
 * All records of some files of OTLP JSON lines. A last line that was cut short by a SIGKILL is left out: the request in
 * it was never confirmed. Any other damaged line is an error.
 *
 * @param {string[]} files
 * @returns {AsyncGenerator<Received>}
 */
export async function* receivedRecords(files) {
  for (const file of files) {
    let damaged = '';
    for await (const line of lines(file)) {
      if (damaged !== '') throw new Error(`${file} has a damaged line that is not its last: ${damaged.slice(0, 200)}`);
      if (line === '') continue;
      let request;
      try {
        request = JSON.parse(line);
      } catch {
        damaged = line;
        continue;
      }
      yield* recordsOf(request);
    }
  }
}

/**
 * The lines of a file, none if there is no file. Not `node:readline`: it also ends a line at U+2028, which may stand in a
 * string of JSON.
 * @param {string} file
 */
export async function* lines(file) {
  // The exporter makes the file when the first request arrives.
  if (!existsSync(file)) return;
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1024 * 1024 })) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  yield rest;
}

/**
 * The spans of a file of OTLP JSON lines, by trace id and span id.
 * @param {string} file
 */
export async function receivedSpans(file) {
  /** @type {Map<string, Set<string>>} */
  const spansOf = new Map();
  for await (const line of lines(file)) {
    if (line === '') continue;
    for (const { scopeSpans } of JSON.parse(line).resourceSpans) {
      for (const { traceId, spanId } of scopeSpans.flatMap((/** @type {any} */ scope) => scope.spans)) {
        spansOf.set(traceId, (spansOf.get(traceId) ?? new Set()).add(spanId));
      }
    }
  }
  return spansOf;
}

/** @param {any} request an ExportLogsServiceRequest in OTLP JSON */
function* recordsOf(request) {
  for (const { resource, scopeLogs = [] } of request.resourceLogs ?? []) {
    const { 'service.name': name, 'service.version': version } = entries(resource?.attributes);
    for (const { scope, logRecords = [] } of scopeLogs) {
      for (const record of logRecords) {
        yield {
          timeUnixNano: BigInt(record.timeUnixNano ?? 0),
          observedTimeUnixNano: BigInt(record.observedTimeUnixNano ?? 0),
          severityNumber: record.severityNumber ?? 0,
          severityText: record.severityText ?? '',
          eventName: record.eventName ?? '',
          body: plain(record.body),
          attributes: entries(record.attributes),
          droppedAttributesCount: record.droppedAttributesCount ?? 0,
          traceId: record.traceId ?? '',
          spanId: record.spanId ?? '',
          flags: record.flags ?? 0,
          scope: { name: scope?.name ?? '', version: scope?.version ?? '' },
          service: { name, version },
        };
      }
    }
  }
}

/** @param {{ key: string, value: unknown }[]} [list] */
function entries(list = []) {
  return Object.fromEntries(list.map(({ key, value }) => [key, plain(value)]));
}

/**
 * @param {any} value an AnyValue in OTLP JSON
 * @returns {unknown}
 */
function plain(value) {
  if (value?.stringValue !== undefined) return value.stringValue;
  if (value?.intValue !== undefined) return BigInt(value.intValue);
  if (value?.doubleValue !== undefined) return Number(value.doubleValue);
  if (value?.boolValue !== undefined) return value.boolValue;
  if (value?.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain);
  if (value?.kvlistValue !== undefined) return entries(value.kvlistValue.values);
  if (value?.bytesValue !== undefined) return new Uint8Array(Buffer.from(value.bytesValue, 'base64'));
  return null;
}

/**
 * What a JavaScript value has to be when it arrives: whole numbers that are exact as integers, all others as doubles.
 *
 * @param {unknown} value
 * @returns {unknown}
 */
export function asReceived(value) {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(asReceived);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, asReceived(entry)]));
}

/**
 * @typedef {object} Tally
 * @property {number} received all records, duplicates included
 * @property {number} missing how many numbers never arrived
 * @property {number} duplicates how many records arrived again
 * @property {string[]} wrong what is missing or not as it was sent, one sentence each, at most 10
 */

/**
 * Counts the records of some files by the numbers that they carry, which have to be 0 to count - 1.
 *
 * @param {string[]} files
 * @param {object} options
 * @param {(record: Received) => number | undefined} options.idOf the number of a record; undefined: not to be counted
 * @param {number} options.count
 * @param {(id: number) => Partial<Received>} [options.expected] the fields of a record as they have to arrive
 * @param {[bigint, bigint]} [options.between] the earliest and the latest time a record may carry, in nanoseconds
 * @returns {Promise<Tally>}
 */
export async function tally(files, { idOf, count, expected, between }) {
  const seen = new Uint8Array(count);
  const timestamps = new BigInt64Array(count);
  /** @type {string[]} */
  const wrong = [];
  /** @param {string} sentence */
  const complain = (sentence) => wrong.length < 10 && wrong.push(sentence);
  let received = 0;
  let duplicates = 0;
  /** @type {Map<string, number[]>} */
  const idsOfScope = new Map();
  for await (const record of receivedRecords(files)) {
    const id = idOf(record);
    if (id === undefined) continue;
    received++;
    if (!(Number.isInteger(id) && id >= 0 && id < count)) {
      complain(`a record with the number ${id}, which nobody sent`);
      continue;
    }
    if (seen[id] === 1) duplicates++;
    seen[id] = 1;
    const time = record.timeUnixNano;
    timestamps[id] = time;
    if (between !== undefined && (time < between[0] || time > between[1] || record.observedTimeUnixNano < time)) {
      complain(`record ${id}: written at ${time}, observed at ${record.observedTimeUnixNano}, in ${between}`);
    }
    const ids = idsOfScope.get(record.scope.name);
    if (ids === undefined) idsOfScope.set(record.scope.name, [id]);
    else ids.push(id);
    for (const [field, value] of Object.entries(expected?.(id) ?? {})) {
      const actual = record[/** @type {keyof Received} */ (field)];
      if (!isDeepStrictEqual(actual, value)) complain(`record ${id}: ${field} ${difference(value, actual)}`);
    }
  }
  // Numbers go up in the order of writing, so within one logger the time may never go down.
  for (const [scope, ids] of idsOfScope) {
    const inOrder = Uint32Array.from(ids).sort();
    for (let i = 1; i < inOrder.length; i++) {
      const [before, after] = [inOrder[i - 1] ?? 0, inOrder[i] ?? 0];
      if ((timestamps[after] ?? 0n) < (timestamps[before] ?? 0n)) {
        complain(`${scope}: record ${after} is older than record ${before}, written before it`);
      }
    }
  }
  let missing = 0;
  for (let id = 0; id < count; id++) {
    if (seen[id] === 1) continue;
    missing++;
    complain(`record ${id} never arrived`);
  }
  return { received, missing, duplicates, wrong };
}

/**
 * @param {unknown} expected
 * @param {unknown} actual
 * @returns {string}
 */
function difference(expected, actual) {
  if (isObject(expected) && isObject(actual)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      if (!isDeepStrictEqual(expected[key], actual[key])) {
        return `.${JSON.stringify(key)} ${difference(expected[key], actual[key])}`;
      }
    }
  }
  return `should be ${show(expected)} and is ${show(actual)}`;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param {unknown} value */
const show = (value) =>
  JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner))?.slice(0, 300);
