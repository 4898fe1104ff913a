import { describe, expect, test } from '@jest/globals';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { emitTo, Recorder, toldDuring, withThrowingDiag } from '../../../../test/pipeline/recorder.ts';
import { tee } from './tee.ts';

const failing = () =>
  Object.assign(new Recorder(), {
    onEmit() {
      throw new RangeError();
    },
  });

describe('a tee', () => {
  test('gives each record to every branch, those that are added later too', () => {
    const [a, b] = [new Recorder(), new Recorder()];
    const both = tee({ to: a });
    const emit = emitTo(both);
    emit({ eventName: '1' });
    both.add({ to: b });
    emit({ eventName: '2' });
    expect([a.events, b.events]).toEqual([['1', '2'], ['2']]);
  });

  test('a branch that fails takes nothing from the others, and is told of now and then', async () => {
    const end = new Recorder();
    const emit = emitTo(tee({ to: failing() }, { to: end }));
    const told = await toldDuring(() => {
      for (let i = 0; i < 10; i++) emit({ body: i });
    });
    expect(end.records).toHaveLength(10);
    expect(told.map((line) => line.replace(/\D+/g, ''))).toEqual(['1', '2', '4', '8']);
  });

  test('counts on how many records a branch failed, each for itself', () => {
    const [one, other, end] = [failing(), failing(), new Recorder()];
    const all = tee({ to: one }, { to: other, when: ({ body }) => body === 1 }, { to: end });
    for (let i = 0; i < 3; i++) emitTo(all)({ body: i });
    expect([one, other, end].map((to) => all.failures(to))).toEqual([3, 1, 0]);
  });

  test('not even if the diag logger throws', async () => {
    const end = new Recorder();
    await withThrowingDiag(() => emitTo(tee({ to: failing() }, { to: end }))({ body: 1 }));
    expect(end.records).toHaveLength(1);
  });

  test('asks each branch which records it wants; one that cannot say gets them', () => {
    const [wanted, all] = [new Recorder(), new Recorder()];
    const throws = () => {
      throw new Error();
    };
    const emit = emitTo(tee({ to: wanted, when: ({ eventName }) => eventName === 'a' }, { to: all, when: throws }));
    emit({ eventName: 'a' });
    emit({ eventName: 'b' });
    expect([wanted.events, all.events]).toEqual([['a'], ['a', 'b']]);
  });

  test('flushes and ends every branch whatever one of them does, and says that one failed', async () => {
    const end = new Recorder();
    const rejects = Object.assign(new Recorder(), { forceFlush: () => Promise.reject(new Error('flush')) });
    const throws = Object.assign(new Recorder(), {
      shutdown() {
        throw new Error('shutdown');
      },
    });
    const all = tee({ to: rejects }, { to: throws }, { to: end });
    await expect(all.forceFlush({ timeoutMillis: 5 })).rejects.toThrow('flush');
    await expect(all.shutdown({ timeoutMillis: 6 })).rejects.toThrow('shutdown');
    expect([end.flushed, end.ended]).toEqual([[{ timeoutMillis: 5 }], [{ timeoutMillis: 6 }]]);
    await expect(tee().forceFlush()).resolves.toBeUndefined();
  });

  test('is enabled if one branch is', () => {
    const asked = { context: ROOT_CONTEXT, instrumentationScope: { name: 'x' } };
    const off = Object.assign(new Recorder(), { enabled: () => false });
    expect(tee({ to: off }).enabled?.(asked)).toBe(false);
    expect(tee({ to: off }, { to: new Recorder() }).enabled?.(asked)).toBe(true);
  });
});
