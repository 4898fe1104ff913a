import { describe, expect, test } from '@jest/globals';
import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { InMemoryLogRecordExporter } from '@opentelemetry/sdk-logs';
import fc from 'fast-check';
import { emitFromStockTo, emitTo, toldDuring, withThrowingDiag } from '../../../../test/pipeline/recorder.ts';
import { guard } from '../pipeline/guard.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { readEnvironment } from '../provider/environment.ts';
import { ensureContextManager } from '../provider/otel-globals.ts';
import { type BatchOptions, batch, type LogRecordExporter } from './batch.ts';
import type { HandlerEnd } from './handler.ts';

const SUCCESS = { code: 0 };
const FAILURE = { code: 1, error: new Error('hunter2') };
const handlerContext = { resource: { attributes: {} }, environment: readEnvironment({}, () => undefined) };
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** An exporter in the test's hands. */
class Exporter implements LogRecordExporter {
  readonly batches: LogRecord[][] = [];
  readonly waiting: ((result: { code: number; error?: Error }) => void)[] = [];
  flushes = 0;
  shutdowns = 0;
  /** Answers at once, if set. */
  answer: { code: number; error?: Error } | undefined;

  export(records: LogRecord[], done: (result: { code: number; error?: Error }) => void): void {
    this.batches.push(records);
    if (this.answer === undefined) this.waiting.push(done);
    else done(this.answer);
  }

  async forceFlush(): Promise<void> {
    this.flushes++;
  }

  async shutdown(): Promise<void> {
    this.shutdowns++;
  }

  get events(): (string | undefined)[][] {
    return this.batches.map((records) => records.map(({ eventName }) => eventName));
  }
}

function setUp(options: BatchOptions = {}, exporter: LogRecordExporter | Promise<LogRecordExporter> = new Exporter()) {
  const end = batch(exporter, { delayMillis: 60_000, ...options }).start(handlerContext);
  const emit = emitTo(end);
  return {
    end,
    exporter: exporter as Exporter,
    emit: (...names: string[]) => {
      for (const eventName of names) emit({ eventName, severityNumber: eventName.startsWith('error') ? 17 : 9 });
    },
    account: () => balanced(end),
  };
}

function balanced(end: HandlerEnd) {
  const account = end.deliveryAccount();
  const dropped = Object.values(account.dropped).reduce((sum, count) => sum + count, 0);
  expect(account.delivered + account.rejected + dropped + account.pending).toBe(account.accepted);
  return account;
}

describe('batches', () => {
  test('close when they are full, one export after the other', async () => {
    const { exporter, emit, account } = setUp({ batchRecords: 2 });
    emit('1', '2', '3', '4', '5');
    await settled();
    expect(exporter.events).toEqual([['1', '2']]);
    expect(account()).toMatchObject({ accepted: 5, pending: 5 });
    exporter.waiting[0]?.(SUCCESS);
    await settled();
    expect(exporter.events).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);
    exporter.waiting[1]?.(SUCCESS);
    await settled();
    expect(account()).toMatchObject({ delivered: 4, pending: 1 });
  });

  test('close when their time is up', async () => {
    const exporter = new Exporter();
    const exported = new Promise<void>((resolve) => {
      exporter.export = (_, done) => {
        done(SUCCESS);
        resolve();
      };
    });
    const { emit, account } = setUp({ delayMillis: 1 }, exporter);
    emit('1');
    // The timer keeps no process alive: something else has to.
    const alive = setInterval(() => undefined, 1_000);
    await exported;
    await settled();
    clearInterval(alive);
    expect(account()).toMatchObject({ delivered: 1, pending: 0 });
  });

  test('hold what the record was, whatever the caller does to its objects later', async () => {
    for (const from of [emitTo, emitFromStockTo]) {
      const exporter = Object.assign(new Exporter(), { answer: SUCCESS });
      const end = batch(exporter, { delayMillis: 60_000 }).start(handlerContext);
      const attributes = { user: { name: 'ann' }, n: 1 };
      const body = { list: [1] };
      from(end)({ attributes, body });
      attributes.user.name = 'eve';
      attributes.n = 2;
      body.list.push(2);
      await end.forceFlush();
      expect(exporter.batches[0]?.[0]).toMatchObject({
        attributes: { user: { name: 'ann' }, n: 1 },
        body: { list: [1] },
      });
    }
  });

  test('go to the exporters of the stock SDK', async () => {
    const exporter = new InMemoryLogRecordExporter();
    const { end, emit, account } = setUp({}, exporter);
    emit('a', 'b');
    await end.forceFlush();
    expect(exporter.getFinishedLogRecords().map(({ eventName }) => eventName)).toEqual(['a', 'b']);
    await end.shutdown();
    expect(account()).toEqual({ accepted: 2, delivered: 2, rejected: 0, dropped: {}, pending: 0 });
  });
});

