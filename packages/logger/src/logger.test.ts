import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { context, DiagLogLevel, diag, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import fc from 'fast-check';
import { anything } from '../../../test/hostile-values/anything.ts';
import type { Attributes } from './attributes.ts';
import { facadeState, setDestination, setMinimumSeverities } from './facade-state.ts';
import type { FilterableRecord } from './filter.ts';
import { and, atLeast, attribute, event, not, scope } from './filter.ts';
import { lazy } from './lazy.ts';
import { type LevelName, SEVERITY, type SeverityName } from './level.ts';
import { getLogger, type Logger } from './logger.ts';
import type { OtelLogger } from './otel-logs-api.ts';
import { withAttributes } from './scope.ts';

/** What the facade handed to its own provider. */
interface Written {
  scope: string;
  version: string | undefined;
  severityNumber: number;
  severityText: string;
  eventName: string | undefined;
  body: unknown;
  attributes: unknown;
  bound: Attributes | undefined;
  exception: unknown;
}

/** A provider of our own kind that keeps what it is given. */
function recording(behaviour: Partial<OtelLogger> & { fails?: unknown } = {}): Written[] {
  const written: Written[] = [];
  setDestination({
    getWriter: (scope, version) => ({
      emit: () => undefined,
      ...behaviour,
      write(severityNumber, severityText, eventName, body, attributes, bound, exception) {
        if ('fails' in behaviour) throw behaviour.fails;
        written.push({ scope, version, severityNumber, severityText, eventName, body, attributes, bound, exception });
      },
    }),
  });
  return written;
}

/** A stock OTel SDK, registered through the API like any application's. */
function stockProvider(options: ConstructorParameters<typeof LoggerProvider>[0] = {}): InMemoryLogRecordExporter {
  setDestination(undefined);
  const exporter = new InMemoryLogRecordExporter();
  logs.setGlobalLoggerProvider(
    new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })], ...options }),
  );
  return exporter;
}

const setLevel = (level: LevelName): void => setMinimumSeverities(() => SEVERITY[level]);

/** An object that cannot be touched without throwing. */
const untouchable: Attributes = new Proxy(
  {},
  Object.fromEntries(
    ['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'getPrototypeOf'].map((trap) => [
      trap,
      () => {
        throw new Error(`touched by ${trap}`);
      },
    ]),
  ),
);

const METHODS = {
  trace: [1, 'TRACE'],
  debug: [5, 'DEBUG'],
  info: [9, 'INFO'],
  warn: [13, 'WARN'],
  warning: [13, 'WARN'],
  error: [17, 'ERROR'],
  fatal: [21, 'FATAL'],
  critical: [21, 'FATAL'],
} as const satisfies Record<SeverityName, readonly [number, string]>;
const NAMES = Object.keys(METHODS) as SeverityName[];

afterEach(() => {
  setDestination(undefined);
  setLevel('info');
  logs.disable();
  context.disable();
  diag.disable();
});

