import { describe, expect, test } from '@jest/globals';
import { lazy } from '@logspan/logger';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { ManualTime } from '../../../../test/delivery/manual-time.ts';
import { emitTo, providers, Recorder, through } from '../../../../test/pipeline/recorder.ts';
import { contain } from '../pipeline/contain.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import { pipe } from '../pipeline/pipe.ts';
import { forwardTo, type LogRecord } from '../pipeline/stage.ts';
import { type DedupeOptions, dedupe } from './dedupe.ts';
import { redact } from './redact.ts';

const WINDOW = 1_000;

/** A stage whose time passes when a test says so. */
function deduped(options: DedupeOptions = {}, emit = emitTo) {
  const time = new ManualTime();
  return { time, ...through(contain(dedupe({ windowMillis: WINDOW, time, ...options })), emit) };
}

const repeated = ({ attributes }: LogRecord) => attributes['logspan.repeated'] as number | undefined;
const isSummary = (record: LogRecord) => repeated(record) !== undefined;
const told = (records: readonly LogRecord[]) => records.reduce((sum, record) => sum + (repeated(record) ?? 0), 0);

function recordOf(input: object, severityNumber: number): LogRecord {
  const end = new Recorder();
  emitTo(end)(input);
  const record = end.records[0] as LogRecord;
  record.severityNumber = severityNumber;
  return record;
}

/** `a`, or `a*3` for a summary. */
const shape = (records: readonly LogRecord[]) =>
  records.map((record) => (isSummary(record) ? `${record.eventName}*${repeated(record)}` : record.eventName));

describe('what repeats', () => {
  test('is passed once, and told when the window has ended', async () => {
    const stage = deduped();
    for (const eventName of ['a', 'a', 'b', 'a']) stage.emit({ eventName });
    expect(shape(stage.end.records)).toEqual(['a', 'b']);
    await stage.time.pass(WINDOW - 1);
    expect(shape(stage.end.records)).toEqual(['a', 'b']);
    await stage.time.pass(1);
    expect(shape(stage.end.records)).toEqual(['a', 'b', 'a*2']);
    stage.emit({ eventName: 'a' });
    expect(shape(stage.end.records)).toEqual(['a', 'b', 'a*2', 'a']);
    expect(stage.account()).toMatchObject({ dropped: { duplicate: 2, failed: 0 }, written: 1 });
    // Nothing to tell: no timer.
    expect(stage.time.timers).toBe(0);
  });

  test('is told before the next of its kind, however late the timer is', () => {
    const stage = deduped();
    for (const eventName of ['a', 'a']) stage.emit({ eventName });
    stage.time.millis += 10 * WINDOW;
    stage.emit({ eventName: 'a' });
    expect(shape(stage.end.records)).toEqual(['a', 'a*1', 'a']);
  });

  test('stays visible if it goes on: a whole record and a count in every window', async () => {
    const stage = deduped();
    for (let i = 0; i < 100; i++) {
      stage.emit({ eventName: 'down', severityNumber: 17 });
      await stage.time.pass(WINDOW / 20);
    }
    expect(shape(stage.end.records)).toEqual(Array.from({ length: 5 }, () => ['down', 'down*19']).flat());
  });

  test('adds up exactly, as a slow reference has it, whatever comes when', async () => {
    const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 700 })), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(arrivals, async (records) => {
        const stage = deduped();
        /** By key: when each window began, and how many were left out in it. */
        const windows = new Map<string, { begun: number; count: number }[]>();
        const passed: string[] = [];
        for (const [key, wait] of records) {
          await stage.time.pass(wait);
          const eventName = `e${key}`;
          const list = windows.get(eventName) ?? [];
          windows.set(eventName, list);
          const last = list.at(-1);
          if (last !== undefined && stage.time.millis < last.begun + WINDOW) last.count++;
          else {
            list.push({ begun: stage.time.millis, count: 0 });
            passed.push(eventName);
          }
          // What should have been told by now has been: a tenth of a window is allowed.
          for (const [name, all] of windows) {
            const due = all.filter(({ begun }) => begun + 1.1 * WINDOW <= stage.time.millis);
            const told = stage.end.records.filter((record) => isSummary(record) && record.eventName === name);
            expect(told.length).toBeGreaterThanOrEqual(due.filter(({ count }) => count > 0).length);
          }
          stage.emit({ eventName });
        }
        await stage.processor.forceFlush();
        expect(stage.end.records.filter((record) => !isSummary(record)).map(({ eventName }) => eventName)).toEqual(
          passed,
        );
        for (const [name, all] of windows) {
          const counts = stage.end.records.filter((one) => isSummary(one) && one.eventName === name).map(repeated);
          expect(counts).toEqual(all.map(({ count }) => count).filter((count) => count > 0));
        }
        const { dropped = {} } = stage.account();
        expect(told(stage.end.records)).toBe(dropped.duplicate);
        expect(passed.length + (dropped.duplicate ?? 0)).toBe(records.length);
      }),
      { numRuns: 100 },
    );
  });
});

