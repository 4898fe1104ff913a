import { afterEach, expect, test } from '@jest/globals';
import { getLogger, type SeverityName } from '@logspan/logger';
import {
  batch,
  filter,
  type Handler,
  type Logging,
  type LoggingStats,
  type LogRecordExporter,
  otlp,
  type ProcessorFunction,
  redact,
  register,
  type Step,
  sample,
  stage,
} from '@logspan/sdk';
import { logs } from '@opentelemetry/api-logs';
import fc from 'fast-check';
import { ManualTime, settled } from './delivery/manual-time.ts';
import { ScriptedSender } from './delivery/scripted-sender.ts';
import { toldDuring } from './pipeline/recorder.ts';

const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);

/** `emitted = passed + sum(dropped)`, and for all handlers and each: `accepted = delivered + rejected + sum(dropped) + pending`. */
function expectBalance({ handlers, pipeline, ...sum }: LoggingStats): void {
  for (const account of [sum, ...Object.values(handlers)]) {
    expect(account.delivered + account.rejected + total(account.dropped) + account.pending).toBe(account.accepted);
  }
  expect(pipeline.passed + total(pipeline.dropped)).toBe(pipeline.emitted);
  const accounts = Object.values(handlers);
  for (const figure of ['accepted', 'delivered', 'rejected', 'pending'] as const) {
    expect(sum[figure]).toBe(total(Object.fromEntries(accounts.map((account, index) => [index, account[figure]]))));
  }
}

let logging: Logging | undefined;
afterEach(async () => {
  await logging?.shutdown({ timeoutMillis: 1 });
});

/** A stage of a user that fails now and then, before or after it has passed the record on. */
const shaky = (before: boolean, name = 'shaky', phase?: 'redact') =>
  stage(name, phase, (next) => {
    let n = 0;
    return {
      onEmit(record, context) {
        if (before && n++ % 3 === 0) throw new Error();
        next.onEmit(record, context);
        if (!before && n++ % 3 === 0) throw new Error();
      },
      forceFlush: (options) => next.forceFlush(options),
      shutdown: (options) => next.shutdown(options),
    };
  });

const odd: ProcessorFunction = ({ attributes }) => Number(attributes.n) % 2 === 1;
const broken: ProcessorFunction = () => {
  throw new Error();
};
const chatty: ProcessorFunction = () => {
  getLogger('chatty').info('inner');
};

