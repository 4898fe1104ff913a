import { describe, expect, test } from '@jest/globals';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { emitTo, Recorder, toldDuring, withThrowingDiag } from '../../../../test/pipeline/recorder.ts';
import { guard, suppressLogging } from './guard.ts';
import type { LogRecord, LogRecordProcessor } from './stage.ts';

/** An end that does this with each record. */
const doing = (onEmit: (record: LogRecord) => void): LogRecordProcessor => Object.assign(new Recorder(), { onEmit });

describe('the guard', () => {
  test('passes records on with their context', () => {
    const end = new Recorder();
    const from = ROOT_CONTEXT.setValue(Symbol.for('test'), 1);
    emitTo(guard(end))({ eventName: 'a', context: from });
    expect(end.events).toEqual(['a']);
    expect(end.contexts).toEqual([from]);
  });

  test('keeps what is below from throwing into the application, tells of it ever more rarely, and goes on', async () => {
    const head = guard(
      doing(() => {
        throw new TypeError('the record says hunter2');
      }),
    );
    const told = await toldDuring(() => {
      for (let i = 0; i < 100; i++) emitTo(head)({ body: i });
    });
    expect(head.account?.()).toEqual({ dropped: { reentrant: 0, failed: 100 } });
    expect(told).toHaveLength(7);
    expect(told[0]).toBe('logspan: the pipeline failed on 1 record(s) TypeError');
    expect(told.join()).not.toContain('hunter2');
  });

  test.each([undefined, null, 'text', 0, Object.create(null)])('survives that %p is thrown', (thrown) => {
    const head = guard(
      doing(() => {
        throw thrown;
      }),
    );
    emitTo(head)({ body: 'x' });
    expect(head.account?.().dropped).toMatchObject({ failed: 1 });
  });

  test('survives a diag logger that throws', async () => {
    const head = guard(
      doing(() => {
        throw new Error();
      }),
    );
    await withThrowingDiag(() => emitTo(head)({ body: 'x' }));
    expect(head.account?.().dropped).toMatchObject({ failed: 1 });
  });

  test('stops a record that is written while another one is processed, and only that', () => {
    const end = new Recorder();
    const head = guard(
      doing((record) => {
        emit({ eventName: 'about logging' });
        end.onEmit(record);
      }),
    );
    const emit = emitTo(head);
    emit({ eventName: 'a' });
    emit({ eventName: 'b' });
    expect(end.events).toEqual(['a', 'b']);
    expect(head.account?.().dropped).toEqual({ reentrant: 2, failed: 0 });
  });

  test('takes the next record though the one before failed', () => {
    const end = new Recorder();
    let first = true;
    const head = guard(
      doing((record) => {
        if (first) {
          first = false;
          throw new Error();
        }
        end.onEmit(record);
      }),
    );
    emitTo(head)({ eventName: 'a' });
    emitTo(head)({ eventName: 'b' });
    expect(end.events).toEqual(['b']);
  });

  test('stops what the code that delivers records writes', () => {
    const end = new Recorder();
    const head = guard(end);
    const emit = emitTo(head);
    emit({ eventName: 'a', context: suppressLogging(context.active()) });
    emit({ eventName: 'b' });
    expect(end.events).toEqual(['b']);
    expect(head.account?.().dropped).toMatchObject({ reentrant: 1 });
  });

  test('answers enabled() for a pipeline that cannot', async () => {
    const asked = { context: ROOT_CONTEXT, instrumentationScope: { name: 'x' } };
    const throwing = Object.assign(new Recorder(), {
      enabled() {
        throw new Error();
      },
    });
    await withThrowingDiag(() => {
      expect(guard(throwing).enabled?.(asked)).toBe(true);
    });
    const { enabled: _, ...silent } = { ...guard(new Recorder()) };
    expect(guard(silent).enabled?.(asked)).toBe(true);
    expect(guard(Object.assign(new Recorder(), { enabled: () => false })).enabled?.(asked)).toBe(false);
  });

  test('hands flush and shutdown on', async () => {
    const end = new Recorder();
    await guard(end).forceFlush({ timeoutMillis: 1 });
    await guard(end).shutdown({ timeoutMillis: 2 });
    expect([end.flushed, end.ended]).toEqual([[{ timeoutMillis: 1 }], [{ timeoutMillis: 2 }]]);
  });
});
