import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { atLeast } from '@logspan/logger';
import { ManualTime } from '../../../../test/delivery/manual-time.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { tee } from '../pipeline/tee.ts';
import { type FileOptions, file } from './file.ts';
import type { HandlerContext, HandlerEnd } from './handler.ts';

// Real files in a real folder; faults are in file/file-end.test.ts.

const context = {} as HandlerContext;
const severityText = { 9: 'INFO', 17: 'ERROR' } as const;
const record = (body: string, severityNumber: 9 | 17 = 9) =>
  ({
    hrTime: [1_704_200_645, 67_890_123],
    hrTimeObserved: [1_704_200_645, 67_890_123],
    resource: { attributes: { 'service.name': 'shop' } },
    instrumentationScope: { name: 'orders' },
    attributes: { id: 7 },
    droppedAttributesCount: 0,
    severityNumber,
    severityText: severityText[severityNumber],
    body,
    setAttribute: () => undefined,
  }) as LogRecord;

let folder = '';
let path = '';
const running: HandlerEnd[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logspan-file-'));
  path = join(folder, 'app.log');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((end) => end.shutdown()));
  rmSync(folder, { recursive: true, force: true });
});

const body = ({ body }: LogRecord) => String(body);

function start(options: FileOptions = {}, at = path) {
  const handler = file(at, options);
  const end = handler.start(context);
  running.push(end);
  const write = async (...bodies: string[]) => {
    for (const text of bodies) end.onEmit(record(text));
    await end.forceFlush();
  };
  return { handler, end, write };
}

const text = (name = 'app.log') => readFileSync(join(folder, name), 'utf8');
const modeOf = (name: string) => (statSync(join(folder, name)).mode & 0o777).toString(8);
const rotated = () =>
  readdirSync(folder)
    .filter((name) => name !== 'app.log')
    .sort();

describe('what is written', () => {
  test('one JSON object a line, as the console writes it', async () => {
    const { write, end } = start();
    await write('placed', 'with a\nline end');
    expect(text()).toBe(
      '{"timestamp":"2024-01-02T13:04:05.067890123Z","severity_text":"INFO","severity_number":9,"body":"placed","attributes":{"id":7},"otel.scope.name":"orders","service.name":"shop"}\n' +
        '{"timestamp":"2024-01-02T13:04:05.067890123Z","severity_text":"INFO","severity_number":9,"body":"with a\\nline end","attributes":{"id":7},"otel.scope.name":"orders","service.name":"shop"}\n',
    );
    expect(end.deliveryAccount()).toEqual({ accepted: 2, delivered: 2, rejected: 0, dropped: {}, pending: 0 });
  });

  test('one OTLP/JSON request a line', async () => {
    await start({ format: 'otlp' }).write('placed', 'paid');
    const requests = text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(requests.map(({ resourceLogs }) => resourceLogs[0].scopeLogs[0].logRecords[0].body)).toEqual([
      { stringValue: 'placed' },
      { stringValue: 'paid' },
    ]);
  });

  test('text of one’s own', async () => {
    await start({ format: body }).write('placed');
    expect(text()).toBe('placed\n');
  });

  test('an error reaches a file that is for info and above: levels are compared as numbers', async () => {
    const { end, handler } = start({ when: atLeast('info'), format: body });
    const pipeline = tee();
    pipeline.add({ to: end, when: handler.when });
    pipeline.onEmit(record('an error', 17));
    pipeline.onEmit(record('some info', 9));
    pipeline.onEmit({ ...record('a detail'), severityNumber: 5 });
    await end.forceFlush();
    expect(text()).toBe('an error\nsome info\n');
  });

  test('behind what is there', async () => {
    writeFileSync(path, 'before\nto');
    await start({ format: body }).write('after');
    expect(text()).toBe('before\nto\nafter\n');
  });
});