test('the books balance at all times, whatever comes and whoever fails', async () => {
  const steps: readonly (readonly [number, () => Step])[] = [
    [0, () => filter(({ severityNumber = 0 }) => severityNumber !== 13)],
    [1, () => sample({ ratio: 0.5, random: () => 0.4 })],
    [2, () => odd],
    [2, () => broken],
    [2, () => chatty],
    [2, () => shaky(true)],
    [2, () => shaky(false, 'shaky too')],
    [3, () => redact()],
    [3, () => shaky(true, 'shaky redaction', 'redact')],
  ];
  const action = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('write' as const),
        level: fc.constantFrom('debug', 'info', 'warn', 'error', 'fatal'),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('write through OTel' as const),
        severityNumber: fc.constantFrom(0, 1, 9, 17, 24),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('write nonsense' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('answer' as const), status: fc.constantFrom(200, 400, 413, 503) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('export' as const), code: fc.constantFrom(0, 1) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('add a step', 'remove it', 'add a handler', 'flush', 'let time pass'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('set the level' as const),
        level: fc.constantFrom('trace', 'info', 'error'),
      }),
    },
  );

  await toldDuring(() =>
    fc.assert(
      fc.asyncProperty(
        fc.subarray([...steps.keys()]),
        fc.record({ batchRecords: fc.integer({ min: 1, max: 5 }), queueBytes: fc.integer({ min: 1_024, max: 4_000 }) }),
        fc.array(action, { maxLength: 60, size: 'max' }),
        async (chosen, options, actions) => {
          // Of a run that has failed.
          await logging?.shutdown({ timeoutMillis: 1 });
          const time = new ManualTime();
          const sender = new ScriptedSender(time.now);
          const waiting: ((result: { code: number }) => void)[] = [];
          const exporter: LogRecordExporter = {
            export: (_, done) => void waiting.push(done),
            shutdown: async () => undefined,
          };
          const failing: Handler = {
            name: 'failing',
            when: () => {
              throw new Error();
            },
            start: () => ({
              onEmit() {
                throw new Error();
              },
              forceFlush: () => Promise.reject(new Error()),
              shutdown: () => Promise.reject(new Error()),
              deliveryAccount: () => ({ accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 }),
            }),
          };
          logging = register({
            exitHooks: false,
            redact: false,
            processors: chosen.map((index) => (steps[index] as (typeof steps)[number])[1]()),
            handlers: [
              failing,
              otlp({ sender: () => sender, time, ...options }),
              batch(exporter, {
                queueRecords: 4,
                batchRecords: options.batchRecords,
                when: ({ eventName }) => eventName !== 'quiet',
              }),
            ],
          });
          const logger = getLogger('orders');
          const otel = logs.getLogger('library');
          const added: Step = () => undefined;
          const flushes: Promise<boolean>[] = [];
          let n = 0;
          for (const act of actions) {
            const attributes = { n: n++, password: 'hunter2', fill: 'x'.repeat(n % 200) };
            switch (act.do) {
              case 'write':
                logger.log(act.level as SeverityName, n % 5 === 0 ? 'quiet' : 'loud', attributes);
                break;
              case 'write through OTel':
                otel.emit({ ...act, body: n, attributes });
                break;
              case 'write nonsense':
                otel.emit(undefined as never);
                otel.emit({ timestamp: 'yesterday' as never, attributes: { n } });
                break;
              case 'answer':
                sender.open[0]?.answer(act.status);
                await settled();
                break;
              case 'export':
                waiting.shift()?.({ code: act.code });
                await settled();
                break;
              case 'add a step':
                logging.addProcessor(added);
                break;
              case 'remove it':
                logging.removeProcessor(added);
                break;
              case 'add a handler':
                logging.addHandler(otlp({ sender: () => sender, time, queueBytes: 1_024 }));
                break;
              case 'set the level':
                logging.setLevel(act.level);
                break;
              case 'flush':
                flushes.push(logging.forceFlush({ timeoutMillis: 1 }));
                break;
              default:
                await time.pass(2_000);
            }
            expectBalance(logging.stats());
          }
          sender.script = () => 200;
          for (const { answer } of sender.open) answer(200);
          for (const done of waiting.splice(0)) done({ code: 0 });
          exporter.export = (_, done) => done({ code: 0 });
          await settled();
          const ended = logging.shutdown({ timeoutMillis: 60_000 });
          await time.pass(60_000);
          await ended;
          await Promise.all(flushes);
          const stats = logging.stats();
          expectBalance(stats);
          expect(stats.pending).toBe(0);
          logger.info('too late');
          expect(logging.stats()).toEqual(stats);
        },
      ),
      { numRuns: 60 },
    ),
  );
});

test('what every record came to, by the figures', async () => {
  const time = new ManualTime();
  const sender = new ScriptedSender(time.now);
  sender.script = () => 200;
  logging = register({
    exitHooks: false,
    level: 'info,db=off',
    processors: [filter(({ eventName }) => eventName !== 'noise'), sample({ ratio: 0 })],
    handlers: [otlp({ sender: () => sender, time })],
  });
  const logger = getLogger('orders');
  logger.debug('not_even_a_record');
  getLogger('db').fatal('off');
  logger.error('noise');
  logger.info('sampled_away');
  logger.error('kept', { password: 'hunter2' });
  logs.getLogger('library').emit({ severityNumber: 5, body: 'below the level' });
  logs.getLogger('library').emit(undefined as never);
  await expect(logging.forceFlush()).resolves.toBe(true);
  expect(logging.stats()).toEqual({
    accepted: 1,
    delivered: 1,
    rejected: 0,
    dropped: {},
    pending: 0,
    lost: 0,
    pipeline: {
      emitted: 5,
      passed: 1,
      dropped: { filtered: 1, sampled: 1, below_level: 1, failed: 1 },
      redacted: 1,
      written: 0,
      redactedBy: { 'well-known keys': 1 },
      held: 0,
      failures: {},
      takenOut: [],
    },
    handlers: { otlp: { accepted: 1, delivered: 1, rejected: 0, dropped: {}, pending: 0 } },
  });
});

