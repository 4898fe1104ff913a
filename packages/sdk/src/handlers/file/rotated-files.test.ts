import { describe, expect, test } from '@jest/globals';
import { ManualTime } from '../../../../../test/delivery/manual-time.ts';
import { fsError, MemoryFileSystem } from '../../../../../test/file/memory-file-system.ts';
import { toldDuring } from '../../../../../test/pipeline/recorder.ts';
import { Announcer } from '../../delivery/announce.ts';
import { RotatedFiles, type RotatedFilesOptions } from './rotated-files.ts';

const DAY = 86_400_000;
const nothing = { gzip: false, keep: undefined, maxAgeMillis: undefined, maxTotalBytes: undefined, mode: 0o600 };

function set(options: Partial<RotatedFilesOptions> = {}) {
  const time = new ManualTime();
  const files = new MemoryFileSystem(time.wall);
  const announcer = new Announcer('file', time.now);
  const rotated = new RotatedFiles('/log/app.log', { ...nothing, ...options }, files, time, announcer);
  const tidied = async (afterMillis = 0) => {
    rotated.tidy();
    await time.pass(afterMillis);
    return files.names();
  };
  return { time, files, rotated, tidied };
}

const named = (day: number) => `app.2023-11-${String(day).padStart(2, '0')}T00-00-00-000Z.log`;

describe('reserve', () => {
  test('a name that nothing has, not even compressed', async () => {
    const { files, rotated } = set();
    const stamp = Date.UTC(2024, 0, 1);
    const names = [0, 1, 2, 3].map((millis) => `app.2024-01-01T00-00-00-00${millis}Z.log`);
    files.put(`/log/${names[0]}`, 'mine');
    files.put(`/log/${names[1]}.gz`, 'mine too');
    expect(await rotated.reserve(stamp)).toBe(`/log/${names[2]}`);
    expect(files.text(`/log/${names[2]}`)).toBe('');
    // Also if the clock went back: names say in which order the files were rotated.
    expect(await rotated.reserve(stamp - DAY)).toBe(`/log/${names[3]}`);
  });

  test('passes on what the file system says', async () => {
    const { files, rotated } = set();
    files.before = () => {
      throw fsError('EACCES');
    };
    await expect(rotated.reserve(0)).rejects.toThrow('EACCES');
  });
});

describe('what is deleted', () => {
  /** The files of the days that are still there; that of day 1 is of 10 bytes, and so on. */
  const left = async (options: Partial<RotatedFilesOptions>, days: readonly number[] = [1, 2, 3, 4]) => {
    const { files, tidied } = set(options);
    for (const day of days) files.put(`/log/${named(day)}`, 'x'.repeat(day * 10));
    files.put('/log/app.log', 'x'.repeat(1_000));
    const names = await tidied(5_000);
    expect(names).toContain('app.log');
    return days.filter((day) => names.includes(named(day)));
  };

  test('nothing, by default', async () => expect(await left({})).toEqual([1, 2, 3, 4]));
  test('by number', async () => expect(await left({ keep: 2 })).toEqual([3, 4]));
  test('all of them', async () => expect(await left({ keep: 0 })).toEqual([]));
  // It is 22:13 on the 14th.
  test('by age', async () => expect(await left({ maxAgeMillis: 12 * DAY })).toEqual([3, 4]));
  test('by size', async () => expect(await left({ maxTotalBytes: 89 })).toEqual([3, 4]));
  test('by size, exactly', async () => expect(await left({ maxTotalBytes: 90 })).toEqual([2, 3, 4]));

  test('a file and its compressed form are one', async () => {
    const { files, tidied } = set({ keep: 2 });
    for (const day of [1, 2, 3]) files.put(`/log/${named(day)}.gz`, 'x');
    files.put(`/log/${named(2)}`, 'x');
    expect(await tidied()).toEqual([named(2), `${named(2)}.gz`, `${named(3)}.gz`]);
  });

  test('never what is not its own: other names, folders, links', async () => {
    const { files, tidied } = set({ keep: 0 });
    const others = ['app.log.1', 'other.log', `app2${named(1).slice(3)}`, `${named(1)}.bak`];
    for (const name of others) files.put(`/log/${name}`, 'x');
    files.folder(`/log/${named(2)}`);
    expect(await tidied()).toEqual([...others, named(2)].sort());
  });

  test('what a process has left that was killed, once nobody can be at work on it', async () => {
    const { time, files, tidied } = set();
    const debris = [`${named(1)}.gz.0a1b2c3d.tmp`, named(2)];
    for (const name of debris) files.put(`/log/${name}`, '');
    await time.pass(60_000);
    expect(await tidied()).toEqual(debris);
    await time.pass(1);
    expect(await tidied()).toEqual([]);
  });

  test('a failure is told, and tried again', async () => {
    const { time, files, tidied } = set({ keep: 0 });
    files.put(`/log/${named(1)}`, 'x');
    files.before = (call) => {
      if (call === 'unlink') throw fsError('EPERM');
    };
    const told = await toldDuring(async () => void (await tidied(5_000)));
    expect(told).toEqual(['logspan: file: clean-up: EPERM: rotated files could not be looked after; tried again']);
    files.before = () => undefined;
    await time.pass(60_000);
    expect(files.names()).toEqual([]);
  });

  test('another process deletes as well', async () => {
    const { files, tidied } = set({ keep: 0 });
    for (const day of [1, 2]) files.put(`/log/${named(day)}`, 'x');
    files.before = (call, path) => {
      if (call === 'unlink' || (call === 'lstat' && path.endsWith(named(1)))) {
        files.before = () => undefined;
        files.remove(path);
      }
    };
    expect(await tidied(5_000)).toEqual([]);
  });

  test('none that another process may still write: until it has been quiet for five seconds', async () => {
    const { files, time, tidied } = set({ keep: 0 });
    const fd = await files.open(`/log/${named(1)}`);
    files.put(`/log/${named(2)}.gz`, 'x');
    const write = () => void files.sync.write(fd, Buffer.from('line\n'));
    write();
    expect(await tidied(4_000)).toEqual([named(1)]);
    write();
    await time.pass(4_999);
    expect(files.names()).toEqual([named(1)]);
    await time.pass(1);
    expect(files.names()).toEqual([]);
    expect(time.timers).toBe(0);
  });
});

