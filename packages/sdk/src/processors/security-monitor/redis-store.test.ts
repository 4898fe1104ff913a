import { describe, expect, test } from '@jest/globals';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { Redis as IoRedis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { ManualTime, settled } from '../../../../../test/delivery/manual-time.ts';
import type { RedisClient } from './redis-client.ts';
import { type RedisStoreOptions, redisStore } from './redis-store.ts';
import type { Sighting, Verdict, WindowRule } from './store.ts';

const rule: WindowRule = {
  ...{ id: 'brute_force_detected', type: 'event_count', windowMillis: 300_000, cooldownMillis: 60_000 },
  ...{ threshold: 2, steps: [], maxKeys: 100 },
};

interface Call {
  readonly by: string;
  readonly script: string;
  readonly keys: string[];
  readonly args: string[];
  readonly answer: (reply: unknown) => void;
  readonly fail: (error: Error) => void;
}

/** A client that answers when it is told to. */
function fakeClient(style: 'redis' | 'ioredis' = 'redis') {
  const calls: Call[] = [];
  const call = (by: string, script: string, keys: string[], args: string[]) =>
    new Promise((resolve, reject) => calls.push({ by, script, keys, args, answer: resolve, fail: reject }));
  const ofRedis =
    (by: string) =>
    (script: string, { keys, arguments: args }: { keys: string[]; arguments: string[] }) =>
      call(by, script, keys, args);
  const ofIoRedis =
    (by: string) =>
    (script: string, count: number, ...rest: string[]) =>
      call(by, script, rest.slice(0, count), rest.slice(count));
  const state = { isReady: true, status: 'ready' };
  const client: RedisClient =
    style === 'redis'
      ? Object.assign(state, { evalSha: ofRedis('hash'), eval: ofRedis('text') })
      : Object.assign(state, { evalsha: ofIoRedis('hash'), eval: ofIoRedis('text') });
  return { client, calls, state, last: () => calls.at(-1) as Call };
}

function shared(options: Partial<RedisStoreOptions> = {}, style: 'redis' | 'ioredis' = 'redis') {
  const fake = fakeClient(style);
  const time = new ManualTime();
  const store = redisStore({ client: fake.client, time, ...options });
  const see = (key = 'alice', more: Partial<Sighting> = {}, of: WindowRule = rule) =>
    store.observe(of, { key, nowMillis: time.now(), value: '', steps: [], ...more });
  return { ...fake, time, store, see };
}

const isAlert = async (verdict: Verdict | undefined | PromiseLike<Verdict | undefined>) => {
  const answer = await verdict;
  return answer !== undefined && 'alert' in answer;
};

/** A sighting is sent after the log call. */
const sent = () => Promise.resolve();

/** Microseconds of the server's clock. */
const SERVER_NOW = 1_770_000_000_000_000;
const nothing = [0, SERVER_NOW];

async function tellsDuring(act: () => Promise<void>): Promise<string[]> {
  const told: string[] = [];
  const note = (message: string) => void told.push(message);
  const none = () => undefined;
  diag.setLogger({ error: note, warn: note, info: note, debug: none, verbose: none }, DiagLogLevel.INFO);
  try {
    await act();
  } finally {
    diag.disable();
  }
  return told.filter((message) => message.includes('redisStore'));
}

describe.each(['redis', 'ioredis'] as const)('with a client of the package %s', (style) => {
  test('a sighting is one call by hash; the answer is the verdict', async () => {
    const { see, calls, last, store } = shared({}, style);
    const verdict = see();
    expect(calls).toHaveLength(0);
    await sent();
    expect(calls).toHaveLength(1);
    expect(last()).toMatchObject({
      by: 'hash',
      script: expect.stringMatching(/^[0-9a-f]{40}$/),
      args: ['event_count', '0', '300000000', '60000000', '2'],
    });
    last().answer([1, SERVER_NOW, 3, 1_500]);
    expect(await verdict).toEqual({ alert: { count: 2, suppressed: 3, spanMillis: 1.5 } });
    expect(store.stats()).toMatchObject({ shared: 1, local: 0, pending: 0 });
  });

  test('the text of the script follows if the server does not know it', async () => {
    const { see, calls, last } = shared({}, style);
    const verdict = see();
    await sent();
    last().fail(new Error('NOSCRIPT No matching script.'));
    await settled();
    expect(calls.map(({ by }) => by)).toEqual(['hash', 'text']);
    expect(last()).toMatchObject({ script: expect.stringContaining("redis.call('TIME')"), keys: calls[0]?.keys });
    last().answer(nothing);
    expect(await verdict).toBeUndefined();
  });
});

test('clients of both packages are taken, single and of a cluster', async () => {
  const url = 'redis://127.0.0.1:1';
  redisStore({ client: createClient({ url }) });
  redisStore({ client: createCluster({ rootNodes: [{ url }] }) });
  const client = new IoRedis({ lazyConnect: true });
  redisStore({ client });
  client.disconnect();
});

describe('what Redis is told', () => {
  test('no name, address or value, only keyed hashes; both keys of a group in one slot', async () => {
    const { see, calls } = shared({ prefix: 'shop:', secret: 's1' });
    const values: WindowRule = { ...rule, type: 'value_count' };
    see('5:alice', { value: '9:192.0.2.1' }, values);
    see('3:bob', { value: '9:192.0.2.1' }, values);
    await sent();
    const [alice, bob] = calls as [Call, Call];
    expect(JSON.stringify(calls)).not.toMatch(/alice|bob|192|brute/);
    expect(alice.keys[0]).toMatch(/^shop:\{[\w-]{22}\}:seen$/);
    expect(alice.keys[1]).toBe(alice.keys[0]?.replace('seen', 'alert'));
    expect(alice.args.at(-1)).toMatch(/^[\w-]{22}$/);
    // One value cannot be followed from group to group.
    expect(bob.args.at(-1)).not.toBe(alice.args.at(-1));
  });

  test('the same in every process with the same rule and secret, and something else with another', async () => {
    const keyOf = async (options: Partial<RedisStoreOptions>, more: Partial<WindowRule> = {}) => {
      const { see, last } = shared(options);
      see('alice', {}, { ...rule, ...more });
      await sent();
      return last().keys[0];
    };
    const one = await keyOf({ secret: 'a' });
    expect(await keyOf({ secret: Buffer.from('a') })).toBe(one);
    const others: Partial<WindowRule>[] = [
      { id: 'b' },
      { type: 'value_count' },
      { threshold: 3 },
      { windowMillis: 1_000 },
    ];
    for (const other of [keyOf({}), keyOf({ secret: 'b' }), ...others.map((more) => keyOf({ secret: 'a' }, more))]) {
      expect(await other).not.toBe(one);
    }
  });

  test('the places that a sighting takes in a sequence, from the end', async () => {
    const { see, last } = shared();
    const ordered: WindowRule = { ...rule, type: 'temporal_ordered', threshold: 4, steps: [2, 1, 1] };
    see('alice', { steps: [0] }, ordered);
    await sent();
    expect(last().args.slice(5)).toEqual(['1', '0']);
    see('alice', { steps: [0, 2] }, ordered);
    await sent();
    expect(last().args.slice(5)).toEqual(['3', '1', '0']);
  });

  test('when it would be too late, as soon as its clock is known', async () => {
    const { see, last, time, store } = shared({ timeoutMillis: 500 });
    const first = see();
    await sent();
    time.millis += 10;
    last().answer(nothing);
    await first;
    time.millis += 1_000;
    const second = see();
    await sent();
    // It answered at SERVER_NOW what it was sent 1 010 ms before the second one.
    expect(last().args[1]).toBe(String(SERVER_NOW + 1_010_000 + 250_000));
    last().answer([-1, SERVER_NOW + 9_000_000]);
    expect(await isAlert(second)).toBe(true);
    expect(store.stats()).toMatchObject({ shared: 1, local: 1, late: 1 });
  });
});

describe('when Redis does not judge, this process does, with what it has seen itself', () => {
  test('no answer in time: told once, and tried again after a second with one sighting', async () => {
    const { see, calls, last, time, store } = shared({ timeoutMillis: 100 });
    const told = await tellsDuring(async () => {
      const [first, second] = [see(), see()];
      await time.pass(99);
      expect(store.stats()).toMatchObject({ pending: 2, local: 0 });
      await time.pass(1);
      expect([await isAlert(first), await isAlert(second)]).toEqual([false, true]);
      expect(store.stats()).toMatchObject({ pending: 0, local: 2, late: 2 });

      // From now on at once: the second of bob's alerts.
      expect([see('bob'), await isAlert(see('bob'))]).toEqual([undefined, true]);
      expect(calls).toHaveLength(2);
      await time.pass(1_000);
      const probe = see('carol');
      expect(see('dave')).toBeUndefined();
      await sent();
      expect(calls).toHaveLength(3);
      last().answer(nothing);
      await probe;
      see('dave');
      await sent();
      expect(calls).toHaveLength(4);
    });
    expect(told).toEqual([
      'logspan: redisStore: Redis is away (no answer in time), time 1: this process counts for itself until it is back',
      'logspan: redisStore: Redis is back',
    ]);
    expect(store.stats()).toEqual({ shared: 1, local: 5, failed: 0, late: 2, overload: 0, away: 3, pending: 1 });
  });

  test('an error: of which the code is told, not the words', async () => {
    const { see, last, store } = shared();
    const told = await tellsDuring(async () => {
      const verdicts = [see(), see()];
      await sent();
      last().fail(new Error("OOM command not allowed when used memory > 'maxmemory' hunter2"));
      expect(await isAlert(verdicts[1])).toBe(true);
    });
    expect(told.join()).toContain('Redis is away (OOM)');
    expect(told.join()).not.toContain('hunter2');
    expect(store.stats()).toMatchObject({ failed: 1, local: 1 });
  });

  test.each([[null], ['OK'], [[]], [['x']], [[0, 0]]])('an answer that is none: %j', async (answer) => {
    const { see, last, store } = shared();
    const verdict = see();
    await sent();
    last().answer(answer);
    expect(await verdict).toBeUndefined();
    expect(store.stats()).toMatchObject({ failed: 1, shared: 0 });
  });

  test.each(['redis', 'ioredis'] as const)('a client of %s that is not connected is not asked', async (style) => {
    const { see, calls, state, time } = shared({}, style);
    Object.assign(state, { isReady: false, status: 'reconnecting' });
    expect([see(), await isAlert(see())]).toEqual([undefined, true]);
    expect(calls).toHaveLength(0);
    Object.assign(state, { isReady: true, status: 'ready' });
    await time.pass(1_000);
    see();
    await sent();
    expect(calls).toHaveLength(1);
  });

  test('too many are waiting', async () => {
    const { see, calls, last, store } = shared({ maxPending: 3 });
    for (let i = 0; i < 10; i++) see(`user-${i}`);
    await sent();
    expect(calls).toHaveLength(3);
    expect(store.stats()).toMatchObject({ pending: 3, overload: 7, local: 7 });
    last().answer(nothing);
    await settled();
    see();
    await sent();
    expect(calls).toHaveLength(4);
  });

  test('answers to what was asked before a failure do not end it, and a Redis that comes and goes is told ever more rarely', async () => {
    const { see, calls, time, last } = shared();
    const told = await tellsDuring(async () => {
      for (let outage = 1; outage <= 9; outage++) {
        see('a');
        await sent();
        time.millis += 1;
        see('b');
        await sent();
        last().fail(new Error('READONLY'));
        await settled();
        calls.at(-2)?.answer(nothing);
        await settled();
        const asked = calls.length;
        see('c');
        expect(calls).toHaveLength(asked);
        await time.pass(1_000);
        see('d');
        await sent();
        last().answer(nothing);
        await settled();
      }
    });
    expect(told.filter((message) => message.includes('away')).map((message) => /time (\d)/.exec(message)?.[1])).toEqual(
      ['1', '2', '4', '8'],
    );
    expect(told.filter((message) => message.endsWith('Redis is back'))).toHaveLength(4);
  });

  test('a client that throws is a client that fails', async () => {
    const { see, client, store } = shared();
    Object.assign(client, {
      evalSha: () => {
        throw new TypeError('closed');
      },
    });
    expect(await see()).toBeUndefined();
    expect(store.stats()).toMatchObject({ failed: 1 });
  });
});

test('an answer that came while the process was blocked counts: it is read after the timers that are due', async () => {
  const due: (() => void)[] = [];
  const { see, last, store } = shared({
    time: {
      now: () => 0,
      setTimeout: (callback) => ({ at: due.push(callback) }) as object,
      clearTimeout: () => undefined,
    },
  });
  const verdict = see();
  await sent();
  due[0]?.();
  last().answer([1, SERVER_NOW, 0, 0]);
  expect(await isAlert(verdict)).toBe(true);
  await settled();
  expect(store.stats()).toMatchObject({ shared: 1, late: 0, pending: 0 });
});

test('its timers do not keep the process alive, and none is left', async () => {
  const { see, last, time } = shared();
  const verdict = see();
  await sent();
  expect([time.timers, time.keepingAlive]).toEqual([1, 0]);
  last().answer(nothing);
  await verdict;
  expect(time.timers).toBe(0);
});

describe('a mistake is a ConfigError that names it', () => {
  const { client } = fakeClient();
  test.each<[object | null, string]>([
    [null, 'redisStore'],
    [{}, 'redisStore.client'],
    [{ client: null }, 'redisStore.client'],
    [{ client: { get: () => undefined } }, 'redisStore.client'],
    [{ client: { evalSha: () => undefined } }, 'redisStore.client'],
    [{ client, url: 'redis://:hunter2@host' }, 'redisStore.url'],
    [{ client, prefix: 7 }, 'redisStore.prefix'],
    [{ client, prefix: 'a{b}' }, 'redisStore.prefix'],
    [{ client, prefix: 'a'.repeat(101) }, 'redisStore.prefix'],
    [{ client, secret: 7 }, 'redisStore.secret'],
    [{ client, timeoutMillis: 1 }, 'redisStore.timeoutMillis'],
    [{ client, maxPending: 1_000 }, 'redisStore.maxPending'],
    [{ client, time: {} }, 'redisStore.time.now'],
  ])('%#: %s', (options, option) => {
    expect(() => redisStore(options as never)).toThrow(expect.objectContaining({ name: 'ConfigError', option }));
  });
});
