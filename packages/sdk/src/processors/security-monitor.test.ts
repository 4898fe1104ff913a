import { describe, expect, test } from '@jest/globals';
import { lazy } from '@logspan/logger';
import { ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { ManualTime, settled } from '../../../../test/delivery/manual-time.ts';
import { emitTo, providers, Recorder, through, toldDuring } from '../../../../test/pipeline/recorder.ts';
import { pipe } from '../pipeline/pipe.ts';
import type { LogRecordProcessor } from '../pipeline/stage.ts';
import { redact } from './redact.ts';
import {
  AUTHORIZATION_BURST,
  BRUTE_FORCE,
  DEFAULT_SECURITY_RULES,
  LOGGING_SILENCE,
  PASSWORD_SPRAY,
  type SecurityMonitorOptions,
  type SecurityRule,
  type SecurityStore,
  SUCCESS_AFTER_FAILURES,
  securityMonitor,
  type Verdict,
} from './security-monitor.ts';

/** A monitor, the records that come out of it, and time that stands still. */
function monitored(options: SecurityMonitorOptions = {}) {
  const time = new ManualTime();
  const monitor = securityMonitor({ time, ...options });
  const { end, emit, processor } = through(monitor);
  const log = (eventName: string, attributes: Record<string, unknown> = {}) => emit({ eventName, attributes });
  const alerts = () => end.records.filter(({ writtenByStage }) => writtenByStage).map(({ attributes }) => attributes);
  return { monitor, time, end, emit, processor, log, alerts, types: () => alerts().map((one) => one.alert_type) };
}

const times = (count: number, act: (i: number) => void) => {
  for (let i = 0; i < count; i++) act(i);
};

const rule = (more: Partial<SecurityRule> = {}): SecurityRule =>
  ({
    ...{ id: 'r', type: 'event_count', match: { event: 'e' }, groupBy: ['k'], window: '10s', condition: { gte: 2 } },
    ...more,
  }) as SecurityRule;

describe.each(providers)('by default, with %s', (_, emitFrom) => {
  const start = () => {
    const end = new Recorder();
    const time = new ManualTime();
    return { end, time, emit: emitFrom(securityMonitor({ time })(end)) };
  };

  test('the fifth login_failed of a user within 300 s is an alert, behind the record and in its trace', () => {
    const { end, time, emit } = start();
    const spanContext = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: '00f067aa0ba902b7', traceFlags: 1 };
    const context = trace.setSpanContext(ROOT_CONTEXT, { ...spanContext, traceFlags: TraceFlags.SAMPLED });
    const timestamp = Date.UTC(2026, 0, 1, 12);
    times(5, (i) => {
      time.millis += 10_000;
      emit({
        eventName: 'login_failed',
        attributes: { username: 'alice' },
        context,
        timestamp: timestamp + i * 10_000,
      });
    });
    expect(end.events).toEqual([...new Array(5).fill('login_failed'), 'security_alert']);
    expect(end.records.at(-1)).toMatchObject({
      severityText: 'WARN',
      spanContext: { traceId: spanContext.traceId },
      instrumentationScope: { name: 'test' },
      attributes: {
        alert_type: 'brute_force_detected',
        username: 'alice',
        count: 5,
        suppressed: 0,
        first_time: '2026-01-01T12:00:00.000Z',
        last_time: '2026-01-01T12:00:40.000Z',
      },
    });
  });

  test('so is the tenth rate_limit_exceeded of an address within 60 s', () => {
    const { end, time, emit } = start();
    times(10, () => {
      time.millis += 6_000;
      emit({ eventName: 'rate_limit_exceeded', attributes: { ip: '192.0.2.1' } });
    });
    expect(end.records.at(-1)?.attributes).toMatchObject({
      alert_type: 'rate_limit_abuse',
      ip: '192.0.2.1',
      count: 10,
    });
  });

  test('what is slower, of others, or called something like it is none', () => {
    const { end, time, emit } = start();
    times(20, (i) => {
      time.millis += 75_000;
      emit({ eventName: 'login_failed', attributes: { username: 'slow' } });
      emit({ eventName: 'login_failed', attributes: { username: `user-${i}` } });
      emit({ eventName: 'not_a_login_failed_event', attributes: { username: 'alice' } });
      emit({ body: 'login_failed', attributes: { username: 'alice' } });
    });
    expect(end.events).not.toContain('security_alert');
  });
});

