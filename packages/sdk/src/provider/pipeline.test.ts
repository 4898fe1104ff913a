import { describe, expect, test } from '@jest/globals';
import { type Context, ROOT_CONTEXT } from '@opentelemetry/api';
import fc from 'fast-check';
import { emitTo, Recorder, toldDuring, withThrowingDiag } from '../../../../test/pipeline/recorder.ts';
import type { Handler, HandlerEnd } from '../handlers/handler.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import { removeAttribute } from '../pipeline/edit-attributes.ts';
import { newRecord } from '../pipeline/new-record.ts';
import { type ProcessorFunction, pipe, type Step } from '../pipeline/pipe.ts';
import {
  type FlushOptions,
  forwardTo,
  type LogRecord,
  type LogRecordProcessor,
  type Phase,
  type Stage,
  stage,
} from '../pipeline/stage.ts';
import { redact } from '../processors/redact.ts';
import { ConfigError } from './config-error.ts';
import { readEnvironment } from './environment.ts';
import { Pipeline } from './pipeline.ts';

const context = { resource: { attributes: {} }, environment: readEnvironment({}, () => undefined) };

/** A destination that confirms each record. */
class End extends Recorder implements HandlerEnd {
  deliveryAccount() {
    const { length } = this.records;
    return { accepted: length, delivered: length, rejected: 0, dropped: {}, pending: 0 };
  }
}

const handlerOf = (end: HandlerEnd, name = 'end'): Handler => ({ name, start: () => end });

function pipelineOf(...steps: Step[]) {
  const end = new End();
  const pipeline = new Pipeline(steps, [handlerOf(end)], context);
  return { end, pipeline, emit: emitTo(pipeline) };
}

/** `emitted + written = passed + sum(dropped) + held`. */
function expectBalance(pipeline: Pipeline): void {
  const { emitted, written, passed, dropped, held } = pipeline.pipelineAccount();
  expect(passed + Object.values(dropped).reduce((sum, count) => sum + count, 0) + held).toBe(emitted + written);
}

/** Holds each record until the next one comes. */
const holding = (): Stage =>
  stage('holding', 'volume', (next) => {
    let held: [LogRecord, Context | undefined] | undefined;
    const letGo = () => {
      const [record, from] = held ?? [];
      held = undefined;
      if (record !== undefined) next.onEmit(record, from);
    };
    return forwardTo(next, {
      onEmit(record, from) {
        letGo();
        held = [copyRecord(record), from];
      },
      release: letGo,
      account: () => ({ held: held === undefined ? 0 : 1 }),
    });
  });

const onEmitOf = (
  name: string,
  phase: Phase | undefined,
  onEmit: (next: LogRecordProcessor) => LogRecordProcessor['onEmit'],
) => stage(name, phase, (next) => forwardTo(next, { onEmit: onEmit(next) }));

const marking = (name: string, phase?: Phase): Stage =>
  onEmitOf(name, phase, (next) => (record, from) => {
    record.setAttribute('road', [...((record.attributes.road as string[]) ?? []), name]);
    next.onEmit(record, from);
  });