describe('an exporter that', () => {
  const exporting = (act: Exporter['export']) => Object.assign(new Exporter(), { export: act });
  const explode = (): never => {
    throw new TypeError('hunter2');
  };

  test.each<[string, LogRecordExporter | Promise<LogRecordExporter>]>([
    ['fails', exporting((_, done) => done(FAILURE))],
    ['throws', exporting(explode)],
    ['answers nothing', exporting((_, done) => void setImmediate(() => done(undefined as never)))],
    ['never answers', exporting(() => undefined)],
    ['never comes', new Promise<never>(() => undefined)],
    ['cannot be loaded', Promise.reject(new Error('hunter2'))],
    ['is none', Promise.resolve({} as never)],
  ])('%s costs its records, counted, and nothing else', async (_, exporter) => {
    const { end, emit, account } = setUp({ timeoutMillis: 2, batchRecords: 2 }, exporter);
    const told = await toldDuring(async () => {
      emit('1', '2', '3');
      await end.forceFlush({ timeoutMillis: 1_000 });
    });
    expect(account()).toEqual({ accepted: 3, delivered: 0, rejected: 0, dropped: { export_failed: 3 }, pending: 0 });
    expect(told.join()).toContain('logspan: exporter: dropped: 2 records: export_failed');
    expect(told.join()).not.toContain('hunter2');
    await end.shutdown({ timeoutMillis: 2 });
  });

  test('fails is not asked again', async () => {
    const exporter = Object.assign(new Exporter(), { answer: FAILURE });
    const { end, emit } = setUp({}, exporter);
    emit('1');
    await end.forceFlush();
    await end.forceFlush();
    expect(exporter.batches).toHaveLength(1);
  });

  test('answers twice, or too late, counts once', async () => {
    const exporter = new Exporter();
    const { end, emit, account } = setUp({ timeoutMillis: 2 }, exporter);
    emit('1');
    await end.forceFlush({ timeoutMillis: 1_000 });
    exporter.waiting[0]?.(SUCCESS);
    exporter.waiting[0]?.(SUCCESS);
    await settled();
    expect(account()).toEqual({ accepted: 1, delivered: 0, rejected: 0, dropped: { export_failed: 1 }, pending: 0 });
  });

  test('throws from its flush and its shutdown does not stop them', async () => {
    const exporter = Object.assign(new Exporter(), { answer: SUCCESS, forceFlush: explode, shutdown: explode });
    const { end, emit, account } = setUp({}, exporter as never);
    emit('1');
    await withThrowingDiag(async () => {
      await expect(end.forceFlush()).resolves.toBeUndefined();
      await expect(end.shutdown()).resolves.toBeUndefined();
    });
    expect(account()).toMatchObject({ delivered: 1 });
  });

  test('hangs in its flush or its shutdown holds nobody longer than the deadline', async () => {
    const never = () => new Promise<never>(() => undefined);
    const exporter = Object.assign(new Exporter(), { answer: SUCCESS, forceFlush: never, shutdown: never });
    const { end, emit, account } = setUp({}, exporter);
    emit('1');
    await end.forceFlush({ timeoutMillis: 2 });
    await end.shutdown({ timeoutMillis: 2 });
    expect(account()).toMatchObject({ delivered: 1 });
  });

  test('writes records itself does not feed itself, nor is it traced', async () => {
    ensureContextManager();
    const seen: boolean[] = [];
    const exporter = new Exporter();
    const end = batch(exporter, { delayMillis: 60_000 }).start(handlerContext);
    const head = guard(end);
    const emit = emitTo(head);
    const chat = () => {
      emit({ eventName: 'about exporting', context: context.active() });
      seen.push(isTracingSuppressed(context.active()));
    };
    exporter.export = (_, done) => {
      chat();
      setImmediate(() => {
        chat();
        done(SUCCESS);
      });
    };
    exporter.forceFlush = async () => chat();
    exporter.shutdown = async () => chat();
    const baggage = propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage());
    context.with(baggage, () => emit({ eventName: 'a' }));
    await end.forceFlush();
    await end.shutdown();
    expect(head.account?.().dropped).toMatchObject({ reentrant: 5 });
    expect(seen).toEqual([true, true, true, true, true]);
    expect(balanced(end)).toMatchObject({ accepted: 1, delivered: 1 });
  });
});

