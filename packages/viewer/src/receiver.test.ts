import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  JsonLogsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { LogRecord } from './log-record.ts';
import { decodeProtobuf, encodeProtobuf } from './otlp-schema.ts';
import { createReceiver, type Receiver, type ReceiverOptions } from './receiver.ts';
import type { ExportRequest } from './reply.ts';
import type { Span } from './span.ts';

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/x-protobuf';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function startReceiver(options: ReceiverOptions = {}): Promise<{ receiver: Receiver; url: string }> {
  const receiver = createReceiver({ port: 0, ...options });
  open.push(receiver);
  return { receiver, url: await receiver.start() };
}

function logRequest(...eventNames: string[]): object {
  return { resourceLogs: [{ scopeLogs: [{ logRecords: eventNames.map((eventName) => ({ eventName })) }] }] };
}

function post(url: string, body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers: { 'content-type': JSON_TYPE, ...headers } });
}

const postLogs = (url: string, ...eventNames: string[]): Promise<Response> =>
  post(`${url}/v1/logs`, JSON.stringify(logRequest(...eventNames)));

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

function officialLogs() {
  const exporter = new InMemoryLogRecordExporter();
  const logger = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }).getLogger('shop');
  logger.emit({ eventName: 'one', severityNumber: 9, attributes: { user: 'ada', tries: 3 } });
  logger.emit({ body: 'two', severityNumber: 17 });
  return exporter.getFinishedLogRecords();
}

function officialSpans() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.getTracer('shop').startSpan('GET /').end();
  return exporter.getFinishedSpans();
}

describe('what arrives is the same by every road', () => {
  const logs = officialLogs();
  const spans = officialSpans();
  const roads = [
    ['logs', PROTOBUF_TYPE, ProtobufLogsSerializer.serializeRequest(logs)],
    ['logs', JSON_TYPE, JsonLogsSerializer.serializeRequest(logs)],
    ['traces', PROTOBUF_TYPE, ProtobufTraceSerializer.serializeRequest(spans)],
    ['traces', `${JSON_TYPE}; charset=utf-8`, JsonTraceSerializer.serializeRequest(spans)],
  ] as const;

  test('in both encodings, with gzip and without', async () => {
    const { receiver, url } = await startReceiver();
    const seen: { logs: (readonly LogRecord[])[]; traces: (readonly Span[])[] } = { logs: [], traces: [] };
    receiver.onLogs((records) => seen.logs.push(records));
    receiver.onSpans((spans) => seen.traces.push(spans));
    for (const [signal, type, body] of roads) {
      for (const encoding of ['gzip', 'identity']) {
        const sent = encoding === 'gzip' ? gzipSync(body as Uint8Array) : (body as Uint8Array);
        const response = await post(`${url}/v1/${signal}`, sent, {
          'content-type': type,
          'content-encoding': encoding,
        });
        expect(response.status).toBe(200);
        expect(response.headers.get('content-type')).toBe(type.split(';')[0]);
        expect(Buffer.from(await bytesOf(response)).toString()).toBe(type === PROTOBUF_TYPE ? '' : '{}');
      }
    }
    expect(seen.logs).toHaveLength(4);
    expect(seen.logs[0]).toMatchObject([{ eventName: 'one', attributes: { user: 'ada', tries: 3 } }, { body: 'two' }]);
    for (const records of seen.logs) expect(records).toEqual(seen.logs[0]);
    expect(seen.traces).toHaveLength(4);
    expect(seen.traces[0]).toMatchObject([{ name: 'GET /' }]);
    for (const spans of seen.traces) expect(spans).toEqual(seen.traces[0]);
  });

  test('counts are the same with and without listeners', async () => {
    const [listened, counting] = [await startReceiver(), await startReceiver()];
    listened.receiver.onLogs(() => {});
    listened.receiver.onSpans(() => {});
    for (const { url } of [listened, counting]) {
      for (const [signal, type, body] of roads) {
        await post(`${url}/v1/${signal}`, gzipSync(body as Uint8Array), {
          'content-type': type,
          'content-encoding': 'gzip',
        });
      }
    }
    expect(counting.receiver.counts()).toMatchObject({
      requests: 4,
      refused: 0,
      logRecords: 4,
      spans: 2,
      dataPoints: 0,
    });
    expect(counting.receiver.counts()).toEqual(listened.receiver.counts());
    const { wireBytes, bodyBytes } = counting.receiver.counts();
    expect(bodyBytes).toBe(roads.reduce((sum, [, , body]) => sum + (body as Uint8Array).length, 0));
    expect(wireBytes).toBe(roads.reduce((sum, [, , body]) => sum + gzipSync(body as Uint8Array).length, 0));
  });

  test('an empty protobuf body is a request with nothing in it', async () => {
    const { receiver, url } = await startReceiver();
    expect((await post(`${url}/v1/metrics`, '', { 'content-type': PROTOBUF_TYPE })).status).toBe(200);
    expect(receiver.counts()).toMatchObject({ requests: 1, refused: 0, dataPoints: 0 });
  });
});