describe('steps that come and go while records flow', () => {
  test('take effect with the next record, each in its place', () => {
    const { end, pipeline, emit } = pipelineOf(marking('volume', 'volume'), marking('redact', 'redact'));
    const [filter, plain, enrich] = [marking('filter', 'filter'), marking('plain'), marking('enrich', 'enrich')];
    emit({});
    for (const step of [enrich, filter, plain]) pipeline.addProcessor(step);
    pipeline.addProcessor(marking('last', 'redact'));
    emit({});
    expect(pipeline.removeProcessor(filter)).toBe(true);
    expect(pipeline.removeProcessor(plain)).toBe(true);
    expect(pipeline.removeProcessor(plain)).toBe(false);
    emit({});
    expect(end.attributes.map(({ road }) => (road as string[]).join(' '))).toEqual([
      'volume redact',
      'filter volume enrich plain redact last',
      'volume enrich redact last',
    ]);
  });

  test('keep their counts when they are gone', () => {
    const { pipeline, emit } = pipelineOf();
    const nothing: ProcessorFunction = () => false;
    for (let round = 0; round < 5; round++) {
      pipeline.addProcessor(nothing);
      emit({});
      emit({});
      pipeline.removeProcessor(nothing);
      emit({});
      expectBalance(pipeline);
    }
    expect(pipeline.pipelineAccount()).toMatchObject({ emitted: 15, passed: 5, dropped: { nothing: 10 }, redacted: 0 });
  });

  test('may take themselves out while at work on a record', () => {
    const { end, pipeline, emit } = pipelineOf(function once() {
      pipeline.removeProcessor(second);
      return true;
    });
    const second: ProcessorFunction = () => {
      pipeline.removeProcessor(second);
      return false;
    };
    pipeline.addProcessor(second);
    const third: ProcessorFunction = () => {
      pipeline.removeProcessor(third);
      return false;
    };
    pipeline.addProcessor(third);
    emit({ eventName: 'a' });
    emit({ eventName: 'b' });
    expect(end.events).toEqual(['b']);
    expectBalance(pipeline);
  });

  test('may be added from within another', () => {
    const { end, pipeline, emit } = pipelineOf(function grow() {
      if (pipeline.pipelineAccount().emitted === 1) pipeline.addProcessor(marking('new'));
    });
    emit({});
    emit({});
    expect(end.attributes[1]).toEqual({ road: ['new'] });
    expectBalance(pipeline);
  });

  test('let go of what they hold when they are taken out, through the steps behind them', () => {
    const step = holding();
    const { end, pipeline, emit } = pipelineOf(step, marking('later'));
    emit({ eventName: 'a' });
    emit({ eventName: 'b' });
    expect([end.events, pipeline.pipelineAccount().held]).toEqual([['a'], 1]);
    expectBalance(pipeline);
    pipeline.removeProcessor(step);
    emit({ eventName: 'c' });
    expect([end.events, pipeline.pipelineAccount().held]).toEqual([['a', 'b', 'c'], 0]);
    expect(end.attributes[1]).toEqual({ road: ['later'] });
    expectBalance(pipeline);
  });

  test('let go of what they hold when the process ends, and then the handlers are flushed', () => {
    const { end, pipeline, emit } = pipelineOf(holding(), marking('later'));
    let flushed: unknown;
    Object.assign(end, { flushSync: () => (flushed = [...end.events]) });
    emit({ eventName: 'a' });
    pipeline.flushSync(1);
    expect(flushed).toEqual(['a']);
    expectBalance(pipeline);
  });

  test('whatever comes and goes, every record reaches every handler that was there once, in its order', () => {
    const act = fc.oneof(
      { weight: 4, arbitrary: fc.constant('emit' as const) },
      fc.constantFrom('add', 'remove', 'add holding', 'add handler', 'add within', 'remove within'),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const { end, pipeline, emit } = pipelineOf();
        const ends: { end: End; from: number }[] = [{ end, from: 0 }];
        const steps: Step[] = [];
        let emitted = 0;
        const add = (step: Step): void => {
          steps.push(step);
          pipeline.addProcessor(step);
        };
        const remove = (): void => {
          const step = steps.shift();
          if (step !== undefined) pipeline.removeProcessor(step);
        };
        for (const what of acts) {
          if (what === 'emit') emit({ body: emitted++ });
          else if (what === 'add') add(marking('a'));
          else if (what === 'remove') remove();
          else if (what === 'add holding') add(holding());
          else if (what === 'add within') add(() => (steps.length < 20 ? add(marking('b')) : undefined));
          else if (what === 'remove within') add(() => remove());
          else {
            // What is still held reaches a handler that comes now as well.
            const late = { end: new End(), from: end.records.length };
            ends.push(late);
            pipeline.addHandler(handlerOf(late.end, 'late'));
          }
          expectBalance(pipeline);
        }
        while (steps.length > 0) remove();
        expectBalance(pipeline);
        const all = Array.from({ length: emitted }, (_, i) => i);
        for (const one of ends) expect(one.end.records.map(({ body }) => body)).toEqual(all.slice(one.from));
        expect(pipeline.pipelineAccount()).toMatchObject({ emitted, passed: emitted, held: 0 });
      }),
      { numRuns: 300 },
    );
  });

  test('what they write themselves is in the account', () => {
    const twice: ProcessorFunction = (_record, _context, add) => add({ eventName: 'again' });
    const none: ProcessorFunction = ({ eventName }) => eventName !== 'again';
    const { end, pipeline, emit } = pipelineOf(twice);
    emit({ eventName: 'a' });
    expectBalance(pipeline);
    pipeline.addProcessor(none);
    emit({ eventName: 'b' });
    expect(end.events).toEqual(['a', 'again', 'b']);
    expect(pipeline.pipelineAccount()).toMatchObject({ emitted: 2, written: 2, passed: 3, dropped: { none: 1 } });
  });

  test('never come behind a redact, though it is inside another step', () => {
    const { end, pipeline, emit } = pipelineOf(pipe(marking('enrich', 'enrich'), marking('redact', 'redact')));
    pipeline.addProcessor(marking('plain'));
    pipeline.addProcessor(marking('enrich too', 'enrich'));
    emit({});
    expect(end.attributes).toEqual([{ road: ['plain', 'enrich too', 'enrich', 'redact'] }]);
    expect(() => pipeline.addProcessor(pipe(marking('filter', 'filter'), marking('volume', 'volume')))).not.toThrow();
    expect(() => pipeline.addProcessor(stage('odd', 'REDACT' as never, (next) => next))).toThrow(
      /a phase that does not exist/,
    );
  });

  test('leave the last redact() where it is, unless none is asked for', () => {
    const mine = redact();
    const end = new End();
    const pipeline = new Pipeline([mine], [handlerOf(end)], context, true);
    expect(() => pipeline.removeProcessor(mine)).toThrow(/would leave no redact\(\)/);
    emitTo(pipeline)({ attributes: { password: 'hunter2' } });
    expect(end.attributes).toEqual([{ password: '***REDACTED***' }]);
    pipeline.addProcessor(redact());
    expect(pipeline.removeProcessor(mine)).toBe(true);
    expect(pipelineOf(mine).pipeline.removeProcessor(mine)).toBe(true);
  });

  test('two that are taken out by a third, while the first has still to write, stay in the account', () => {
    const writing: ProcessorFunction = (_record, _context, add) => add({ eventName: 'late' });
    const between: ProcessorFunction = () => undefined;
    const { end, pipeline, emit } = pipelineOf(writing, between, function remover() {
      pipeline.removeProcessor(writing);
      pipeline.removeProcessor(between);
    });
    emit({ eventName: 'a' });
    expect(end.events).toEqual(['a', 'late']);
    expectBalance(pipeline);
  });

  test.each([undefined, 1, {}])('%p is no step', (step) => {
    const { pipeline } = pipelineOf();
    expect(() => pipeline.addProcessor(step as never)).toThrow(ConfigError);
  });
});

