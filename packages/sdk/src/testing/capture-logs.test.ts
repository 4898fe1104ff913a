import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { event, getLogger, lazy, withAttributes } from '@logspan/logger';
import { facadeState } from '@logspan/logger/internal';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { logs as otelLogs } from '@opentelemetry/api-logs';
import { Recorder } from '../../../../test/pipeline/recorder.ts';
import type { Handler } from '../handlers/handler.ts';
import { forwardTo, type Stage, stage } from '../pipeline/stage.ts';
import { filter } from '../processors/filter.ts';
import { messageTemplates } from '../processors/message-templates.ts';
import { redact } from '../processors/redact.ts';
import { ConfigError } from '../provider/config-error.ts';
import type { Logging } from '../provider/logging.ts';
import { register } from '../provider/register.ts';
import { type CapturedLogs, captureLogs, captureLogsDuring } from './capture-logs.ts';
import { frozenClock } from './frozen-clock.ts';

let logs: CapturedLogs | undefined;
let logging: Logging | undefined;
afterEach(async () => {
  await logs?.stop();
  await logging?.shutdown();
  logs = undefined;
  logging = undefined;
});

/** What the application itself would send. */
class Destination extends Recorder {
  readonly handler: Handler = {
    name: 'destination',
    start: () =>
      Object.assign(this, {
        deliveryAccount: () => ({ accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 }),
      }),
  };
}
const run = (...[options = {}]: Parameters<typeof register>): Logging =>
  register({ exitHooks: false, handlers: [new Destination().handler], ...options });
const eventsOf = ({ records }: CapturedLogs) => records.map(({ eventName, body }) => eventName ?? body);
const logger = getLogger('shop');

