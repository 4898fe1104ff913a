import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { getLogger, type Logger, type SeverityName } from '@logspan/logger';
import { context, diag, TraceFlags, trace } from '@opentelemetry/api';
import * as Sentry from '@sentry/node';
import { FakeSentry } from '../../../../test/sentry/fake-sentry.ts';
import { enrich } from '../processors/enrich.ts';
import { redact } from '../processors/redact.ts';
import { ConfigError } from '../provider/config-error.ts';
import type { Logging } from '../provider/logging.ts';
import type { RegisterOptions } from '../provider/options.ts';
import { register } from '../provider/register.ts';
import { route } from './route.ts';
import { type SentryOptions, sentry } from './sentry.ts';

let server: FakeSentry;
let logging: Logging | undefined;
const logger: Logger = getLogger('shop');

type Integration = Omit<ReturnType<typeof Sentry.captureConsoleIntegration>, 'name'> & { name: string };

/** The application's own Sentry: all its default integrations but those that end the process, or would end Jest's. */
function initSentry(options: Sentry.NodeOptions = {}, ...more: Integration[]): void {
  const away = ['OnUncaughtException', 'OnUnhandledRejection', 'ProcessSession', 'ChildProcess', 'Modules'];
  // It warns that it cannot instrument modules in Jest.
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  Sentry.init({
    dsn: server.dsn,
    release: 'shop@1.0.0',
    // Equal events one after the other are not what is tried here.
    integrations: (defaults) => [...defaults.filter(({ name }) => !away.includes(name) && name !== 'Dedupe'), ...more],
    ...options,
  });
  warn.mockRestore();
}

function start(options?: SentryOptions, rest: Partial<RegisterOptions> = {}): Logging {
  logging = register({ handlers: [sentry(Sentry, options)], exitHooks: false, level: 'trace', ...rest });
  return logging;
}

/** All events that Sentry got. */
async function sent() {
  await logging?.forceFlush();
  // Those that are none of logspan's too.
  await Sentry.flush(1_000);
  // They may overtake each other.
  return server.events.toSorted((one, other) => one.timestamp - other.timestamp);
}

const account = () => logging?.stats().handlers.sentry;
const all = { accepted: 1, delivered: 0, rejected: 0, dropped: {}, pending: 0 };

beforeAll(async () => {
  // What Sentry patches once, and calls.
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
  server = await new FakeSentry().start();
});
beforeEach(() => {
  server.received.length = 0;
  server.bytes = Buffer.alloc(0);
  server.status = 200;
  const none = () => undefined;
  diag.setLogger({ verbose: none, debug: none, info: none, warn: none, error: none });
  initSentry();
  Sentry.getIsolationScope().clearBreadcrumbs();
});
afterEach(async () => {
  await logging?.shutdown({ timeoutMillis: 500 });
  logging = undefined;
  // Nothing of one test comes in the next.
  server.status = 200;
  server.hangUp();
  await Sentry.flush(1_000);
  diag.disable();
});
afterAll(async () => {
  await Sentry.close(100);
  await server.stop();
});

