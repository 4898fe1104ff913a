// @ts-check
// Tests against a real Redis: `npm run test:redis`, or only some steps of it by name:
// `node test/redis/run.mjs exact-windows`. Steps have servers of their own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clockSetBack } from './clock-set-back.mjs';
import { exactWindows } from './exact-windows.mjs';
import { frozenRedis, killedRedis } from './killed-redis.mjs';
import { oneAlert, oneCooldown, storm } from './one-alert.mjs';
import { redisVersion, startRedis } from './redis-server.mjs';

/**
 * What a step is given. What it answers is shown behind its name.
 *
 * @typedef {object} StepContext
 * @property {(options?: { port?: number }) => Promise<import('./redis-server.mjs').RedisServer>} startRedis
 *   a server that the step does not kill is killed after it
 */

/** @type {Record<string, (context: StepContext) => Promise<string>>} */
const STEPS = {
  'exact-windows': exactWindows,
  'clock-set-back': clockSetBack,
  'one-alert': oneAlert,
  'one-cooldown': oneCooldown,
  storm,
  'killed-redis': killedRedis,
  'frozen-redis': frozenRedis,
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(STEPS);
for (const name of names) {
  if (!Object.hasOwn(STEPS, name)) {
    console.error(`There is no step '${name}'. There are: ${Object.keys(STEPS).join(', ')}.`);
    process.exit(2);
  }
}
try {
  console.log(await redisVersion());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

const folder = await mkdtemp(join(tmpdir(), 'logspan-test-redis-'));
let failed = 0;
for (const name of names) {
  if (!(await passes(name))) failed++;
}
await rm(folder, { recursive: true });
console.log(`${names.length - failed} passed, ${failed} failed`);
// Services of a step that has failed may still run: they are killed on the way out.
process.exit(failed === 0 ? 0 : 1);

/**
 * Runs one step, says how it went, and leaves no server behind.
 * @param {string} name
 */
async function passes(name) {
  /** @type {import('./redis-server.mjs').RedisServer[]} */
  const servers = [];
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  console.log(`… ${name}`);
  try {
    const result = await STEPS[name]?.({
      startRedis: async (options) => {
        const server = await startRedis({ folder, ...options });
        servers.push(server);
        return server;
      },
    });
    console.log(`✓ ${name}: ${result} (${seconds()})`);
    return true;
  } catch (error) {
    console.log(`✗ ${name} (${seconds()})\n${error instanceof Error ? error.stack : error}`);
    return false;
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
  }
}
