import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Ended, type OnLine, run } from './delivery/child.ts';
import { FakeCollector } from './delivery/fake-collector.ts';

// These run the built packages, as an application does.

/** As long as the longest of them takes, and some more for a slow machine. */
const PATIENCE = 40_000;
const all = Array.from({ length: 1_000 }, (_, id) => String(id)).sort();

interface Run extends Ended {
  readonly collector: FakeCollector;
  /** The ids that arrived, without repetitions. */
  readonly arrived: readonly string[];
  /** The account when the process had ended, if there was a moment to look at it. */
  readonly account: { accepted: number; delivered: number; rejected: number; dropped: object; pending: number };
}

/** Runs the application against a collector of its own. */
async function end(
  ending: string,
  options: object | 'off' | 'by default' = {},
  {
    set = () => undefined,
    onLine,
    node = [],
  }: { set?: (collector: FakeCollector) => unknown; onLine?: OnLine; node?: readonly string[] } = {},
): Promise<Run> {
  const collector = await new FakeCollector().start();
  await set(collector);
  const given = typeof options === 'string' ? options : JSON.stringify(options);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_LOG_LEVEL: 'WARN' };
  const ended = await run([...node, 'process-end.mjs', ending, given], env, onLine);
  await collector.stop();
  const line = ended.stdout.split('\n').find((text) => text.startsWith('{"stats"'));
  const { accepted, delivered, rejected, dropped, pending } = JSON.parse(line ?? '{}').stats ?? {};
  return {
    ...ended,
    collector,
    arrived: [...new Set(collector.records.map(({ id }) => id).filter((id) => id !== 'undefined'))].sort(),
    account: { accepted, delivered, rejected, dropped, pending },
  };
}

const kill =
  (signal: NodeJS.Signals): OnLine =>
  (line, child) => {
    if (line === 'ready') child.kill(signal);
  };

/** Of beforeExit, exit, SIGTERM, SIGINT, uncaughtExceptionMonitor. */
const listenersIn = ({ stdout }: Ended): number[] => JSON.parse(stdout.split('\n')[0] ?? '');

const howItEnded = ({ code, signal }: Ended) => ({ code, signal });

const refusing = { set: (collector: FakeCollector) => collector.stop() };
const silent = {
  set: (collector: FakeCollector) => {
    collector.otherwise = 'never answers';
  },
};
// Each waits for its deadline: all at the same time, and while the other tests run.
const runs: Record<string, Promise<Run>> = {};
beforeAll(() => {
  runs.refusing = end('natural', {}, refusing);
  runs.silent = end('natural', {}, silent);
  runs.exit = end('process.exit', {}, silent);
  runs.writing = end('writes whenever the loop runs dry', {}, refusing);
  runs.killed = end('waits to be killed', {}, { ...refusing, onLine: kill('SIGTERM') });
  runs.twice = end(
    'waits to be killed twice',
    {},
    {
      ...silent,
      onLine: (line, child) => {
        if (line === 'ready' || line === 'handled') child.kill('SIGTERM');
      },
    },
  );
});
afterAll(async () => {
  await Promise.allSettled(Object.values(runs));
});