describe('levels', () => {
  test.each(NAMES)('%s writes its severity, by name, too', (name) => {
    setLevel('trace');
    const written = recording();
    const logger = getLogger('shop', '1.0');
    logger[name]('order_created', { a: 1 });
    logger.log(name, 'order_created', { a: 1 });
    logger.log(name.toUpperCase() as SeverityName, 'order_created', { a: 1 });
    const [severityNumber, severityText] = METHODS[name];
    expect(written).toEqual(
      Array(3).fill({
        scope: 'shop',
        version: '1.0',
        severityNumber,
        severityText,
        eventName: 'order_created',
        body: 'order_created',
        attributes: { a: 1 },
        bound: undefined,
        exception: undefined,
      }),
    );
  });

  test('are compared as numbers', () => {
    const logger = getLogger('shop');
    for (const minimum of [...NAMES, 'off'] as LevelName[]) {
      setLevel(minimum);
      const written = recording();
      for (const name of NAMES) {
        logger[name]('a');
        logger.log(name, 'a');
        logger.event(name, 'a');
        logger.message(name, 'a');
      }
      const expected = NAMES.map((name) => SEVERITY[name]).filter((severity) => severity >= SEVERITY[minimum]);
      expect(written.map(({ severityNumber }) => severityNumber)).toEqual(
        expected.flatMap((severity) => Array(4).fill(severity)),
      );
      for (const name of NAMES) expect(logger.isEnabled(name)).toBe(SEVERITY[name] >= SEVERITY[minimum]);
    }
  });

  test('that do not exist count as info', () => {
    const written = recording();
    const logger = getLogger('shop');
    for (const level of ['loud', 'off', '', 9, undefined, null, {}, Symbol('s')] as never[]) {
      logger.log(level, 'a');
      expect(logger.isEnabled(level)).toBe(true);
      expect(written.pop()).toMatchObject({ severityNumber: 9, severityText: 'INFO' });
    }
    setLevel('warn');
    logger.log('loud' as never, 'a');
    expect(logger.isEnabled('loud' as never)).toBe(false);
    expect(written).toEqual([]);
  });

  test('below the minimum a call touches nothing', () => {
    setLevel('off');
    const written = recording();
    const getWriter = jest.spyOn(facadeState().destination as never, 'getWriter');
    const called = jest.fn(() => true);
    const logger = getLogger('shop')
      .child({ a: lazy(called) })
      .filter(called);
    for (const name of NAMES) {
      logger[name](untouchable as never, untouchable);
      logger[name]('a', called as never);
      logger.log(name, untouchable as never, untouchable);
      logger.event(name, 'a', untouchable);
      logger.message(name, 'a', untouchable);
    }
    logger.exception(untouchable, untouchable as never, untouchable);
    expect(called).not.toHaveBeenCalled();
    expect(getWriter).not.toHaveBeenCalled();
    expect(written).toEqual([]);
    expect(facadeState().contained).toBe(0);
  });

  test('changed while running reach every logger that exists', () => {
    const written = recording();
    const loggers = [
      getLogger('shop'),
      getLogger('shop').child({ a: 1 }),
      getLogger('other').named('shop'),
      getLogger('shop').filter(() => true),
    ];
    const all = () => {
      written.length = 0;
      for (const logger of loggers) logger.debug('a');
      return written.length;
    };
    expect(all()).toBe(0);
    setLevel('debug');
    expect(all()).toBe(4);
    setLevel('info');
    expect(all()).toBe(0);
    setMinimumSeverities((scope) => (scope === 'shop' ? SEVERITY.debug : SEVERITY.off));
    expect(all()).toBe(4);
    getLogger('other').fatal('a');
    expect(written).toHaveLength(4);
  });
});

describe('the first argument', () => {
  const one = (write: (logger: Logger) => void): Written => {
    const written = recording();
    write(getLogger('shop'));
    expect(written).toHaveLength(1);
    return written[0] as Written;
  };

  test.each([
    ['user_login', true],
    ['order.created', true],
    ['user logged in', false],
    ['Done.', false],
    ['', false],
  ])('%j is an event: %j', (first, isEvent) => {
    expect(one((logger) => logger.info(first))).toMatchObject({ eventName: isEvent ? first : undefined, body: first });
  });

  test('is an event or a message as the caller wants it', () => {
    expect(one((logger) => logger.event('info', 'user logged in'))).toMatchObject({ eventName: 'user logged in' });
    expect(one((logger) => logger.message('info', 'user_login'))).toMatchObject({
      eventName: undefined,
      body: 'user_login',
    });
    expect(one((logger) => logger.event('info', 'a', { b: 1 }))).toMatchObject({ attributes: { b: 1 } });
    expect(one((logger) => logger.message('info', 'a', { b: 1 }))).toMatchObject({ attributes: { b: 1 } });
  });

  test('that is no text is the body', () => {
    const body = { a: 1 };
    for (const write of ['info', 'error'] as const) {
      expect(one((logger) => logger[write](body as never))).toMatchObject({ eventName: undefined, body });
    }
    expect(one((logger) => logger.event('info', 7 as never))).toMatchObject({ eventName: undefined, body: 7 });
  });

  test('that is an Error is the exception, and its message the body', () => {
    const error = new TypeError('no route');
    expect(one((logger) => logger.error(error as never, { a: 1 }))).toMatchObject({
      eventName: undefined,
      body: 'no route',
      exception: error,
      attributes: { a: 1 },
    });
    const broken = Object.defineProperty(new Error(), 'message', {
      get() {
        throw new Error('no');
      },
    });
    const { body, exception } = one((logger) => logger.error(broken as never));
    expect([body, exception === broken]).toEqual(['', true]);
  });
});

