// @ts-check
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { asWritten } from './exactly-once.mjs';
import { produceInParallel } from './produce.mjs';
import { tally } from './received.mjs';
import { ID } from './record-of.mjs';

const COUNT = 60_000;
const PROCESSES = 2;
const BATCH = 512;
/** Requests that `otlp()` has under way at most. */
const CONCURRENCY = 4;
/** The collector is killed when this many records have been confirmed. */
const KILL_AT = [10_000, 30_000, 50_000];

/**
 * The collector is killed in mid-stream three times, without warning, and started again: no record is lost, and none
 * arrives again but those of requests that were under way when it died.
 *
 * @param {import('./run.mjs').StepContext} step
 */
export async function killedCollector({ folder, startCollector }) {
  /** @type {string[]} */
  const files = [];
  /** @param {import('./collector.mjs').Ports} [ports] */
  const nextLife = (ports) => {
    const file = join(folder, `life-${files.length + 1}.jsonl`);
    files.push(file);
    return startCollector({ ...(ports && { ports }), env: { COLLECTOR_LOGS_FILE: file } });
  };
  let collector = await nextLife();
  const { endpoint, ports } = collector;
  const killAt = [...KILL_AT];
  /** @type {Promise<void>} */
  let restarts = Promise.resolve();
  const stats = await produceInParallel({
    endpoint,
    count: COUNT,
    processes: PROCESSES,
    maxPending: 5_000,
    env: { OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: String(BATCH) },
    onProgress: (delivered) => {
      if (delivered < (killAt[0] ?? Number.POSITIVE_INFINITY)) return;
      killAt.shift();
      restarts = restarts.then(async () => {
        await collector.kill('SIGKILL');
        collector = await nextLife(ports);
      });
    },
  });
  await restarts;
  await collector.stop();

  assert.equal(files.length, 1 + KILL_AT.length, 'the stream ended before the last kill');
  assert.deepEqual(stats, { accepted: COUNT, delivered: COUNT, rejected: 0, dropped: {}, pending: 0 });
  const { missing, duplicates, wrong } = await tally(files, { idAttribute: ID, count: COUNT, expected: asWritten });
  assert.deepEqual({ missing, wrong }, { missing: [], wrong: [] });
  const mostDuplicates = KILL_AT.length * PROCESSES * CONCURRENCY * BATCH;
  assert.ok(duplicates <= mostDuplicates, `${duplicates} records arrived again, more than the ${mostDuplicates} under way`);
  return `${KILL_AT.length} kills in ${COUNT} records, 0 lost, ${duplicates} again (at most ${mostDuplicates})`;
}
