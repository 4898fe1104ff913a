import { describe, expect, test } from '@jest/globals';
import { Recorder, through, toldDuring } from '../../../../test/pipeline/recorder.ts';
import { contain } from './contain.ts';
import { copyRecord } from './copy-record.ts';
import { newRecord } from './new-record.ts';
import { type ProcessorFunction, pipe } from './pipe.ts';
import { forwardTo, type LogRecordProcessor, type Phase, type Stage, stage } from './stage.ts';

type OnEmit = LogRecordProcessor['onEmit'];

const made = (phase: Phase | undefined, act: (next: LogRecordProcessor) => OnEmit, more = {}): Stage =>
  stage('risky', phase, (next) => forwardTo(next, { onEmit: act(next), ...more }));

const explode = (): never => {
  throw new Error('hunter2');
};

describe('a stage that throws', () => {
  test.each<[string, (next: LogRecordProcessor) => OnEmit]>([
    ['before it passed the record on', () => explode],
    [
      'after it passed the record on',
      (next) => (record, context) => {
        next.onEmit(record, context);
        explode();
      },
    ],
    [
      'after it passed a copy on',
      (next) => (record, context) => {
        next.onEmit(copyRecord(record), context);
        explode();
      },
    ],
  ])('%s: the record is there once', async (_, act) => {
    const { end, emit, account } = through(contain(made('enrich', act)));
    const told = await toldDuring(() => emit({ eventName: 'a' }));
    expect(end.events).toEqual(['a']);
    expect(account()).toMatchObject({ dropped: {}, failures: { risky: 1 } });
    expect(told).toEqual(['logspan: risky failed on 1 record(s) Error']);
  });

  test('after it wrote a record of its own: both are there', async () => {
    const act =
      (next: LogRecordProcessor): OnEmit =>
      (record) => {
        next.onEmit(newRecord(record, { eventName: 'alert' }));
        explode();
      };
    const { end, emit } = through(contain(made('observe', act)));
    await toldDuring(() => emit({ eventName: 'a' }));
    expect(end.events).toEqual(['alert', 'a']);
  });

  test('and redacts: the record is lost and counted, however often, and never passed by', async () => {
    for (const stage of [
      contain(
        made('redact', () => explode),
        3,
      ),
      contain(pipe(made('redact', () => explode)), 3),
    ]) {
      const { end, emit, account } = through(stage);
      await toldDuring(() => {
        for (let i = 0; i < 10; i++) emit({ eventName: 'a' });
      });
      expect(end.records).toEqual([]);
      expect(account()).toMatchObject({ dropped: { failed: 10 } });
      expect(account().takenOut ?? []).toEqual([]);
    }
  });
});

describe('a stage that fails on many records in a row', () => {
  test('is taken out at the limit, told once, and records pass by it', async () => {
    let called = 0;
    let released = 0;
    const failing = () => () => {
      called++;
      explode();
    };
    const { end, emit, account } = through(contain(made('volume', failing, { release: () => void released++ }), 4));
    const told = await toldDuring(() => {
      for (let i = 0; i < 10; i++) emit({ body: i });
    });
    expect(end.records.map(({ body }) => body)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([called, released]).toEqual([4, 1]);
    expect(account()).toMatchObject({ failures: { risky: 4 }, takenOut: ['risky'] });
    expect(told.at(-1)).toBe('logspan: risky failed on 4 records in a row and was taken out Error');
  });

  test('is taken out after 100 by default', async () => {
    let called = 0;
    const failing = () => () => {
      called++;
      explode();
    };
    const { emit } = through(pipe(made(undefined, failing)));
    await toldDuring(() => {
      for (let i = 0; i < 250; i++) emit({ body: i });
    });
    expect(called).toBe(100);
  });

  test('is given another chance by each success', async () => {
    let called = 0;
    const act =
      (next: LogRecordProcessor): OnEmit =>
      (record, context) => {
        if (++called % 4 !== 0) explode();
        next.onEmit(record, context);
      };
    const { end, emit, account } = through(contain(made(undefined, act), 4));
    await toldDuring(() => {
      for (let i = 0; i < 40; i++) emit({ body: i });
    });
    expect([called, end.records.length]).toEqual([40, 40]);
    expect(account().takenOut ?? []).toEqual([]);
  });

  test('is still flushed and ended with the rest', async () => {
    const end = new Recorder();
    const processor = contain(
      made(undefined, () => explode),
      1,
    )(end);
    await toldDuring(() => processor.onEmit(newRecord(recordOf(), { eventName: 'a' })));
    await processor.forceFlush();
    await processor.shutdown();
    expect([end.flushed.length, end.ended.length]).toEqual([1, 1]);
  });
});

describe('a stage whose other methods fail', () => {
  const broken = (more: object) => made(undefined, (next) => (record, context) => next.onEmit(record, context), more);
  const reject = () => Promise.reject(new Error('hunter2'));

  test.each([
    ['throws', explode],
    ['rejects', reject],
  ])('%s in flush and shutdown: those behind it are flushed and ended', async (_, fail) => {
    const end = new Recorder();
    const processor = contain(broken({ forceFlush: fail, shutdown: fail }))(end);
    const told = await toldDuring(async () => {
      await processor.forceFlush({ timeoutMillis: 1 });
      await processor.shutdown({ timeoutMillis: 2 });
    });
    expect([end.flushed, end.ended]).toEqual([[{ timeoutMillis: 1 }], [{ timeoutMillis: 2 }]]);
    expect(told).toEqual(['logspan: risky failed to flush Error', 'logspan: risky failed to shut down Error']);
  });

  test('what those behind it do wrong is told on, and they are not asked twice', async () => {
    let asked = 0;
    const end = Object.assign(new Recorder(), {
      forceFlush: () => {
        asked++;
        return reject();
      },
    });
    await expect(contain(broken({}))(end).forceFlush()).rejects.toThrow();
    expect(asked).toBe(1);
  });

  test('has no account if it cannot tell it', () => {
    const { account } = through(contain(broken({ account: explode })));
    expect(account()).toMatchObject({ dropped: {} });
  });
});

test('a stage may be called as what every object has', async () => {
  const failing = stage('constructor', undefined, (next) => forwardTo(next, { onEmit: explode }));
  const dropping: ProcessorFunction = { toString: () => false }.toString as never;
  const { emit, account } = through(pipe(failing, dropping));
  await toldDuring(() => emit({ body: 1 }));
  expect(account()).toMatchObject({ dropped: { toString: 1 }, failures: { constructor: 1 } });
});

test('names and kinds of errors are told only as names', async () => {
  const failing = stage('a\u001b[2K\nb', undefined, (next) =>
    forwardTo(next, {
      onEmit() {
        throw Object.assign(new Error(), { name: 'token=hunter2\n' });
      },
    }),
  );
  const { emit } = through(contain(failing));
  expect(await toldDuring(() => emit({ body: 1 }))).toEqual(['logspan: a?[2K?b failed on 1 record(s) Error']);
});

function recordOf() {
  const { end, emit } = through(pipe());
  emit({ eventName: 'cause' });
  return end.records[0] as never;
}