describe('exception()', () => {
  test('writes at level error under a name of its own or the given one', () => {
    const written = recording();
    const error = new Error('m');
    getLogger('shop').exception(error);
    getLogger('shop').exception(error, 'payment_failed', { orderId: 7 });
    getLogger('shop').exception('text', 'Payment failed');
    expect(written).toMatchObject([
      { severityNumber: 17, severityText: 'ERROR', eventName: 'exception', exception: error, attributes: undefined },
      { eventName: 'payment_failed', exception: error, attributes: { orderId: 7 } },
      { eventName: undefined, body: 'Payment failed', exception: 'text' },
    ]);
    setLevel('fatal');
    getLogger('shop').exception(error);
    expect(written).toHaveLength(3);
  });
});

describe('derived loggers', () => {
  test('child adds attributes, named changes the scope and keeps them, and the parent stays as it is', () => {
    const written = recording();
    const parent = getLogger('shop', '1.0');
    const given: Record<string, unknown> = { a: 1, b: 1 };
    const child = parent.child(given);
    given.a = 'changed later';
    child.child({ b: 2, c: undefined }).named('db').info('x');
    child.info('x');
    parent.info('x');
    expect(written).toMatchObject([
      { scope: 'db', version: undefined, bound: { a: 1, b: 2 } },
      { scope: 'shop', version: '1.0', bound: { a: 1, b: 1 } },
      { scope: 'shop', bound: undefined },
    ]);
  });

  test('filter writes only what passes; children inherit, the parent stays as it is', () => {
    const written = recording();
    const parent = getLogger('shop');
    const audit = parent.filter(event('audit_*'));
    for (const logger of [parent, audit, audit.child({ a: 1 }), audit.named('db'), audit.filter(atLeast('warn'))]) {
      logger.info('audit_login');
      logger.warn('audit_login');
      logger.warn('login');
      written.push({} as Written);
    }
    expect(
      written.map(({ severityNumber, eventName }) => eventName && `${severityNumber} ${eventName}`).join(','),
    ).toBe(
      '9 audit_login,13 audit_login,13 login,,9 audit_login,13 audit_login,,9 audit_login,13 audit_login,,9 audit_login,13 audit_login,,13 audit_login,',
    );
  });

  test('a filter sees level, event, body, scope, and attributes of call over logger over context', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    recording();
    const seen: FilterableRecord[] = [];
    const logger = getLogger('shop')
      .child({ logger: 'logger', call: 'logger' })
      .filter((record) => {
        const { severityNumber, eventName, body, attributes, instrumentationScope } = record;
        seen.push({ severityNumber, eventName, body, attributes, instrumentationScope });
        return true;
      });
    withAttributes({ context: 'context', logger: 'context', call: 'context' }, () =>
      logger.warn('slow', { call: 'call' }),
    );
    const attributes = { context: 'context', logger: 'logger', call: 'call' };
    const expected = { severityNumber: 13, eventName: 'slow', body: 'slow', attributes };
    expect(seen).toEqual([{ ...expected, instrumentationScope: { name: 'shop' } }]);
  });

  test('a filter on level or event does not touch the attributes, and one that throws lets the record pass', () => {
    const written = recording();
    const compute = jest.fn();
    const logger = getLogger('shop').child({ a: 1 }).filter(event('a'));
    logger.info('a', untouchable);
    logger.info('b', untouchable);
    logger.info('b', compute as never);
    expect(written).toHaveLength(1);
    expect(compute).not.toHaveBeenCalled();
    const before = facadeState().contained;
    for (const throws of [() => JSON.parse('{'), 'not a function' as never]) {
      getLogger('shop').filter(throws).info('a');
      getLogger('shop')
        .filter(() => true)
        .filter(throws)
        .info('a');
    }
    getLogger('shop')
      .filter(({ attributes }) => attributes.a === 1)
      .child({ b: 1 })
      .info('a', untouchable);
    expect(written).toHaveLength(6);
    expect(facadeState().contained).toBe(before + 5);
  });

  test('a filter that logs with its own logger asks itself once', () => {
    const written = recording();
    let asked = 0;
    let child = getLogger('shop');
    const logger = getLogger('shop').filter(() => {
      asked++;
      logger.info('inner');
      child.info('inner_of_child');
      return false;
    });
    child = logger.child({ a: 1 }).filter(() => false);
    logger.info('outer');
    expect(asked).toBe(1);
    // What it writes itself passes that filter, not those of others.
    expect(written.map(({ eventName }) => eventName)).toEqual(['inner']);
    logger.info('outer');
    expect(asked).toBe(2);
    expect(getLogger('shop').filter(atLeast('warn')).isEnabled('info')).toBe(false);
  });

  test('a filter on one attribute asks for that one, of call over logger over context', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const written = recording();
    const compute = jest.fn(() => 'acme');
    const logger = getLogger('shop')
      .child({ tenant: 'acme', a: lazy(compute) })
      .filter(attribute('tenant', 'acme'));
    logger.info('by_logger', { a: 1 });
    logger.info('by_call', { tenant: 'globex' });
    logger.info('not_by_undefined', { tenant: undefined });
    logger.info('not_computed', { tenant: lazy(compute) });
    logger.info('not_made', () => ({ tenant: compute() }));
    logger.info('of_an_error', new Error('no tenant of its own'));
    withAttributes({ tenant: 'globex', region: 'eu' }, () => {
      logger.info('over_context');
      getLogger('shop').filter(attribute('region', 'eu')).info('by_context');
    });
    expect(written.map(({ eventName }) => eventName)).toEqual([
      'by_logger',
      'not_by_undefined',
      'not_made',
      'of_an_error',
      'over_context',
      'by_context',
    ]);
    expect(compute).not.toHaveBeenCalled();
  });

  test('what a filter stops has cost no more than the filter', () => {
    setLevel('trace');
    const written = recording();
    const compute = jest.fn();
    const looksUp = jest.spyOn(facadeState().eventNames, 'has');
    const before = facadeState().contained;
    const errors = getLogger('shop')
      .child({ bound: lazy(compute) })
      .filter(atLeast('error'));
    const others = errors.filter(and(not(event('noise')), scope('shop')));
    for (const logger of [errors, others, others.child({ more: 1 }), others.named('db')]) {
      logger.info(untouchable as never, untouchable);
      logger.warning('not_written', compute as never);
      logger.error('noise', { a: lazy(compute) });
    }
    expect(written).toMatchObject([{ eventName: 'noise' }]);
    expect(compute).not.toHaveBeenCalled();
    expect(facadeState().contained).toBe(before);
    expect(looksUp.mock.calls.filter(([name]) => name !== 'noise')).toEqual([]);
    looksUp.mockRestore();
    others.critical('written');
    expect(written).toHaveLength(2);
  });

  test('isEnabled knows the levels of filters', () => {
    setLevel('debug');
    recording();
    const enabled = (logger: Logger) => NAMES.filter((name) => logger.isEnabled(name)).join(' ');
    const logger = getLogger('shop');
    const errors = logger.filter(atLeast('error'));
    expect(enabled(errors)).toBe('error fatal critical');
    expect(enabled(errors.child({ a: 1 }).filter(event('a')))).toBe('error fatal critical');
    expect(enabled(logger.filter(event('a')))).toBe(enabled(logger));
    setLevel('fatal');
    expect(enabled(errors)).toBe('fatal critical');
  });

  test('what is no filter is reported, and filters nothing', () => {
    const written = recording();
    const before = facadeState().contained;
    for (const wrong of [undefined, null, 'audit_*', {}]) {
      const logger = getLogger('shop')
        .filter(event('a'))
        .filter(wrong as never);
      logger.info('a');
      logger.info('b');
    }
    expect(written.map(({ eventName }) => eventName)).toEqual(Array(4).fill('a'));
    expect(facadeState().contained).toBe(before + 4);
  });

  test('hostile attributes do not throw out of child and withAttributes', () => {
    const written = recording();
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const bad = {
      get a(): never {
        throw new TypeError('no');
      },
      b: 1,
    };
    getLogger('shop').child(bad).info('x');
    getLogger('shop').child(untouchable).info('x');
    expect(written).toMatchObject([
      { bound: { a: '[Throws: TypeError]', b: 1 } },
      { bound: { 'logspan.attributes': '[Throws: Error]' } },
    ]);
    expect(withAttributes(untouchable, () => withAttributes(bad, () => 7))).toBe(7);
  });
});