describe.each(providers)('two records of %s are the same,', (_, emit) => {
  const isSame = (one: object, other: object, options: DedupeOptions = {}) => {
    const stage = deduped(options, emit);
    stage.emit(one as never);
    stage.emit(other as never);
    return stage.end.records.length === 1;
  };
  const timeout = { attributes: { 'error.type': 'timeout', n: 1 } };

  test.each<[boolean, object, object, DedupeOptions?]>([
    [true, { eventName: 'a' }, { eventName: 'a' }],
    [false, { eventName: 'a' }, { eventName: 'b' }],
    [false, { eventName: 'a', severityNumber: 9 }, { eventName: 'a', severityNumber: 13 }],
    [true, { eventName: 'a', body: 'x' }, { eventName: 'a', body: 'y' }],
    [true, { body: 'x' }, { body: 'x' }],
    [false, { body: 'x' }, { body: 'y' }],
    [false, { body: 'a' }, { eventName: 'a' }],
    [false, { body: 1 }, { body: '1' }],
    [false, { body: `${'x'.repeat(1_000)}a` }, { body: `${'x'.repeat(1_000)}b` }],
    [false, { body: { x: 1 } }, { body: { x: 1 } }],
    [false, {}, {}],
    [true, { eventName: 'a', attributes: { n: 1 } }, { eventName: 'a', attributes: { n: 2 } }],
    [false, { eventName: 'a', attributes: { n: 1 } }, { eventName: 'a', attributes: { n: 2 } }, { attributes: ['n'] }],
    [true, { eventName: 'a', ...timeout }, { eventName: 'a', ...timeout }, { attributes: ['error.type', 'none'] }],
    [true, { eventName: 'a' }, { eventName: 'b' }, { key: () => 'same' }],
    [false, { eventName: 'a' }, { eventName: 'a' }, { key: () => undefined }],
    [false, { eventName: 'a', severityNumber: 17 }, { eventName: 'a', severityNumber: 17 }, { keepAtLeast: 'error' }],
  ])('or not (%#)', (...[expected, one, other, options]) => {
    expect(isSame(one, other, options)).toBe(expected);
  });
});