describe('an event', () => {
  test('is made of a record with an error: its frames, its causes, its attributes', async () => {
    start({ tags: ['region', 'nested'] });
    const cause = new TypeError('no route');
    const error = new RangeError('card declined', { cause });
    logger.error('payment_failed', { orderId: 'o-77', region: 'eu', nested: { a: 1 }, error });
    const [event, ...others] = await sent();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      level: 'error',
      logger: 'shop',
      message: 'payment_failed',
      release: 'shop@1.0.0',
      fingerprint: ['{{ default }}', 'payment_failed'],
      tags: { event_name: 'payment_failed', region: 'eu' },
      contexts: { log: { orderId: 'o-77', region: 'eu', nested: { a: 1 }, 'error.type': 'RangeError' } },
    });
    expect(Object.keys(event.tags)).not.toContain('nested');
    const [first, last] = event.exception.values;
    expect(first).toMatchObject({ type: 'TypeError', value: 'no route', mechanism: { type: 'chained' } });
    expect(last).toMatchObject({
      type: 'RangeError',
      value: 'card declined',
      mechanism: { type: 'auto.log.logspan', handled: true },
    });
    // The frames of the errors, not those of a logging library.
    for (const { stacktrace } of [first, last]) expect(stacktrace.frames.at(-1).filename).toBe(import.meta.filename);
    expect(Object.keys(event.contexts.log).join()).not.toMatch(/exception\.(message|stacktrace|cause)/);
    expect(account()).toEqual({ ...all, delivered: 1 });
  });

  test('is made of a record without an error', async () => {
    start();
    logger.error('stock_empty', { sku: 'b-1' });
    logger.error('the stock of b-1 is empty');
    logger.fatal({ sku: 'b-1' } as never);
    const events = await sent();
    expect(events).toMatchObject([
      { message: 'stock_empty', level: 'error', fingerprint: ['stock_empty'], contexts: { log: { sku: 'b-1' } } },
      { message: 'the stock of b-1 is empty', level: 'error' },
      { message: "{ sku: 'b-1' }", level: 'fatal' },
    ]);
    expect(events[1]).not.toHaveProperty('fingerprint');
    for (const event of events) expect(event).not.toHaveProperty('exception');
  });

  test('tells of aggregated errors, and of what was thrown and is no Error', async () => {
    start();
    logger.exception(new AggregateError([new Error('one'), new TypeError('two')], 'all failed'));
    logger.exception('just text');
    logger.error(new Error('alone') as never);
    const [first, second, third] = await sent();
    expect(first.exception.values.map(({ type, value }: Record<string, string>) => `${type}: ${value}`)).toEqual([
      'TypeError: two',
      'Error: one',
      'AggregateError: all failed',
    ]);
    expect(second.exception.values).toMatchObject([{ type: 'string', value: 'just text' }]);
    // Said once: the body of such a record is the message of its error.
    expect(third.exception.values).toMatchObject([{ type: 'Error', value: 'alone' }]);
    expect(third).not.toHaveProperty('message');
  });

  test('has its own frames even if the message of its cause forges the line that divides them', async () => {
    start();
    const cause = new Error('innocent\nCaused by: Evil: me\n    at evil (/evil.js:1:1)');
    logger.exception(new Error('outer', { cause }), 'forged');
    const [event] = await sent();
    const [inner, outer] = event.exception.values;
    expect(outer.stacktrace.frames.at(-1).filename).toBe(import.meta.filename);
    const functions = outer.stacktrace.frames.map((frame: { function?: string }) => frame.function);
    expect(functions).not.toContain('evil');
    expect(inner).toMatchObject({ type: 'Error', value: cause.message });
  });

  test.each<[SeverityName, string]>([
    ['trace', 'debug'],
    ['debug', 'debug'],
    ['info', 'info'],
    ['warn', 'warning'],
    ['warning', 'warning'],
    ['error', 'error'],
    ['fatal', 'fatal'],
    ['critical', 'fatal'],
  ])('of %s has the level %s, whatever the scope says', async (level, expected) => {
    start({ level: 'trace' });
    Sentry.withScope((scope) => {
      scope.setLevel('log');
      logger[level]('level_tried');
    });
    expect(await sent()).toMatchObject([{ level: expected }]);
  });

  test('has the time of its record', async () => {
    start();
    const before = Date.now() / 1_000;
    logger.error('late');
    const after = Date.now() / 1_000 + 0.001;
    const [{ timestamp }] = await sent();
    expect(timestamp).toBeGreaterThanOrEqual(Math.floor(before * 1_000) / 1_000);
    expect(timestamp).toBeLessThanOrEqual(after);
  });

  test('keeps what the application told Sentry', async () => {
    start();
    Sentry.withScope((scope) => {
      scope.setUser({ id: 'u-1' }).setTag('team', 'payments').setContext('cart', { items: 3 });
      logger.error('payment_failed');
    });
    expect(await sent()).toMatchObject([
      { user: { id: 'u-1' }, tags: { team: 'payments' }, contexts: { cart: { items: 3 } } },
    ]);
  });

  test('is not changed by what the caller does later, and is bounded', async () => {
    start({ tags: ['note'] });
    const cart = { items: 1 };
    logger.error('payment_failed', { cart, note: 'n'.repeat(20_000) });
    cart.items = 2;
    const [event] = await sent();
    expect(event.contexts.log.cart).toEqual({ items: 1 });
    expect(event.contexts.log.note.length).toBeLessThan(8_200);
    expect(event.tags.note).toHaveLength(200);
  });

  test.each<[string, SentryOptions['fingerprint'], unknown]>([
    ['left to Sentry', false, undefined],
    ['of a function', ({ eventName }) => ['mine', String(eventName)], ['mine', 'payment_failed']],
    ['left to Sentry by a function', () => undefined, undefined],
    [
      'the default where the function throws',
      () => {
        throw new Error('no');
      },
      ['payment_failed'],
    ],
  ])('has a fingerprint %s', async (_, fingerprint, expected) => {
    start(fingerprint === undefined ? {} : { fingerprint });
    logger.error('payment_failed');
    const [event] = await sent();
    expect(event.fingerprint).toEqual(expected);
  });

  test.each(['trace', 'debug', 'info', 'warn'] as const)('is not made of %s', async (level) => {
    start();
    logger[level]('not_so_bad', { error: new Error('expected') });
    expect(await sent()).toEqual([]);
  });
});