describe('withAttributes', () => {
  test('follows asynchronous calls, nests, ends with the function, and passes on what it returns and throws', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const exporter = stockProvider();
    const logger = getLogger('shop');
    const result = await withAttributes({ tenant: 't', inner: 'no' }, async () => {
      await Promise.resolve();
      await withAttributes({ inner: 'yes' }, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        logger.info('deep');
      });
      logger.info('shallow');
      return 7;
    });
    logger.info('outside');
    expect(result).toBe(7);
    expect(exporter.getFinishedLogRecords().map(({ attributes }) => attributes)).toEqual([
      { tenant: 't', inner: 'yes' },
      { tenant: 't', inner: 'no' },
      {},
    ]);
    const failure = new Error('mine');
    const fails = () =>
      withAttributes({ a: 1 }, () => {
        throw failure;
      });
    expect(fails).toThrow(failure);
  });

  test('without a context manager the function runs without the attributes', () => {
    expect(withAttributes({ a: 1 }, () => 7)).toBe(7);
  });
});

describe('before a provider exists', () => {
  test('calls do nothing, and loggers made then write when there is one, and to the next one', () => {
    const early = getLogger('early');
    const child = early.child({ a: 1 });
    const compute = jest.fn();
    early.info('lost', compute as never);
    child.error('lost');
    expect(compute).not.toHaveBeenCalled();
    expect(early.isEnabled('fatal')).toBe(false);

    const first = recording();
    early.info('x');
    child.info('x');
    const second = recording();
    early.info('y');
    setDestination(undefined);
    early.info('lost');
    const stock = stockProvider();
    early.info('z');
    expect([first.length, second.length, stock.getFinishedLogRecords().length]).toEqual([2, 1, 1]);
    expect(early.isEnabled('info')).toBe(true);
  });

  test('a provider registered with the OTel API later is found without a sign', () => {
    setDestination(undefined);
    const logger = getLogger('shop');
    logger.info('lost');
    const exporter = new InMemoryLogRecordExporter();
    logs.setGlobalLoggerProvider(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }));
    logger.info('found');
    expect(exporter.getFinishedLogRecords().map(({ eventName }) => eventName)).toEqual(['found']);
  });
});

