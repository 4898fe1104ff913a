// @ts-check
// A real Redis for the tests: on a free loopback port, with a folder of its own and nothing kept on disk.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createClient } from 'redis';

const NO_REDIS = 'The Redis tests need redis-server: apt-get install redis-server (package redis-server of Debian).';

/** What `redis-server --version` says; rejects with a sentence for people if there is none. */
export async function redisVersion() {
  const { stdout } = await promisify(execFile)('redis-server', ['--version']).catch(() => {
    throw new Error(NO_REDIS);
  });
  return stdout.trim();
}

/**
 * @typedef {object} RedisServer
 * @property {number} port
 * @property {(signal: NodeJS.Signals) => void} signal
 * @property {() => Promise<void>} kill SIGKILL; resolves when the process is gone
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a server and waits until it answers, at most 20 s.
 *
 * @param {{ folder: string, port?: number }} options
 * @returns {Promise<RedisServer>}
 */
export async function startRedis({ folder, port: wanted }) {
  const port = wanted ?? (await freePort());
  const options = { port: String(port), bind: '127.0.0.1', save: '', appendonly: 'no', dir: folder };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let words = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (words += text));
  const gone = once(child, 'exit').finally(() => running.delete(child));
  const deadline = Date.now() + 20_000;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`redis-server did not start:\n${words}`);
    await delay(20);
  }
  return {
    port,
    signal: (signal) => void child.kill(signal),
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** @param {number} port */
async function answers(port) {
  const client = createClient({ socket: { port, host: '127.0.0.1', reconnectStrategy: false } });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.destroy();
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}