describe('the trace', () => {
  const spanContext = {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    traceFlags: TraceFlags.SAMPLED,
  };

  test('is that of the record, in the event and in the header of its envelope', async () => {
    start();
    context.with(trace.setSpanContext(context.active(), spanContext), () => logger.error('in_a_trace'));
    await sent();
    const [{ event, header } = { event: {}, header: {} }] = server.received;
    expect(event.contexts.trace).toEqual({ trace_id: spanContext.traceId, span_id: spanContext.spanId });
    expect(header.trace.trace_id).toBe(spanContext.traceId);
  });

  test('is left to Sentry where the record has none', async () => {
    start();
    const { traceId } = Sentry.getCurrentScope().getPropagationContext();
    logger.error('in_no_trace');
    const [event] = await sent();
    expect(event.contexts.trace.trace_id).toBe(traceId);
  });

  test('of the record leaves the scope of the application alone', async () => {
    start();
    const before = { ...Sentry.getCurrentScope().getPropagationContext() };
    context.with(trace.setSpanContext(context.active(), spanContext), () => logger.error('in_a_trace'));
    expect(Sentry.getCurrentScope().getPropagationContext()).toEqual(before);
  });
});

describe('breadcrumbs', () => {
  const messages = (event: { breadcrumbs?: { message: string }[] }) => event.breadcrumbs?.map(({ message }) => message);

  test('are the records below the level that came before', async () => {
    start();
    const step = { n: 1 };
    logger.debug('not_even_this');
    logger.info('cart_opened', { step });
    logger.warn('stock is low');
    step.n = 2;
    logger.error('payment_failed');
    const [event] = await sent();
    expect(event.breadcrumbs).toMatchObject([
      { category: 'shop', level: 'info', message: 'cart_opened', data: { step: { n: 1 } } },
      { category: 'shop', level: 'warning', message: 'stock is low' },
    ]);
    expect(event.breadcrumbs[0].timestamp).toBeLessThanOrEqual(event.timestamp);
    // Below both levels nothing comes here at all.
    expect(account()).toEqual({ ...all, accepted: 3, delivered: 3 });
  });

  test('stay in the request that they are of', async () => {
    start();
    const handle = (name: string) =>
      Sentry.withIsolationScope(async () => {
        logger.info(`${name}_began`);
        await new Promise((resolve) => setImmediate(resolve));
        logger.error(`${name}_failed`);
      });
    await Promise.all([handle('first'), handle('second')]);
    const events = await sent();
    expect(events.map((event) => [event.message, messages(event)])).toEqual([
      ['first_failed', ['first_began']],
      ['second_failed', ['second_began']],
    ]);
  });

  test.each<[SentryOptions, string[] | undefined]>([
    [{ breadcrumbs: false }, undefined],
    [{ breadcrumbs: 'warn' }, ['w']],
    [{ breadcrumbs: 'trace' }, ['t', 'i', 'w']],
    [{ when: ({ eventName }) => eventName !== 'i' }, ['w']],
  ])('are as %j has it', async (options, expected) => {
    start(options);
    logger.trace('t');
    logger.info('i');
    logger.warn('w');
    logger.error('e');
    const [event] = await sent();
    expect(messages(event)).toEqual(expected);
  });

  test('are small, whatever the record is', async () => {
    start();
    logger.info('x'.repeat(10_000), { text: 'y'.repeat(10_000), list: Array.from({ length: 500 }, () => 1) });
    logger.error('e');
    const [{ breadcrumbs }] = await sent();
    expect(JSON.stringify(breadcrumbs).length).toBeLessThan(4_000);
  });
});