test('a handler that hangs holds up neither a flush nor a shutdown beyond their deadlines, nor says it is done', async () => {
  const never = () => new Promise<never>(() => undefined);
  const hanging: Handler = {
    name: 'hanging',
    start: () => ({
      onEmit: () => undefined,
      forceFlush: never,
      shutdown: never,
      deliveryAccount: () => ({ accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 }),
    }),
  };
  logging = register({ exitHooks: false, handlers: [hanging] });
  await expect(logging.forceFlush({ timeoutMillis: 5 })).resolves.toBe(false);
  await logging.shutdown({ timeoutMillis: 5 });
});

test('a handler that is late and does not say so is found out by its account', async () => {
  let pending = 0;
  const late: Handler = {
    name: 'late',
    start: () => ({
      onEmit: () => void pending++,
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
      deliveryAccount: () => ({ accepted: pending, delivered: 0, rejected: 0, dropped: {}, pending }),
    }),
  };
  logging = register({ exitHooks: false, handlers: [late] });
  await expect(logging.forceFlush()).resolves.toBe(true);
  getLogger('x').info('a');
  await expect(logging.forceFlush()).resolves.toBe(false);
});

test('a library that names its scope with anything gets a logger, and its records arrive', async () => {
  const time = new ManualTime();
  const sender = new ScriptedSender(time.now);
  sender.script = () => 200;
  logging = register({ exitHooks: false, handlers: [otlp({ sender: () => sender, time })] });
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const scopeAttributes = {
    cycle,
    get hostile() {
      throw new Error();
    },
    map: new Map([['a', 1n]]),
  };
  const odd: [unknown, unknown, unknown][] = [
    ['plain', undefined, undefined],
    [undefined, 1n, null],
    [cycle, cycle, { schemaUrl: cycle, scopeAttributes }],
    [Symbol('x'), new Date(), { scopeAttributes: 'text' }],
    [
      'hostile',
      '1',
      {
        get attributes() {
          throw new Error();
        },
      },
    ],
  ];
  for (const [name, version, options] of odd) {
    const logger = logs.getLogger(name as string, version as string, options as object);
    logger.emit({ body: 'x' });
    const hostile = {
      get severityNumber(): number {
        throw new Error();
      },
    };
    expect(logger.enabled(hostile)).toBe(true);
  }
  await expect(logging.forceFlush()).resolves.toBe(true);
  expect(logging.stats()).toMatchObject({ accepted: 5, delivered: 5, dropped: {} });
});

test('a flush whose deadline comes is not done, though newer records are through', async () => {
  const time = new ManualTime();
  const sender = new ScriptedSender(time.now);
  sender.script = ({ ids }) => (ids.includes('stuck') ? undefined : 200);
  logging = register({ exitHooks: false, handlers: [otlp({ sender: () => sender, time, batchRecords: 1 })] });
  getLogger('x').info('a', { id: 'stuck' });
  const flush = logging.forceFlush({ timeoutMillis: 500 });
  for (let i = 0; i < 5; i++) getLogger('x').info('a', { id: String(i) });
  await time.pass(500);
  await expect(flush).resolves.toBe(false);
  expect(logging.stats()).toMatchObject({ delivered: 5, pending: 1 });
});