describe('compression', () => {
  test('when a file has been quiet for 5 s; also what a former process did not come to', async () => {
    const { time, files, tidied } = set({ gzip: true });
    files.put(`/log/${named(1)}`, 'old');
    await time.pass(3_000);
    files.put(`/log/${named(2)}`, 'new');
    await time.pass(2_000);
    expect(await tidied()).toEqual([`${named(1)}.gz`, named(2)]);
    await time.pass(2_999);
    expect(files.names()).toContain(named(2));
    await time.pass(1);
    expect(files.names()).toEqual([`${named(1)}.gz`, `${named(2)}.gz`]);
    expect(files.text(`/log/${named(2)}.gz`)).toBe('new');
    expect(time.timers).toBe(0);
  });

  test('nothing keeps the process alive', async () => {
    const { time, files, tidied } = set({ gzip: true });
    files.put(`/log/${named(1)}`, 'x');
    await tidied();
    expect([time.timers, time.keepingAlive]).toEqual([1, 0]);
  });

  test.each(['gzip', 'rename', 'unlink'])(
    '%s fails: the file is kept, nothing half stays, and it is tried again',
    async (failing) => {
      const { time, files, tidied } = set({ gzip: true });
      files.put(`/log/${named(1)}`, 'text');
      await time.pass(5_000);
      files.before = (call, path) => {
        if (call === failing && !path.endsWith('.tmp') === (call !== 'rename')) throw fsError('ENOSPC');
      };
      const told = await toldDuring(async () => {
        // The compressed file has its name when only the deletion of the original fails.
        expect(await tidied()).toEqual(failing === 'unlink' ? [named(1), `${named(1)}.gz`] : [named(1)]);
      });
      expect(told).toEqual([expect.stringContaining('compression: ENOSPC')]);
      expect(files.text(`/log/${named(1)}`)).toBe('text');
      files.before = () => undefined;
      await time.pass(60_000);
      expect(files.names()).toEqual([`${named(1)}.gz`]);
      expect(files.text(`/log/${named(1)}.gz`)).toBe('text');
    },
  );

  test('a file that another process still writes to is left alone', async () => {
    const { time, files, tidied } = set({ gzip: true });
    files.put(`/log/${named(1)}`, 'text ');
    await time.pass(5_000);
    files.before = (call) => {
      if (call !== 'gzip') return;
      files.before = () => undefined;
      files.put(`/log/${named(1)}`, 'late');
    };
    expect(await tidied()).toEqual([named(1)]);
    await time.pass(120_000);
    expect(files.text(`/log/${named(1)}.gz`)).toBe('text late');
    expect(files.names()).toEqual([`${named(1)}.gz`]);
  });

  test('after stop() nothing is begun', async () => {
    const { time, files, rotated, tidied } = set({ gzip: true });
    files.put(`/log/${named(1)}`, 'x');
    await tidied();
    rotated.stop();
    await time.pass(60_000);
    expect(await tidied(60_000)).toEqual([named(1)]);
    expect(time.timers).toBe(0);
  });
});