describe('when it is full', () => {
  test('what is under way stays, and what has just come goes if there is nothing else', () => {
    const { emit, account } = setUp({ queueRecords: 3, batchRecords: 3 });
    emit('under way 1', 'under way 2', 'under way 3');
    emit('lost');
    expect(account()).toMatchObject({ dropped: { queue_full: 1 }, pending: 3 });
  });

  test('errors are kept longest', async () => {
    const exporter = new Exporter();
    const { emit, account, end } = setUp({ queueRecords: 3, batchRecords: 1 }, exporter);
    // The first one is under way and cannot go any more.
    emit('0');
    await settled();
    emit('error 1', 'info 1', 'error 2', 'info 2', 'error 3');
    expect(account()).toMatchObject({ dropped: { queue_full: 3 }, pending: 3 });
    exporter.answer = SUCCESS;
    exporter.waiting[0]?.(SUCCESS);
    await end.forceFlush();
    expect(exporter.events.flat()).toEqual(['0', 'error 2', 'error 3']);
  });

  test('drop-newest: what came first is kept', async () => {
    const { emit, account, exporter, end } = setUp({ queueRecords: 3, batchRecords: 3, overflow: 'drop-newest' });
    exporter.answer = SUCCESS;
    emit('1', '2');
    await end.forceFlush();
    exporter.answer = undefined;
    emit('3', '4', '5', 'error 6');
    expect(account()).toMatchObject({ dropped: { queue_full: 1 }, pending: 3 });
  });

  test('the log call cannot wait for an exporter, and the mistake says what to do', () => {
    expect(() => batch(new Exporter(), { overflow: 'block' as never })).toThrow(
      'batch.overflow: cannot be "block", because an exporter delivers only while no log call waits: await logging.forceFlush() now and then instead',
    );
    expect(() => batch(new Exporter(), { overflow: 'drop' as never })).toThrow(
      'batch.overflow: must be one of "drop-low-severity-first", "drop-newest", not "drop"',
    );
  });
});

describe('what is lost is told, with the records', () => {
  function losing(options: BatchOptions = {}, exporter = new Exporter()) {
    const up = setUp(options, exporter);
    const lost: [reason: string, events: unknown[]][] = [];
    up.end.onLost?.(({ reason, count, records }) => {
      const events = [...records].map(({ eventName }) => eventName);
      expect(events).toHaveLength(count);
      lost.push([reason, events]);
    });
    return { ...up, lost };
  }

  test('full, a failed export, after the shutdown', async () => {
    const exporter = new Exporter();
    const { emit, end, lost } = losing({ queueRecords: 2, batchRecords: 2 }, exporter);
    emit('1');
    exporter.answer = FAILURE;
    emit('2', '3', 'error 4');
    await end.shutdown();
    emit('late');
    expect(lost).toEqual([
      ['queue_full', ['3']],
      ['queue_full', ['error 4']],
      ['export_failed', ['1', '2']],
      ['after_shutdown', ['late']],
    ]);
  });

  test.each([
    ['process_exit', (end: HandlerEnd) => end.flushSync?.(1_000)],
    ['shutdown_deadline', (end: HandlerEnd) => end.shutdown({ timeoutMillis: 1 })],
  ] as const)('%s, what is under way included', async (reason, finish) => {
    const { emit, end, lost } = losing({ batchRecords: 2 });
    emit('1', '2', '3');
    await settled();
    await finish(end);
    expect(lost).toEqual([[reason, ['1', '2', '3']]]);
  });
});

describe('flush', () => {
  test('waits for what was held when it was called, not for what comes after', async () => {
    const exporter = new Exporter();
    const { end, emit } = setUp({ batchRecords: 2 }, exporter);
    emit('1');
    let done = false;
    const flush = end.forceFlush().then(() => {
      done = true;
    });
    await settled();
    emit('2', '3', '4', '5');
    exporter.waiting[0]?.(SUCCESS);
    await flush;
    expect(done).toBe(true);
    expect(exporter.events[0]).toEqual(['1']);
    expect(balanced(end).pending).toBe(4);
  });

  test('of ten callers waits for one export', async () => {
    const exporter = new Exporter();
    const { end, emit } = setUp({}, exporter);
    emit('1');
    const flushes = Array.from({ length: 10 }, () => end.forceFlush());
    await settled();
    expect(exporter.batches).toHaveLength(1);
    exporter.waiting[0]?.(SUCCESS);
    await Promise.all(flushes);
    expect(exporter.flushes).toBe(10);
  });

  test('says at the deadline that it was not done', async () => {
    const { end, emit, account } = setUp();
    emit('1');
    await expect(end.forceFlush({ timeoutMillis: 2 })).rejects.toThrow('not exported in time');
    expect(account()).toMatchObject({ pending: 1 });
  });
});