describe('a summary', () => {
  test('is like what it stands for, and says how often and since when', async () => {
    const stage = deduped({ attributes: ['db.name'] });
    const spanContext = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 };
    const context = trace.setSpanContext(ROOT_CONTEXT, spanContext);
    const timestamp = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    const attributes = { 'db.name': 'orders', other: 1 };
    stage.emit({ eventName: 'slow_query', severityNumber: 14, attributes, timestamp });
    stage.emit({ eventName: 'slow_query', severityNumber: 14, attributes, timestamp: timestamp + 1, context });
    stage.time.millis += 499;
    stage.emit({ eventName: 'slow_query', severityNumber: 14, attributes, timestamp: timestamp + 500 });
    await stage.processor.forceFlush();
    expect(stage.end.records[1]).toMatchObject({
      eventName: 'slow_query',
      body: 'slow_query (repeated 2 times)',
      severityNumber: 14,
      severityText: 'WARN2',
      spanContext,
      hrTime: [timestamp / 1_000 - 0.678 + 1, 178_000_000],
      instrumentationScope: { name: 'test' },
      writtenByStage: true,
    });
    expect(stage.end.attributes[1]).toEqual({
      'db.name': 'orders',
      'logspan.repeated': 2,
      'logspan.repeated.first_time': '2026-01-02T03:04:05.679Z',
    });
  });

  test('of messages quotes the message, whole or not at all', async () => {
    const stage = deduped();
    for (const body of ['disk is full', 'disk is full', 'x'.repeat(5_000), 'x'.repeat(5_000)]) stage.emit({ body });
    await stage.processor.forceFlush();
    expect(stage.end.records[2]).toMatchObject({ body: 'disk is full (repeated 1 time)', eventName: undefined });
    expect(stage.end.records[3]?.body).toBe('a message of 5000 characters (repeated 1 time)');
  });

  test('runs through redaction', async () => {
    const time = new ManualTime();
    const { end, emit, processor } = through(pipe(dedupe({ attributes: ['password'], time }), redact()));
    for (let i = 0; i < 2; i++) emit({ eventName: 'a', attributes: { password: 'hunter2' } });
    await processor.forceFlush();
    expect(end.attributes[1]).toMatchObject({ password: '***REDACTED***', 'logspan.repeated': 1 });
    expect(JSON.stringify(end.records)).not.toContain('hunter2');
  });

  test.each<[string, (stage: ReturnType<typeof deduped>) => unknown]>([
    ['flushed', ({ processor }) => processor.forceFlush({ timeoutMillis: 7 })],
    ['shut down', ({ processor }) => processor.shutdown({ timeoutMillis: 7 })],
    ['released', ({ processor }) => processor.release?.()],
  ])('comes before the stage is %s, and nothing keeps the process alive', async (how, act) => {
    const stage = deduped();
    for (const eventName of ['a', 'a', 'b', 'b', 'c']) stage.emit({ eventName });
    expect([stage.time.timers, stage.time.keepingAlive]).toEqual([1, 0]);
    await act(stage);
    expect(shape(stage.end.records)).toEqual(['a', 'b', 'c', 'a*1', 'b*1']);
    expect(stage.time.timers).toBe(0);
    expect([...stage.end.flushed, ...stage.end.ended]).toEqual(how === 'released' ? [] : [{ timeoutMillis: 7 }]);
    // A flush does not end the windows.
    stage.emit({ eventName: 'a' });
    expect(stage.end.records).toHaveLength(how === 'shut down' ? 6 : 5);
    expect(stage.time.timers).toBe(how === 'shut down' ? 0 : 1);
  });

  test('that cannot be passed on is counted, and harms nobody', () => {
    const end = new Recorder();
    const next = forwardTo(end, {
      onEmit(record, context) {
        if (isSummary(record)) throw new Error('hunter2');
        end.onEmit(record, context);
      },
    });
    const processor = dedupe({ time: new ManualTime() })(next);
    const emit = emitTo(processor);
    for (let i = 0; i < 3; i++) emit({ eventName: 'a' });
    expect(() => processor.release?.()).not.toThrow();
    expect(processor.account?.().dropped).toEqual({ duplicate: 2, failed: 1 });
  });
});

test('what stages write passes', () => {
  const alarm = (_record: unknown, _context: unknown, emit: (fields: { eventName: string }) => void) =>
    emit({ eventName: 'alarm' });
  const { end, emit } = through(pipe(alarm, dedupe({ time: new ManualTime() })));
  for (let i = 0; i < 3; i++) emit({ eventName: 'a' });
  expect(end.events.filter((name) => name === 'alarm')).toHaveLength(3);
});

test('no lazy value is computed for what is dropped', () => {
  let computed = 0;
  const { emit } = deduped({ attributes: ['dump'] });
  for (let i = 0; i < 5; i++) emit({ eventName: 'a', attributes: { dump: lazy(() => ++computed) } as never });
  expect(computed).toBe(0);
});

test('beyond the limit of keys records pass, and the known ones stay known', async () => {
  const stage = deduped({ maxKeys: 2 });
  for (const eventName of ['a', 'b', 'c', 'c', 'a', 'b']) stage.emit({ eventName });
  expect(shape(stage.end.records)).toEqual(['a', 'b', 'c', 'c']);
  await stage.time.pass(WINDOW);
  stage.end.records.length = 0;
  for (const eventName of ['c', 'c']) stage.emit({ eventName });
  expect(shape(stage.end.records)).toEqual(['c']);
});

