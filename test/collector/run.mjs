// @ts-check
// Tests against the real OpenTelemetry Collector: `npm run test:collector`, or only some steps of it by name:
// `node test/collector/run.mjs exactly-once api-key`. Steps have a folder and collectors of their own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiKey } from './api-key.mjs';
import { collectorBinary, startCollector } from './collector.mjs';
import { eventStreams } from './event-streams.mjs';
import { exactlyOnce } from './exactly-once.mjs';
import { killedCollector } from './killed-collector.mjs';
import { metricsFromLogs } from './metrics-from-logs.mjs';
import { prometheus } from './prometheus.mjs';
import { shippedQueue } from './shipped-queue.mjs';
import { shop } from './shop.mjs';
import { validConfig } from './valid-config.mjs';

/**
 * What a step is given. What it answers is shown behind its name.
 *
 * @typedef {object} StepContext
 * @property {string} folder empty, and removed when all steps have passed
 * @property {typeof startCollector} startCollector a collector that the step does not stop is killed after it
 */

/** @type {Record<string, (context: StepContext) => Promise<string>>} */
const STEPS = {
  'valid-config': validConfig,
  'exactly-once': exactlyOnce,
  'killed-collector': killedCollector,
  'shipped-queue': shippedQueue,
  'metrics-from-logs': metricsFromLogs,
  prometheus,
  'api-key': apiKey,
  'event-streams': eventStreams,
  shop,
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(STEPS);
for (const name of names) {
  if (!Object.hasOwn(STEPS, name)) {
    console.error(`There is no step '${name}'. There are: ${Object.keys(STEPS).join(', ')}.`);
    process.exit(2);
  }
}
try {
  console.log(`Collector: ${await collectorBinary()}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

const folder = await mkdtemp(join(tmpdir(), 'logspan-test-collector-'));
let failed = 0;
for (const name of names) {
  if (!(await passes(name))) failed++;
}
if (failed === 0) await rm(folder, { recursive: true });
else console.log(`What the collectors received is in ${folder}`);
console.log(`${names.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/**
 * Runs one step, says how it went, and leaves no collector behind.
 * @param {string} name
 */
async function passes(name) {
  /** @type {import('./collector.mjs').Collector[]} */
  const collectors = [];
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  console.log(`… ${name}`);
  try {
    const result = await STEPS[name]?.({
      folder: await mkdtemp(join(folder, `${name}-`)),
      startCollector: async (options) => {
        const collector = await startCollector(options);
        collectors.push(collector);
        return collector;
      },
    });
    console.log(`✓ ${name}: ${result} (${seconds()})`);
    return true;
  } catch (error) {
    console.log(`✗ ${name} (${seconds()})\n${error instanceof Error ? error.stack : error}`);
    for (const collector of collectors) console.log(`The collector's last words:\n${lastWords(collector)}`);
    return false;
  } finally {
    await Promise.all(collectors.map((collector) => collector.kill('SIGKILL')));
  }
}

/** @param {import('./collector.mjs').Collector} collector */
function lastWords(collector) {
  return collector
    .logs()
    .replaceAll(/"resource": \{[^}]*\},? ?/g, '')
    .split('\n')
    .slice(-8)
    .join('\n');
}
