import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { type Ended, type OnLine, run } from './delivery/child.ts';
import { FakeSentry } from './sentry/fake-sentry.ts';

// These run the built packages with the real Sentry, as an application does.

interface Run extends Ended {
  readonly server: FakeSentry;
  /** What it said. */
  readonly lines: readonly string[];
  /** That of the handler, when the process had ended. */
  readonly account: unknown;
}

async function application(
  way: string,
  { init = {}, onLine, env = {} }: { init?: object; onLine?: OnLine; env?: Record<string, string> } = {},
): Promise<Run> {
  const server = await new FakeSentry().start();
  const set = { FAKE_DSN: server.dsn, SENTRY_INIT: JSON.stringify(init), OTEL_LOG_LEVEL: 'NONE', ...env };
  const ended = await run(['--import', './sentry-start.mjs', 'sentry-app.mjs', way], set, onLine);
  await server.stop();
  const lines = ended.stdout.split('\n').filter((line) => line !== '');
  const account = lines.find((line) => line.startsWith('{"accepted"'));
  return { ...ended, server, lines, account: JSON.parse(account ?? 'null') };
}

const one = { accepted: 1, delivered: 1, rejected: 0, dropped: {}, pending: 0 };
const exceptions = ({ server }: Run) =>
  server.events.map(({ exception }) => exception.values.map(({ value }: { value: string }) => value));

test('an application that ends by itself has sent its errors', async () => {
  const ended = await application('ends by itself');
  expect(ended).toMatchObject({ code: 0, account: one });
  expect(ended.server.events).toMatchObject([{ message: 'failed', level: 'error', release: 'app@1' }]);
});

describe('an exception is one event', () => {
  test('if nobody catches it: fatal, unhandled, and with what happened before', async () => {
    const ended = await application('throws what nobody catches');
    expect(ended).toMatchObject({ code: 1, account: { ...one, accepted: 2, delivered: 2 } });
    expect(ended.stderr).toContain('nobody catches it');
    expect(exceptions(ended)).toEqual([['nobody catches it']]);
    expect(ended.server.events).toMatchObject([
      {
        level: 'fatal',
        logger: 'process',
        exception: { values: [{ type: 'RangeError', mechanism: { handled: false } }] },
        breadcrumbs: [{ message: 'about_to_throw' }],
      },
    ]);
  });

  test('if it was logged before', async () => {
    const ended = await application('logs an error and throws it on');
    expect(ended).toMatchObject({
      code: 1,
      account: { ...one, accepted: 2, dropped: { already_reported: 1 } },
    });
    expect(exceptions(ended)).toEqual([['logged and thrown']]);
    expect(ended.server.events).toMatchObject([{ message: 'failed' }]);
  });

  test('if it is a rejection that nobody sees, which is left to Sentry', async () => {
    const ended = await application('rejects unseen');
    expect(exceptions(ended)).toEqual([['nobody waits']]);
    expect(ended).toMatchObject({ code: 0 });
  });

  describe('if it was thrown in a request', () => {
    const request = {
      request: { method: 'POST', data: expect.stringContaining('REDACTED') },
      breadcrumbs: expect.arrayContaining([expect.objectContaining({ message: 'payment_began' })]),
    };

    test('and logged on its way to the error handler of Sentry', async () => {
      const ended = await application('serves with Express', { env: { WITHOUT: 'Express' } });
      expect(ended.account).toEqual({ ...one, accepted: 2, delivered: 2 });
      expect(ended).toMatchObject({ code: 0, lines: ['500', expect.anything()] });
      expect(ended.server.events).toMatchObject([{ ...request, message: 'request_failed' }]);
      expect(ended.server.bytes.toString()).toContain('card declined');
      expect(ended.server.bytes.toString()).not.toContain('hunter2');
    });

    test('and Sentry, which instruments Express, saw it before it was logged', async () => {
      const ended = await application('serves with Express');
      expect(ended.account).toEqual({ ...one, accepted: 2, dropped: { already_reported: 1 } });
      expect(ended).toMatchObject({ code: 0, lines: ['500', expect.anything()] });
      expect(ended.server.events).toMatchObject([request]);
      expect(exceptions(ended)).toEqual([[expect.stringContaining('card declined')]]);
      expect(ended.server.bytes.toString()).not.toContain('hunter2');
    });
  });
});