describe('an error is reported once', () => {
  const ways = () => {
    const error = new Error('once');
    return { error, log: () => logger.error('failed', { error }), capture: () => void Sentry.captureException(error) };
  };

  test('where Sentry was first', async () => {
    const { log, capture } = ways();
    start();
    capture();
    log();
    expect(await sent()).toHaveLength(1);
    expect(account()).toEqual({ ...all, dropped: { already_reported: 1 } });
  });

  test('where logspan was first', async () => {
    const { log, capture } = ways();
    start();
    log();
    capture();
    expect(await sent()).toMatchObject([{ logger: 'shop' }]);
  });

  test('where it is logged again on its way up, in any way that an error can be logged', async () => {
    const { error } = ways();
    start();
    logger.error('failed', { error });
    logger.error(error as never);
    logger.error('failed', error as never);
    logger.exception(error, 'failed_again');
    logger.child({ err: error }).error('failed_in_child');
    logger.error('failed_finally', { exception: error });
    expect(await sent()).toHaveLength(1);
    expect(account()?.dropped).toEqual({ already_reported: 5 });
  });

  test('but it is fatal once, if it was not before', async () => {
    const { error, log } = ways();
    start({}, { handlers: [sentry(Sentry), sentry(Sentry)] });
    log();
    logger.fatal('order_lost', { error });
    logger.fatal('order_lost_again', { error });
    log();
    expect(await sent()).toMatchObject([
      { message: 'failed', level: 'error' },
      { message: 'order_lost', level: 'fatal' },
    ]);
    expect(account()?.dropped).toEqual({ already_reported: 2 });
  });

  test('but it is fatal though an integration of Sentry was first', async () => {
    const { error, capture } = ways();
    start();
    capture();
    logger.fatal('order_lost', { error });
    // The clocks of the two are not the same.
    const levels = (await sent()).map(({ level }) => level);
    expect(levels.toSorted()).toEqual(['error', 'fatal']);
  });

  test('in a minute, where the same object is logged for ever', async () => {
    const { log } = ways();
    let now = 0;
    start({}, { handlers: [sentry(Sentry, {}, () => now)] });
    log();
    await sent();
    now = 59_999;
    log();
    now = 60_000;
    log();
    await sent();
    now = 119_999;
    log();
    expect(await sent()).toHaveLength(2);
    expect(account()).toEqual({ ...all, accepted: 4, delivered: 2, dropped: { already_reported: 2 } });
  });

  test.each<[string, Sentry.NodeOptions, number]>([
    ['beforeSend took it out', { beforeSend: ({ message }) => (message === 'failed' ? null : ({} as never)) }, 200],
    ['the sample rate did', { sampleRate: 0 }, 200],
    ['Sentry refused it', {}, 500],
    ['Sentry had too much', {}, 429],
  ])('not at all where %s: then it is still to be reported', async (_, init, status) => {
    const { error, log, capture } = ways();
    initSentry(init);
    start();
    server.status = status;
    log();
    await sent();
    expect(error).not.toHaveProperty('__sentry_captured__');
    server.received.length = 0;
    server.status = 200;
    initSentry();
    log();
    capture();
    expect(await sent()).toMatchObject([{ message: 'failed' }]);
    expect(account()).toMatchObject({ accepted: 2, delivered: 1 });
  });

  test('where beforeSend took out a later report of what Sentry had captured: it has it', async () => {
    const { error, capture } = ways();
    initSentry({ beforeSend: (event) => (event.level === 'fatal' ? null : event) });
    start();
    capture();
    logger.fatal('order_lost', { error });
    await sent();
    logger.error('failed', { error });
    expect(await sent()).toHaveLength(1);
    expect(account()?.dropped).toEqual({ not_sent: 1, already_reported: 1 });
  });

  test('where a route has a copy of the record', async () => {
    const { log } = ways();
    start(
      {},
      { handlers: [route({ processors: [enrich({ team: 'a' }), redact()], to: sentry(Sentry) }), sentry(Sentry)] },
    );
    log();
    expect(await sent()).toHaveLength(1);
    expect(account()?.dropped).toEqual({ already_reported: 1 });
  });

  test('where it was below the level first, and so not reported', async () => {
    const { error } = ways();
    start();
    logger.warn('will_retry', { error });
    logger.error('gave_up', { error });
    expect(await sent()).toMatchObject([{ message: 'gave_up' }]);
  });

  test('though it is frozen, or what was thrown is a proxy that throws', async () => {
    start();
    const hostile = new Proxy(new Error('hostile'), {
      get: () => {
        throw new RangeError('from a proxy');
      },
      defineProperty: () => {
        throw new RangeError('from a proxy');
      },
    });
    expect(() => logger.error('a', { error: Object.freeze(new Error('cold')) })).not.toThrow();
    expect(() => logger.error('b', { error: hostile })).not.toThrow();
    expect(await sent()).toHaveLength(2);
  });

  test('where Sentry captures the console, and the console goes to the log', async () => {
    initSentry({}, Sentry.captureConsoleIntegration({ levels: ['error'] }));
    start();
    const original = console.error;
    // As a bridge does it: over Sentry's own patch, which it calls.
    console.error = (...given: unknown[]) => {
      logger.error('console', { error: given[0] });
      original(...given);
    };
    try {
      console.error(new Error('told to the console'));
    } finally {
      console.error = original;
    }
    expect(await sent()).toHaveLength(1);
  });
});

