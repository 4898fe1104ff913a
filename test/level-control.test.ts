import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Ended, run } from './delivery/child.ts';

// These run the built packages, as an operator meets them: another process, signals, and a file.

const PATIENCE = 40_000;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logspan-level-control-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the service. Each line that it says is answered with the next action; after the last it is killed. */
function operate(
  options: object,
  env: Readonly<Record<string, string>>,
  actions: readonly ((kill: (signal: NodeJS.Signals) => void) => void)[],
): Promise<Ended> {
  const next = [...actions];
  return run(['level-control.mjs', JSON.stringify(options)], env, (_line, child) => {
    const action = next.shift() ?? ((kill) => kill('SIGKILL'));
    action((signal) => void child.kill(signal));
  });
}

const said = ({ stdout }: Ended): string[] => stdout.split('\n').filter((line) => line !== '');

test.each<[string, object, Record<string, string>]>([
  ['the option', { level: 'warn,db=off', levelSignal: 'SIGUSR2' }, {}],
  ['the environment', {}, { LOGSPAN_LEVEL: 'warn,db=off', LOGSPAN_LEVEL_SIGNAL: 'SIGUSR2' }],
])(
  'a signal named by %s sets debug in a running process, and takes it back',
  async (_, options, env) => {
    const signal = (kill: (signal: NodeJS.Signals) => void) => kill('SIGUSR2');
    const ended = await operate(options, env, [signal, signal, signal]);
    const before = 'warn warn off';
    const debug = 'debug debug debug';
    expect(said(ended)).toEqual([before, debug, before, debug]);
  },
  PATIENCE,
);

test(
  'a file changes the levels of a running process, is heard of when it is wrong, and taken back when it goes',
  async () => {
    const levelFile = join(folder, 'level');
    // In one step, so that the service never sees it half written.
    const write = (text: string) => () => {
      writeFileSync(join(folder, 'new'), text);
      renameSync(join(folder, 'new'), levelFile);
    };
    const ended = await operate({ level: 'warn', levelFile }, {}, [
      write('db=debug\n'),
      write('loud\n'),
      write('error,db=trace'),
      () => unlinkSync(levelFile),
    ]);
    expect(said(ended)).toEqual([
      'warn warn warn',
      'warn warn debug',
      'diag logspan: levelFile: entry 1 is no level and no scope=level; the levels stay as they are',
      'error error trace',
      'warn warn warn',
    ]);
  },
  PATIENCE,
);

test(
  'neither file, nor signal, nor a change for a time keeps a process alive that has nothing else to do',
  async () => {
    const program = `
      import { register } from '@logspan/sdk';
      const logging = register({
        handlers: [],
        levelFile: ${JSON.stringify(join(folder, 'level'))},
        levelSignal: 'SIGUSR2',
      });
      logging.setLevel('debug', { ttlMillis: 3_600_000 });
    `;
    const { code, signal, stderr } = await run(['--input-type=module', '--eval', program], {});
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  },
  PATIENCE,
);