describe('files and folders', () => {
  test('folders are created; both are for their owner alone', async () => {
    const { write } = start({ format: body, maxSize: 3, gzip: true }, join(folder, 'a/b/app.log'));
    await write('1', '2', '3');
    expect([modeOf('a'), modeOf('a/b'), modeOf('a/b/app.log')]).toEqual(['700', '700', '600']);
    for (const name of readdirSync(join(folder, 'a/b'))) expect(modeOf(`a/b/${name}`)).toBe('600');
  });

  test('or as is said', async () => {
    const umask = process.umask(0);
    try {
      await start({ mode: 0o640, folderMode: 0o750 }, join(folder, 'a/app.log')).write('x');
    } finally {
      process.umask(umask);
    }
    expect([modeOf('a'), modeOf('a/app.log')]).toEqual(['750', '640']);
  });

  test('the working directory may change', async () => {
    const before = process.cwd();
    process.chdir(folder);
    const { write, handler } = start({ format: body }, 'app.log');
    process.chdir(before);
    rmSync(path);
    await handler.reopen();
    await write('x');
    expect(text()).toBe('x\n');
  });

  test.each<[string, () => string, string]>([
    ['a folder', () => folder, 'is a folder'],
    [
      'a link',
      () => {
        writeFileSync(path, '');
        symlinkSync(path, join(folder, 'link'));
        return join(folder, 'link');
      },
      'is a symbolic link, which is not followed',
    ],
    [
      'a link to nowhere',
      () => {
        symlinkSync(join(folder, 'nowhere'), path);
        return path;
      },
      'is a symbolic link, which is not followed',
    ],
    [
      'below a file',
      () => {
        writeFileSync(path, '');
        return join(path, 'app.log');
      },
      'lies below something that is no folder',
    ],
    ['a device', () => '/dev/null', '"/dev/null" is not a regular file'],
    ['too long', () => join(folder, 'x'.repeat(300)), 'is too long'],
  ])('a path that is %s is a mistake, told at startup', (_, make, message) => {
    const at = make();
    expect(() => file(at).start(context)).toThrow(
      expect.objectContaining({ name: 'ConfigError', option: 'file.path', message: expect.stringContaining(message) }),
    );
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  test('a link that comes later is not followed either: lines wait', async () => {
    const { end, handler } = start({ format: body });
    rmSync(path);
    writeFileSync(join(folder, 'victim'), 'mine');
    symlinkSync(join(folder, 'victim'), path);
    end.onEmit(record('x'));
    await handler.reopen();
    expect(text('victim')).toBe('mine');
    expect(end.deliveryAccount().pending).toBe(1);
    rmSync(path);
    await end.forceFlush();
    expect(text()).toBe('x\n');
  });
});

describe('rotation', () => {
  test('by size, with compression of what has been quiet', async () => {
    const time = new ManualTime();
    time.millis = Date.now() - time.wall() + time.millis;
    const { write, handler } = start({ format: body, maxSize: '12B', gzip: true, time });
    await write('line0', 'line1', 'line2', 'line3', 'line4');
    expect(rotated().map((name) => text(name))).toEqual(['line0\nline1\n', 'line2\nline3\n']);
    expect(text()).toBe('line4\n');
    for (const name of rotated()) utimesSync(join(folder, name), new Date(0), new Date(0));
    const before = rotated();
    // What is left uncompressed is compressed at the next start.
    const next = start({ format: body, maxSize: '12B', gzip: true });
    await eventually(() => rotated().every((name) => name.endsWith('.gz')));
    expect(rotated()).toEqual(before.map((name) => `${name}.gz`));
    expect(rotated().map((name) => gunzipSync(readFileSync(join(folder, name))).toString())).toEqual([
      'line0\nline1\n',
      'line2\nline3\n',
    ]);
    expect(rotated().map(modeOf)).toEqual(['600', '600']);
    await Promise.all([handler.reopen(), next.handler.reopen()]);
  });

  test('by day: a file of another day, under the time of its last line', async () => {
    writeFileSync(path, 'yesterday\n');
    utimesSync(path, new Date('2024-01-02T22:00:00.5Z'), new Date('2024-01-02T22:00:00.5Z'));
    await start({ format: body, every: 'day' }).write('today');
    expect(rotated()).toEqual(['app.2024-01-02T22-00-00-500Z.log']);
    expect([text(rotated()[0]), text()]).toEqual(['yesterday\n', 'today\n']);
  });

  test('two handlers on one path, each rotating: no line is lost, doubled or torn', async () => {
    const options = { format: body, maxSize: 500 };
    const writers = [start(options), start(options)];
    for (let i = 0; i < 40; i++) {
      await Promise.all(writers.map(({ write }, w) => write(...Array.from({ length: 5 }, (_, n) => `${w}:${i}:${n}`))));
    }
    const lines = readdirSync(folder).flatMap((name) => text(name).trimEnd().split('\n').filter(Boolean));
    expect(lines).toHaveLength(400);
    expect(new Set(lines).size).toBe(400);
  });

  test('keeps what it is told to, and touches nothing else', async () => {
    writeFileSync(join(folder, 'app.old.log'), 'mine');
    await start({ format: body, maxSize: 2, keep: 2 }).write('1', '2', '3', '4', '5');
    await eventually(() => rotated().length === 3);
    expect(rotated().map((name) => text(name))).toEqual(['3\n', '4\n', 'mine']);
  });
});

describe('logrotate', () => {
  test('moves the file and asks to reopen it', async () => {
    const { write, handler } = start({ format: body });
    await write('old');
    renameSync(path, `${path}.1`);
    await handler.reopen();
    await write('new');
    expect([text('app.log.1'), text()]).toEqual(['old\n', 'new\n']);
  });

  test('moves the file, and does not ask', async () => {
    const time = new ManualTime();
    const { write } = start({ format: body, time });
    await write('old');
    renameSync(path, `${path}.1`);
    writeFileSync(path, '', { mode: 0o640 });
    chmodSync(path, 0o640);
    await write('late');
    await time.pass(1_000);
    await write('new');
    expect([text('app.log.1'), text()]).toEqual(['old\nlate\n', 'new\n']);
    expect(modeOf('app.log')).toBe('640');
  });

  test('copies and truncates the file', async () => {
    const { write } = start({ format: body });
    await write('old');
    copyFileSync(path, `${path}.1`);
    truncateSync(path, 0);
    await write('new');
    expect([text('app.log.1'), text()]).toEqual(['old\n', 'new\n']);
  });

  test('the file is deleted, with its folder', async () => {
    const { write, handler } = start({ format: body }, join(folder, 'a/app.log'));
    await write('old');
    rmSync(join(folder, 'a'), { recursive: true });
    await handler.reopen();
    await write('new');
    expect(text('a/app.log')).toBe('new\n');
  });

  test('another name of the same file changes nothing', async () => {
    const { write, handler } = start({ format: body });
    linkSync(path, `${path}.also`);
    await handler.reopen();
    await write('x');
    expect(text('app.log.also')).toBe('x\n');
  });

  test('others may append', async () => {
    const { write } = start({ format: body });
    await write('1');
    appendFileSync(path, '2\n');
    await write('3');
    expect(text()).toBe('1\n2\n3\n');
  });
});

test('what waits when the process ends is written in the exit hook', () => {
  const { end } = start({ format: body });
  end.onEmit(record('x'));
  end.flushSync?.(1_000);
  expect(text()).toBe('x\n');
  expect(end.deliveryAccount()).toMatchObject({ delivered: 1, pending: 0 });
});

describe('options', () => {
  test('a handler has a name, a condition if one is given', () => {
    const when = () => true;
    expect(file('app.log')).toMatchObject({ name: 'file' });
    expect(file('app.log')).not.toHaveProperty('when');
    expect(file({ path: 'app.log', name: 'audit', when })).toMatchObject({ name: 'audit', when });
  });

  test.each<[unknown, string]>([
    [{ rotate: true }, 'file.rotate: is not an option'],
    [null, 'file: must be given the path of a file, or options with a path, not null'],
    [{ path: undefined }, 'file.path: must be the path of a file, not undefined'],
    [{ path: '' }, 'file.path: must be the path of a file, not ""'],
    [{ path: 'logs/' }, 'file.path: must be the path of a file, not "logs/"'],
    [{ path: 'a\0b' }, 'file.path: must be the path of a file, not a string of 3 characters'],
    [{ path: 7 }, 'file.path: must be a string, not 7'],
    [{ format: 'csv' }, 'file.format: must be one of "ndjson", "otlp", not "csv"'],
    [{ when: true }, 'file.when: '],
    [{ name: 1 }, 'file.name: '],
    [{ maxSize: '100' }, 'file.maxSize: must be bytes, such as 1000000 or \'100MB\', not "100"'],
    [{ maxSize: 0 }, 'file.maxSize: '],
    [{ every: 'week' }, 'file.every: must be one of "hour", "day", not "week"'],
    [{ maxSize: 1, gzip: 'yes' }, 'file.gzip: '],
    [{ maxSize: 1, keep: -1 }, 'file.keep: '],
    [{ maxSize: 1, maxAge: '3w' }, 'file.maxAge: '],
    [{ maxSize: 1, maxTotalSize: 'much' }, 'file.maxTotalSize: '],
    [{ maxSize: '2MB', maxTotalSize: '1MB' }, 'file.maxTotalSize: must not be less than maxSize'],
    [{ keep: 3 }, 'file.keep: is about rotated files: set maxSize or every too'],
    [{ gzip: true }, 'file.gzip: is about rotated files'],
    [{ mode: 0o400 }, 'file.mode: must let its owner in (0o600), not 0o400'],
    [{ mode: 0o1000 }, 'file.mode: '],
    [{ folderMode: 0o600 }, 'file.folderMode: '],
    [{ delayMillis: -1 }, 'file.delayMillis: '],
    [{ bufferBytes: 1 }, 'file.bufferBytes: '],
    [{ reopenOn: 'SIGTERM' }, 'file.reopenOn: must be one of "SIGHUP", "SIGUSR2", not "SIGTERM"'],
  ])('%p is a configuration error: %s', (options, message) => {
    const given = options === null ? options : { path: 'app.log', ...(options as object) };
    expect(() => file(given as never)).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringContaining(message) }),
    );
  });
});

test.each<[unknown[], string]>([
  [[], 'file: must be given the path of a file, or options with a path, not undefined'],
  [[7], 'file: options must be an object, not 7'],
  [['app.log', null], 'file: options must be an object, not null'],
  [['app.log', 'gzip'], 'file: options must be an object, not "gzip"'],
  [['app.log', { path: 'b.log' }], 'file.path: is given twice'],
  [[{ path: 'app.log' }, { gzip: 'x' }], 'file: takes options once'],
])('file(...%j) is a configuration error: %s', (given, message) => {
  expect(() => file(...(given as [never]))).toThrow(
    expect.objectContaining({ name: 'ConfigError', message: expect.stringContaining(message) }),
  );
});

/** Real work in the background, with no other sign of its end than what is in the folder. */
async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