describe('what begins as Sentry speaks', () => {
  const line = 'Sentry Logger [error]: by a user';
  test('hides nothing from Sentry', async () => {
    start();
    logger.error(line);
    logger.error('Sentry Logger [user supplied text', { error: new Error('real') });
    expect(await sent()).toHaveLength(2);
    expect(account()?.dropped).toEqual({});
  });

  test('hides no error in debug mode either, but itself', async () => {
    // That alone: Sentry would say a lot here.
    Object.assign(Sentry.getClient()?.getOptions() ?? {}, { debug: true });
    start();
    logger.error(line);
    logger.info(line);
    logger.error(line, { error: new Error('real') });
    logger.fatal(line);
    logger.error(`said: ${line}`);
    expect(await sent()).toHaveLength(3);
    expect(account()).toMatchObject({ accepted: 5, dropped: { filtered: 2 } });
  });
});

describe('no secret leaves', () => {
  // Not literals: Sentry shows lines of the source around a frame.
  const secret = (n: number): string => ['h', 'unter', '2'].join('') + n.toString().padStart(3, '0');
  const bearer = (n: number): string => `Bearer ${secret(n)}`;

  test('by any way that leads to Sentry', async () => {
    const seen: unknown[] = [];
    initSentry(
      {
        beforeSend: (event, hint) => {
          if (hint.originalException !== undefined) seen.push(hint.originalException);
          return event;
        },
      },
      Sentry.extraErrorDataIntegration({ depth: 5 }),
      // As the one of local variables does.
      {
        name: 'Variables',
        processEvent(event: Sentry.Event) {
          const frame = event.exception?.values?.[0]?.stacktrace?.frames?.at(-1);
          if (frame !== undefined) frame.vars = { password: secret(1), header: bearer(2) };
          return event;
        },
      },
    );
    start();
    Sentry.getIsolationScope().setSDKProcessingMetadata({
      normalizedRequest: {
        url: `http://shop.test/?token=${secret(3)}`,
        query_string: `token=${secret(4)}`,
        headers: { authorization: bearer(5), cookie: `password=${secret(6)}`, 'x-note': bearer(7) },
        data: JSON.stringify({ card: { password: secret(8) } }),
      },
    });
    Sentry.addBreadcrumb({
      message: `sent ${bearer(9)}`,
      data: { url: `https://u:${secret(10)}@shop.test/`, apiKey: secret(11) },
    });
    logger.info('cart_opened', { password: secret(12), note: bearer(13) });
    logger.info(`cart opened with ${bearer(14)}`);
    const deep = new TypeError(`deep ${bearer(15)}`);
    const cause = Object.assign(new Error(`cause ${bearer(16)}`, { cause: deep }), {
      config: { password: secret(17) },
    });
    const error = Object.assign(new AggregateError([new Error(`one ${bearer(18)}`)], `all ${bearer(19)}`, { cause }), {
      response: { headers: { authorization: bearer(20) } },
    });
    error.stack = `${error.stack}\n    at call (https://u:${secret(21)}@shop.test/x.js:1:1)`;
    logger.error('payment_failed', { error, token: secret(22), nested: [{ password: secret(23), text: bearer(24) }] });
    logger.error(`failed with ${bearer(25)}`);
    const events = await sent();
    expect(events).toHaveLength(2);
    expect(events[0].exception.values).toHaveLength(4);
    expect(events[0].request.url).toContain('http://shop.test/');
    expect(events[0].breadcrumbs).toHaveLength(3);
    expect(server.bytes.toString('utf8')).not.toContain(secret(0).slice(0, -3));
    // Nor does the application's own beforeSend see one, which may send it elsewhere.
    expect(seen[0]).toBeInstanceOf(Error);
    expect(JSON.stringify([seen, (seen[0] as Error).stack, String((seen[0] as Error).cause)])).not.toContain(
      secret(0).slice(0, -3),
    );
    expect(logging?.stats().pipeline.redacted).toBeGreaterThan(10);
  });

  test('and the breadcrumbs of a scope stay as they are, for Sentry itself', async () => {
    start();
    Sentry.addBreadcrumb({ message: bearer(1), data: { password: secret(1) } });
    logger.error('payment_failed');
    await sent();
    expect(Sentry.getIsolationScope().getLastBreadcrumb()).toMatchObject({
      message: bearer(1),
      data: { password: secret(1) },
    });
  });

  test('with rules of the application for what Sentry collects', async () => {
    start({ redact: redact({ keys: ['customer'] }) });
    Sentry.addBreadcrumb({ message: 'm', data: { customer: 'ann', other: 'ben' } });
    logger.error('payment_failed');
    const [event] = await sent();
    expect(event.breadcrumbs[0].data).toEqual({ customer: '***REDACTED***', other: 'ben' });
  });

  test('unless it is asked for', async () => {
    start({ redact: false });
    Sentry.addBreadcrumb({ message: 'm', data: { password: 'sesame' } });
    logger.error('payment_failed', { password: 'simsalabim' });
    const [event] = await sent();
    expect(event.breadcrumbs[0].data).toEqual({ password: 'sesame' });
    expect(event.contexts.log.password).toBe('***REDACTED***');
  });

  test('where what was collected cannot be redacted: then it goes', async () => {
    start();
    let deep: Record<string, unknown> = { password: secret(1) };
    for (let i = 0; i < 200; i++) deep = { deep };
    Sentry.addBreadcrumb({ message: 'm', data: deep });
    logger.error('payment_failed');
    const [event] = await sent();
    expect(event).toMatchObject({ message: 'payment_failed' });
    expect(event.breadcrumbs).toMatchObject([{ message: 'm', data: { 'logspan.redact.failed': true } }]);
    expect(server.bytes.toString('utf8')).not.toContain(secret(1));
  });

  test('of what integrations of Sentry collect in contexts and in the name of the transaction', async () => {
    initSentry(
      {},
      {
        name: 'Collector',
        processEvent: (event: Sentry.Event) => ({
          ...event,
          transaction: `GET /reset?token=${secret(1)}`,
          contexts: { ...event.contexts, trpc: { input: { password: secret(2) } } },
        }),
      },
    );
    start();
    logger.error('login_failed', { note: 'kept' });
    const [event] = await sent();
    expect(server.bytes.toString('utf8')).not.toContain(secret(0).slice(0, -3));
    expect(event.transaction).toContain('GET /reset?token=');
    expect(event.contexts).toMatchObject({ log: { note: 'kept' }, trpc: { input: {} }, runtime: { name: 'node' } });
  });
});

