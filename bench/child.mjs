// Processes that answer questions: contestants and the receiver.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

// What the shell has set for OpenTelemetry must not decide who wins.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(OTEL_|LOGSPAN_|NODE_OPTIONS$)/.test(name)),
);

/** Longer than the longest answer takes on a busy machine: whoever is silent for so long hangs. */
const LONGEST_ANSWER_MILLIS = 120_000;

/** Starts a script; resolves when it is ready to be asked. */
export async function startChild(script, args = [], execArgv = []) {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    execArgv,
    env: environment,
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const title = [script, ...args].join(' ');
  const waiting = new Map();
  let lastId = 0;
  const answerTo = (id) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id);
        child.kill();
        reject(new Error(`${title} has not answered for ${LONGEST_ANSWER_MILLIS / 1_000} s`));
      }, LONGEST_ANSWER_MILLIS);
      waiting.set(id, ({ result, error }) => {
        clearTimeout(timer);
        waiting.delete(id);
        if (error === undefined) resolve(result);
        else reject(new Error(`${title}: ${error}`));
      });
    });
  child.on('message', ({ id, ...answer }) => waiting.get(id)?.(answer));
  child.on('exit', (code, signal) => {
    for (const answer of [...waiting.values()]) answer({ error: `ended with ${signal ?? `exit code ${code}`}` });
  });
  // The child speaks first, with id 0.
  await answerTo(0);
  return {
    ask(method, argument) {
      const answer = answerTo(++lastId);
      child.send({ id: lastId, method, argument });
      return answer;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

export function startContestant({ name, options = {}, execArgv = [] }, profile) {
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  return startChild('./contestant.mjs', [name, JSON.stringify(options)], [...execArgv, ...profiling]);
}