describe('what is easily got wrong', () => {
  test('an alert cannot raise into the login handler: not by its destination, the store, or what the record holds', async () => {
    const failing: LogRecordProcessor = {
      onEmit(record) {
        if (record.writtenByStage) throw new Error('no alerts today');
      },
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    };
    const alarmed = emitTo(securityMonitor()(failing));
    const store: SecurityStore = {
      observe() {
        throw new Error('the store is gone');
      },
    };
    const { monitor, emit, end } = monitored({ store });
    const explode = (): never => {
      throw new Error('hands off');
    };
    const hostile = new Proxy({}, { get: explode, ownKeys: explode, getOwnPropertyDescriptor: explode });
    const told = await toldDuring(() => {
      times(200, () => alarmed({ eventName: 'login_failed', attributes: { username: 'alice' } }));
      times(200, () => emit({ eventName: 'login_failed', attributes: { username: 'alice' } }));
      emit({ eventName: 'login_failed', attributes: hostile });
    });
    expect(end.records).toHaveLength(201);
    expect(monitor.stats().brute_force_detected).toMatchObject({ unjudged: 200 });
    expect(told.join()).toContain('1 held record(s) could not be passed on');
    expect(told.join()).not.toContain('the store is gone');
  });

  test('a storm of 20 000 failures is one alert, and one more for each cooldown, which says what was suppressed', () => {
    const { time, log, alerts } = monitored();
    times(20_000, () => log('login_failed', { username: 'alice' }));
    expect(alerts()).toHaveLength(1);
    time.millis += 300_000;
    times(5, () => log('login_failed', { username: 'alice' }));
    expect(alerts()).toHaveLength(2);
    expect(alerts()[1]).toMatchObject({ count: 5, suppressed: 19_995 });
  });

  test('memory is bounded: who makes up names without end is told of, once, and hides nobody', () => {
    const { monitor, log, alerts } = monitored({ rules: [{ ...BRUTE_FORCE, maxKeys: 10 }] });
    times(4, () => log('login_failed', { username: 'victim' }));
    times(400, (i) => log('login_failed', { username: `made-up-${i}` }));
    log('login_failed', { username: 'victim' });
    expect(alerts()).toEqual([
      { alert_type: 'security_monitor_overflow', rule: 'brute_force_detected', count: 1 },
      expect.objectContaining({ alert_type: 'brute_force_detected', username: 'victim' }),
    ]);
    expect(monitor.stats().brute_force_detected).toMatchObject({ alerts: 2, overflow: 391 });
  });

  describe('each record without room is counted at once, and told once', () => {
    const overflowing = () => {
      const made = monitored({ rules: [rule({ maxKeys: 1 })] });
      made.log('e', { k: 'first' });
      let next = 0;
      const context = trace.setSpanContext(ROOT_CONTEXT, {
        traceId: 'a'.repeat(32),
        spanId: 'b'.repeat(16),
        traceFlags: TraceFlags.SAMPLED,
      });
      const flood = (count: number) =>
        times(count, () => made.emit({ eventName: 'e', attributes: { k: `made-up-${next++}` }, context }));
      const counts = () => made.alerts().map(({ alert_type, count }) => [alert_type, count]);
      return { ...made, flood, counts, stats: () => made.monitor.stats().r };
    };
    const told = (...counts: number[]) => counts.map((count) => ['security_monitor_overflow', count]);

    test('the first at once, the rest when the window is over, though nothing comes any more', async () => {
      const { time, end, flood, counts, stats } = overflowing();
      flood(400);
      expect([counts(), stats()]).toEqual([told(1), expect.objectContaining({ overflow: 400, alerts: 1 })]);
      expect([time.timers, time.keepingAlive]).toEqual([1, 0]);
      await time.pass(9_999);
      expect(counts()).toEqual(told(1));
      await time.pass(1);
      expect(counts()).toEqual(told(1, 399));
      // Of many traces, so it is part of none; and nothing more is to be told.
      const traces = end.records.filter(({ writtenByStage }) => writtenByStage).map((one) => one.spanContext?.traceId);
      expect(traces).toEqual(['a'.repeat(32), undefined]);
      expect(time.timers).toBe(0);
      // The one that has a place had left the window, so the first of these takes it.
      flood(4);
      await time.pass(100_000);
      expect(counts()).toEqual(told(1, 399, 3));
      flood(2);
      expect([counts(), stats()]).toEqual([told(1, 399, 3, 1), expect.objectContaining({ overflow: 404, alerts: 4 })]);
    });

    test('by the record that comes, if the timer is late', () => {
      const { time, flood, counts } = overflowing();
      flood(10);
      time.millis += 10_000;
      flood(2);
      expect(counts()).toEqual(told(1, 10));
      expect(time.timers).toBe(0);
    });

    test.each(['shutdown', 'release'] as const)('or by the end: %s', async (ending) => {
      const { time, processor, flood, counts } = overflowing();
      flood(10);
      await processor[ending]?.();
      expect([counts(), time.timers]).toEqual([told(1, 9), 0]);
      await processor.shutdown();
      expect(counts()).toEqual(told(1, 9));
    });

    test('beside the alert of the same record', () => {
      const { log, alerts } = monitored({ rules: [rule({ maxKeys: 1, condition: { gte: 1 } })] });
      for (const k of ['a', 'b']) log('e', { k });
      expect(alerts().map(({ alert_type, k }) => [alert_type, k])).toEqual([
        ['r', 'a'],
        ['security_monitor_overflow', undefined],
        ['r', 'b'],
      ]);
    });
  });

  test.each([undefined, null, '', Number.NaN, {}, ['alice'], lazy(() => 'alice')])(
    'a record whose group is %p belongs to none: strangers are not pooled, and it is counted and told',
    async (username) => {
      const { monitor, log, end, alerts } = monitored();
      const told = await toldDuring(() => times(100, () => log('login_failed', { username })));
      expect([end.records.length, alerts().length]).toEqual([100, 0]);
      expect(monitor.stats().brute_force_detected).toMatchObject({ matched: 100, ungrouped: 100, alerts: 0 });
      expect(told).toHaveLength(7);
      expect(told[0]).toBe(
        'logspan: securityMonitor: 1 record(s) for rule brute_force_detected lack what it needs: username',
      );
    },
  );

  test('an alert is judged by no rule, and neither is what another step writes', () => {
    const of = (event: string) => ({ rules: [rule({ match: { event }, groupBy: [], condition: { gte: 1 } })] });
    const { emit, end } = through(pipe(securityMonitor(of('a')), securityMonitor(of('*_alert'))));
    emit({ eventName: 'a' });
    expect(end.events).toEqual(['a', 'security_alert']);
    emit({ eventName: 'fire_alert' });
    expect(end.events).toEqual(['a', 'security_alert', 'fire_alert', 'security_alert']);
  });
});

