// @ts-check
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * What a service says after it has logged and flushed.
 *
 * @typedef {object} Outcome
 * @property {Record<string, unknown>[]} alerts the attributes of its alerts since it was last asked
 * @property {number} others how many other records came through
 * @property {import('@logspan/sdk').RedisStoreStats} stats
 * @property {number} waitedMillis
 */

/** @typedef {[event: string, attributes: Record<string, unknown>][]} Records */

/**
 * @typedef {object} Service
 * @property {(records: Records, times?: number) => Promise<Outcome>} log
 * @property {() => Promise<void>} end
 */

const PROGRAM = fileURLToPath(new URL('service.mjs', import.meta.url));

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a service for each client, all of one Redis, and waits until they are ready to log.
 *
 * @param {readonly ('redis' | 'ioredis')[]} clients
 * @param {{ port: number, cooldown?: string, timeoutMillis?: number }} options
 * @returns {Promise<Service[]>}
 */
export function startServices(clients, { port, cooldown = '300s', timeoutMillis = 10_000 }) {
  return Promise.all(clients.map((client) => startService({ client, port, cooldown, timeoutMillis })));
}

/** @param {{ client: string, port: number, cooldown: string, timeoutMillis: number }} options */
async function startService(options) {
  const child = fork(PROGRAM, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  running.add(child);
  const gone = once(child, 'exit').finally(() => running.delete(child));
  let lastId = 0;
  /** @type {Map<number, (outcome: any) => void>} */
  const waiting = new Map();
  child.on('message', (/** @type {any} */ message) => waiting.get(message.id)?.(message));
  /** @param {number} id */
  const answer = (id) =>
    new Promise((resolve, reject) => {
      waiting.set(id, resolve);
      gone.then(([code, signal]) => reject(new Error(`a service ended with ${code ?? signal}`)));
    });
  await answer(0);
  /** @param {object} what */
  const ask = (what) => {
    const id = ++lastId;
    child.send({ id, ...what });
    return answer(id);
  };
  return {
    log: (/** @type {Records} */ records, times = 1) => ask({ records, times }),
    end: async () => {
      await ask({ end: true });
      await gone;
    },
  };
}

/**
 * All of them log at once; what they say together.
 *
 * @param {readonly Service[]} services
 * @param {Records} records
 * @param {number} [times]
 */
export async function logAtOnce(services, records, times) {
  const outcomes = await Promise.all(services.map((service) => service.log(records, times)));
  return {
    alerts: outcomes.flatMap(({ alerts }) => alerts),
    others: outcomes.reduce((sum, { others }) => sum + others, 0),
    stats: outcomes.map(({ stats }) => stats),
    waitedMillis: Math.max(...outcomes.map(({ waitedMillis }) => waitedMillis)),
  };
}