describe('isEnabled', () => {
  test('asks the provider what the level lets pass', () => {
    const enabled = jest.fn((options?: { severityNumber?: number }) => (options?.severityNumber ?? 0) > 9);
    recording({ enabled });
    const logger = getLogger('shop');
    expect([logger.isEnabled('debug'), logger.isEnabled('info'), logger.isEnabled('warning')]).toEqual([
      false,
      false,
      true,
    ]);
    expect(enabled.mock.calls).toEqual([[{ severityNumber: 9 }], [{ severityNumber: 13 }]]);
  });

  test('is true of a provider that cannot be asked, and false of one that throws', () => {
    recording();
    expect(getLogger('shop').isEnabled('info')).toBe(true);
    recording({
      enabled: () => {
        throw new Error('no');
      },
    });
    expect(getLogger('shop').isEnabled('info')).toBe(false);
  });
});

describe('a stock provider', () => {
  test('gets plain attributes, the event, the severity, the scope and the trace', () => {
    const exporter = stockProvider();
    const spanContext = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 };
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), () => {
      getLogger('shop', '1.0')
        .child({ bound: 1n })
        .warn('slow', {
          when: new Date(0),
          map: new Map([['a', new Set([1])]]),
          dump: lazy(() => ({ big: 10n ** 20n })),
          error: Object.assign(new TypeError('m'), { stack: 's' }),
        });
    });
    const [record] = exporter.getFinishedLogRecords();
    expect(record).toMatchObject({
      eventName: 'slow',
      body: 'slow',
      severityNumber: 13,
      severityText: 'WARN',
      instrumentationScope: { name: 'shop', version: '1.0' },
      spanContext,
    });
    expect(record?.attributes).toEqual({
      bound: 1,
      when: '1970-01-01T00:00:00.000Z',
      map: { a: [1] },
      dump: { big: '100000000000000000000' },
      'exception.type': 'TypeError',
      'exception.message': 'm',
      'exception.stacktrace': 's',
      'error.type': 'TypeError',
    });
  });

  test('gets attributes of the call over those of the logger over those of the context', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const exporter = stockProvider();
    withAttributes({ a: 'context', b: 'context', c: 'context' }, () =>
      getLogger('shop').child({ b: 'logger', c: 'logger' }).info('x', { c: 'call' }),
    );
    expect(exporter.getFinishedLogRecords()[0]?.attributes).toEqual({ a: 'context', b: 'logger', c: 'call' });
  });

  test('gets an Error wherever it stands', () => {
    const exporter = stockProvider();
    const logger = getLogger('shop');
    const error = new TypeError('m');
    logger.error(error as never);
    logger.error('x', error);
    logger.error('x', { err: error });
    logger.error('x', () => ({ exception: error }));
    logger.exception(error, 'x');
    for (const { attributes } of exporter.getFinishedLogRecords()) {
      expect(attributes).toMatchObject({ 'exception.type': 'TypeError', 'exception.message': 'm' });
    }
    expect(exporter.getFinishedLogRecords().map(({ body }) => body)).toEqual(['m', 'x', 'x', 'x', 'x']);
  });

  test('gets lazy values computed once, only if it wants the record, and contained', () => {
    const exporter = stockProvider({
      processors: [new SimpleLogRecordProcessor({ exporter: new InMemoryLogRecordExporter() })],
      loggerConfigurator: () => ({ disabled: false, minimumSeverity: 13, traceBased: false }),
    });
    const compute = jest.fn(() => 1);
    const logger = getLogger('shop');
    logger.info('unwanted', { a: lazy(compute) });
    logger.info('unwanted', compute as never);
    expect(compute).not.toHaveBeenCalled();
    expect(logger.isEnabled('info')).toBe(false);
    expect(exporter.getFinishedLogRecords()).toEqual([]);

    logs.disable();
    const wanted = stockProvider();
    logger.info('wanted', {
      a: lazy(compute),
      b: lazy(() => {
        throw new RangeError('no');
      }),
    });
    logger.info('wanted', () => {
      throw new RangeError('no');
    });
    expect(compute).toHaveBeenCalledTimes(1);
    expect(wanted.getFinishedLogRecords().map(({ attributes }) => attributes)).toEqual([
      { a: 1, b: '[Throws: RangeError]' },
      { 'logspan.attributes': '[Throws: RangeError]' },
    ]);
  });

  test('gets a body that is no text as plain data', () => {
    const exporter = stockProvider();
    getLogger('shop').info({ when: new Date(0) } as never);
    getLogger('shop').info(undefined as never);
    expect(exporter.getFinishedLogRecords().map(({ body }) => body)).toEqual([
      { when: '1970-01-01T00:00:00.000Z' },
      undefined,
    ]);
  });
});

