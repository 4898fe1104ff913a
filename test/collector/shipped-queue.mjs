// @ts-check
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SHIPPED_CONFIG } from './collector.mjs';
import { asWritten } from './exactly-once.mjs';
import { produceInParallel } from './produce.mjs';
import { tally } from './received.mjs';
import { idOf } from './record-of.mjs';

const COUNT = 20_000;

/**
 * otel-collector.yaml as it is, with another collector in Loki's place that starts only after everything was accepted
 * and the first one was killed: what was confirmed to the SDK is in the queue on disk and still gets there.
 *
 * @param {import('./run.mjs').StepContext} step
 */
export async function shippedQueue({ folder, startCollector }) {
  const loki = await startCollector({ env: { COLLECTOR_OUTPUT: folder } });
  await loki.stop();
  const shipped = {
    config: [SHIPPED_CONFIG],
    env: { COLLECTOR_LOKI: loki.endpoint, COLLECTOR_STORAGE: join(folder, 'queue') },
  };
  const first = await startCollector(shipped);
  const stats = await produceInParallel({ endpoint: first.endpoint, count: COUNT, processes: 1, maxPending: 10_000 });
  assert.deepEqual(stats, { accepted: COUNT, delivered: COUNT, rejected: 0, dropped: {}, pending: 0 });
  await first.kill('SIGKILL');

  const lokiAgain = await startCollector({ ports: loki.ports, env: { COLLECTOR_OUTPUT: folder } });
  const second = await startCollector({ ...shipped, ports: first.ports });
  const look = () => tally([join(folder, 'logs.jsonl')], { idOf, count: COUNT, expected: asWritten });
  let found = await look();
  for (const deadline = Date.now() + 20_000; found.missing > 0 && Date.now() < deadline; found = await look()) {
    await delay(200);
  }
  await second.stop();
  await lokiAgain.stop();
  assert.deepEqual(found, { received: COUNT, missing: 0, duplicates: 0, wrong: [] });
  return `${COUNT} records survived the death of the collector that had confirmed them`;
}
