import { describe, expect, test } from '@jest/globals';
import { ManualTime, settled } from '../../../../../test/delivery/manual-time.ts';
import { fsError, MemoryFileSystem } from '../../../../../test/file/memory-file-system.ts';
import { toldDuring } from '../../../../../test/pipeline/recorder.ts';
import type { LogRecord } from '../../pipeline/stage.ts';
import { type FileOptions, file } from '../file.ts';
import type { HandlerContext } from '../handler.ts';

const PATH = '/log/app.log';

function set(options: FileOptions = {}) {
  const time = new ManualTime();
  const files = new MemoryFileSystem(time.wall);
  const handler = file(PATH, { format: (record) => String(record.body), files, time, ...options });
  const start = () => handler.start({} as HandlerContext);
  return { time, files, handler, start };
}

function started(options: FileOptions = {}) {
  const { time, files, handler, start } = set(options);
  const end = start();
  const log = (body: string, severityNumber = 9) => end.onEmit({ body, severityNumber } as LogRecord);
  return { time, files, handler, end, log, account: () => end.deliveryAccount() };
}

/** The rotated files and the file, in order. */
const allText = (files: MemoryFileSystem) => files.names().map((name) => files.text(`/log/${name}`));

describe('writing', () => {
  test('lines are written together, 100 ms after the first of them', async () => {
    const { time, files, log, account } = started();
    await time.pass(0);
    files.calls.length = 0;
    log('a');
    await time.pass(60);
    log('b');
    expect(account()).toMatchObject({ accepted: 2, delivered: 0, pending: 2 });
    await time.pass(39);
    expect(files.text(PATH)).toBe('');
    await time.pass(1);
    expect(files.text(PATH)).toBe('a\nb\n');
    expect(files.calls).toEqual(['write']);
    expect(account()).toEqual({ accepted: 2, delivered: 2, rejected: 0, dropped: {}, pending: 0 });
    expect(time.timers).toBe(0);
  });

  test('many lines do not wait, one write is under way at a time, and order is kept', async () => {
    const { time, files, end, log, account } = started({ bufferBytes: 8_192 });
    let answer: (value: unknown) => void = () => undefined;
    files.held = { answer: new Promise((resolve) => (answer = resolve)), when: 'before' };
    const lines = Array.from({ length: 700 }, (_, i) => `line ${i}`);
    for (const line of lines.slice(0, 500)) log(line);
    await settled();
    expect(files.calls.filter((call) => call === 'write')).toHaveLength(1);
    expect(account().delivered).toBe(0);
    files.held = undefined;
    for (const line of lines.slice(500)) log(line);
    answer(undefined);
    await end.forceFlush({ timeoutMillis: 1_000 });
    expect(files.text(PATH)).toBe(`${lines.join('\n')}\n`);
    expect(account()).toMatchObject({ delivered: 700, pending: 0 });
    expect(time.timers).toBe(0);
  });

  test('nothing that waits keeps the process alive, who waits for a flush does', async () => {
    const { time, files, end, log } = started();
    log('a');
    expect(time.keepingAlive).toBe(0);
    files.before = () => {
      throw fsError('EIO');
    };
    const flush = end.forceFlush({ timeoutMillis: 500 });
    expect(time.keepingAlive).toBe(1);
    const outcome = expect(flush).rejects.toThrow('not written in time');
    await time.pass(500);
    await outcome;
    expect(time.keepingAlive).toBe(0);
  });

  test('what cannot be rendered is dropped, and the next record is written', async () => {
    const { end, log, account, files } = started({
      format: ({ body }) => {
        if (body === 'bad') throw new Error('no');
        return body === 'worse' ? (7 as never) : body;
      },
    });
    log('bad');
    log('worse');
    log('good');
    await end.forceFlush();
    expect(files.text(PATH)).toBe('good\n');
    expect(account()).toEqual({ accepted: 3, delivered: 1, rejected: 0, dropped: { encode_error: 2 }, pending: 0 });
  });

  test('an async format is counted and told, and its rejection is nobody else’s', async () => {
    const told = await toldDuring(async () => {
      const { log, account } = started({ format: (async () => Promise.reject(new RangeError('no'))) as never });
      log('a');
      await settled();
      expect(account()).toMatchObject({ accepted: 1, dropped: { encode_error: 1 }, pending: 0 });
    });
    expect(told).toContain('logspan: an async format failed 1 time(s) RangeError');
  });

  test('the last line of a process that was killed is ended, and then the next one begins', async () => {
    const { files, start } = set();
    files.put(PATH, 'whole\nto');
    const end = start();
    end.onEmit({ body: 'next' } as LogRecord);
    await end.forceFlush();
    expect(files.text(PATH)).toBe('whole\nto\nnext\n');
  });

  test('shutdown writes what waits and closes the file; later records are counted', async () => {
    const { files, end, log, account, time } = started();
    log('a');
    await end.shutdown({ timeoutMillis: 100 });
    log('b');
    expect(files.text(PATH)).toBe('a\n');
    expect(files.open_.size).toBe(0);
    expect(time.timers).toBe(0);
    expect(account()).toEqual({ accepted: 2, delivered: 1, rejected: 0, dropped: { after_shutdown: 1 }, pending: 0 });
  });

  test('shutdown gives up at its deadline, and a late answer counts nothing twice', async () => {
    const { files, end, log, account, time } = started();
    let answer: (value: unknown) => void = () => undefined;
    files.held = { answer: new Promise((resolve) => (answer = resolve)), when: 'before' };
    log('a');
    const shutdown = end.shutdown({ timeoutMillis: 100 });
    await time.pass(100);
    await shutdown;
    answer(undefined);
    await settled();
    expect(account()).toEqual({
      accepted: 1,
      delivered: 0,
      rejected: 0,
      dropped: { shutdown_deadline: 1 },
      pending: 0,
    });
    expect(files.open_.size).toBe(0);
  });
});

