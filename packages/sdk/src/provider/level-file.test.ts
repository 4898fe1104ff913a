import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { scopeLevel } from '@logspan/logger/internal';
import { ManualTime, settled } from '../../../../test/delivery/manual-time.ts';
import { toldDuring, withThrowingDiag } from '../../../../test/pipeline/recorder.ts';
import { LevelFile } from './level-file.ts';
import { Levels, levelOption } from './levels.ts';

let folder: string;
let path: string;
let time: ManualTime;
let levels: Levels;
let file: LevelFile | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logspan-levels-'));
  path = join(folder, 'level');
  time = new ManualTime();
  levels = new Levels(levelOption('level', 'info,db=warn'), time);
});
afterEach(() => {
  file?.stop();
  levels.end();
  rmSync(folder, { recursive: true });
});

const start = () => {
  file = new LevelFile(path, levels, time);
  return file;
};
const minimums = () => [scopeLevel('shop').minimum, scopeLevel('db').minimum];

describe('what the file says', () => {
  test('holds from the start', () => {
    writeFileSync(path, 'debug\n');
    start();
    expect(minimums()).toEqual([5, 5]);
  });

  test('is laid over the levels when it appears, changes, and is taken back when it goes', async () => {
    const file = start();
    expect(minimums()).toEqual([9, 13]);
    writeFileSync(path, 'db=trace');
    await file.poll();
    expect(minimums()).toEqual([9, 1]);
    // Not on top of what it said before.
    writeFileSync(path, 'shop=error\n');
    await file.poll();
    expect(minimums()).toEqual([17, 13]);
    unlinkSync(path);
    await file.poll();
    expect(minimums()).toEqual([9, 13]);
  });

  test('is seen when the file is replaced, emptied, or reached by a link that changes', async () => {
    const file = start();
    writeFileSync(join(folder, 'new'), 'error');
    renameSync(join(folder, 'new'), path);
    await file.poll();
    expect(minimums()).toEqual([17, 17]);
    writeFileSync(path, ' \n');
    await file.poll();
    expect(minimums()).toEqual([9, 13]);
    writeFileSync(join(folder, 'linked'), 'trace');
    symlinkSync('linked', join(folder, 'link'));
    renameSync(join(folder, 'link'), path);
    await file.poll();
    expect(minimums()).toEqual([1, 1]);
  });

  test('does not undo a later change each time it is looked at', async () => {
    writeFileSync(path, 'debug');
    const file = start();
    levels.set(levelOption('level', 'fatal'));
    await file.poll();
    expect(minimums()).toEqual([21, 21]);
    unlinkSync(path);
    await file.poll();
    expect(minimums()).toEqual([21, 21]);
  });
});

describe('what is wrong', () => {
  test.each<[string, () => void, string]>([
    ['its content', () => writeFileSync(path, 'info\ns3cr3t'), 'entry 2 is no level and no scope=level'],
    ['its size', () => writeFileSync(path, 'x'.repeat(8_193)), 'is no file of at most 8192 bytes'],
    ['its kind', () => mkdirSync(path), 'is no file of at most 8192 bytes'],
    ['a loop of links', () => symlinkSync('level', path), 'cannot be used: ELOOP'],
  ])('with %s is told once, without quoting it, and the levels stay', async (_, spoil, problem) => {
    writeFileSync(path, 'debug');
    const file = start();
    rmSync(path);
    spoil();
    const told = await toldDuring(async () => {
      for (let i = 0; i < 3; i++) await file.poll();
    });
    expect(told).toEqual([`logspan: levelFile: ${problem}; the levels stay as they are`]);
    expect(minimums()).toEqual([5, 5]);
    rmSync(path, { recursive: true });
    writeFileSync(path, 'error');
    await file.poll();
    expect(minimums()).toEqual([17, 17]);
    rmSync(path);
    spoil();
    expect(await toldDuring(() => file.poll())).toHaveLength(1);
  });

  test('at the start is told too', async () => {
    writeFileSync(path, 'loud');
    const told = await toldDuring(() => void start());
    expect(told).toEqual(['logspan: levelFile: entry 1 is no level and no scope=level; the levels stay as they are']);
    expect(minimums()).toEqual([9, 13]);
  });

  test('with the diag logger of the application harms nothing', async () => {
    writeFileSync(path, 'loud');
    await withThrowingDiag(async () => {
      const file = start();
      await expect(file.poll()).resolves.toBeUndefined();
    });
  });
});

test('it is looked at once a second, one look after the other, and the process is not kept alive for it', async () => {
  start();
  expect([time.next, time.keepingAlive]).toEqual([1_000, 0]);
  writeFileSync(path, 'debug');
  await time.pass(1_000);
  // Reading takes its own time: no further look is planned before it is done.
  while (time.timers === 0) await settled();
  expect([minimums(), time.next, time.keepingAlive]).toEqual([[5, 5], 1_000, 0]);
});

test('stopped, it looks no more, even if it was just about to', async () => {
  const file = start();
  writeFileSync(path, 'debug');
  const looking = file.poll();
  file.stop();
  await looking;
  expect([minimums(), time.timers]).toEqual([[9, 13], 0]);
});