describe('handlers', () => {
  test('can be added while records flow, under a name of their own', () => {
    const { end, pipeline, emit } = pipelineOf();
    emit({ eventName: '1' });
    const late = new End();
    pipeline.addHandler(handlerOf(late));
    pipeline.addHandler(handlerOf(new End()));
    emit({ eventName: '2' });
    expect([end.events, late.events]).toEqual([['1', '2'], ['2']]);
    expect(Object.keys(pipeline.deliveryAccounts())).toEqual(['end', 'end#2', 'end#3']);
  });

  test.each([undefined, {}, new Recorder()])(
    'that start as %p are refused, and those before them ended',
    async (junk) => {
      const first = new End();
      const wrong: Handler = { name: 'wrong', start: () => junk as never };
      expect(() => new Pipeline([], [handlerOf(first), wrong], context)).toThrow(ConfigError);
      await Promise.resolve();
      expect(first.ended).toHaveLength(1);
    },
  );

  test('that cannot tell their account have none', () => {
    const { pipeline } = pipelineOf();
    const silent = Object.assign(new End(), {
      deliveryAccount() {
        throw new Error();
      },
    });
    pipeline.addHandler(handlerOf(silent, 'silent'));
    expect(pipeline.deliveryAccounts().silent).toEqual({
      accepted: 0,
      delivered: 0,
      rejected: 0,
      dropped: {},
      pending: 0,
    });
  });

  test('get their last chance each, whatever another one does with it', () => {
    const given: number[] = [];
    const throws = Object.assign(new End(), {
      flushSync() {
        throw new Error();
      },
    });
    const takes = Object.assign(new End(), { flushSync: (millis: number) => void given.push(millis) });
    const pipeline = new Pipeline([], [handlerOf(throws), handlerOf(new End()), handlerOf(takes)], context);
    pipeline.flushSync(7);
    expect(given).toEqual([7]);
  });

  test('without any, nothing is enabled', () => {
    const asked = { context: undefined as never, instrumentationScope: { name: 'x' } };
    expect(new Pipeline([], [], context).enabled(asked)).toBe(false);
    expect(pipelineOf().pipeline.enabled(asked)).toBe(true);
  });
});