describe('the road of a record', () => {
  test('every record goes on, unchanged, and no attribute is settled for a rule', () => {
    const { emit, end } = through(securityMonitor());
    let computed = 0;
    const dropAll = through(pipe(securityMonitor(), () => false));
    times(5, () => {
      dropAll.emit({
        eventName: 'login_failed',
        attributes: { username: 'alice', detail: lazy(() => ++computed) },
      });
      emit({ eventName: 'login_failed', attributes: { username: 'alice', detail: 1 } });
    });
    expect(computed).toBe(0);
    expect(end.attributes.slice(0, 5)).toEqual(new Array(5).fill({ username: 'alice', detail: 1 }));
  });

  test('an alert goes through redaction, and its group is told apart before', () => {
    const { emit, end } = through(pipe(securityMonitor(), redact({ keys: ['username'] })));
    times(4, () => emit({ eventName: 'login_failed', attributes: { username: 'alice' } }));
    emit({ eventName: 'login_failed', attributes: { username: 'bob' } });
    expect(end.events).not.toContain('security_alert');
    emit({ eventName: 'login_failed', attributes: { username: 'alice' } });
    expect(end.attributes.at(-1)).toMatchObject({ alert_type: 'brute_force_detected', username: '***REDACTED***' });
  });

  test('a rule behind a sampler is refused', () => {
    const sampler = Object.assign((next: LogRecordProcessor) => next, {
      stageName: 'sample',
      phase: 'volume',
    } as const);
    expect(() => pipe(sampler, securityMonitor())).toThrow('securityMonitor stands after sample');
  });
});