describe('listeners', () => {
  test('can be taken off', async () => {
    const { receiver, url } = await startReceiver();
    const seen: string[] = [];
    const off = receiver.onLogs((records) => seen.push(...records.map(({ eventName }) => eventName)));
    await postLogs(url, 'first');
    off();
    await postLogs(url, 'second');
    expect(seen).toEqual(['first']);
    expect(receiver.counts().logRecords).toBe(2);
  });

  test('one that throws is reported and hurts neither the others nor the sender', async () => {
    const errors: unknown[] = [];
    const { receiver, url } = await startReceiver({ onListenerError: (error) => errors.push(error) });
    const seen: number[] = [];
    const failure = new Error('mine');
    receiver.onLogs(() => {
      throw failure;
    });
    receiver.onLogs((records) => seen.push(records.length));
    expect((await postLogs(url, 'a')).status).toBe(200);
    expect([errors, seen]).toEqual([[failure], [1]]);
  });
});

describe('refusals', () => {
  test.each([
    ['/v1/logs', { method: 'GET' }, 405, 'POST', 12],
    [
      '/v1/logs',
      { method: 'POST', body: 'a', headers: { 'content-type': 'text/plain' } },
      415,
      'application/x-protobuf',
      3,
    ],
    ['/v1/logs', { method: 'POST', body: new Uint8Array(1) }, 415, 'got none', 3],
    [
      '/v1/logs',
      { method: 'POST', body: '{', headers: { 'content-type': JSON_TYPE } },
      400,
      'not an OTLP logs request',
      3,
    ],
    [
      '/v1/logs',
      { method: 'POST', body: '{"resourceLogs":1}', headers: { 'content-type': JSON_TYPE } },
      400,
      'resourceLogs',
      3,
    ],
    [
      '/v1/logs',
      { method: 'POST', body: '{}', headers: { 'content-type': JSON_TYPE, 'content-encoding': 'br' } },
      415,
      'gzip or identity',
      3,
    ],
    [
      '/v1/logs',
      { method: 'POST', body: '{}', headers: { 'content-type': JSON_TYPE, 'content-encoding': 'gzip' } },
      400,
      'not gzip',
      3,
    ],
    ['/v1/log', { method: 'POST', body: '{}', headers: { 'content-type': JSON_TYPE } }, 404, '/v1/logs', 5],
    ['/', { method: 'POST', body: '{}', headers: { 'content-type': JSON_TYPE } }, 405, 'read', 12],
    ['//', { method: 'GET' }, 404, '/v1/logs', 5],
  ])('%s %j: %i', async (path, init, status, message, code) => {
    const { receiver, url } = await startReceiver();
    const response = await fetch(url + path, init);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe(JSON_TYPE);
    expect(await response.json()).toEqual({ code, message: expect.stringContaining(message) });
    expect(receiver.counts().logRecords).toBe(0);
    expect(receiver.counts().refused).toBe(path === '/v1/logs' ? 1 : 0);
  });

  test('say what would be allowed in headers', async () => {
    const { url } = await startReceiver();
    expect((await fetch(`${url}/v1/logs`)).headers.get('allow')).toBe('POST');
    expect((await post(url, '')).headers.get('allow')).toBe('GET');
    expect((await post(`${url}/v1/logs`, '', { 'content-type': 'a/b' })).headers.get('accept')).toContain(JSON_TYPE);
    expect((await post(`${url}/v1/logs`, '', { 'content-encoding': 'br' })).headers.get('accept-encoding')).toContain(
      'gzip',
    );
  });

  test('to a protobuf sender come in protobuf', async () => {
    const { url } = await startReceiver();
    const response = await post(`${url}/v1/traces`, '{"text":1}', { 'content-type': PROTOBUF_TYPE });
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe(PROTOBUF_TYPE);
    expect(decodeProtobuf('Status', await bytesOf(response))).toMatchObject({ code: 3, message: expect.any(String) });
  });

  test('GET / says what this is', async () => {
    const { receiver, url } = await startReceiver();
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^logspan-viewer.*\n$/);
    expect(receiver.counts().requests).toBe(0);
  });

  test('a request that breaks off is counted, and the receiver goes on', async () => {
    const { receiver, url } = await startReceiver();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    const head = `POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n`;
    // The "100 Continue" says that the request has arrived.
    await new Promise((resolve) => {
      socket.once('data', resolve);
      socket.write(head);
    });
    await new Promise((resolve) => {
      socket.once('close', resolve);
      socket.destroy();
    });
    await postLogs(url, 'next');
    expect(receiver.counts()).toMatchObject({ requests: 2, refused: 1, logRecords: 1 });
  });
});