describe('a stage that throws', () => {
  const breaking = (phase: Phase | undefined, when: 'before' | 'after'): Stage =>
    onEmitOf('breaking', phase, (next) => (record, from) => {
      if (when === 'after') next.onEmit(record, from);
      throw new TypeError('hunter2');
    });

  test.each(['before', 'after'] as const)('%s it passed the record on: the record arrives once', async (when) => {
    const { end, pipeline, emit } = pipelineOf(marking('a'), breaking('enrich', when), marking('z', 'redact'));
    const told = await toldDuring(() => {
      for (let i = 0; i < 4; i++) emit({ eventName: String(i) });
    });
    expect(end.events).toEqual(['0', '1', '2', '3']);
    expect(end.attributes[3]).toEqual({ road: ['a', 'z'] });
    expectBalance(pipeline);
    expect(told).toHaveLength(3);
    expect(told[0]).toBe('logspan: breaking failed on 1 record(s) TypeError');
  });

  test('and is there to redact loses the record rather than show it', async () => {
    const { end, pipeline, emit } = pipelineOf(breaking('redact', 'before'));
    await withThrowingDiag(() => emit({ eventName: 'a' }));
    expect(end.events).toEqual([]);
    expect(pipeline.pipelineAccount()).toMatchObject({ emitted: 1, passed: 0, dropped: { failed: 1 } });
  });

  test('that answers no processor is refused', () => {
    expect(() => pipelineOf(stage('empty', 'filter', () => undefined as never))).toThrow(
      'empty does not return a LogRecordProcessor',
    );
  });
});

test('records that a processor writes are stopped and counted', () => {
  const { end, pipeline, emit } = pipelineOf(function chatty() {
    emit({ eventName: 'inner' });
  });
  emit({ eventName: 'outer' });
  expect(end.events).toEqual(['outer']);
  expect(pipeline.pipelineAccount()).toMatchObject({ emitted: 2, passed: 1, dropped: { reentrant: 1 } });
});

test('a third-party processor that is taken out is flushed at once, and shut down with the others, once', async () => {
  const [other, back] = [new Recorder(), new Recorder()];
  const { pipeline, emit } = pipelineOf(other, back);
  pipeline.removeProcessor(other);
  pipeline.removeProcessor(back);
  pipeline.addProcessor(back);
  emit({ eventName: 'one' });
  expect([other.flushed, other.ended, back.flushed]).toEqual([[undefined], [], [undefined]]);
  expect(back.events).toEqual(['one']);
  await pipeline.shutdown({ timeoutMillis: 2 });
  expect([other.ended, back.ended]).toEqual([[{ timeoutMillis: 2 }], [{ timeoutMillis: 2 }]]);
});

test('a third-party processor that cannot be flushed or ended harms nobody', async () => {
  const fails = () => {
    throw new Error('no');
  };
  const other = { onEmit: () => undefined, forceFlush: fails, shutdown: fails };
  const { end, pipeline, emit } = pipelineOf(other);
  expect(await toldDuring(async () => void pipeline.removeProcessor(other))).toHaveLength(1);
  emit({ eventName: 'one' });
  await pipeline.shutdown({ timeoutMillis: 2 });
  expect([end.events, end.ended]).toEqual([['one'], [{ timeoutMillis: 2 }]]);
});

