import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';

const CLI = 'packages/viewer/dist/esm/cli.js';

let child: ChildProcess | undefined;
afterEach(() => void child?.kill('SIGKILL'));

/** The built program, its output, and a way to wait for some of it. */
function start(...args: string[]) {
  const viewer = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  child = viewer;
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    viewer[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const find = async (name: 'stdout' | 'stderr', pattern: RegExp): Promise<string> => {
    for (;;) {
      const match = pattern.exec(text[name]);
      if (match !== null) return match[1] ?? '';
      await once(viewer[name], 'data');
    }
  };
  return { viewer, text, find };
}

test('the built program prints a record that is sent to it, and ends cleanly on Ctrl-C', async () => {
  const { viewer, text, find } = start('--port', '0');
  const url = await find('stderr', /Listening on (http:\S+) /);
  const attributes = [{ key: 'user', value: { stringValue: 'ada\n\x1b[2J' } }];
  const record = { eventName: 'user_login', severityNumber: 9, attributes };
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });
  // The connection stays open: Ctrl-C has to end that too.
  await fetch(`${url}/v1/logs`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  await find('stdout', /\n/);
  viewer.kill('SIGINT');
  const [exitCode, signal] = await once(viewer, 'close');
  expect([exitCode, signal]).toEqual([0, null]);
  expect(text.stdout).toBe('--:--:--.--- INFO  unknown_service user_login user="ada\\n\\x1b[2J"\n');
  expect(text.stderr).toMatch(/\nReceived 1 log record, .*\n$/);
});

test('an unknown option is exit code 2', async () => {
  const { viewer, text } = start('--what');
  expect(await once(viewer, 'close')).toEqual([2, null]);
  expect(text.stderr).toContain('Allowed: --port');
});
