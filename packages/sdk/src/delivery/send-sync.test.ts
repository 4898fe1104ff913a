import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { sendSync } from './send-sync.ts';

// What it sends, and how it ends, is tested with processes that really end: test/process-end.test.ts.

const target = { url: new URL('http://127.0.0.1:9/v1/logs'), headers: {}, compression: 'none' } as const;

test('why there is no answer is told by the code of the error', () => {
  const bodies = [new Uint8Array(1), new Uint8Array(1)];
  expect(sendSync(target, bodies, 10_000)).toMatchObject([{ missing: 'ECONNREFUSED' }]);
  const { execPath } = process;
  process.execPath = '/no/such/program';
  try {
    expect(sendSync(target, bodies, 10_000)).toMatchObject([{ missing: 'ENOENT' }]);
  } finally {
    process.execPath = execPath;
  }
});

test('no time is no answer, and not all the time that it takes', () => {
  const { execPath } = process;
  const folder = mkdtempSync(join(tmpdir(), 'logspan-'));
  const answering = join(folder, 'answering');
  writeFileSync(answering, `#!/bin/sh\ncat >/dev/null\necho '{"status":200,"body":""}'\n`);
  chmodSync(answering, 0o700);
  process.execPath = answering;
  try {
    expect(sendSync(target, [new Uint8Array(1)], 10_000)).toMatchObject([{ status: 200 }]);
    for (const millis of [0, -1]) expect(sendSync(target, [new Uint8Array(1)], millis)).toEqual([]);
  } finally {
    process.execPath = execPath;
    rmSync(folder, { recursive: true });
  }
});

test('where the head is the answer, a body that does not end is not waited for', async () => {
  const program = `require('node:http').createServer((_, outgoing) => outgoing.writeHead(202).write('a'))
    .listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;
  // Of another process: this one stands still meanwhile.
  const server = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = await once(server.stdout, 'data');
  const url = new URL(`http://127.0.0.1:${Number(port)}/`);
  const bodies = [new Uint8Array(1), new Uint8Array(1)];
  const answers = sendSync({ ...target, url, isAnsweredByHead: true }, bodies, 20_000);
  server.kill();
  expect(answers).toMatchObject([{ status: 202 }, { status: 202 }]);
});
