// @ts-check
// Reads what a service wrote to a file of its own while it sent the same records to the collector: the JSON lines of a
// consoleHandler, which shares neither encoder nor transport with OTLP.
import assert from 'node:assert/strict';
import { asReceived, lines } from './received.mjs';

/**
 * The records of a file by their number, each as it has to arrive at the collector.
 *
 * @param {string} file
 * @param {string} version of the service, which is not in the file
 * @param {(attributes: Record<string, unknown>) => number} numberOf
 * @returns {Promise<Partial<import('./received.mjs').Received>[]>} without gaps; rejects if a number is missing or there twice
 */
export async function copiedRecords(file, version, numberOf) {
  /** @type {Partial<import('./received.mjs').Received>[]} */
  const records = [];
  let count = 0;
  for await (const line of lines(file)) {
    if (line === '') continue;
    const fields = JSON.parse(line);
    const number = numberOf(fields.attributes);
    assert.equal(records[number], undefined, `${file} has record ${number} twice`);
    records[number] = asSent(fields, version);
    count++;
  }
  assert.equal(
    records.length,
    count,
    `${file} has ${count} records, the last of which is number ${records.length - 1}`,
  );
  return records;
}

/**
 * @param {any} line
 * @param {string} version
 */
function asSent(line, version) {
  const { timestamp, severity_text, severity_number, body, attributes, trace_id, span_id, trace_flags, ...more } = line;
  const { 'otel.event.name': eventName, 'otel.scope.name': scope, 'service.name': service, ...others } = more;
  const { dropped_attributes_count: dropped = 0, ...unknown } = others;
  assert.deepEqual(unknown, {}, 'a field that is not compared');
  return {
    timeUnixNano: nanosOf(timestamp),
    severityNumber: severity_number,
    severityText: severity_text,
    eventName: eventName ?? '',
    body: asReceived(body),
    attributes: /** @type {Record<string, unknown>} */ (asReceived(attributes)),
    droppedAttributesCount: dropped,
    traceId: trace_id ?? '',
    spanId: span_id ?? '',
    flags: Number.parseInt(trace_flags ?? '0', 16),
    scope: { name: scope, version: '' },
    service: { name: service, version },
  };
}

/**
 * 2024-01-02T03:04:05.678000123Z, in nanoseconds: more digits than a Date can hold.
 * @param {string} timestamp
 */
function nanosOf(timestamp) {
  const [, second, nanos] = /^(.+)\.(\d{9})Z$/.exec(timestamp) ?? assert.fail(`not a time: ${timestamp}`);
  return BigInt(Date.parse(`${second}Z`)) * 1_000_000n + BigInt(nanos ?? 0);
}