describe('all 1000 records arrive, and the process ends as it would without logspan', () => {
  test.each<[string, OnLine | undefined]>([
    ['natural', undefined],
    ['exit code set', undefined],
    ['process.exit', undefined],
    ['process.exit later', undefined],
    ['process.exit with an environment that the last delivery must not inherit', undefined],
    ['throw', undefined],
    ['throw text', undefined],
    ['reject', undefined],
    ['caught by the application', undefined],
    ['exit in an exit listener', undefined],
    ['waits to be killed', kill('SIGTERM')],
    ['waits to be killed', kill('SIGINT')],
    ['waits to be killed', kill('SIGHUP')],
  ])(
    '%s (%#)',
    async (ending, onLine) => {
      const doing = onLine === undefined ? {} : { onLine };
      const [without, ended] = await Promise.all([end(ending, 'off', doing), end(ending, {}, doing)]);
      expect(howItEnded(ended)).toEqual(howItEnded(without));
      // SIGHUP is not among the signals that are listened for: what was held is gone.
      if (ended.signal !== 'SIGHUP') expect(ended.arrived).toEqual(all);
    },
    PATIENCE,
  );

  test.each(['natural', 'process.exit'])(
    'CommonJS: %s',
    async (ending) => {
      const collector = await new FakeCollector().start();
      const { code } = await run(['process-end.cjs', ending], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
      await collector.stop();
      expect(code).toBe(ending === 'natural' ? 0 : 3);
      expect([...new Set(collector.records.map(({ id }) => id))].sort()).toEqual(all);
    },
    PATIENCE,
  );
});

describe('an exception that nobody caught', () => {
  test.each([
    ['throw', 'uncaughtException', { 'exception.type': 'RangeError', 'exception.message': 'out of range' }],
    ['reject', 'unhandledRejection', { 'exception.type': 'TypeError', 'exception.message': 'nobody waits' }],
    ['caught by the application', 'uncaughtException', { 'exception.type': 'RangeError' }],
  ])(
    'is the last record: %s',
    async (ending, body, attributes) => {
      const { collector, stderr } = await end(ending);
      const last = collector.records.filter(({ eventName }) => eventName === 'exception');
      expect(new Set(last.map((record) => record.severityText))).toEqual(new Set(['FATAL']));
      expect(last[0]).toMatchObject({ severityNumber: 21, body, attributes });
      expect(last[0]?.attributes['exception.stacktrace']).toContain('process-end.mjs');
      // Node still tells of it.
      if (ending !== 'caught by the application') expect(stderr).toContain(attributes['exception.type']);
    },
    PATIENCE,
  );

  test(
    'is no record where the level lets nothing through',
    async () => {
      const { collector, code } = await end('throw', { level: 'off' });
      expect([code, collector.requests.length]).toEqual([1, 0]);
    },
    PATIENCE,
  );
});

describe('others who have a say in the end', () => {
  test(
    'an application that listens for SIGTERM itself ends when it wants, with its last records',
    async () => {
      const ended = await end('listens for SIGTERM itself', {}, { onLine: kill('SIGTERM') });
      expect(howItEnded(ended)).toEqual({ code: 7, signal: null });
      expect(ended.arrived).toEqual([...all, '1000'].sort());
      expect(ended.stdout.match(/asked to end/g)).toHaveLength(1);
    },
    PATIENCE,
  );

  test(
    'signal-exit tidies up, and the process ends by the signal',
    async () => {
      const ended = await end('uses signal-exit', {}, { onLine: kill('SIGTERM') });
      expect(howItEnded(ended)).toEqual({ code: null, signal: 'SIGTERM' });
      expect(ended.stdout).toContain('tidied up after SIGTERM');
      expect(ended.arrived).toEqual(all);
    },
    PATIENCE,
  );

  test(
    'an application that writes whenever the loop runs dry ends nevertheless',
    async () => {
      const { code, arrived, account } = await end('writes whenever the loop runs dry');
      expect(code).toBe(0);
      expect(arrived).toEqual(all);
      expect(account.pending).toBe(0);
      expect(account.accepted).toBeGreaterThan(1_000);
    },
    PATIENCE,
  );

  test(
    'an application that shuts down itself',
    async () => {
      const { code, arrived, account } = await end('shuts down itself');
      expect(code).toBe(0);
      expect(arrived).toEqual(all);
      expect(account).toEqual({ accepted: 1_000, delivered: 1_000, rejected: 0, dropped: {}, pending: 0 });
    },
    PATIENCE,
  );

  test(
    'exitHooks: false leaves the end alone',
    async () => {
      const [counted, own] = await Promise.all([
        end('counts listeners', { exitHooks: false }),
        end('shuts down itself', { exitHooks: false }),
      ]);
      expect(listenersIn(counted)).toEqual(listenersIn(await end('counts listeners', 'off')));
      expect(counted.code).toBe(0);
      expect(own.arrived).toEqual(all);
    },
    PATIENCE,
  );

  test(
    'signals: false leaves signals alone, and nothing else',
    async () => {
      const [counted, killed] = await Promise.all([
        end('counts listeners', { signals: false }),
        end('waits to be killed', { signals: false }, { onLine: kill('SIGTERM') }),
      ]);
      const without = listenersIn(await end('counts listeners', 'off'));
      expect(listenersIn(counted).map((count, index) => count - (without[index] ?? 0))).toEqual([1, 1, 0, 0, 1]);
      expect(counted.arrived).toEqual(all);
      expect(howItEnded(killed)).toEqual({ code: null, signal: 'SIGTERM' });
    },
    PATIENCE,
  );
});

describe('--import @logspan/sdk/register', () => {
  const node = ['--import', '@logspan/sdk/register'];

  test(
    'is enough',
    async () => {
      const { code, arrived } = await end('process.exit', 'by default', { node });
      expect(code).toBe(3);
      expect(arrived).toEqual(all);
    },
    PATIENCE,
  );

  test(
    'makes way for an application that registers itself',
    async () => {
      const { code, arrived, account, stderr } = await end('natural', { level: 'debug' }, { node });
      expect(code).toBe(0);
      expect(arrived).toEqual(all);
      expect(account).toMatchObject({ accepted: 1_000, delivered: 1_000 });
      expect(stderr).toBe('');
    },
    PATIENCE,
  );

  test(
    'and a signal ends it, though there were two',
    async () => {
      const ended = await end('waits to be killed', {}, { node, onLine: kill('SIGTERM') });
      expect(howItEnded(ended)).toEqual({ code: null, signal: 'SIGTERM' });
      expect(ended.arrived).toEqual(all);
    },
    PATIENCE,
  );
});

describe('a dead collector', () => {
  test.each([
    ['refusing', 0],
    ['silent', 0],
    ['exit', 3],
    ['writing', 0],
  ])(
    'does not keep a process from its end, nor change it, and the losses are counted and told: %s',
    async (name, code) => {
      const ended = (await runs[name]) as Run;
      expect(howItEnded(ended)).toEqual({ code, signal: null });
      // The two batches, and one in the last moment: no request of ours holds the process for its own longer deadline.
      expect(ended.collector.requests.length).toBeLessThanOrEqual(3);
      const { accepted, delivered, dropped, pending } = ended.account;
      // Written by the application in its last moment, after the account was closed.
      expect(pending).toBeLessThanOrEqual(name === 'writing' ? 1 : 0);
      expect({ delivered, dropped }).toEqual({ delivered: 0, dropped: { process_exit: accepted - pending } });
      expect(ended.stderr).toMatch(/dropped: \d+ records: process_exit/);
    },
    PATIENCE,
  );

  test(
    'a signal ends the process at its deadline, and the losses are told',
    async () => {
      const ended = (await runs.killed) as Run;
      expect(howItEnded(ended)).toEqual({ code: null, signal: 'SIGTERM' });
      expect(ended.stderr).toMatch(/dropped: \d+ records: shutdown_deadline/);
    },
    PATIENCE,
  );

  test(
    'a second signal ends the process at once',
    async () => {
      const ended = (await runs.twice) as Run;
      expect(howItEnded(ended)).toEqual({ code: null, signal: 'SIGTERM' });
      expect(ended.stdout).toContain('handled');
      expect(ended.stderr).not.toContain('shutdown_deadline');
    },
    PATIENCE,
  );
});