describe('the disk', () => {
  test.each(['ENOSPC', 'EIO', 'EDQUOT', 'EBADF', 'ESTALE'])(
    '%s: lines wait, in order, and are written later',
    async (code) => {
      const { time, files, end, log, account } = started();
      const told = await toldDuring(async () => {
        files.before = (call) => {
          if (call === 'write') throw fsError(code);
        };
        log('a');
        await time.pass(100);
        log('b');
        await time.pass(60_000);
        expect(account()).toEqual({ accepted: 2, delivered: 0, rejected: 0, dropped: {}, pending: 2 });
        files.before = () => undefined;
        await time.pass(60_000);
      });
      expect(files.text(PATH)).toBe('a\nb\n');
      expect(account()).toMatchObject({ delivered: 2, pending: 0 });
      expect(told[0]).toContain(`logspan: file: ${code}: records cannot be written`);
      expect(told.at(-1)).toContain('recovered: records are written again');
      expect(told.length).toBeLessThan(10);
      await end.shutdown();
    },
  );

  test('full at any byte: every line is whole and there once', async () => {
    const lines = ['first', 'second', 'thïrd'];
    const whole = `${lines.join('\n')}\n`;
    for (let space = 0; space <= Buffer.byteLength(whole); space++) {
      const { time, files, log, account } = started();
      files.space = space;
      for (const line of lines) log(line);
      await time.pass(5_000);
      const { delivered, pending } = account();
      expect(delivered).toBe(Buffer.from(whole).subarray(0, space).toString().split('\n').length - 1);
      expect(delivered + pending).toBe(3);
      files.space = 1_000;
      await time.pass(60_000);
      log('fourth');
      await time.pass(100);
      expect(files.text(PATH)).toBe(`${whole}fourth\n`);
      expect(account()).toMatchObject({ delivered: 4, pending: 0 });
    }
  });

  test('short writes are continued', async () => {
    const { files, end, log, account } = started();
    files.accept = () => 1;
    log('first');
    log('second');
    await end.forceFlush();
    expect(files.text(PATH)).toBe('first\nsecond\n');
    expect(account().delivered).toBe(2);
  });

  test.each<[string, (files: MemoryFileSystem) => void, Record<string, string>]>([
    ['is renamed', (files) => files.move(PATH, '/log/app.log.1'), { 'app.log.1': 'a\nfir', 'app.log': 'first\n' }],
    [
      'is copied and truncated',
      (files) => files.copyTruncate(PATH, '/log/app.log.1'),
      { 'app.log.1': 'a\nfir', 'app.log': 'first\n' },
    ],
    ['is written to by others', (files) => files.put(PATH, 'x\n'), { 'app.log': 'a\nfirx\nfirst\n' }],
    ['is written to by others, half', (files) => files.put(PATH, 'x'), { 'app.log': 'a\nfirx\nfirst\n' }],
    ['is deleted', (files) => files.remove(PATH), { 'app.log': 'first\n' }],
    [
      'is renamed, and the new one is as long',
      (files) => {
        files.move(PATH, '/log/app.log.1');
        files.put(PATH, 'xxxx\n');
      },
      { 'app.log.1': 'a\nfir', 'app.log': 'xxxx\nfirst\n' },
    ],
  ])('full within a line, and then the file %s: the line is written again', async (_, change, expected) => {
    const { time, files, end, log } = started();
    log('a');
    await end.forceFlush();
    files.space = 3;
    log('first');
    await time.pass(100);
    expect(files.text(PATH)).toBe('a\nfir');
    change(files);
    files.space = 1_000;
    await time.pass(60_000);
    expect(Object.fromEntries(files.names().map((name) => [name, files.text(`/log/${name}`)]))).toEqual(expected);
  });

  test.each(['EACCES', 'EROFS', 'EMFILE', 'ENOSPC'])('%s when the file is opened again: lines wait', async (code) => {
    const { time, files, log, account } = started();
    files.remove(PATH);
    files.before = (call) => {
      if (call === 'open') throw fsError(code);
    };
    await time.pass(1_000);
    log('a');
    await time.pass(10_000);
    expect(account()).toMatchObject({ delivered: 0, pending: 1 });
    files.before = () => undefined;
    await time.pass(60_000);
    expect(files.text(PATH)).toBe('a\n');
  });

  test.each(['EACCES', 'EPERM', 'EROFS'])('%s at startup is a mistake', (code) => {
    const { files, start } = set();
    files.before = () => {
      throw fsError(code);
    };
    expect(start).toThrow(expect.objectContaining({ name: 'ConfigError', option: 'file.path' }));
  });

  test.each(['ENOSPC', 'EMFILE', 'EIO'])('%s at startup may pass: lines wait', async (code) => {
    const { time, files, start } = set();
    files.before = () => {
      throw fsError(code);
    };
    const end = start();
    end.onEmit({ body: 'a' } as LogRecord);
    await time.pass(10_000);
    expect(end.deliveryAccount()).toMatchObject({ delivered: 0, pending: 1 });
    files.before = () => undefined;
    await time.pass(60_000);
    expect(files.text(PATH)).toBe('a\n');
  });

  test('while it is full, low levels make room for errors, and all is counted', async () => {
    const { time, files, log, account } = started({ bufferBytes: 1_024 });
    files.space = 0;
    for (let i = 0; i < 300; i++) log(`info ${i}`);
    for (let i = 0; i < 50; i++) log(`error ${i}`, 17);
    await time.pass(1_000);
    const { accepted, delivered, dropped, pending } = account();
    expect({ accepted, delivered }).toEqual({ accepted: 350, delivered: 0 });
    expect(dropped).toEqual({ queue_full: 350 - pending });
    files.space = 100_000;
    await time.pass(60_000);
    const text = files.text(PATH) ?? '';
    for (let i = 0; i < 50; i++) expect(text).toContain(`error ${i}\n`);
    expect(text.split('\n')).toHaveLength(pending + 1);
    expect(account()).toMatchObject({ delivered: pending, pending: 0 });
  });

  test('a line larger than the buffer', () => {
    const { log, account } = started({ bufferBytes: 1_024 });
    log('x'.repeat(1_024));
    expect(account().dropped).toEqual({ too_large: 1 });
  });
});

