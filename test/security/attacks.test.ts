import { afterEach, describe, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import {
  BRUTE_FORCE,
  dedupe,
  type Handler,
  type Logging,
  type LogRecord,
  rateLimit,
  redact,
  register,
  type SecurityStore,
  type Step,
  sample,
  securityMonitor,
} from '@logspan/sdk';
import { run } from '../delivery/child.ts';
import { ManualTime, settled } from '../delivery/manual-time.ts';

let logging: Logging | undefined;
afterEach(async () => {
  await logging?.shutdown({ timeoutMillis: 1 });
});

function handler(name: string, onEmit: (record: LogRecord) => void): Handler {
  const deliveryAccount = () => ({ accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 });
  const done = async () => undefined;
  return { name, start: () => ({ onEmit, forceFlush: done, shutdown: done, deliveryAccount }) };
}

/** A service with a monitor, and what comes out at its end. */
function service(behind: readonly Step[] = [], handlers: readonly Handler[] = [], store?: SecurityStore) {
  const time = new ManualTime();
  const monitor = securityMonitor({ time, ...(store && { store }) });
  const alerts: Record<string, unknown>[] = [];
  let others = 0;
  const memory = handler('memory', ({ eventName, attributes }) => {
    if (eventName === 'security_alert') alerts.push({ ...attributes });
    else others++;
  });
  logging = register({ processors: [monitor, ...behind], handlers: [memory, ...handlers], exitHooks: false });
  const logger = getLogger('shop');
  return {
    ...{ time, monitor, alerts, logging },
    others: () => others,
    fail: (username: string, more: object = {}) => logger.info('login_failed', { username, ...more }),
    victims: () => alerts.filter(({ alert_type }) => alert_type === 'brute_force_detected'),
  };
}

const dropAll = () => [sample({ ratio: 0 }), rateLimit({ perSecond: 1 })];

describe('who makes up 200 000 names', () => {
  const NAMES = 200_000;

  test.each([1, 2])('%d time(s) each, does not hide the victim, whose fifth failure is an alert', (each) => {
    const { time, fail, victims, alerts, monitor } = service(dropAll());
    const seen: number[] = [];
    let failures = 0;
    // Within the window of 300 s.
    for (let i = 0; i < NAMES; i++) {
      time.millis += 1;
      for (let n = 0; n < each; n++) fail(`made-up-${i}`);
      if (i % (NAMES / 5) !== NAMES / 10) continue;
      fail('victim');
      failures++;
      seen.push(victims().length);
    }
    expect([failures, seen]).toEqual([5, [0, 0, 0, 0, 1]]);
    expect(victims()).toEqual([expect.objectContaining({ username: 'victim', count: 5 })]);
    // That there is no room for all of them is told, once in the window.
    expect(alerts.filter(({ alert_type }) => alert_type === 'security_monitor_overflow')).toHaveLength(1);
    expect(monitor.stats().brute_force_detected).toMatchObject({ matched: NAMES * each + 5, unjudged: 0, alerts: 2 });
  });

  test('does not use up the memory: with 48 MB for everything the service lives', async () => {
    const heap = '--max-old-space-size=48';
    // As many names of 126 characters would be 80 MB by themselves.
    const bounded = await run([heap, 'made-up-names.mjs', '400000', '10000'], {});
    expect(bounded).toMatchObject({ code: 0 });
    expect(JSON.parse(bounded.stdout)).toMatchObject({ brute_force_detected: { matched: 400_000, unjudged: 0 } });
  });
});

describe('a storm of 20 000 failures', () => {
  test('is one alert, although nothing else passes, and one more for each cooldown', () => {
    const { time, fail, alerts, others } = service(dropAll());
    const failures = (count: number) => {
      for (let i = 0; i < count; i++) fail('alice');
    };
    failures(20_000);
    expect([alerts.length, others()]).toEqual([1, 0]);
    // Twenty thousand in 1 000 s: 50 ms apart.
    for (let i = 0; i < 20_000; i++) {
      time.millis += 50;
      fail('alice');
    }
    expect(alerts).toHaveLength(1 + 3);
    expect(alerts.reduce((sum, { suppressed }) => sum + (suppressed as number), 0)).toBeGreaterThan(30_000);
    // The record before an alert is dropped, the alert is not.
    expect(others()).toBe(0);
  });

  test.each<[string, () => Step]>([
    ['sample', () => sample({ ratio: 0 })],
    ['rateLimit', () => rateLimit({ perSecond: 1, key: () => 'all' })],
    ['dedupe', () => dedupe()],
  ])('its alert passes %s', (_, behind) => {
    const { fail, alerts } = service([behind()]);
    for (let i = 0; i < 20_000; i++) fail('alice');
    expect(alerts).toEqual([
      expect.objectContaining({ alert_type: 'brute_force_detected', username: 'alice', count: 5, suppressed: 0 }),
    ]);
  });
});

describe('what an alert tells', () => {
  test('is redacted like any record, and groups are told apart all the same', () => {
    const { fail, alerts } = service([sample({ ratio: 0 }), redact({ keys: ['username'] })]);
    for (let i = 0; i < 4; i++) fail('alice');
    for (let i = 0; i < 4; i++) fail('bob');
    expect(alerts).toEqual([]);
    fail('alice');
    expect(alerts).toEqual([expect.objectContaining({ username: '***REDACTED***', count: 5 })]);
  });

  test('holds no secret that stands in the name of a group, without any redact() of one’s own', () => {
    const token = `eyJhbGciOiJIUzI1NiJ9.${'a'.repeat(40)}.${'b'.repeat(43)}`;
    const { fail, alerts } = service();
    for (let i = 0; i < 5; i++) fail(`Bearer ${token}`);
    expect(alerts).toHaveLength(1);
    expect(JSON.stringify(alerts)).not.toContain(token);
  });

  test('is in the account of the pipeline', () => {
    const { fail, logging } = service(dropAll());
    for (let i = 0; i < 100; i++) fail('alice');
    const { emitted, written, passed, dropped } = logging.stats().pipeline;
    expect(passed + Object.values(dropped).reduce((a, b) => a + b, 0)).toBe(emitted + written);
    expect([emitted, written, passed]).toEqual([100, 1, 1]);
  });
});

test('a destination that throws does not bring an alert into the login handler, nor keep it from the others', () => {
  const failing = handler('failing', () => {
    throw new Error('no');
  });
  const { fail, alerts } = service([], [failing]);
  for (let i = 0; i < 20; i++) fail('alice');
  expect(alerts).toHaveLength(1);
});

test.each([
  ['in the log call', undefined],
  [
    'when the store has answered',
    { observe: async () => ({ alert: { count: 1, suppressed: 0, spanMillis: 0 } }) } satisfies SecurityStore,
  ],
])('a destination that logs because of an alert does not feed itself: %s', async (_, store) => {
  const chatty = handler('chatty', ({ eventName }) => {
    if (eventName === 'security_alert') getLogger('shop').warn('login_failed', { username: 'alice' });
  });
  const { fail, alerts, logging } = service([], [chatty], store);
  for (let i = 0; i < (store ? 1 : 5); i++) fail('alice');
  await settled();
  expect(alerts).toHaveLength(1);
  expect(logging.stats().pipeline.dropped).toMatchObject({ reentrant: 1 });
});

test('two monitors in a pipeline do not judge the alerts of each other', () => {
  const any = securityMonitor({
    rules: [{ ...BRUTE_FORCE, id: 'any', match: { event: '*' }, groupBy: [], condition: { gte: 6 } }],
  });
  const { fail, alerts } = service([any]);
  for (let i = 0; i < 5; i++) fail('alice');
  expect(alerts.map(({ alert_type }) => alert_type)).toEqual(['brute_force_detected']);
});