test('a flush and a shutdown go through all steps to all handlers', async () => {
  const other = new Recorder();
  const { end, pipeline } = pipelineOf(other, marking('a'));
  await pipeline.forceFlush({ timeoutMillis: 1 });
  await pipeline.shutdown({ timeoutMillis: 2 });
  expect([other.flushed, end.flushed]).toEqual([[{ timeoutMillis: 1 }], [{ timeoutMillis: 1 }]]);
  expect([other.ended, end.ended]).toEqual([[{ timeoutMillis: 2 }], [{ timeoutMillis: 2 }]]);
});

describe('a handler that is taken out', () => {
  /** Holds what it gets, and delivers it at its end, in time or not. */
  class Holding extends End {
    delivered = 0;
    dropped = 0;
    /** What its shutdown waits for. */
    answer: Promise<void> = Promise.resolve();

    override onEmit(record: LogRecord): void {
      super.onEmit(record);
      if (this.ended.length > 0) this.dropped++;
    }

    override async shutdown(options?: FlushOptions): Promise<void> {
      this.ended.push(options);
      await this.answer;
      this.delivered = this.records.length - this.dropped;
    }

    override deliveryAccount() {
      const { delivered, dropped } = this;
      const accepted = this.records.length;
      return {
        accepted,
        delivered,
        rejected: 0,
        dropped: { after_shutdown: dropped },
        pending: accepted - delivered - dropped,
      };
    }
  }

  const setUp = (end: HandlerEnd = new Holding()) => {
    const handler = handlerOf(end, 'leaves');
    const other = new End();
    const pipeline = new Pipeline([], [handler, handlerOf(other)], context);
    return { end, handler, other, pipeline, emit: emitTo(pipeline) };
  };

  test('gets no more records, delivers those it has, and what it counted stays counted', async () => {
    const { end, handler, other, pipeline, emit } = setUp();
    emit({ eventName: '1' });
    const removed = pipeline.removeHandler(handler, { timeoutMillis: 700 });
    emit({ eventName: '2' });
    expect(await removed).toBe(true);
    emit({ eventName: '3' });
    expect([(end as End).events, other.events]).toEqual([['1'], ['1', '2', '3']]);
    expect((end as End).ended).toEqual([{ timeoutMillis: 700 }]);
    expect(pipeline.deliveryAccounts().leaves).toMatchObject({ accepted: 1, delivered: 1, pending: 0 });
    expect(await pipeline.removeHandler(handler)).toBe(false);
    pipeline.addHandler(handlerOf(new End(), 'leaves'));
    expect(Object.keys(pipeline.deliveryAccounts())).toEqual(['leaves', 'end', 'leaves#2']);
  });

  test('while a record is on its way: that is counted, and comes to the others', () => {
    const leaving = new Holding();
    const handler = handlerOf(leaving, 'leaves');
    const removing = Object.assign(new End(), {
      onEmit(this: End, record: LogRecord) {
        void pipeline.removeHandler(handler);
        Recorder.prototype.onEmit.call(this, record);
      },
    });
    const last = new End();
    const pipeline = new Pipeline([], [handlerOf(removing, 'a'), handler, handlerOf(last, 'z')], context);
    emitTo(pipeline)({ eventName: '1' });
    expect([removing.events, last.events]).toEqual([['1'], ['1']]);
    expect(pipeline.deliveryAccounts().leaves).toMatchObject({
      accepted: 1,
      dropped: { after_shutdown: 1 },
      pending: 0,
    });
  });

  test('is flushed with the others, and gets its last chance, until it has ended', async () => {
    let finish: () => void = () => undefined;
    const flushedSync: number[] = [];
    const end = Object.assign(new Holding(), { flushSync: (millis: number) => void flushedSync.push(millis) });
    end.answer = new Promise((resolve) => (finish = resolve));
    const { handler, pipeline } = setUp(end);
    const removed = pipeline.removeHandler(handler);
    await pipeline.forceFlush();
    pipeline.flushSync(5);
    expect([end.flushed.length, flushedSync]).toEqual([1, [5]]);
    finish();
    expect(await removed).toBe(true);
    await pipeline.forceFlush();
    await pipeline.shutdown();
    expect([end.flushed.length, end.ended.length]).toEqual([1, 1]);
  });

  test('and hangs or loses is told of, and holds nobody up', async () => {
    const hangs = Object.assign(new Holding(), { answer: new Promise<void>(() => undefined) });
    const first = setUp(hangs);
    first.emit({});
    expect(await first.pipeline.removeHandler(first.handler, { timeoutMillis: 1 })).toBe(false);
    const loses = new Holding();
    loses.shutdown = async () => {
      loses.dropped = loses.records.length;
    };
    const second = setUp(loses);
    second.emit({});
    expect(await second.pipeline.removeHandler(second.handler)).toBe(false);
    expect(second.pipeline.lost()).toBe(1);
  });

  test('makes way: of thousands, the accounts of a hundred are kept, and the sum of the rest', async () => {
    const { pipeline, emit } = setUp();
    for (let n = 0; n < 300; n++) {
      const end = Object.assign(new Holding(), { account: () => ({ redacted: 1 }) });
      const handler = handlerOf(end, `number ${n}`);
      pipeline.addHandler(handler);
      emit({});
      await pipeline.removeHandler(handler);
    }
    const accounts = pipeline.deliveryAccounts();
    expect(Object.keys(accounts)).toHaveLength(103);
    expect(accounts['/removed']).toMatchObject({ accepted: 200, delivered: 200, pending: 0 });
    expect(accounts['number 299']).toMatchObject({ accepted: 1, delivered: 1 });
    // What their processors did stays counted too.
    expect(pipeline.pipelineAccount().redacted).toBe(300);
  });

  test('and was the last leaves a pipeline that is not enabled', async () => {
    const { end, pipeline } = pipelineOf();
    expect(await pipeline.removeHandler(handlerOf(end))).toBe(false);
    const handler = handlerOf(new End());
    const alone = new Pipeline([], [handler], context);
    await alone.removeHandler(handler);
    expect(alone.enabled({ context: ROOT_CONTEXT, instrumentationScope: { name: 'a' } })).toBe(false);
  });
});