test('of one text so many kinds are known, and each ends on its own', () => {
  const stage = deduped({ maxKeys: 1_000 });
  const all = () => {
    for (let severityNumber = 1; severityNumber <= 24; severityNumber++) {
      for (const input of [{ eventName: 'a' }, { body: 'a' }]) stage.processor.onEmit(recordOf(input, severityNumber));
    }
  };
  all();
  expect(stage.end.records).toHaveLength(48);
  stage.time.millis += WINDOW / 2;
  // 32 are known, and the other 16 pass again.
  all();
  expect(stage.end.records).toHaveLength(64);
  expect(stage.account().dropped).toMatchObject({ duplicate: 32 });
  stage.time.millis += WINDOW / 2;
  stage.end.records.length = 0;
  all();
  stage.processor.release?.();
  expect(told(stage.end.records)).toBe(stage.account().dropped?.duplicate);
  expect(stage.end.records.filter((record) => !isSummary(record))).toHaveLength(48);
});

test('what ends leaves nothing behind, however many come with one text', () => {
  const stage = deduped({ maxKeys: 1_000 });
  for (let i = 0; i < 200; i++) {
    // Two of one text, of which now the one and now the other ends first.
    for (let n = 0; n < 2; n++) stage.processor.onEmit(recordOf({ eventName: 'a' }, i % 2 === 0 ? 9 : 13));
    stage.time.millis += WINDOW * 0.75;
  }
  expect(stage.account().dropped).toMatchObject({ duplicate: 200 });
});

test('loggers are told apart', () => {
  const stage = deduped();
  for (const name of ['one', 'other', 'one']) {
    const record = copyRecord(recordOf({ eventName: 'a' }, 9));
    stage.processor.onEmit(Object.assign(record, { instrumentationScope: { name } }));
  }
  expect(stage.account().dropped).toMatchObject({ duplicate: 1 });
});

test('who logs while a summary is passed on takes nothing from the record at hand', () => {
  const time = new ManualTime();
  const end = new Recorder();
  const processor = dedupe({ windowMillis: WINDOW, time })(
    forwardTo(end, {
      onEmit(record, from) {
        end.onEmit(record, from);
        if (isSummary(record)) emit({ eventName: 'nested' });
      },
    }),
  );
  const emit = emitTo(processor);
  for (let i = 0; i < 2; i++) emit({ eventName: 'a' });
  time.millis += WINDOW;
  for (let i = 0; i < 2; i++) emit({ eventName: 'a' });
  expect(shape(end.records)).toEqual(['a', 'a*1', 'nested', 'a']);
});

test('windows that end make room without a timer', () => {
  const stage = deduped({ maxKeys: 2 });
  for (const eventName of ['a', 'b', 'c', 'c']) stage.emit({ eventName });
  expect([shape(stage.end.records), stage.time.timers]).toEqual([['a', 'b', 'c', 'c'], 0]);
  stage.time.millis += WINDOW;
  for (const eventName of ['c', 'c', 'd', 'd']) stage.emit({ eventName });
  expect(shape(stage.end.records).slice(4)).toEqual(['c', 'd']);
});

test.each([
  [null, 'dedupe'],
  [{ windowMillis: 0 }, 'dedupe.windowMillis'],
  [{ windowMillis: 2 ** 31 }, 'dedupe.windowMillis'],
  [{ attributes: 'a' }, 'dedupe.attributes'],
  [{ attributes: [] }, 'dedupe.attributes'],
  [{ key: 'event' }, 'dedupe.key'],
  [{ key: () => 'a', attributes: ['a'] }, 'dedupe.key'],
  [{ keepAtLeast: 'loud' }, 'dedupe.keepAtLeast'],
  [{ maxKeys: 0.5 }, 'dedupe.maxKeys'],
  [{ time: { now: () => 0 } }, 'dedupe.time.setTimeout'],
  [{ window: 1 }, 'dedupe.window'],
])('%j is a ConfigError that names %s', (options, option) => {
  expect(() => dedupe(options as never)).toThrow(expect.objectContaining({ name: 'ConfigError', option }));
});