describe('what a rule looks at', () => {
  const counts = (match: SecurityRule['match'], log: (emit: ReturnType<typeof monitored>['emit']) => void) => {
    const { monitor, emit } = monitored({ rules: [rule({ match, groupBy: [] } as Partial<SecurityRule>)] });
    log(emit);
    return monitor.stats().r?.matched;
  };

  test('event names, by pattern, as a whole', () => {
    const log = (emit: (record: object) => void) => {
      for (const eventName of ['auth_fail', 'auth_', 'auth', 'x_auth_fail', 'AUTH_FAIL', undefined])
        emit({ eventName });
    };
    expect(counts({ event: 'auth_*' }, log)).toBe(2);
    expect(counts({ event: ['auth_*', 'auth'] }, log)).toBe(3);
    expect(counts({ event: 'auth_*', ignoreCase: true }, log)).toBe(3);
    expect(counts({ event: '*' }, log)).toBe(5);
    expect(counts({}, log)).toBe(6);
    expect(counts([{ event: 'auth' }, { event: 'auth_*' }, { event: 'au*' }], log)).toBe(3);
  });

  test('names without end are looked at all the same', () => {
    expect(counts({ event: 'user_*' }, (emit) => times(3_000, (i) => emit({ eventName: `user_${i}` })))).toBe(3_000);
  });

  test('attributes: all of them, each of one of its values', () => {
    const match = { attributes: { path: '/admin/*', code: [401, 403], mfa: false } };
    const log = (emit: (record: object) => void) => {
      const good = { path: '/admin/users', code: 403, mfa: false };
      for (const more of [{}, { code: 401 }, { code: '401' }, { path: '/' }, { mfa: undefined }, { path: 7 }]) {
        emit({ eventName: 'e', attributes: { ...good, ...more } });
      }
    };
    expect(counts(match, log)).toBe(2);
    expect(counts({ attributes: { path: '/ADMIN/*' }, ignoreCase: true }, log)).toBe(4);
  });
});

describe('a group', () => {
  const alertsOf = (...groups: Record<string, unknown>[]) => {
    const { log, alerts } = monitored({ rules: [rule({ groupBy: ['k', 'j'] })] });
    for (const group of groups) log('e', group);
    return alerts().length;
  };

  test('is told apart by all its attributes', () => {
    expect(alertsOf({ k: 'a', j: 'b' }, { k: 'a', j: 'b' })).toBe(1);
    expect(alertsOf({ k: 'a', j: 'b' }, { k: 'a', j: 'c' })).toBe(0);
    expect(alertsOf({ k: 'ab', j: 'c' }, { k: 'a', j: 'bc' })).toBe(0);
    expect(alertsOf({ k: '1:a', j: 'b' }, { k: '1', j: 'a1:b' })).toBe(0);
  });

  test('is the same whether its number is a number or a text', () => {
    expect(alertsOf({ k: 42, j: true }, { k: '42', j: 'true' })).toBe(1);
    expect(alertsOf({ k: 42n, j: 0 }, { k: 42, j: '0' })).toBe(1);
  });

  test('may have a long name, of which an alert shows the beginning', () => {
    const long = 'x'.repeat(5_000);
    expect(alertsOf({ k: long, j: 1 }, { k: `${long.slice(1)}y`, j: 1 })).toBe(1);
    expect(alertsOf({ k: long, j: 1 }, { k: `${long}x`, j: 1 })).toBe(0);
    expect(alertsOf({ k: `a${long}`, j: 1 }, { k: `b${long}`, j: 1 })).toBe(0);
    const { log, alerts } = monitored({ rules: [rule()] });
    times(2, () => log('e', { k: long }));
    expect(alerts()[0]?.k).toBe(`${'x'.repeat(256)}…`);
  });
});