describe('an edit by a handler', () => {
  test.each<[string, (record: LogRecord) => void]>([
    ['setAttribute', (record) => record.setAttribute('password', 'hunter2')],
    ['replacing an attribute', (record) => record.setAttribute('a', 'hunter2')],
    ['removeAttribute', (record) => removeAttribute(record, 'a')],
  ])('reaches no other handler, and is told once: %s', async (_, edit) => {
    const behind = new End();
    const editing = new End();
    editing.onEmit = edit;
    const repeating = onEmitOf('repeating', 'observe', (next) => (record, from) => {
      next.onEmit(record, from);
      next.onEmit(newRecord(record, { eventName: 'again', attributes: { a: 1 } }), from);
    });
    const emit = emitTo(new Pipeline([repeating], [handlerOf(editing, 'editing'), handlerOf(behind)], context));
    const told = await toldDuring(() => {
      for (let i = 0; i < 5; i++) emit({ attributes: { a: 1 } });
    });
    expect(behind.attributes).toEqual(Array(10).fill({ a: 1 }));
    expect(told).toEqual([expect.stringContaining('edited after it came to the handlers')]);
  });

  test('throws nothing where the diag logger does', async () => {
    const editing = new End();
    editing.onEmit = (record) => void record.setAttribute('b', 2);
    const behind = new End();
    const emit = emitTo(new Pipeline([], [handlerOf(editing, 'editing'), handlerOf(behind)], context));
    await withThrowingDiag(() => emit({ attributes: { a: 1 } }));
    expect(behind.attributes).toEqual([{ a: 1 }]);
  });

  test('of a copy is its own business', () => {
    const seen: unknown[] = [];
    const end = new End();
    end.onEmit = (record: LogRecord) => {
      const copy = copyRecord(record);
      copy.setAttribute('b', 2);
      seen.push(copy.attributes);
    };
    emitTo(new Pipeline([], [handlerOf(end)], context))({ attributes: { a: 1 } });
    expect(seen).toEqual([{ a: 1, b: 2 }]);
  });
});
