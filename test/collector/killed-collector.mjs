// @ts-check
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { asWritten } from './exactly-once.mjs';
import { produceInParallel } from './produce.mjs';
import { tally } from './received.mjs';
import { idOf } from './record-of.mjs';

const COUNT = 60_000;
const PROCESSES = 2;
const BATCH = 512;
/** Requests that `otlp()` has under way at most. */
const CONCURRENCY = 4;
/** The collector is killed when this many records have been confirmed. */
const KILL_AT = [10_000, 25_000, 40_000];

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
    const life = join(folder, `life-${files.length + 1}`);
    files.push(join(life, 'logs.jsonl'));
    return startCollector({ ...(ports && { ports }), env: { COLLECTOR_OUTPUT: life } });
  };
  let collector = await nextLife();
  const { endpoint, ports } = collector;
  const killAt = [...KILL_AT];
  /** @type {number[]} */
  const underWay = [];
  /** @type {Promise<void>} */
  let restarts = Promise.resolve();
  const stats = await produceInParallel({
    endpoint,
    count: COUNT,
    processes: PROCESSES,
    maxPending: 2_000,
    env: { OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: String(BATCH) },
    onProgress: ({ delivered, pending }) => {
      if (delivered < (killAt[0] ?? Number.POSITIVE_INFINITY)) return;
      killAt.shift();
      underWay.push(pending);
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
  const { missing, duplicates, wrong } = await tally(files, { idOf, count: COUNT, expected: asWritten });
  assert.deepEqual({ missing, wrong }, { missing: 0, wrong: [] });
  const mostDuplicates = KILL_AT.length * PROCESSES * CONCURRENCY * BATCH;
  assert.ok(
    duplicates <= mostDuplicates,
    `${duplicates} records arrived again, more than the ${mostDuplicates} under way`,
  );
  return `${COUNT} records, killed with ${underWay.join(', ')} on their way: 0 lost, ${duplicates} arrived again`;
}