describe('rules that are off by default', () => {
  test('password spray: ten users from one address, whatever the number of tries', () => {
    const { log, types } = monitored({ rules: [PASSWORD_SPRAY] });
    times(9, (i) => times(3, () => log('login_failed', { ip: '192.0.2.1', username: `user-${i}` })));
    log('login_failed', { ip: '192.0.2.2', username: 'user-9' });
    expect(types()).toEqual([]);
    log('login_failed', { ip: '192.0.2.1', username: 'user-9' });
    expect(types()).toEqual(['password_spray']);
  });

  test('success after five failures, and not without, or before them', () => {
    const { log, end, types } = monitored({ rules: [SUCCESS_AFTER_FAILURES] });
    log('login_succeeded', { username: 'alice' });
    times(4, () => log('login_failed', { username: 'alice' }));
    times(5, () => log('login_failed', { username: 'bob' }));
    log('login_succeeded', { username: 'alice' });
    expect(types()).toEqual([]);
    log('login_succeeded', { username: 'bob' });
    expect(types()).toEqual(['success_after_failures']);
    expect(end.records.at(-1)).toMatchObject({ severityText: 'ERROR', attributes: { username: 'bob', count: 6 } });
  });

  test('a burst of refusals', () => {
    const { log, types } = monitored({ rules: [...DEFAULT_SECURITY_RULES, AUTHORIZATION_BURST] });
    times(10, () => log('access_denied', { username: 'alice' }));
    expect(types()).toEqual(['authorization_burst']);
  });

  test('one of your own says what it likes', () => {
    const own = rule({
      condition: { gt: 0 },
      severity: 'fatal',
      emit: { event: 'intrusion', attributes: { 'security_rule.name': 'Mine', runbook: 7 } },
    });
    const { log, end } = monitored({ rules: [own] });
    log('e', { k: 'a' });
    expect(end.records.at(-1)).toMatchObject({
      ...{ eventName: 'intrusion', severityText: 'FATAL' },
      attributes: { 'security_rule.name': 'Mine', runbook: 7, alert_type: 'r', k: 'a', count: 1 },
    });
  });
});

describe('silence', () => {
  const silent = (condition: { lt: number } = { lt: 1 }) =>
    monitored({ rules: [{ ...LOGGING_SILENCE, condition }] as SecurityRule[] });

  test('is told when no record has come for the whole window, and again after each cooldown', async () => {
    const { time, emit, end, alerts, monitor } = silent();
    emit({ body: 'a sign of life', timestamp: Date.UTC(2026, 0, 1, 12) });
    await time.pass(299_999);
    expect(alerts()).toEqual([]);
    await time.pass(1);
    expect(alerts()).toEqual([
      { alert_type: 'logging_silence', count: 0, suppressed: 0, last_time: '2026-01-01T12:00:00.000Z' },
    ]);
    expect(end.records.at(-1)).toMatchObject({
      ...{ eventName: 'security_alert', hrTime: [Date.UTC(2026, 0, 1, 12, 5) / 1_000, 0] },
      instrumentationScope: { name: 'test' },
    });
    await time.pass(3_599_999);
    expect(alerts()).toHaveLength(1);
    await time.pass(1);
    expect(alerts()).toHaveLength(2);
    expect(monitor.stats().logging_silence).toMatchObject({ matched: 1, alerts: 2 });
  });

  test('is none while records come, and begins with the last one', async () => {
    const { time, emit, alerts } = silent();
    for (let i = 0; i < 20; i++) {
      emit({ body: i });
      await time.pass(299_000);
    }
    expect(alerts()).toEqual([]);
    await time.pass(1_000);
    expect(alerts()).toHaveLength(1);
  });

  test('may be too little as well as nothing', async () => {
    const { time, emit, alerts } = silent({ lt: 3 });
    for (let i = 0; i < 10; i++) {
      emit({ body: i });
      await time.pass(90_000);
    }
    await time.pass(29_999);
    expect(alerts()).toEqual([]);
    await time.pass(1);
    expect(alerts()).toEqual([expect.objectContaining({ count: 2 })]);
  });

  test('does not keep the process alive, and ends with the stage', async () => {
    for (const end of ['shutdown', 'release'] as const) {
      const { time, emit, processor } = silent();
      expect(time.timers).toBe(0);
      emit({ body: 'a' });
      expect([time.timers, time.keepingAlive]).toEqual([1, 0]);
      await processor[end]?.();
      expect(time.timers).toBe(0);
    }
  });

  test('a destination that throws at the alert does not end the watch, or the process', async () => {
    const time = new ManualTime();
    let alerts = 0;
    const failing: LogRecordProcessor = {
      onEmit({ writtenByStage }) {
        if (!writtenByStage) return;
        alerts++;
        throw new Error('no');
      },
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    };
    const monitor = securityMonitor({ rules: [LOGGING_SILENCE], time });
    emitTo(monitor(failing))({ body: 'a' });
    await toldDuring(() => time.pass(300_000 + 3_600_000));
    expect(alerts).toBe(2);
  });
});