describe('shutdown', () => {
  test('exports, ends the exporter, and takes nothing any more; once', async () => {
    const exporter = Object.assign(new Exporter(), { answer: SUCCESS });
    const { end, emit, account } = setUp({}, exporter);
    emit('1');
    await Promise.all([end.shutdown(), end.shutdown()]);
    emit('2');
    expect(exporter.shutdowns).toBe(1);
    expect(account()).toEqual({ accepted: 2, delivered: 1, rejected: 0, dropped: { after_shutdown: 1 }, pending: 0 });
  });

  test('gives up at its deadline what is held, in an export under way too', async () => {
    const exporter = new Exporter();
    const { end, emit, account } = setUp({ batchRecords: 2 }, exporter);
    emit('1', '2', '3');
    await end.shutdown({ timeoutMillis: 2 });
    exporter.waiting[0]?.(SUCCESS);
    await settled();
    expect(account()).toEqual({
      accepted: 3,
      delivered: 0,
      rejected: 0,
      dropped: { shutdown_deadline: 3 },
      pending: 0,
    });
    expect(exporter.shutdowns).toBe(1);
  });

  test('when the process ends at once, what is held is counted as lost', async () => {
    const exporter = new Exporter();
    const { end, emit, account } = setUp({ batchRecords: 2 }, exporter);
    emit('1', '2', '3');
    end.flushSync?.(1);
    exporter.waiting[0]?.(FAILURE);
    await settled();
    expect(account()).toEqual({ accepted: 3, delivered: 0, rejected: 0, dropped: { process_exit: 3 }, pending: 0 });
  });
});

test('the account balances at all times, whatever the exporter does', async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('info', 'error') },
    { weight: 2, arbitrary: fc.constantFrom('succeed', 'fail', 'turn') },
    { weight: 1, arbitrary: fc.constantFrom('flush') },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 6 }),
      async (steps, queueRecords, batchRecords) => {
        const exporter = new Exporter();
        const { end, emit, account } = setUp({ queueRecords, batchRecords }, exporter);
        const flushes: Promise<void>[] = [];
        for (const action of steps) {
          if (action === 'info' || action === 'error') emit(action);
          else if (action === 'succeed') exporter.waiting.shift()?.(SUCCESS);
          else if (action === 'fail') exporter.waiting.shift()?.(FAILURE);
          else if (action === 'flush') flushes.push(end.forceFlush());
          else await settled();
          expect(account().pending).toBeLessThanOrEqual(queueRecords);
        }
        exporter.answer = SUCCESS;
        for (const done of exporter.waiting.splice(0)) done(SUCCESS);
        await end.shutdown();
        await Promise.all(flushes);
        expect(account().pending).toBe(0);
        expect(exporter.batches.every((records) => records.length <= Math.min(batchRecords, queueRecords))).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test.each([
  [undefined, {}, 'batch'],
  ['http://collector', {}, 'batch'],
  [{}, {}, 'batch'],
  [new Exporter(), { queueRecords: 0 }, 'batch.queueRecords'],
  [new Exporter(), { batchRecords: '512' }, 'batch.batchRecords'],
  [new Exporter(), { delayMillis: -1 }, 'batch.delayMillis'],
  [new Exporter(), { delayMillis: 2 ** 31 }, 'batch.delayMillis'],
  [new Exporter(), { timeoutMillis: Number.NaN }, 'batch.timeoutMillis'],
  [new Exporter(), { name: 1 }, 'batch.name'],
  [new Exporter(), { when: true }, 'batch.when'],
  [new Exporter(), { maxQueueSize: 1 }, 'batch.maxQueueSize'],
  [new Exporter(), null, 'batch'],
])('%p with %j is a ConfigError that names %s', (exporter, options, option) => {
  expect(() => batch(exporter as never, options as never)).toThrow(
    expect.objectContaining({ name: 'ConfigError', option }),
  );
});