describe('no call throws', () => {
  const secret = 'the secret in the record';
  test.each<[string, unknown]>([
    ['an Error', new TypeError(secret)],
    ['text', secret],
    ['undefined', undefined],
    [
      'a revoked proxy',
      (() => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      })(),
    ],
  ])('when the provider throws %s: it is counted, and told without what it says', (_, thrown) => {
    recording({ fails: thrown });
    const told: unknown[] = [];
    const note = (...message: unknown[]): void => void told.push(...message);
    diag.setLogger({ error: note, warn: note, info: note, debug: note, verbose: note }, DiagLogLevel.ERROR);
    const before = facadeState().contained;
    const logger = getLogger('shop');
    for (let i = 0; i < 64; i++) logger.info('x');
    expect(facadeState().contained).toBe(before + 64);
    expect(told.join()).not.toContain(secret);
    // Ever more rarely, not for each.
    expect(told.length).toBeLessThanOrEqual(2 * 7);
  });

  test('nor when diag throws as well', () => {
    recording({ fails: new Error('no') });
    const fails = () => {
      throw new Error('no diag either');
    };
    diag.setLogger({ error: fails, warn: fails, info: fails, debug: fails, verbose: fails }, DiagLogLevel.ERROR);
    const logger = getLogger('shop');
    for (let i = 0; i < 2_000; i++) logger.info('x');
    expect(logger.isEnabled('info')).toBe(true);
  });

  const argument = fc.oneof(
    { weight: 3, arbitrary: anything },
    { weight: 1, arbitrary: fc.constant(() => 'user_login') },
  );
  const call = fc.record({
    method: fc.constantFrom(...NAMES, 'log', 'event', 'message', 'exception', 'isEnabled'),
    arguments: fc.array(argument, { maxLength: 4 }),
  });
  const derivation = fc.tuple(fc.constantFrom('child', 'named', 'filter', 'withAttributes'), argument);

  test.each<[string, () => unknown]>([
    ['before a provider exists', () => setDestination(undefined)],
    ['with a provider of our own', () => recording()],
    ['with a stock provider', () => stockProvider()],
  ])('%s, whatever it is given', (_, prepare) => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    setLevel('trace');
    prepare();
    fc.assert(
      fc.property(
        argument,
        argument,
        fc.array(derivation, { maxLength: 2 }),
        fc.array(call, { maxLength: 4 }),
        (name, version, derivations, calls) => {
          let logger = getLogger(name() as string, version() as string);
          let run = (write: () => void): void => write();
          for (const [how, make] of derivations) {
            const given = make() as never;
            const inner = run;
            if (how === 'withAttributes') run = (write) => withAttributes(given, () => inner(write));
            else logger = logger[how as 'child'](given);
          }
          run(() => {
            for (const { method, arguments: makers } of calls) {
              const result = (logger[method as 'info'] as (...given: unknown[]) => unknown).apply(
                logger,
                makers.map((make) => make()),
              );
              expect(typeof result).toBe(method === 'isEnabled' ? 'boolean' : 'undefined');
            }
          });
        },
      ),
      { numRuns: 60 },
    );
  });
});