describe('a file that something else moves', () => {
  test('renamed: noticed at the first write a second later', async () => {
    const { time, files, log, end } = started();
    files.move(PATH, '/log/app.log.1');
    log('old');
    await end.forceFlush();
    await time.pass(1_000);
    log('new');
    await end.forceFlush();
    expect(files.text('/log/app.log.1')).toBe('old\n');
    expect(files.text(PATH)).toBe('new\n');
    expect(files.open_.size).toBe(1);
  });

  test('at most one look a second', async () => {
    const { time, files, log, end } = started();
    await time.pass(0);
    files.calls.length = 0;
    for (let i = 0; i < 30; i++) {
      log('a');
      await end.forceFlush();
      await time.pass(100);
    }
    expect(files.calls.filter((call) => call === 'lstat')).toHaveLength(2);
  });

  test('reopen(): noticed at once', async () => {
    const { files, log, end, handler } = started();
    files.move(PATH, '/log/app.log.1');
    log('a');
    await handler.reopen();
    log('b');
    await end.forceFlush();
    expect(files.text('/log/app.log.1')).toBe('');
    expect(files.text(PATH)).toBe('a\nb\n');
    await end.shutdown();
    await handler.reopen();
  });

  test.each(['fstat', 'lstat'])(
    'reopen() after a look has begun, before its %s is answered: looks again',
    async (call) => {
      const { time, files, log, end, handler } = started();
      await time.pass(1_000);
      let reopened: Promise<void> | undefined;
      // What the look sees, it has seen before the file is renamed.
      const seen = files[call as 'lstat'].bind(files);
      files[call as 'lstat'] = async (path) => {
        const stat = await seen(path);
        if (reopened === undefined && (call === 'fstat' || path === PATH)) {
          files.move(PATH, '/log/app.log.1');
          reopened = handler.reopen();
        }
        return stat;
      };
      log('a');
      await end.forceFlush();
      await reopened;
      expect(files.names()).toEqual(['app.log', 'app.log.1']);
      log('b');
      await end.forceFlush();
      expect(files.text(PATH)).toMatch(/b\n$/);
    },
  );

  test('reopen() without anything to write changes no file', async () => {
    const { files, handler } = started();
    files.move(PATH, '/log/app.log.1');
    files.put(PATH, 'of another, who is not done');
    await handler.reopen();
    expect(files.text(PATH)).toBe('of another, who is not done');
  });

  test('reopenOn: on the signal, and no longer than the handler runs', async () => {
    const { files, end } = started({ reopenOn: 'SIGUSR2' });
    files.move(PATH, '/log/app.log.1');
    process.emit('SIGUSR2', 'SIGUSR2');
    await settled();
    expect(files.names()).toEqual(['app.log', 'app.log.1']);
    await end.shutdown();
    expect(process.listenerCount('SIGUSR2')).toBe(0);
    started();
    expect(process.listenerCount('SIGHUP')).toBe(0);
  });

  test('truncated after a copy: the next line is at its beginning', async () => {
    const { files, log, end } = started();
    log('old');
    await end.forceFlush();
    files.copyTruncate(PATH, '/log/app.log.1');
    log('new');
    await end.forceFlush();
    expect([files.text('/log/app.log.1'), files.text(PATH)]).toEqual(['old\n', 'new\n']);
  });

  test('deleted: a new one is made, and what went with it is told', async () => {
    const { time, files, log, end } = started();
    log('seen');
    await time.pass(1_000);
    log('kept');
    await end.forceFlush();
    await time.pass(500);
    const told = await toldDuring(async () => {
      files.remove(PATH);
      log('gone');
      await end.forceFlush();
      await time.pass(600);
      log('new');
      await end.forceFlush();
    });
    expect(files.text(PATH)).toBe('new\n');
    expect(told).toEqual(['logspan: file: deleted: the file was deleted, and with it up to 2 new records']);
  });

  test('truncated before the torn line of a former process is ended: no empty line', async () => {
    const { files, start } = set();
    files.put(PATH, 'to');
    const end = start();
    files.copyTruncate(PATH, '/log/app.log.1');
    end.onEmit({ body: 'next' } as LogRecord);
    await end.forceFlush();
    expect(files.text(PATH)).toBe('next\n');
  });

  test.each(['shutdown', 'flushSync'] as const)('deleted a moment before %s: told too', async (how) => {
    const { files, log, end } = started();
    const told = await toldDuring(async () => {
      log('gone');
      await end.forceFlush();
      files.remove(PATH);
      if (how === 'shutdown') await end.shutdown();
      else end.flushSync?.(1_000);
    });
    expect(told).toEqual(['logspan: file: deleted: the file was deleted, and with it up to 1 new records']);
  });

  test.each(['shutdown', 'flushSync'] as const)(
    'deleted a moment before %s: the last records are in a new one',
    async (how) => {
      const { files, log, end } = started();
      files.remove(PATH);
      log('kept');
      if (how === 'shutdown') await end.shutdown();
      else end.flushSync?.(1_000);
      expect(files.text(PATH)).toBe('kept\n');
    },
  );

  test('its folder is gone: both are made again', async () => {
    const { time, files, log, end } = started();
    files.remove(PATH);
    files.remove('/log');
    await time.pass(1_000);
    log('new');
    await end.forceFlush();
    expect(files.text(PATH)).toBe('new\n');
  });
});