describe('where no logging runs', () => {
  test('records are captured as they leave the default pipeline', () => {
    logs = captureLogs({ now: frozenClock('2026-01-01T00:00:00Z') });
    const spanContext = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 };
    context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), () =>
      withAttributes({ tenant: 'acme' }, () => logger.warn('user_login', { username: 'ann', password: 'sesame' })),
    );
    logger.debug('the cache is warm');
    expect(logs.records).toEqual([
      {
        level: 'warn',
        eventName: 'user_login',
        body: 'user_login',
        attributes: { tenant: 'acme', username: 'ann', password: '***REDACTED***' },
        scope: 'shop',
        timestamp: '2026-01-01T00:00:00.000Z',
        traceId: 'ab'.repeat(16),
        spanId: 'cd'.repeat(8),
      },
      {
        level: 'debug',
        body: 'the cache is warm',
        attributes: {},
        scope: 'shop',
        timestamp: '2026-01-01T00:00:00.000Z',
      },
    ]);
  });

  test('with processors of the test, which decide before anything is computed', () => {
    let computed = 0;
    logs = captureLogs({
      processors: [filter(event({ exclude: ['noise'] })), redact({ keys: ['pin'] }), messageTemplates()],
    });
    logger.info('noise', { dump: lazy(() => ++computed) });
    logger.info('{who} came with {pin}', { who: 'ann', pin: 1 });
    expect(eventsOf(logs)).toEqual(['ann came with ***REDACTED***']);
    expect(computed).toBe(0);
    expect(() => captureLogs({ processors: 'none' as never })).toThrow(ConfigError);
  });

  test('without redaction, if told so', () => {
    logs = captureLogs({ redact: false });
    logger.info('login', { password: 'sesame' });
    expect(logs.find('login', { password: 'sesame' })).toBeDefined();
  });

  test('an error in short, and the attributes as they are', () => {
    logs = captureLogs();
    logger.error('payment_failed', { orderId: 7, error: new TypeError('no') });
    const [record] = logs.records;
    expect(record?.error).toEqual({ type: 'TypeError', message: 'no', stacktrace: expect.any(String) });
    expect(record?.attributes).toMatchObject({ orderId: 7, 'exception.type': 'TypeError' });
  });

  test('what libraries write to the Logs API is captured too', () => {
    logs = captureLogs();
    const library = otelLogs.getLogger('library');
    library.emit({ eventName: 'done', severityNumber: 9, attributes: { token: 'x' } });
    library.emit({ body: { n: 1 } });
    expect(logs.records).toMatchObject([
      { eventName: 'done', level: 'info', scope: 'library', attributes: { token: '***REDACTED***' } },
      { body: { n: 1 }, scope: 'library' },
    ]);
    expect(logs.records[1]).not.toHaveProperty('level');
    expect(library.enabled({ severityNumber: 9 })).toBe(true);
  });

  test('from a level, by scope', () => {
    logs = captureLogs({ level: 'warn,db=debug' });
    logger.info('no');
    logger.warn('yes');
    getLogger('db').debug('query');
    otelLogs.getLogger('shop').emit({ eventName: 'no', severityNumber: 5 });
    expect(eventsOf(logs)).toEqual(['yes', 'query']);
    expect([logger.isEnabled('info'), logger.isEnabled('warn')]).toEqual([false, true]);
    expect(() => captureLogs({ level: 'loud' })).toThrow(/captureLogs\.level/);
  });

  test('what changes later does not change what was captured', () => {
    logs = captureLogs({ redact: false });
    const attributes = { list: [1], when: { n: 1 } };
    logger.info('a', attributes);
    attributes.list.push(2);
    attributes.when.n = 2;
    expect(logs.records[0]?.attributes).toEqual({ list: [1], when: { n: 1 } });
  });

  test('when it stops, all is as it was', async () => {
    const { minimumOf } = facadeState();
    logs = captureLogs();
    await logs.stop();
    await logs.stop();
    logger.info('late');
    otelLogs.getLogger('library').emit({ body: 'late' });
    expect(logs.records).toEqual([]);
    expect(facadeState().minimumOf).toBe(minimumOf);
    expect(facadeState().destination).toBeUndefined();
    expect(logger.isEnabled('error')).toBe(false);
    logging = run();
    expect(logger.isEnabled('debug')).toBe(false);
  });

  test('what a stage holds comes when it stops', async () => {
    const holding: Stage = stage('holding', 'volume', (next) => {
      const held: Parameters<typeof next.onEmit>[] = [];
      const release = () => {
        for (const one of held.splice(0)) next.onEmit(...one);
      };
      return forwardTo(next, {
        onEmit: (...one) => void held.push(one),
        release,
        shutdown: (options) => {
          release();
          return next.shutdown(options);
        },
      });
    });
    logs = captureLogs({ processors: [holding] });
    logger.info('held');
    expect(logs.records).toEqual([]);
    await logs.stop();
    expect(eventsOf(logs)).toEqual(['held']);
  });

  test('no more is kept than is said, and what is not is counted', () => {
    logs = captureLogs({ maxRecords: 2 });
    for (const name of ['a', 'b', 'c', 'd']) logger.info(name);
    expect([eventsOf(logs), logs.dropped]).toEqual([['a', 'b'], 2]);
    logs.clear();
    logger.info('e');
    expect([eventsOf(logs), logs.dropped]).toEqual([['e'], 0]);
  });

  test('records are found by name, text, part or function', () => {
    logs = captureLogs();
    logger.info('order_placed', { id: 1, items: ['tea'] });
    logger.info('order_placed', { id: 2 });
    logger.warn('the queue is full');
    expect(logs.filter('order_placed')).toHaveLength(2);
    expect(logs.find('order_placed', { items: ['tea'] })?.attributes.id).toBe(1);
    expect(logs.find('order_placed', { id: 2, items: undefined })?.attributes.id).toBe(2);
    expect(logs.find('order')).toBeUndefined();
    expect(logs.find('order_placed', { items: [] })).toBeUndefined();
    const global = /queue/g;
    expect([logs.find(global)?.level, logs.find(global)?.level]).toEqual(['warn', 'warn']);
    expect(logs.find({ level: 'info', attributes: { id: 2 } })?.attributes.id).toBe(2);
    expect(logs.find({ level: 'warn', error: { type: 'x' } })).toBeUndefined();
    expect(logs.filter(({ scope }) => scope === 'shop')).toHaveLength(3);
  });

  test('a clock of the test gives the time', () => {
    const now = frozenClock(0);
    logs = captureLogs({ now });
    logger.info('a');
    logger.info('b');
    now.advance(1_500);
    logger.info('c');
    now.set('2020-02-02T02:02:02.020Z');
    logger.info('d');
    now.set(new Date(5));
    logger.info('e');
    expect(logs.records.map(({ timestamp }) => timestamp)).toEqual([
      '1970-01-01T00:00:00.000Z',
      '1970-01-01T00:00:00.000Z',
      '1970-01-01T00:00:01.500Z',
      '2020-02-02T02:02:02.020Z',
      '1970-01-01T00:00:00.005Z',
    ]);
    expect(() => frozenClock('soon')).toThrow(ConfigError);
  });
});

