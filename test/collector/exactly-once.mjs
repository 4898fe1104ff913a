// @ts-check
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { produceInParallel } from './produce.mjs';
import { asReceived, tally } from './received.mjs';
import { idOf, recordOf } from './record-of.mjs';

const COUNT = 100_000;
const PROCESSES = 4;

/**
 * 100 000 records of four processes arrive once each, with every field as it was written.
 * @param {import('./run.mjs').StepContext} step
 */
export async function exactlyOnce({ folder, startCollector }) {
  const collector = await startCollector({ env: { COLLECTOR_OUTPUT: folder } });
  const started = BigInt(Date.now() - 1) * 1_000_000n;
  const stats = await produceInParallel({
    endpoint: collector.endpoint,
    count: COUNT,
    processes: PROCESSES,
    maxPending: 10_000,
  });
  const ended = BigInt(Date.now() + 1) * 1_000_000n;
  await collector.stop();

  assert.deepEqual(stats, { accepted: COUNT, delivered: COUNT, rejected: 0, dropped: {}, pending: 0 });
  const found = await tally([join(folder, 'logs.jsonl')], {
    idOf,
    count: COUNT,
    expected: asWritten,
    between: [started, ended],
  });
  assert.deepEqual(found, { received: COUNT, missing: 0, duplicates: 0, wrong: [] });
  return `${COUNT} records by ${PROCESSES} processes`;
}

/**
 * Every field of a record as it has to arrive.
 * @param {number} id
 */
export function asWritten(id) {
  const { scope, severityNumber, level, eventName, body, attributes, spanContext } = recordOf(id);
  return {
    severityNumber,
    severityText: level.toUpperCase(),
    eventName,
    body,
    attributes: /** @type {Record<string, unknown>} */ (asReceived(attributes)),
    droppedAttributesCount: 0,
    traceId: spanContext?.traceId ?? '',
    spanId: spanContext?.spanId ?? '',
    flags: spanContext?.traceFlags ?? 0,
    scope: { name: scope, version: '' },
    service: { name: 'load', version: '1.0.0' },
  };
}
