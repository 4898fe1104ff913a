import { EventEmitter } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { scopeLevel } from '@logspan/logger/internal';
import { ManualTime } from '../../../../test/delivery/manual-time.ts';
import { toldDuring, withThrowingDiag } from '../../../../test/pipeline/recorder.ts';
import type { ProcessLike } from './exit-hooks.ts';
import { followLevelSignal } from './level-signal.ts';
import { Levels, levelOption } from './levels.ts';

let levels: Levels | undefined;
afterEach(() => levels?.end());

function running() {
  const time = new ManualTime();
  const emitter = new EventEmitter();
  levels = new Levels(levelOption('level', 'info,db=off'), time);
  const stop = followLevelSignal('SIGUSR2', levels, emitter as unknown as ProcessLike);
  return { levels, time, emitter, stop, minimums: () => [scopeLevel('shop').minimum, scopeLevel('db').minimum] };
}

test('the signal sets debug, and again takes it back', () => {
  const { emitter, minimums, time } = running();
  expect(minimums()).toEqual([9, 25]);
  emitter.emit('SIGUSR2');
  expect(minimums()).toEqual([5, 5]);
  emitter.emit('SIGUSR2');
  expect([minimums(), time.timers]).toEqual([[9, 25], 0]);
  emitter.emit('SIGUSR2');
  expect(minimums()).toEqual([5, 5]);
});

test('debug ends by itself after ten minutes', async () => {
  const { emitter, minimums, time } = running();
  emitter.emit('SIGUSR2');
  await time.pass(599_999);
  expect([minimums(), time.keepingAlive]).toEqual([[5, 5], 0]);
  await time.pass(1);
  expect(minimums()).toEqual([9, 25]);
  emitter.emit('SIGUSR2');
  expect(minimums()).toEqual([5, 5]);
});

test('stopped, it listens no more', () => {
  const { emitter, stop } = running();
  expect(emitter.listenerCount('SIGUSR2')).toBe(1);
  stop();
  expect(emitter.listenerCount('SIGUSR2')).toBe(0);
});

test('nothing of it throws: a full list, a diag logger that throws, a signal that does not exist', async () => {
  const { levels, emitter, minimums } = running();
  await withThrowingDiag(() => void emitter.emit('SIGUSR2'));
  expect(minimums()).toEqual([5, 5]);
  emitter.emit('SIGUSR2');
  for (let i = 0; i < 100; i++) levels.set(levelOption('level', 'db=warn'), { ttlMillis: 1_000 });
  expect(await toldDuring(() => void emitter.emit('SIGUSR2'))).toEqual([
    'logspan: the level signal failed ConfigError',
  ]);
  const refuses = {
    on() {
      throw new RangeError('ENOSYS');
    },
    removeListener: () => undefined,
  };
  const told = await toldDuring(() => followLevelSignal('SIGUSR1', levels, refuses)());
  expect(told).toEqual(['logspan: SIGUSR1 cannot be listened for RangeError']);
});
