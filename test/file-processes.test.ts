import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Ended, type OnLine, run } from './delivery/child.ts';

// These run the built packages in processes of their own, as an application does.

const PATIENCE = 40_000;
let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logspan-file-'));
  path = join(folder, 'app.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writer(
  ending: string,
  options: object,
  { count = 1_000, name = 'app', onLine }: Options = {},
): Promise<Ended> {
  return run(['file-writer.mjs', ending, path, JSON.stringify(options), String(count), name], {}, onLine);
}
interface Options {
  readonly count?: number;
  readonly name?: string;
  readonly onLine?: OnLine;
}

const rotated = () =>
  readdirSync(folder)
    .filter((name) => name !== 'app.log')
    .sort();

/** The lines of all files, in the order of their names; text behind the last line end is left out. */
function lines(): string[] {
  return [...rotated(), 'app.log'].flatMap((name) => {
    const bytes = readFileSync(join(folder, name));
    return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n').slice(0, -1);
  });
}

const line = (name: string, number: number) => `${name}:${number}:${'x'.repeat((number + 1) % 200)}`;
const wanted = (count: number, name = 'app') => Array.from({ length: count }, (_, i) => line(name, i));

test.each([
  ['natural', 0],
  ['exit', 3],
  ['exit while it writes', 3],
])(
  '%s: every record is in the file, once',
  async (ending, code) => {
    const ended = await writer(ending, {}, { count: 5_000 });
    expect(ended).toMatchObject({ code, signal: null });
    expect(lines()).toEqual(wanted(5_000));
    expect(JSON.parse(ended.stdout)).toEqual({
      accepted: 5_000,
      delivered: 5_000,
      rejected: 0,
      dropped: {},
      pending: 0,
    });
  },
  PATIENCE,
);

test(
  'an exception: what was written before it, and the exception',
  async () => {
    const { code } = await writer('throw', {});
    expect(code).toBe(1);
    expect(lines()).toEqual([...wanted(1_000), 'exception']);
  },
  PATIENCE,
);

test(
  'killed while it rotates: every line is whole, in order, and there once; the next process goes on',
  async () => {
    let written = 0;
    let goal = 1;
    const onLine: OnLine = (text, child) => {
      if (text === 'written' && ++written === goal) child.kill('SIGKILL');
    };
    for (goal = 1; goal <= 4; goal++) {
      written = 0;
      const { signal } = await writer('for ever', { maxSize: '30KB' }, { name: `p${goal}`, onLine });
      expect(signal).toBe('SIGKILL');
    }
    const all = lines();
    const torn: string[] = [];
    for (let p = 1; p <= 4; p++) {
      const own = all.filter((text) => text.startsWith(`p${p}:`));
      // The last line may be torn: then the next process has ended it.
      if (own.at(-1) !== line(`p${p}`, own.length - 1)) torn.push(own.pop() ?? '');
      expect(own).toEqual(wanted(own.length, `p${p}`));
      expect(own.length).toBeGreaterThanOrEqual(p * 2_000 - 200);
    }
    expect(all.filter((text) => !/^p\d:/.test(text)).length).toBe(0);
    expect(torn.length).toBeLessThanOrEqual(4);
    expect(rotated().length).toBeGreaterThan(10);
  },
  PATIENCE,
);

test(
  'killed while it compresses: no half file passes for whole, and the next process does it again',
  async () => {
    const name = 'app.2024-01-02T03-04-05-678Z.log';
    const fd = openSync(join(folder, name), 'w');
    const megabyte = Buffer.from(`${'abcdefghijklmnopqrstuvwxyz'.repeat(38_836)}\n`);
    for (let i = 0; i < 60; i++) writeSync(fd, megabyte);
    closeSync(fd);
    const old = new Date(Date.now() - 3_600_000);
    utimesSync(join(folder, name), old, old);
    const options = { maxSize: '1GB', gzip: true };
    const { signal } = await writer('waits', options, {
      onLine: (text, child) => {
        if (text !== 'ready') return;
        const look = setInterval(() => {
          if (!readdirSync(folder).some((file) => file.endsWith('.tmp'))) return;
          clearInterval(look);
          child.kill('SIGKILL');
        }, 1);
      },
    });
    expect(signal).toBe('SIGKILL');
    const left = rotated();
    expect(left).toEqual([name, expect.stringMatching(/\.log\.gz\.[0-9a-z]{8}\.tmp$/)]);
    utimesSync(join(folder, left[1] ?? ''), old, old);
    await writer('natural', options, { count: 1 });
    expect(rotated()).toEqual([`${name}.gz`]);
    const whole = gunzipSync(readFileSync(join(folder, `${name}.gz`)));
    expect(whole.length).toBe(60 * megabyte.length);
  },
  PATIENCE,
);

test(
  'two processes rotate one path: every line is there once',
  async () => {
    const options = { maxSize: '20KB', gzip: true };
    const ended = await Promise.all(
      ['a', 'b'].map((name) => writer('a little at a time', options, { count: 3_000, name })),
    );
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    const all = lines();
    for (const name of ['a', 'b']) {
      const own = all.filter((text) => text.startsWith(`${name}:`)).sort();
      expect(own).toEqual(wanted(3_000, name).sort());
    }
    expect(all).toHaveLength(6_000);
    expect(rotated().length).toBeGreaterThan(10);
  },
  PATIENCE,
);

test(
  'SIGHUP after a rename: the process lives, and writes to the new file',
  async () => {
    const { code, signal } = await writer(
      'on signals',
      { reopenOn: 'SIGHUP' },
      {
        onLine: (text, child) => {
          if (text === 'ready') {
            renameSync(path, `${path}.1`);
            child.kill('SIGHUP');
          } else if (text === 'reopened') {
            child.kill('SIGINT');
          }
        },
      },
    );
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(readFileSync(`${path}.1`, 'utf8')).toBe(`${line('app', 0)}\n`);
    expect(readFileSync(path, 'utf8')).toBe(`${line('app', 1)}\n`);
  },
  PATIENCE,
);