describe('a clock', () => {
  test('that steps back, against the promise, counts as one that stands still', () => {
    const { time, log, alerts } = monitored();
    times(4, () => log('login_failed', { username: 'alice' }));
    time.millis -= 1_000_000;
    log('login_failed', { username: 'alice' });
    expect(alerts()).toHaveLength(1);
    const [first, last] = [alerts()[0]?.first_time, alerts()[0]?.last_time].map((at) => Date.parse(String(at)));
    expect(first).toBe(last);
  });

  test('on the wall has no say', () => {
    const { emit, alerts } = monitored();
    const attributes = { username: 'alice' };
    times(5, (i) => emit({ eventName: 'login_failed', attributes, timestamp: Date.UTC(2000 + i * 5) }));
    expect(alerts()).toHaveLength(1);
  });
});

describe('a store of your own', () => {
  /** Answers when told to. */
  const slowStore = () => {
    const answers: ((verdict: Verdict | undefined) => void)[] = [];
    const store: SecurityStore = { observe: () => new Promise((resolve) => void answers.push(resolve)) };
    return { store, answers };
  };
  const alert = { alert: { count: 5, suppressed: 3, spanMillis: 1_000 } };

  test('is asked what the rule and the record come to', () => {
    const asked: unknown[] = [];
    const store: SecurityStore = { observe: (...question) => void asked.push(question) };
    const { log } = monitored({ store, rules: [PASSWORD_SPRAY] });
    log('login_failed', { ip: '192.0.2.1', username: 'alice' });
    log('other', { ip: '192.0.2.1', username: 'alice' });
    expect(asked).toEqual([
      [
        expect.objectContaining({
          ...{ id: 'password_spray', type: 'value_count', threshold: 10, steps: [] },
          ...{ windowMillis: 300_000, cooldownMillis: 300_000, maxKeys: 10_000 },
        }),
        { key: '9:192.0.2.1', nowMillis: 1_000, value: '5:alice', steps: [] },
      ],
    ]);
  });

  test('may take its time: the log call does not wait, the alert follows the answer', async () => {
    const { store, answers } = slowStore();
    const { log, end, alerts } = monitored({ store });
    log('login_failed', { username: 'alice' });
    log('login_failed', { username: 'bob' });
    expect(end.records).toHaveLength(2);
    answers[1]?.(alert);
    answers[0]?.(undefined);
    await settled();
    expect(alerts()).toEqual([
      expect.objectContaining({ alert_type: 'brute_force_detected', username: 'bob', count: 5, suppressed: 3 }),
    ]);
  });

  test('a flush and a shutdown wait for its answers, as long as they may', async () => {
    for (const end of ['forceFlush', 'shutdown'] as const) {
      const { store, answers } = slowStore();
      const { log, processor, alerts, end: recorder } = monitored({ store });
      log('login_failed', { username: 'alice' });
      const done = processor[end]({ timeoutMillis: 60_000 });
      answers[0]?.(alert);
      await done;
      expect(alerts()).toHaveLength(1);
      expect([...recorder.flushed, ...recorder.ended]).toEqual([{ timeoutMillis: 60_000 }]);
    }
    const { store } = slowStore();
    const { log, processor } = monitored({ store });
    log('login_failed', { username: 'alice' });
    await processor.forceFlush({ timeoutMillis: 0 });
  });

  test('that rejects, or answers after the end, is counted', async () => {
    const { store, answers } = slowStore();
    const failing: SecurityStore = { observe: async () => Promise.reject(new Error('hunter2')) };
    const one = monitored({ store: failing });
    const other = monitored({ store });
    const told = await toldDuring(async () => {
      for (const { log } of [one, other]) log('login_failed', { username: 'alice' });
      await settled();
    });
    other.processor.release?.();
    answers[0]?.(alert);
    await settled();
    expect(one.monitor.stats().brute_force_detected).toMatchObject({ unjudged: 1 });
    expect(other.monitor.stats().brute_force_detected).toMatchObject({ unjudged: 1, alerts: 0 });
    expect([one.alerts(), other.alerts()]).toEqual([[], []]);
    expect(told).toEqual(['logspan: securityMonitor failed 1 time(s) Error']);
  });

  test.each<[string, unknown]>([
    ['an empty object', {}],
    ['a number', 42],
    ['null', null],
    ['an alert without figures', { alert: {} }],
    ['an alert without a count', { alert: { suppressed: 0, spanMillis: 0 } }],
    ['an alert of no number', { alert: { count: Number.NaN, suppressed: 0, spanMillis: 0 } }],
    ['an alert that ends before it began', { alert: { count: 5, suppressed: 0, spanMillis: -1 } }],
    ['an overflow of no number', { overflow: '3' }],
    ['an alert and an overflow of no number', { alert: { count: 5, suppressed: 0, spanMillis: 0 }, overflow: null }],
  ])('that answers with %s has not judged: no alert, counted and told', async (_, verdict) => {
    for (const answer of [verdict, Promise.resolve(verdict)]) {
      const { log, monitor, alerts, end } = monitored({ store: { observe: () => answer as Verdict } });
      const told = await toldDuring(async () => {
        times(20, () => log('login_failed', { username: 'alice' }));
        await settled();
      });
      expect([alerts(), end.records.length]).toEqual([[], 20]);
      expect(monitor.stats().brute_force_detected).toMatchObject({ matched: 20, unjudged: 20, alerts: 0, overflow: 0 });
      expect(told[0]).toMatch(/^logspan: securityMonitor failed 1 time\(s\) VerdictError/);
    }
  });

  test.each(['shutdown', 'release'] as const)('that never answers has judged nothing when %s is over', async (end) => {
    const { store, answers } = slowStore();
    const { log, processor, monitor } = monitored({ store });
    times(1_500, () => log('login_failed', { username: 'alice' }));
    for (const answer of answers.slice(0, 100)) answer(undefined);
    await settled();
    await processor[end]?.({ timeoutMillis: 0 });
    const counted = { matched: 1_500, unjudged: 1_400, alerts: 0 };
    expect(monitor.stats().brute_force_detected).toMatchObject(counted);
    await processor.shutdown({ timeoutMillis: 0 });
    for (const answer of answers.slice(100)) answer(alert);
    await settled();
    expect(monitor.stats().brute_force_detected).toMatchObject(counted);
  });

  test('is asked no more than it can answer: what is beyond a thousand is not judged, and counted', async () => {
    const { store, answers } = slowStore();
    const { log, monitor, end } = monitored({ store });
    times(1_500, () => log('login_failed', { username: 'alice' }));
    expect([answers.length, end.records.length]).toEqual([1_000, 1_500]);
    expect(monitor.stats().brute_force_detected).toMatchObject({ matched: 1_500, unjudged: 500 });
    for (const answer of answers.splice(0)) answer(undefined);
    await settled();
    log('login_failed', { username: 'alice' });
    expect(answers).toHaveLength(1);
  });
});