describe('the account', () => {
  test('says what beforeSend took out, once Sentry had no more to do', async () => {
    initSentry({ beforeSend: () => null });
    start();
    logger.error('unwanted');
    await sent();
    expect(account()).toEqual({ ...all, dropped: { not_sent: 1 } });
  });

  test('says it ten seconds later without a flush', () => {
    initSentry({ beforeSend: () => null });
    let now = 0;
    start({}, { handlers: [sentry(Sentry, {}, () => now)] });
    logger.error('unwanted');
    expect(account()).toEqual({ ...all, pending: 1 });
    now = 10_001;
    expect(account()).toEqual({ ...all, dropped: { not_sent: 1 } });
  });

  test('says at once what the sample rate took out', () => {
    initSentry({ sampleRate: 0 });
    start();
    logger.error('unlucky');
    expect(account()).toEqual({ ...all, dropped: { not_sent: 1 } });
  });

  test('bounds what it follows', () => {
    initSentry({ beforeSend: () => null, transportOptions: { bufferSize: 5_000 } });
    start();
    for (let i = 0; i < 1_100; i++) logger.error('unwanted');
    expect(account()).toEqual({ ...all, accepted: 1_100, dropped: { not_sent: 100 }, pending: 1_000 });
  });

  test('says what Sentry refused, and what it would not take for now', async () => {
    start();
    server.status = 400;
    logger.error('refused');
    await sent();
    expect(account()).toEqual({ ...all, rejected: 1 });
    server.status = 429;
    logger.error('too_many');
    await sent();
    logger.error('not_even_tried');
    await sent();
    expect(account()).toEqual({ ...all, accepted: 3, rejected: 2, dropped: { not_sent: 1 } });
  });

  test('says what could not be sent', async () => {
    initSentry({ dsn: 'http://key@127.0.0.1:9/1' });
    start();
    logger.error('nobody_is_there');
    await sent();
    expect(account()).toEqual({ ...all, dropped: { not_sent: 1 } });
  });

  test('has what is under way, until the deadline', async () => {
    start();
    server.status = undefined;
    logger.error('no_answer');
    expect(await logging?.forceFlush({ timeoutMillis: 50 })).toBe(false);
    expect(account()).toEqual({ ...all, pending: 1 });
    expect(await logging?.shutdown({ timeoutMillis: 50 })).toBe(false);
    expect(account()).toEqual({ ...all, dropped: { shutdown_deadline: 1 } });
  });

  test('has a deadline of its own for flushes', async () => {
    start({ flushTimeoutMillis: 20 });
    server.status = undefined;
    logger.error('no_answer');
    expect(await logging?.forceFlush()).toBe(false);
    expect(account()).toEqual({ ...all, pending: 1 });
  });

  test('closes at the end of the process', () => {
    const end = sentry(Sentry).start({ resource: { attributes: {} }, environment: {} as never });
    start({}, { handlers: [{ name: 'sentry', start: () => end }] });
    server.status = undefined;
    logger.error('too_late');
    end.flushSync?.(10);
    expect(account()).toEqual({ ...all, dropped: { process_exit: 1 } });
  });

  test('counts what comes without a client, and says so once', async () => {
    const warn = jest.fn();
    diag.setLogger({ verbose: warn, debug: warn, info: warn, warn, error: warn });
    let client: Sentry.NodeClient | undefined;
    start({}, { handlers: [sentry({ ...Sentry, getClient: () => client as never })] });
    warn.mockClear();
    for (let i = 0; i < 3; i++) logger.error('too_early');
    expect(account()).toEqual({ ...all, accepted: 3, dropped: { no_client: 3 } });
    expect(warn.mock.calls).toEqual([[expect.stringContaining('Sentry.init()')]]);
    client = Sentry.getClient();
    logger.error('in_time');
    expect(await sent()).toMatchObject([{ message: 'in_time' }]);
  });

  test('counts the record on which Sentry throws, and the application sees nothing', () => {
    const broken = {
      ...Sentry,
      captureEvent: () => {
        throw new Error('Sentry is broken');
      },
    };
    start({}, { handlers: [sentry(broken)] });
    const error = new Error('for somebody else to report');
    expect(() => logger.error('failed', { error })).not.toThrow();
    expect(account()).toEqual({ ...all, dropped: { export_failed: 1 } });
    expect(error).not.toHaveProperty('__sentry_captured__');
  });

  test('follows the client that Sentry has at the time', async () => {
    start();
    logger.error('first');
    await sent();
    initSentry({ release: 'shop@2.0.0' });
    logger.error('second');
    expect(await sent()).toMatchObject([{ release: 'shop@1.0.0' }, { release: 'shop@2.0.0' }]);
    expect(account()).toEqual({ ...all, accepted: 2, delivered: 2 });
  });
});

