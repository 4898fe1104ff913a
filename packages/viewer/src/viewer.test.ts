import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { runViewer, summaryText, type ViewerProcess } from './viewer.ts';

class Output extends EventEmitter {
  text = '';
  isTTY = false;
  columns = 80;
  /** Resolves with the first match in what has been written. */
  async find(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      await new Promise((resolve) => this.once('written', resolve));
    }
  }
  write(text: string): void {
    this.text += text;
    this.emit('written');
  }
}

function run(args: string[], { isTTY = false, env = {} } = {}) {
  const io = Object.assign(new EventEmitter(), { stdout: new Output(), stderr: new Output(), env });
  io.stdout.isTTY = isTTY;
  return { io, exitCode: runViewer(args, io as unknown as ViewerProcess) };
}

async function send(io: { stderr: Output }, count = 1): Promise<void> {
  const [, url] = await io.stderr.find(/Listening on (http:\S+) /);
  const logRecords = Array.from({ length: count }, (_, n) => ({ eventName: `event_${n}`, severityNumber: 17 }));
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
  await fetch(`${url}/v1/logs`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
}

test('shows what arrives, and sums up', async () => {
  const { io, exitCode } = run(['--port', '0']);
  await send(io, 2);
  io.emit('SIGINT');
  expect(await exitCode).toBe(0);
  expect(io.stdout.text).toBe(
    '--:--:--.--- ERROR unknown_service event_0\n--:--:--.--- ERROR unknown_service event_1\n',
  );
  expect(io.stderr.text).toMatch(
    /\nReceived 2 log records, 0 spans, 0 data points in 1 request from 1 service; 2 error\.\n$/,
  );
});

test('on a terminal: colours, unless unwanted, and no more lines than can be read', async () => {
  for (const env of [{}, { NO_COLOR: '1' }]) {
    const { io, exitCode } = run(['--port', '0'], { isTTY: true, env });
    await send(io, 1000);
    io.emit('SIGTERM');
    expect(await exitCode).toBe(0);
    expect(io.stdout.text.includes('\x1b[31m')).toBe(!('NO_COLOR' in env));
    expect(io.stdout.text.split('\n')).toHaveLength(52);
    expect(io.stdout.text).toContain('… 950 more records (950 error)');
  }
});

test('--json', async () => {
  const { io, exitCode } = run(['--port', '0', '--json'], { isTTY: true });
  await send(io, 100);
  io.emit('SIGINT');
  await exitCode;
  const lines = io.stdout.text.split('\n').slice(0, -1);
  expect(lines.map((line) => JSON.parse(line).eventName)).toEqual(Array.from({ length: 100 }, (_, n) => `event_${n}`));
});

test('--quiet', async () => {
  const { io, exitCode } = run(['--port', '0', '--quiet']);
  await send(io, 3);
  io.emit('SIGINT');
  await exitCode;
  expect(io.stdout.text).toBe('');
  expect(io.stderr.text).toMatch(/\nReceived 3 log records, 0 spans, 0 data points in 1 request\.\n$/);
});

test('ends when nobody reads its output any more', async () => {
  const { io, exitCode } = run(['--port', '0']);
  await send(io);
  io.stdout.emit('error', new Error('EPIPE'));
  expect(await exitCode).toBe(0);
});

test('a taken port is told', async () => {
  const first = run(['--port', '0']);
  const [, port = ''] = await first.io.stderr.find(/:(\d+) /);
  const second = run(['--port', port]);
  await second.io.stderr.find(/Listening on/);
  expect(second.io.stderr.text).toMatch(new RegExp(`^Port ${port} is taken.\nListening on http://127.0.0.1:\\d+ `));
  for (const { io } of [first, second]) io.emit('SIGINT');
  await Promise.all([first.exitCode, second.exitCode]);
});

test('--help', async () => {
  const { io, exitCode } = run(['--help']);
  expect(await exitCode).toBe(0);
  expect(io.stdout.text).toMatch(/^Usage: logspan-viewer/);
});

test('wrong arguments are exit code 2, an address that cannot be had is 1', async () => {
  const wrong = run(['--colour']);
  expect(await wrong.exitCode).toBe(2);
  expect(wrong.io.stderr.text).toBe(
    "logspan-viewer: Unknown option '--colour'. Allowed: --port, --host, --json, --quiet, --help\n",
  );
  const nowhere = run(['--host', '203.0.113.1', '--port', '0']);
  expect(await nowhere.exitCode).toBe(1);
  expect(nowhere.io.stderr.text).toMatch(/^logspan-viewer: cannot listen: .*EADDRNOTAVAIL/);
});

test('the summary tells what was refused', () => {
  const counts = { requests: 3, refused: 1, logRecords: 1, spans: 1, dataPoints: 1, wireBytes: 9, bodyBytes: 9 };
  expect(summaryText(counts)).toBe('Received 1 log record, 1 span, 1 data point in 3 requests (1 refused).');
});

test('the summary tells of services, levels and traces', () => {
  const counts = { requests: 2, refused: 0, logRecords: 3, spans: 0, dataPoints: 0, wireBytes: 9, bodyBytes: 9 };
  const stored = {
    ...counts,
    byService: { web: { logRecords: 2, spans: 0, dataPoints: 0 }, db: { logRecords: 1, spans: 0, dataPoints: 0 } },
    bySeverity: { unspecified: 0, trace: 0, debug: 0, info: 2, warn: 0, error: 1, fatal: 0 },
    traces: 2,
    tracesAcrossServices: 1,
    evicted: { logRecords: 0, traces: 0 },
  };
  expect(summaryText(counts, stored)).toBe(
    'Received 3 log records, 0 spans, 0 data points in 2 requests from 2 services; 2 info; 1 error; 2 traces, 1 across services.',
  );
});