describe('a mistake is a ConfigError that names it', () => {
  const withRule = (more: object) => ({ rules: [{ ...BRUTE_FORCE, ...more }] });
  const first = 'securityMonitor.rules[0]';
  test.each<[unknown, string]>([
    [null, 'securityMonitor'],
    [{ rule: [] }, 'securityMonitor.rule'],
    [{ rules: {} }, 'securityMonitor.rules'],
    [{ rules: [null] }, first],
    [{ store: {} }, 'securityMonitor.store'],
    [{ time: {} }, 'securityMonitor.time.now'],
    [{ rules: [BRUTE_FORCE, BRUTE_FORCE] }, 'securityMonitor.rules[1].id'],
    [withRule({ id: '' }), `${first}.id`],
    [withRule({ id: 7 }), `${first}.id`],
    [withRule({ type: 'temporal' }), `${first}.type`],
    [withRule({ threshold: 5 }), `${first}.threshold`],
    [withRule({ match: undefined }), `${first}.match`],
    [withRule({ match: [] }), `${first}.match`],
    [withRule({ match: [{}, 'e'] }), `${first}.match[1]`],
    [withRule({ match: { events: 'e' } }), `${first}.match.events`],
    [withRule({ match: { event: '' } }), `${first}.match.event`],
    [withRule({ match: { event: [] } }), `${first}.match.event`],
    [withRule({ match: { event: /login/ } }), `${first}.match.event`],
    [withRule({ match: { count: 2 } }), `${first}.match.count`],
    [withRule({ match: { ignoreCase: 1 } }), `${first}.match.ignoreCase`],
    [withRule({ match: { attributes: [] } }), `${first}.match.attributes`],
    [withRule({ match: { attributes: { a: null } } }), `${first}.match.attributes.a`],
    [withRule({ match: { attributes: { a: [] } } }), `${first}.match.attributes.a`],
    [withRule({ groupBy: 'username' }), `${first}.groupBy`],
    [withRule({ groupBy: [''] }), `${first}.groupBy`],
    [withRule({ groupBy: ['a', 'a'] }), `${first}.groupBy`],
    [withRule({ groupBy: ['count'] }), `${first}.groupBy`],
    [withRule({ window: 300 }), `${first}.window`],
    [withRule({ window: '5 minutes' }), `${first}.window`],
    [withRule({ window: '0s' }), `${first}.window`],
    [withRule({ window: '31d' }), `${first}.window`],
    [withRule({ cooldown: '-5s' }), `${first}.cooldown`],
    [withRule({ severity: 'loud' }), `${first}.severity`],
    [withRule({ severity: 'off' }), `${first}.severity`],
    [withRule({ condition: undefined }), `${first}.condition`],
    [withRule({ condition: {} }), `${first}.condition`],
    [withRule({ condition: { gte: 5, lt: 9 } }), `${first}.condition`],
    [withRule({ condition: { eq: 5 } }), `${first}.condition.eq`],
    [withRule({ condition: { gte: 0 } }), `${first}.condition.gte`],
    [withRule({ condition: { gte: undefined } }), `${first}.condition.gte`],
    [withRule({ condition: { gt: 1.5 } }), `${first}.condition.gt`],
    [withRule({ condition: { lt: 1 } }), `${first}.groupBy`],
    [withRule({ type: 'value_count', condition: { gte: 5 } }), `${first}.condition.field`],
    [withRule({ type: 'value_count', condition: { field: 'f', lt: 5 } }), `${first}.condition.lt`],
    [withRule({ type: 'temporal_ordered', condition: undefined }), `${first}.condition`],
    [{ rules: [{ ...SUCCESS_AFTER_FAILURES, match: {} }] }, `${first}.match`],
    [{ rules: [{ ...SUCCESS_AFTER_FAILURES, match: [{ count: 0 }] }] }, `${first}.match[0].count`],
    [{ rules: [{ ...SUCCESS_AFTER_FAILURES, match: [{ count: 60 }, { count: 60 }] }] }, `${first}.match`],
    [withRule({ emit: 'alert' }), `${first}.emit`],
    [withRule({ emit: { name: 'alert' } }), `${first}.emit.name`],
    [withRule({ emit: { event: '' } }), `${first}.emit.event`],
    [withRule({ emit: { attributes: { a: {} } } }), `${first}.emit.attributes`],
    [withRule({ emit: { attributes: { suppressed: 1 } } }), `${first}.emit.attributes`],
    [withRule({ emit: { attributes: { username: 'bob' } } }), `${first}.emit.attributes`],
    [withRule({ maxKeys: 0 }), `${first}.maxKeys`],
    [withRule({ condition: { gte: 5_000 } }), `${first}.maxKeys`],
  ])('%j: %s', (options, option) => {
    expect(() => securityMonitor(options as never)).toThrow(expect.objectContaining({ name: 'ConfigError', option }));
  });

  test('and quotes nothing that may be a secret', () => {
    expect(() => securityMonitor(withRule({ window: 'hunter2 and more' }) as never)).toThrow(
      'securityMonitor.rules[0].window: a string of 16 characters was given, allowed: a number and s, m, h or d, from 1s to 30d: 300s, 5m',
    );
  });
});
