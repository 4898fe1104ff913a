// @ts-check
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { SHIPPED_CONFIG, TO_FILE, WITH_API_KEY } from './collector.mjs';
import { produceInParallel } from './produce.mjs';
import { tally } from './received.mjs';
import { idOf } from './record-of.mjs';

const COUNT = 2_000;

/**
 * A collector that asks for a key: with the wrong one every record is counted as rejected, with the right one as delivered.
 *
 * @param {import('./run.mjs').StepContext} step
 */
export async function apiKey({ folder, startCollector }) {
  const { endpoint, stop } = await startCollector({
    config: [SHIPPED_CONFIG, TO_FILE, WITH_API_KEY],
    env: { COLLECTOR_OUTPUT: folder, COLLECTOR_API_KEY: 'right-key' },
  });
  const answer = await fetch(`${endpoint}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': 'wrong-key' },
    body: '{}',
  });
  assert.equal(answer.status, 401);

  /** @param {string} key */
  const produceWith = (key) =>
    produceInParallel({
      endpoint,
      count: COUNT,
      processes: 1,
      maxPending: 10_000,
      env: { OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${encodeURIComponent(key)}` },
    });
  const none = { accepted: COUNT, delivered: 0, rejected: 0, dropped: {}, pending: 0 };
  assert.deepEqual(await produceWith('wrong-key'), { ...none, rejected: COUNT });
  assert.deepEqual(await produceWith('right-key'), { ...none, delivered: COUNT });
  await stop();
  const found = await tally([join(folder, 'logs.jsonl')], { idOf, count: COUNT });
  assert.deepEqual(found, { received: COUNT, missing: 0, duplicates: 0, wrong: [] });
  return `${COUNT} records rejected with the wrong key, ${COUNT} delivered with the right one`;
}