describe('bodies over the limit are 413', () => {
  const big = JSON.stringify({ padding: ' '.repeat(5000) });

  test.each([
    ['announced by Content-Length', big, {}],
    ['a gzip bomb', gzipSync(big), { 'content-encoding': 'gzip' }],
  ])('%s', async (_name, body, headers) => {
    const { receiver, url } = await startReceiver({ maxBodyBytes: 4096 });
    const response = await post(`${url}/v1/logs`, body, headers);
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ code: 8, message: expect.stringContaining('4096 bytes') });
    expect((await postLogs(url, 'small')).status).toBe(200);
    expect(receiver.counts()).toMatchObject({ requests: 2, refused: 1, logRecords: 1 });
  });

  test('announced and not sent yet: the answer does not wait for it', async () => {
    const { url } = await startReceiver({ maxBodyBytes: 4096 });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const answer = new Promise((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
    socket.write(`POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: 5000\r\n\r\n`);
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  test('sent in chunks, of no announced length', async () => {
    const { url } = await startReceiver({ maxBodyBytes: 4096 });
    const chunks = new ReadableStream({
      start(controller) {
        for (let at = 0; at < big.length; at += 1000) controller.enqueue(Buffer.from(big.slice(at, at + 1000)));
        controller.close();
      },
    });
    const init = { method: 'POST', body: chunks, duplex: 'half', headers: { 'content-type': JSON_TYPE } } as const;
    expect((await fetch(`${url}/v1/logs`, init)).status).toBe(413);
  });

  test('one byte less is read', async () => {
    const { url } = await startReceiver({ maxBodyBytes: big.length });
    expect((await post(`${url}/v1/logs`, big)).status).toBe(200);
    expect((await post(`${url}/v1/logs`, gzipSync(big), { 'content-encoding': 'gzip' })).status).toBe(200);
    expect((await post(`${url}/v1/logs`, `${big} `)).status).toBe(413);
  });
});

describe('ports', () => {
  async function occupy(): Promise<number> {
    const server: Server = createServer();
    open.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  test('a taken one is met with the next free one', async () => {
    const taken = await occupy();
    const { url } = await startReceiver({ port: taken });
    const port = Number(new URL(url).port);
    expect(port).toBeGreaterThan(taken);
    expect(port).toBeLessThan(taken + 100);
    expect((await postLogs(url, 'a')).status).toBe(200);
  });

  test('a taken one is an error when no other is wanted', async () => {
    const port = await occupy();
    await expect(startReceiver({ port, nextFreePort: false })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('start is idempotent, and after close it is the same address again', async () => {
    const { receiver, url } = await startReceiver();
    expect(await receiver.start()).toBe(url);
    await postLogs(url, 'before');
    await receiver.close();
    await receiver.close();
    await expect(postLogs(url, 'during')).rejects.toThrow();
    expect(await receiver.start()).toBe(url);
    await postLogs(url, 'after');
    expect(receiver.counts().logRecords).toBe(2);
  });

  test('an IPv6 address and "all addresses" give a URL that can be used', async () => {
    const { url } = await startReceiver({ host: '0.0.0.0' });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await postLogs(url, 'a')).status).toBe(200);
  });

  test.each([
    [{ port: 65_536 }, 'port: expected a whole number from 0 to 65535, got 65536'],
    [{ port: Number.NaN }, 'port'],
    [{ maxBodyBytes: 0 }, 'maxBodyBytes'],
  ])('%j is refused at once', (options, message) => {
    expect(() => createReceiver(options)).toThrow(message);
  });
});

describe('scripted answers', () => {
  test('the handler sees the request', async () => {
    const { receiver, url } = await startReceiver();
    const seen: ExportRequest[] = [];
    receiver.respondWith((request) => {
      seen.push(request);
      return undefined;
    });
    const body = gzipSync(JSON.stringify(logRequest('a', 'b')));
    const response = await post(`${url}/v1/logs`, body, { 'content-encoding': 'gzip', 'x-api-key': 'k' });
    expect(response.status).toBe(200);
    expect(seen).toMatchObject([
      {
        signal: 'logs',
        encoding: 'json',
        items: 2,
        sequence: 1,
        wireBytes: body.length,
        headers: { 'x-api-key': 'k' },
      },
    ]);
    expect(Buffer.from(seen[0]?.body ?? []).toString()).toBe(JSON.stringify(logRequest('a', 'b')));
  });

  test('an error status: nothing is accepted, until the script ends', async () => {
    const { receiver, url } = await startReceiver();
    const seen: string[] = [];
    receiver.onLogs((records) => seen.push(...records.map(({ eventName }) => eventName)));
    receiver.respondWith(({ sequence }) =>
      sequence < 3 ? { status: 503, headers: { 'retry-after': '1' } } : undefined,
    );
    const first = await postLogs(url, 'a');
    expect(first.status).toBe(503);
    expect(first.headers.get('retry-after')).toBe('1');
    expect(await first.json()).toEqual({ code: 14, message: 'scripted answer 503' });
    expect((await postLogs(url, 'a')).status).toBe(503);
    expect((await postLogs(url, 'a')).status).toBe(200);
    receiver.respondWith(undefined);
    await postLogs(url, 'b');
    expect(seen).toEqual(['a', 'b']);
    expect(receiver.counts()).toMatchObject({ requests: 4, refused: 2, logRecords: 2 });
  });

  test('partial success, in both encodings', async () => {
    const { receiver, url } = await startReceiver();
    receiver.respondWith(() => ({ partialSuccess: { rejected: 2, message: 'too old' } }));
    expect(await (await postLogs(url, 'a', 'b', 'c')).json()).toEqual({
      partialSuccess: { rejectedLogRecords: '2', errorMessage: 'too old' },
    });
    const body = encodeProtobuf('LogsRequest', logRequest('a') as Record<string, unknown>);
    const response = await post(`${url}/v1/logs`, body, { 'content-type': PROTOBUF_TYPE });
    expect(ProtobufLogsSerializer.deserializeResponse(await bytesOf(response))).toMatchObject({
      partialSuccess: { rejectedLogRecords: 2, errorMessage: 'too old' },
    });
  });

  test('any body, any status', async () => {
    const { receiver, url } = await startReceiver();
    receiver.respondWith(() => ({
      status: 502,
      headers: { 'content-type': 'text/html' },
      body: '<h1>Bad gateway</h1>',
    }));
    const response = await postLogs(url, 'a');
    expect([response.status, response.headers.get('content-type')]).toEqual([502, 'text/html']);
    expect(await response.text()).toBe('<h1>Bad gateway</h1>');
  });

  test('a reset connection; accepted all the same when asked', async () => {
    const { receiver, url } = await startReceiver();
    receiver.respondWith(() => 'reset');
    await expect(postLogs(url, 'a')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    receiver.respondWith(() => ({ end: 'reset', accept: true, delayMillis: 1 }));
    await expect(postLogs(url, 'b')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(receiver.counts()).toMatchObject({ requests: 2, refused: 1, logRecords: 1 });
  });

  test.each([
    ['a request left hanging', 'hang' as const],
    ['an answer that is delayed', { delayMillis: 3_600_000 }],
  ])('close ends %s', async (_name, reply) => {
    const { receiver, url } = await startReceiver();
    const asked = new Promise<void>((resolve) => {
      receiver.respondWith(() => {
        resolve();
        return reply;
      });
    });
    const answer = expect(postLogs(url, 'a')).rejects.toThrow();
    await asked;
    await receiver.close();
    await answer;
  });

  test('a request that is still being judged at close is not accepted', async () => {
    const { receiver, url } = await startReceiver();
    let judge = (): void => {};
    const asked = new Promise<void>((resolve) => {
      receiver.respondWith(() => {
        resolve();
        return new Promise<undefined>((answer) => {
          judge = () => answer(undefined);
        });
      });
    });
    const answer = expect(postLogs(url, 'a')).rejects.toThrow();
    await asked;
    await receiver.close();
    judge();
    await answer;
    await new Promise(setImmediate);
    expect(receiver.counts()).toMatchObject({ requests: 1, refused: 1, logRecords: 0 });
  });

  test('a handler that throws gives a 500 that says so', async () => {
    const { receiver, url } = await startReceiver();
    receiver.respondWith(() => {
      throw new Error('oops');
    });
    const response = await postLogs(url, 'a');
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ code: 2, message: 'Error: oops' });
  });
});
