// A service in a process of its own, as its parent sees it.
import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Longer than a service takes to deliver what it holds. */
const STOP_MILLIS = 20_000;
const MOST_LINES = 20;
const LONGEST_LINE = 160;

/**
 * @param {string} name of the file, and of the service
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env
 * @param {(text: string) => void} options.onLine told what the service writes to its terminal, 20 lines at most
 */
export function startService(name, { env, onLine }) {
  const child = fork(fileURLToPath(new URL(`${name}.mjs`, import.meta.url)), {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const service = {
    name,
    /** Resolves with the URL when the service listens. */
    ready: undefined,
    /** Resolves with an exit code or a signal, whenever that is. */
    ended: undefined,
    /** What `logging.stats()` said last, and whether that was after its shutdown. */
    stats: undefined,
    final: false,
    /** Ends it: resolves when it has delivered what it held, or was killed because it took too long. */
    async stop() {
      if (child.connected) child.send('stop', () => {});
      const patience = setTimeout(() => child.kill('SIGKILL'), STOP_MILLIS);
      await service.ended;
      clearTimeout(patience);
    },
    kill: () => child.kill('SIGKILL'),
  };
  service.ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  service.ready = new Promise((resolve, reject) => {
    child.on('message', ({ url, stats, final = false }) => {
      if (url !== undefined) resolve(url);
      if (stats !== undefined) Object.assign(service, { stats, final });
    });
    service.ended.then((how) => reject(new Error(`${name} ended before it was ready (${how})`)));
  });
  service.ready.catch(() => {});
  let lines = 0;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (++lines <= MOST_LINES)
        onLine(`${name}: ${line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line}`);
      else if (lines === MOST_LINES + 1) onLine(`${name}: … and more`);
    });
  }
  return service;
}