describe('rotation', () => {
  test('by size: no file is larger, and none is overwritten', async () => {
    const { files, log, end, account } = started({ maxSize: 12 });
    for (let i = 0; i < 10; i++) log(`line${i}`);
    log('a line longer than that');
    log('z');
    await end.forceFlush();
    expect(allText(files)).toEqual([
      'line0\nline1\n',
      'line2\nline3\n',
      'line4\nline5\n',
      'line6\nline7\n',
      'line8\nline9\n',
      'a line longer than that\n',
      'z\n',
    ]);
    expect(files.names()[0]).toMatch(/^app\.2023-11-14T22-13-21-\d{3}Z\.log$/);
    expect(account().delivered).toBe(12);
    expect(files.open_.size).toBe(1);
  });

  test('by size, counting what a former process has written', async () => {
    const { files, start } = set({ maxSize: 12 });
    files.put(PATH, 'line0\n');
    const end = start();
    for (const body of ['line1', 'line2']) end.onEmit({ body } as LogRecord);
    await end.forceFlush();
    expect(allText(files)).toEqual(['line0\nline1\n', 'line2\n']);
  });

  test('by time: with the first record of another day in UTC, under the time of the last line', async () => {
    const { time, files, log, end } = started({ every: 'day' });
    // 22:13:21 UTC
    log('today');
    await end.forceFlush();
    await time.pass(2 * 3_600_000);
    expect(files.names()).toEqual(['app.log']);
    log('tomorrow');
    await end.forceFlush();
    log('tomorrow too');
    await end.forceFlush();
    expect(files.names()).toEqual(['app.2023-11-14T22-13-21-000Z.log', 'app.log']);
    expect(allText(files)).toEqual(['today\n', 'tomorrow\ntomorrow too\n']);
  });

  test('by time, over a restart', async () => {
    const { time, files, start } = set({ every: 'hour' });
    files.put(PATH, 'before\n');
    await time.pass(3_600_000);
    const end = start();
    end.onEmit({ body: 'after' } as LogRecord);
    await end.forceFlush();
    expect(allText(files)).toEqual(['before\n', 'after\n']);
  });

  test('an empty file is not rotated, and a clock that goes back rotates nothing', async () => {
    const { time, files, log, end } = started({ every: 'hour' });
    await time.pass(7_200_000);
    log('a');
    await end.forceFlush();
    time.millis -= 7_200_000;
    log('b');
    await end.forceFlush();
    expect(files.names()).toEqual(['app.log']);
  });

  test('a file that was truncated a moment before is not rotated', async () => {
    const { files, log, end } = started({ maxSize: 6 });
    log('line0');
    await end.forceFlush();
    files.copyTruncate(PATH, '/log/copy');
    log('line1');
    await end.forceFlush();
    expect(files.names()).toEqual(['app.log', 'copy']);
  });

  test.each(['rename', 'create', 'list'])('%s fails: the file is written on, and rotated later', async (failing) => {
    const { time, files, log, end } = started({ maxSize: 6 });
    const told = await toldDuring(async () => {
      files.before = (call) => {
        if (call === failing) throw fsError('EACCES');
      };
      log('line0');
      log('line1');
      await end.forceFlush();
      files.before = () => undefined;
      await time.pass(10_000);
      log('line2');
      await end.forceFlush();
    });
    const expected = failing === 'list' ? ['line0\n', 'line1\n', 'line2\n'] : ['line0\nline1\n', 'line2\n'];
    expect(allText(files)).toEqual(expected);
    expect(told).toEqual([expect.stringMatching(failing === 'list' ? 'clean-up: EACCES' : 'rotation: EACCES')]);
  });

  test('a rename that happened though it was reported to fail loses nothing', async () => {
    const { files, log, end, time } = started({ maxSize: 6 });
    log('line0');
    await end.forceFlush();
    files.before = (call) => {
      if (call !== 'rename') return;
      files.before = () => undefined;
      const reserved = files.names().find((name) => name !== 'app.log');
      files.move(PATH, `/log/${reserved}`);
      throw fsError('EIO');
    };
    log('line1');
    await end.forceFlush();
    await time.pass(60_000);
    log('line2');
    await end.forceFlush();
    expect(allText(files)).toEqual(['line0\nline1\n', 'line2\n']);
  });

  test('another process has rotated between the look and the rename: its new file is written to at once', async () => {
    const { files, log, end } = started({ maxSize: 6 });
    log('line0');
    await end.forceFlush();
    files.before = (call) => {
      if (call !== 'rename') return;
      files.before = () => undefined;
      files.move(PATH, '/log/app.2020-01-01T00-00-00-000Z.log');
    };
    const told = await toldDuring(async () => {
      log('line1');
      log('line2');
      await end.forceFlush();
    });
    expect(allText(files)).toEqual(['line0\n', 'line1\n', 'line2\n']);
    expect(told).toEqual([]);
  });

  test('another process has rotated a moment before: its new file is written to', async () => {
    const { files, log, end } = started({ maxSize: 6 });
    log('line0');
    await end.forceFlush();
    files.before = (call) => {
      if (call !== 'create') return;
      files.before = () => undefined;
      files.move(PATH, '/log/app.2020-01-01T00-00-00-000Z.log');
      files.put(PATH, 'other\n');
    };
    log('line1');
    await end.forceFlush();
    expect(allText(files)).toEqual(['line0\n', 'other\nline1\n']);
  });
});