test('Sentry is neither initialised nor closed', async () => {
  const touched = jest.fn();
  start({}, { handlers: [sentry({ ...Sentry, init: touched, close: touched, setTag: touched } as typeof Sentry)] });
  const client = Sentry.getClient();
  logger.error('failed');
  await sent();
  await logging?.shutdown();
  expect(touched).not.toHaveBeenCalled();
  expect(Sentry.getClient()).toBe(client);
  expect(client?.getOptions().enabled).not.toBe(false);
  Sentry.captureMessage('still there');
  await Sentry.flush(1_000);
  expect(server.events.at(-1)).toMatchObject({ message: 'still there' });
});

describe('a mistake is told at once', () => {
  test.each<[unknown, string]>([
    [undefined, "sentry: must be given Sentry, as in import * as Sentry from '@sentry/node', not undefined"],
    ['https://key@o1.ingest.sentry.io/1', 'sentry: must be given Sentry, as in'],
    [
      { captureException: () => '' },
      'sentry: must be given Sentry of version 8 or later: what was given has no getClient()',
    ],
  ])('in place of Sentry: %j', (given, message) => {
    expect(() => sentry(given as never)).toThrow(ConfigError);
    expect(() => sentry(given as never)).toThrow(message);
    expect(() => sentry(given as never)).not.toThrow('ingest');
  });

  test.each<[Record<string, unknown>, string]>([
    [{ level: 'off' }, 'sentry.level: must be one of "trace"'],
    [{ level: 17 }, 'not 17'],
    [{ breadcrumbs: true }, 'sentry.breadcrumbs: must be one of'],
    [{ fingerprint: 'event' }, 'sentry.fingerprint: must be a function, not "event"'],
    [{ tags: 'region' }, 'sentry.tags: must be an array of attribute names, not "region"'],
    [{ tags: [1] }, 'sentry.tags'],
    [{ redact: true }, 'sentry.redact: must be a redact() or false, not true'],
    [{ redact: enrich({ a: 1 }) }, 'sentry.redact: must be a redact() or false, not a function'],
    [{ flushTimeoutMillis: 0 }, 'sentry.flushTimeoutMillis: must be a whole number'],
    [{ when: 'always' }, 'sentry.when: must be a function'],
    [{ name: 1 }, 'sentry.name: must be a string'],
    [{ dsn: 'https://key@o1.ingest.sentry.io/1' }, 'sentry.dsn: is not an option'],
  ])('in the options: %j', (options, message) => {
    expect(() => sentry(Sentry, options as never)).toThrow(ConfigError);
    expect(() => sentry(Sentry, options as never)).toThrow(message);
  });
});