describe('where a logging runs', () => {
  test('what leaves its pipeline is captured, and its handlers go on', async () => {
    const destination = new Destination();
    logging = run({ level: 'warn', processors: [redact({ keys: ['pin'] })], handlers: [destination.handler] });
    logs = captureLogs();
    logger.info('below');
    logger.warn('login', { pin: 1 });
    expect(logs.records).toMatchObject([{ eventName: 'login', attributes: { pin: '***REDACTED***' } }]);
    expect(destination.events).toEqual(['login']);
    await logs.stop();
    logger.warn('later');
    expect([eventsOf(logs), destination.events]).toEqual([['login'], ['login', 'later']]);
  });

  test('levels are lowered for the time, and for nobody else who captures', async () => {
    logging = run({ level: 'warn' });
    const all = captureLogs();
    logs = captureLogs({ level: 'debug' });
    logger.debug('fine');
    logger.warn('coarse');
    expect([eventsOf(logs), eventsOf(all)]).toEqual([['fine', 'coarse'], ['coarse']]);
    await logs.stop();
    expect([logger.isEnabled('debug'), logger.isEnabled('warn')]).toEqual([false, true]);
    await all.stop();
  });

  test('levels that are set meanwhile stay', async () => {
    logging = run({ level: 'warn' });
    logs = captureLogs({ level: 'debug' });
    logging.setLevel('error');
    await logs.stop();
    expect([logger.isEnabled('warn'), logger.isEnabled('error')]).toEqual([false, true]);
  });

  test('levels that are set between two captures are those that come back', async () => {
    logging = run({ level: 'warn' });
    const first = captureLogs({ level: 'debug' });
    logging.setLevel('error');
    logs = captureLogs({ level: 'debug' });
    await first.stop();
    logger.debug('fine');
    await logs.stop();
    expect(eventsOf(logs)).toEqual(['fine']);
    expect([logger.isEnabled('warn'), logger.isEnabled('error')]).toEqual([false, true]);
  });

  test.each(['processors', 'redact', 'now'] as const)('%s is a mistake, because its own apply', (option) => {
    logging = run();
    const options = { processors: [], redact: false, now: () => 0 };
    expect(() => captureLogs({ [option]: options[option] })).toThrow(
      new RegExp(`captureLogs.${option}: is not for where`),
    );
  });

  test('one that starts later is captured from', async () => {
    logs = captureLogs();
    logger.info('before');
    const destination = new Destination();
    logging = run({ processors: [redact({ keys: ['pin'] })], handlers: [destination.handler] });
    logger.info('after', { pin: 1 });
    otelLogs.getLogger('library').emit({ eventName: 'too' });
    logger.debug('below its level');
    expect(eventsOf(logs)).toEqual(['before', 'after', 'too']);
    expect(destination.events).toEqual(['after', 'too']);
    expect(logs.find('after')?.attributes).toEqual({ pin: '***REDACTED***' });
    await logging.shutdown();
    const again = captureLogs();
    logger.debug('on its own again');
    expect([eventsOf(again), eventsOf(logs).at(-1)]).toEqual([['on its own again'], 'on its own again']);
    await again.stop();
  });

  test('one that the environment disables does not keep it from capturing', async () => {
    process.env.OTEL_SDK_DISABLED = 'true';
    try {
      logging = run();
      logs = captureLogs();
      logger.info('a');
      expect(eventsOf(logs)).toEqual(['a']);
    } finally {
      delete process.env.OTEL_SDK_DISABLED;
    }
  });
});

describe.each([
  ['where no logging runs', false],
  ['where a logging runs', true],
])('during a function, %s', (_name, runs) => {
  const work = async (name: string) => {
    logger.info(name);
    await delay(1);
    await Promise.all([1, 2].map(async (n) => logger.info(`${name}_${n}`)));
  };

  test('only what it and what it calls log is captured', async () => {
    if (runs) logging = run();
    logs = captureLogs();
    const outcomes = await Promise.all(
      ['a', 'b'].map((name) =>
        captureLogsDuring(async (own) => {
          await work(name);
          return eventsOf(own);
        }),
      ),
    );
    expect(outcomes).toEqual([
      ['a', 'a_1', 'a_2'],
      ['b', 'b_1', 'b_2'],
    ]);
    expect(logs.records).toHaveLength(6);
  });

  test('an outer one captures what an inner one does', async () => {
    if (runs) logging = run();
    await captureLogsDuring(async (outer) => {
      const inner = await captureLogsDuring((own) => {
        logger.info('inner');
        return own;
      });
      logger.info('outer');
      expect([eventsOf(inner), eventsOf(outer)]).toEqual([['inner'], ['inner', 'outer']]);
    });
  });

  test('it stops when the function fails', async () => {
    if (runs) logging = run();
    let own: CapturedLogs | undefined;
    await expect(
      captureLogsDuring((captured) => {
        own = captured;
        throw new Error('the test failed');
      }),
    ).rejects.toThrow('the test failed');
    logger.info('late');
    expect(own?.records).toEqual([]);
  });
});

test('each may have its own processors, level and clock', async () => {
  const [first, second] = await Promise.all(
    (['info', 'warn'] as const).map((level, index) =>
      captureLogsDuring(
        async (own) => {
          await delay(1);
          logger.info('a');
          logger.warn('b', { key0: 1, key1: 1 });
          return own;
        },
        { level, now: frozenClock(index), processors: [redact({ keys: [`key${index}`] })] },
      ),
    ),
  );
  expect(first?.records).toMatchObject([{ eventName: 'a' }, { attributes: { key0: '***REDACTED***', key1: 1 } }]);
  expect(second?.records).toMatchObject([{ eventName: 'b', timestamp: '1970-01-01T00:00:00.001Z' }]);
  expect(second?.records[0]?.attributes).toEqual({ key0: 1, key1: '***REDACTED***' });
});

test('options are checked', () => {
  expect(() => captureLogs({ maxRecords: 0 })).toThrow(ConfigError);
  expect(() => captureLogs({ clock: 1 } as never)).toThrow(/captureLogs\.clock/);
  expect(() => captureLogs({ now: 1 as never })).toThrow(/captureLogs\.now/);
});

test('is given back at the end of a block', async () => {
  const own = captureLogs();
  own[Symbol.dispose]?.();
  logger.info('late');
  await captureLogs()[Symbol.asyncDispose]?.();
  expect(own.records).toEqual([]);
  expect(facadeState().destination).toBeUndefined();
});