describe('at the end of the process', () => {
  const exit = { accepted: 2, delivered: 2, rejected: 0, dropped: {}, pending: 0 };

  test('what waits is written in the call', () => {
    const { files, end, log, account } = started();
    log('a');
    log('b');
    end.flushSync?.(3_000);
    expect(files.text(PATH)).toBe('a\nb\n');
    expect(account()).toEqual(exit);
  });

  test('what is under way is looked for in the file, and not written twice', async () => {
    const { files, end, log, account, time } = started();
    let answer: (value: unknown) => void = () => undefined;
    files.held = { answer: new Promise((resolve) => (answer = resolve)), when: 'before' };
    log('a');
    await time.pass(100);
    log('b');
    end.flushSync?.(3_000);
    expect(files.text(PATH)).toBe('a\nb\n');
    expect(account()).toEqual(exit);
    answer(undefined);
    await settled();
    expect(account()).toEqual(exit);
  });

  test('what is under way and not found is counted, and the rest is written', async () => {
    const { files, end, log, account, time } = started();
    files.held = { answer: new Promise(() => undefined), when: 'never' };
    log('a');
    await time.pass(100);
    log('b');
    end.flushSync?.(10);
    expect(files.text(PATH)).toBe('b\n');
    expect(account()).toEqual({ ...exit, delivered: 1, dropped: { process_exit: 1 } });
  });

  test.each(['never', 'before'] as const)(
    'the rest of a torn line, which another line ends with too: %s written',
    async (when) => {
      const { files, end, log, account, time } = started();
      log('first tail');
      await end.forceFlush();
      let writes = 0;
      files.before = (call) => {
        if (call !== 'write') return;
        writes++;
        files.accept = (length) => (writes === 1 ? length - 5 : length);
        if (writes === 2) files.held = { answer: new Promise(() => undefined), when };
      };
      log('other tail');
      await time.pass(100);
      end.flushSync?.(10);
      const isWritten = when === 'before';
      expect(files.text(PATH)).toBe(`first tail\nother ${isWritten ? 'tail' : ''}\n`);
      expect(account()).toEqual({
        ...exit,
        delivered: isWritten ? 2 : 1,
        dropped: isWritten ? {} : { process_exit: 1 },
      });
    },
  );

  test('a line that was written in part is continued, or written again', async () => {
    for (const renamed of [false, true]) {
      const { files, end, log, account, time } = started();
      files.space = 3;
      log('first');
      await time.pass(100);
      files.space = 1_000;
      if (renamed) files.move(PATH, '/log/app.log.1');
      log('b');
      end.flushSync?.(3_000);
      expect(files.text(PATH)).toBe('first\nb\n');
      expect(account()).toEqual(exit);
    }
  });

  test('a full disk: what is not written is counted', () => {
    const { files, end, log, account } = started();
    files.space = 3;
    log('a');
    log('b');
    end.flushSync?.(3_000);
    log('late');
    expect(account()).toEqual({
      accepted: 3,
      delivered: 1,
      rejected: 0,
      dropped: { process_exit: 1, after_shutdown: 1 },
      pending: 0,
    });
  });
});