describe('an application that is ended', () => {
  test('by process.exit() has lost what was under way, and knows it', async () => {
    expect(await application('exits at once')).toMatchObject({
      code: 3,
      account: { ...one, delivered: 0, dropped: { process_exit: 1 } },
    });
  });

  test('by process.exit() after a flush has lost nothing', async () => {
    const ended = await application('flushes and exits');
    expect(ended).toMatchObject({ code: 3, account: one });
    expect(ended.server.events).toHaveLength(1);
  });

  test('by SIGTERM has lost nothing, and is ended by SIGTERM', async () => {
    const ended = await application('is terminated', {
      onLine: (line, child) => {
        if (line === 'ready') child.kill('SIGTERM');
      },
    });
    expect(ended).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(ended.server.events).toHaveLength(1);
  });
});

test('what Sentry logs on a console that goes to the log does not come round', async () => {
  // Nobody is there, and Sentry says so for each event.
  const ended = await application('talks about itself on a console that is logged', {
    init: { debug: true, dsn: 'http://key@127.0.0.1:9/1' },
    env: { CONSOLE: 'logged' },
  });
  const said = ended.lines.find((line) => line.startsWith('{"calls"'));
  const { calls, reentrant } = JSON.parse(said ?? '{}');
  expect(reentrant).toBeGreaterThan(0);
  expect(calls).toBeLessThan(100);
  expect(ended).toMatchObject({ code: 0, account: { pending: 0 } });
});

describe('the event is in the trace', () => {
  test.each([
    ['of Sentry', 'traces with Sentry', { tracesSampleRate: 1 }],
    [
      'of Sentry as the tracer of OpenTelemetry',
      'traces with OpenTelemetry',
      { tracesSampleRate: 1, enableOpenTelemetrySetup: true },
    ],
  ])('%s', async (_, way, init) => {
    const { lines, server } = await application(way, { init });
    const [{ event, header } = { event: {}, header: {} }] = server.received;
    expect(event.contexts.trace.trace_id).toBe(lines[0]);
    expect(header.trace.trace_id).toBe(lines[0]);
  });
});

test.each([
  ['by itself', {}],
  ['as the tracer of OpenTelemetry', { enableOpenTelemetrySetup: true }],
])('what ships the log is neither traced nor told by Sentry, %s', async (_, setUp) => {
  const requests: [path: string | undefined, added: string[]][] = [];
  const service = createServer((request, response) => {
    const added = ['sentry-trace', 'baggage', 'traceparent'].filter((header) => header in request.headers);
    requests.push([request.url, added]);
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const { port } = service.address() as AddressInfo;
  const { code, server } = await application('ships its log while it traces', {
    init: { tracesSampleRate: 1, ...setUp },
    env: { SHIP_TO: `http://127.0.0.1:${port}` },
  });
  service.closeAllConnections();
  service.close();
  expect(code).toBe(0);
  expect(requests.filter(([path]) => path !== '/own')).toHaveLength(6);
  for (const [path, added] of requests) expect([path, added.length > 0]).toEqual([path, path === '/own']);
  const crumbs = server.events[0].breadcrumbs.map(({ category, data, message }: Record<string, unknown>) => [
    category,
    message ?? (data as { url: string }).url,
  ]);
  expect(crumbs).toEqual([
    ['app', 'order_placed'],
    ['app', 'order_shipped'],
    ['http', `http://127.0.0.1:${port}/own`],
  ]);
  const sent = server.bytes.toString();
  expect(sent).toContain('/own');
  expect(sent).not.toContain('/batch');
  expect(sent).not.toContain('/v1/logs');
});