test('scope names without end share what is kept', () => {
  for (let i = 0; i < 12_000; i++) getLogger(`request-${i}`);
  expect(facadeState().levels.size).toBeLessThanOrEqual(10_001);
  const written = recording();
  setLevel('error');
  const late = getLogger('one-more');
  late.warn('x');
  late.error('x');
  expect(written).toMatchObject([{ scope: 'one-more', severityNumber: 17 }]);
});

test('an invalid scope name makes a working logger', () => {
  const written = recording();
  for (const name of [undefined, null, 7, {}, Symbol('s')]) getLogger(name as never, name as never).info('x');
  getLogger('')
    .named(undefined as never)
    .info('x');
  expect(written.map(({ scope, version }) => [scope, version])).toEqual(Array(6).fill(['', undefined]));
});

test('a method that was taken off its logger does not throw into who calls it', () => {
  const { trace, debug, info, warn, warning, error, fatal, critical, exception, log, event, message } =
    getLogger('detached');
  for (const method of [trace, debug, info, warn, warning, error, fatal, critical]) {
    expect(() => method('nowhere to write')).not.toThrow();
  }
  expect(() => exception(new Error('lost'))).not.toThrow();
  for (const method of [log, event, message]) expect(() => method('info', 'nowhere to write')).not.toThrow();
});
