// @ts-check
// Runs processes that send records, and collects what their SDKs account for.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * What `logging.stats()` says.
 * @typedef {{ accepted: number, delivered: number, rejected: number, dropped: Record<string, number>, pending: number }} Stats
 */

/**
 * @typedef {Pick<Stats, 'delivered' | 'pending'>} Progress
 */

/** The program that writes numbered records. */
export const PRODUCER = fileURLToPath(new URL('producer.mjs', import.meta.url));

/**
 * Runs one process to its end. It reports by IPC: `{ delivered, pending }` now and then, and `{ stats }` when it has shut down.
 *
 * @param {object} options
 * @param {string} options.endpoint of the collector
 * @param {string} [options.program] any program that reports like producer.mjs
 * @param {object} options.task its one argument, as JSON
 * @param {Record<string, string>} [options.env]
 * @param {(progress: Progress) => void} [options.onProgress]
 * @returns {Promise<Stats>} rejects unless it reports its stats and ends with exit code 0 within 90 s
 */
export function produce({ endpoint, program = PRODUCER, task, env = {}, onProgress }) {
  return new Promise((resolve, reject) => {
    const child = fork(program, [JSON.stringify(task)], {
      env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // It waits for the network; one that waits for ever is to fail, not to hang.
      timeout: 90_000,
      killSignal: 'SIGKILL',
    });
    const stop = () => child.kill('SIGKILL');
    process.on('exit', stop);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-8 * 1024);
      });
    }
    /** @type {Stats | undefined} */
    let stats;
    /** @type {Progress} */
    let progress = { delivered: 0, pending: 0 };
    child.on('message', (/** @type {Progress | { stats: Stats }} */ message) => {
      if ('stats' in message) {
        stats = message.stats;
      } else {
        progress = message;
        onProgress?.(progress);
      }
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('exit', stop);
      if (code === 0 && stats !== undefined) resolve(stats);
      else {
        const end = signal ?? `exit code ${code}`;
        reject(new Error(`${program} ended with ${end}, last seen with ${JSON.stringify(progress)}:\n${output}`));
      }
    });
  });
}

/**
 * Several producers at a time, sharing the numbers 0 to count - 1. A share is a multiple of 1000.
 *
 * @param {object} options
 * @param {string} options.endpoint
 * @param {number} options.count
 * @param {number} options.processes
 * @param {number} options.maxPending for each process
 * @param {Record<string, string>} [options.env]
 * @param {(progress: Progress) => void} [options.onProgress] with the sum of all
 * @returns {Promise<Stats>} the sum of all
 */
export async function produceInParallel({ endpoint, count, processes, maxPending, env = {}, onProgress }) {
  const share = Math.ceil(count / processes / 1000) * 1000;
  /** @type {Progress[]} */
  const seen = Array.from({ length: processes }, () => ({ delivered: 0, pending: 0 }));
  const all = await Promise.all(
    seen.map((_, i) =>
      produce({
        endpoint,
        env,
        task: { firstId: i * share, count: Math.min(share, count - i * share), maxPending },
        onProgress: (now) => {
          seen[i] = now;
          onProgress?.({
            delivered: seen.reduce((sum, each) => sum + each.delivered, 0),
            pending: seen.reduce((sum, each) => sum + each.pending, 0),
          });
        },
      }),
    ),
  );
  /** @type {Stats} */
  const sum = { accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 };
  for (const each of all) {
    for (const key of /** @type {const} */ (['accepted', 'delivered', 'rejected', 'pending'])) sum[key] += each[key];
    for (const [reason, n] of Object.entries(each.dropped)) sum.dropped[reason] = (sum.dropped[reason] ?? 0) + n;
  }
  return sum;
}
