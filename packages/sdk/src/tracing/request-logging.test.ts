import { once } from 'node:events';
import {
  createServer,
  get,
  request as httpRequest,
  type IncomingMessage,
  maxHeaderSize,
  type RequestListener,
  type Server,
  ServerResponse,
} from 'node:http';
import http2 from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { getLogger, withAttributes } from '@logspan/logger';
import { context, diag, SpanKind, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { toldDuring } from '../../../../test/pipeline/recorder.ts';
import { Memory } from '../../../../test/tracing/memory.ts';
import { withRequest } from './request.ts';
import { type RequestLoggingOptions, requestLogging } from './request-logging.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${SPAN}-01`;

let memory: Memory;
let server: Server;
beforeEach(() => {
  memory = new Memory();
});
afterEach(async () => {
  server?.closeAllConnections();
  if (server?.listening) await new Promise((resolve) => server.close(resolve));
  await memory.end();
});

/** Serves with request logging; answers where. */
async function serve(listener: RequestListener, options: RequestLoggingOptions = {}): Promise<string> {
  server = createServer(requestLogging(options).listener(listener));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Resolves with the record that ends a request. */
const ended = () => memory.until(/^request_(?!started)/);

/** A clock that goes on by 5 ms each time it is read. */
function steps(): () => number {
  let millis = 0;
  return () => {
    millis += 5;
    return millis;
  };
}

describe('a request', () => {
  test('is written when it starts and when its response is out, in its trace', async () => {
    const url = await serve(
      (_request, response) => {
        getLogger('shop').info('inside');
        response.writeHead(201).end('done');
      },
      { now: steps() },
    );
    await (await fetch(`${url}/cart/7?token=secret`, { method: 'POST', headers: { traceparent } })).text();
    await ended();
    const http = {
      'http.request.method': 'POST',
      'url.path': '/cart/7',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(url).port),
    };
    expect(memory.records.map(({ event, level, scope, attributes }) => [event, level, scope, attributes])).toEqual([
      ['request_started', 'DEBUG', 'http.server', http],
      ['inside', 'INFO', 'shop', {}],
      ['request_completed', 'INFO', 'http.server', { ...http, 'http.response.status_code': 201, duration_ms: 5 }],
    ]);
    for (const { span } of memory.records) expect(span).toMatchObject({ traceId: TRACE, spanId: SPAN });
    expect(JSON.stringify(memory.records)).not.toContain('secret');
  });

  test('without a valid trace begins one: not any header is trusted', async () => {
    const url = await serve((_request, response) => void response.end());
    await (await fetch(url, { headers: { traceparent: 'x', 'X-Trace-Id': 'admin' } })).text();
    await ended();
    const [started, completed] = memory.records;
    expect(started?.span?.traceId).toMatch(/^(?!0{32})[\da-f]{32}$/);
    expect(completed?.span).toEqual(started?.span);
  });

  test('after another one on the same connection has a trace of its own', async () => {
    const url = await serve((_request, response) => void response.end());
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    // Both at once, so that the second waits in the parser for the first.
    socket.end('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => socket.resume().on('close', resolve));
    expect(memory.events.filter((event) => event === 'request_completed')).toHaveLength(2);
    expect(new Set(memory.records.map(({ span }) => span?.traceId)).size).toBe(2);
    const pairs = memory.records.map(({ attributes, span }) => `${attributes['url.path']} ${span?.traceId}`);
    expect(new Set(pairs).size).toBe(2);
  });

  test('is one request for withRequest, too', async () => {
    const url = await serve((request, response) =>
      withRequest(request.headers, () => {
        getLogger('shop').info('inside');
        response.end();
      }),
    );
    await (await fetch(url)).text();
    await ended();
    expect(new Set(memory.records.map(({ span }) => `${span?.traceId} ${span?.spanId}`)).size).toBe(1);
  });

  test('goes to a listener with methods of its own, such as an Express application', async () => {
    const explode = () => {
      throw new Error('not a function of that kind');
    };
    const listener: RequestListener = (_request, response) => void response.end('served');
    const url = await serve(Object.assign(listener, { bind: explode, call: explode, apply: explode }));
    expect(await (await fetch(url)).text()).toBe('served');
    expect((await ended()).event).toBe('request_completed');
  });

  test.each([
    [404, 'request_completed', 'INFO', undefined],
    [500, 'request_failed', 'ERROR', '500'],
  ])('that is answered with %i', async (status, event, level, type) => {
    const url = await serve((_request, response) => void response.writeHead(status).end());
    await (await fetch(url)).text();
    expect(await ended()).toMatchObject({ event, level, attributes: { 'http.response.status_code': status } });
    expect(memory.only(event).attributes['error.type']).toBe(type);
  });

  test('that streams takes until the last byte', async () => {
    let millis = 0;
    let finish: () => void = () => undefined;
    const url = await serve(
      (_request, response) => {
        response.write('first');
        finish = () => {
          millis = 1_500;
          response.end('last');
        };
      },
      { now: () => millis },
    );
    const { body } = await fetch(url);
    const reader = body?.getReader();
    await reader?.read();
    expect(memory.events).toEqual(['request_started']);
    finish();
    await reader?.read();
    expect(await ended()).toMatchObject({ event: 'request_completed', attributes: { duration_ms: 1_500 } });
  });
});

describe('what a client may send', () => {
  /** Sends these bytes; resolves with what came back until the end. */
  async function sendBytes(url: string, bytes: string): Promise<string> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1').on('data', (part) => {
      answer += part;
    });
    socket.write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
    return answer;
  }

  test('a path that is very long is cut, and so is a query that is shown', async () => {
    const url = await serve((_request, response) => void response.end(), { query: ['page'] });
    await (await fetch(`${url}/${'a'.repeat(5_000)}?page=${'b'.repeat(5_000)}`)).text();
    const { attributes } = await ended();
    expect(attributes['url.path']).toBe(`/${'a'.repeat(2_046)}…`);
    expect(attributes['url.query']).toBe(`page=${'b'.repeat(2_042)}…`);
  });

  test('headers that are very long, or have the names of what all objects have, change nothing', async () => {
    const url = await serve((_request, response) => void response.end());
    const fresh = maxHeaderSize - 1_000;
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'get', 'keys', 'toString'];
    const lines = names.map((name) => `${name}: ${traceparent}\r\n`).join('');
    for (const more of [`traceparent: ${'0'.repeat(fresh)}\r\n`, `tracestate: ${'a=1,'.repeat(1_000)}\r\n`, lines]) {
      await sendBytes(url, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${more}\r\n`);
    }
    expect(memory.events.filter((event) => event === 'request_completed')).toHaveLength(3);
    const traces = new Set(memory.records.map(({ span }) => span?.traceId));
    expect([traces.size, traces.has(TRACE)]).toEqual([3, false]);
    expect({}).not.toHaveProperty('traceparent');
  });

  test('a host that is none is not logged', async () => {
    const url = await serve((_request, response) => void response.end());
    await sendBytes(url, `GET / HTTP/1.1\r\nHost: a b;"c"\r\nConnection: close\r\n\r\n`);
    expect((await ended()).attributes).not.toHaveProperty(['server.address']);
  });

  test('OPTIONS *', async () => {
    const url = await serve((_request, response) => void response.end());
    await sendBytes(url, 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect((await ended()).attributes).toMatchObject({ 'http.request.method': 'OPTIONS', 'url.path': '*' });
  });

  test('an upgrade goes its way, and is no request', async () => {
    const url = await serve((_request, response) => void response.end());
    server.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello');
    });
    const upgrade = 'GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(await sendBytes(url, upgrade)).toMatch(/^HTTP\/1\.1 101 [\s\S]*hello$/);
    expect(memory.events).toEqual([]);
    await (await fetch(url)).text();
    expect((await ended()).event).toBe('request_completed');
  });

  test.each(['detached', 'assigned'])(
    'an upgrade that runs through the handlers lasts as long as its connection: %s',
    async (how) => {
      const url = await serve((_request, response) => void response.end());
      const listener = requestLogging().listener(({ socket }, response) => {
        if (how === 'detached') response.detachSocket(socket);
        getLogger('shop').info('upgraded');
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      });
      server.on('upgrade', (request, socket) => {
        const response = new ServerResponse(request);
        response.assignSocket(socket as Socket);
        listener(request, response);
      });
      const upgrade = `GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\ntraceparent: ${traceparent}\r\n\r\n`;
      await sendBytes(url, upgrade);
      expect((await ended()).attributes).toMatchObject({ 'url.path': '/live', 'http.response.status_code': 101 });
      expect(memory.events).toEqual(['request_started', 'upgraded', 'request_completed']);
      for (const { span } of memory.records) expect(span?.traceId).toBe(TRACE);
    },
  );

  test('an upgrade that nobody wants is a request', async () => {
    const url = await serve((_request, response) => void response.setHeader('connection', 'close').end('no'));
    const upgrade = 'GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(await sendBytes(url, upgrade)).toMatch(/^HTTP\/1\.1 200 [\s\S]*no/);
    expect((await ended()).event).toBe('request_completed');
  });
});

describe('HTTP/2, through what Node has for listeners of HTTP/1', () => {
  let server2: http2.Http2Server;
  let session: http2.ClientHttp2Session;
  async function serve2(listener: RequestListener): Promise<number> {
    server2 = http2.createServer(requestLogging().listener(listener) as never);
    await new Promise<void>((resolve) => server2.listen(0, '127.0.0.1', resolve));
    const { port } = server2.address() as AddressInfo;
    session = http2.connect(`http://127.0.0.1:${port}`);
    return port;
  }
  afterEach(async () => {
    session.destroy();
    await new Promise((resolve) => server2.close(resolve));
  });

  test('a request is written', async () => {
    const port = await serve2((_request, response) => void response.end('done'));
    const call = session.request({ ':path': '/cart?token=secret', traceparent });
    await once(call.resume(), 'end');
    const { event, attributes, span } = await ended();
    expect([event, span?.traceId]).toEqual(['request_completed', TRACE]);
    expect(attributes).toMatchObject({ 'url.path': '/cart', 'server.address': '127.0.0.1', 'server.port': port });
  });

  test.each(['HEAD', 'POST'])('so is one of %s', async (method) => {
    await serve2((_request, response) => void response.writeHead(204).end());
    session.request({ ':path': '/', ':method': method }).resume().end();
    expect(await ended()).toMatchObject({
      event: 'request_completed',
      attributes: { 'http.response.status_code': 204 },
    });
  });

  const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = http2.constants;
  test.each<[string, number | undefined, RequestListener]>([
    ['before its answer', undefined, () => call?.close(NGHTTP2_CANCEL)],
    ['before its answer, without a reason', undefined, () => call?.close(NGHTTP2_NO_ERROR)],
    ['during its answer', 200, (_request, response) => void response.write('part', () => call?.close(NGHTTP2_CANCEL))],
    [
      'before all of it is out',
      200,
      (_request, response) => {
        response.end(Buffer.alloc(10_000_000));
        call?.close(NGHTTP2_CANCEL);
      },
    ],
    ['with its session', undefined, () => session.destroy()],
    ['by the server', undefined, (_request, response) => void response.destroy()],
  ])('a request that is cut off %s was aborted', async (_when, status, listener) => {
    await serve2(listener);
    call = session.request({ ':path': '/' }).on('error', () => undefined);
    const record = await ended();
    expect([record.event, record.attributes['http.response.status_code']]).toEqual(['request_aborted', status]);
    expect(memory.records).toHaveLength(2);
  });
  let call: http2.ClientHttp2Stream | undefined;
});

describe('events of request and response', () => {
  test('have the trace of the request', async () => {
    const url = await serve((request, response) => {
      const log = (event: string) => () => getLogger('shop').info(event);
      request
        .on('data', log('request_data'))
        .on('end', log('request_end'))
        .on('end', () => response.end());
      response.on('finish', log('response_finish')).on('close', log('response_close'));
    });
    await (await fetch(url, { method: 'POST', body: 'x', headers: { traceparent } })).text();
    await ended();
    await memory.until(/^response_close$/);
    expect(memory.events.filter((event) => !event?.startsWith('request_c')).sort()).toEqual([
      'request_data',
      'request_end',
      'request_started',
      'response_close',
      'response_finish',
    ]);
    for (const { span } of memory.records) expect(span?.traceId).toBe(TRACE);
  });
});

describe('a client that does not wait', () => {
  test('is told apart from a failure', async () => {
    const begun = new Promise<void>((resolve) => {
      void serve((_request, response) => {
        response.write('first');
        resolve();
      }).then((url) => {
        const call = get(url, (response) => response.once('data', () => call.destroy()).on('error', () => undefined));
        call.on('error', () => undefined);
      });
    });
    await begun;
    const record = await ended();
    expect(record).toMatchObject({
      event: 'request_aborted',
      level: 'WARN',
      attributes: { 'http.response.status_code': 200, duration_ms: expect.any(Number) },
    });
    expect(memory.records).toHaveLength(2);
  });

  test('before the head of the response has gone out: there is no status', async () => {
    const url = await serve(() => call.destroy());
    const call = httpRequest(url).on('error', () => undefined);
    call.end();
    expect((await ended()).event).toBe('request_aborted');
    expect(memory.only('request_aborted').attributes).not.toHaveProperty(['http.response.status_code']);
  });

  test('is heard of in the trace of the request', async () => {
    const url = await serve((_request, response) => {
      response.on('close', () => getLogger('shop').info('gave_up'));
      call.destroy();
    });
    const call = httpRequest(url, { headers: { traceparent } }).on('error', () => undefined);
    call.end();
    await ended();
    await memory.until(/^gave_up$/);
    for (const { span } of memory.records) expect(span?.traceId).toBe(TRACE);
  });

  test('while it sends, which is an error to whoever reads', async () => {
    let failed: Promise<unknown> | undefined;
    const url = await serve((request, response) => {
      failed = pipeline(request, response).catch((error: unknown) => error);
      request.once('data', () => call.destroy());
    });
    const call = httpRequest(url, { method: 'POST' }).on('error', () => undefined);
    call.write('first');
    expect((await ended()).event).toBe('request_aborted');
    expect(await failed).toBeDefined();
  });

  test('while requests wait behind another one on its connection: each has an end, and its span', async () => {
    const spans = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
    const count = 15;
    let last = 0;
    let listeners = 0;
    const url = await serve((request, response) => {
      if (request.url !== '/0') response.end('x');
      if (request.url !== `/${count}`) return;
      last++;
      listeners = request.socket.listenerCount('close');
      client.destroy();
    });
    const client = connect(Number(new URL(url).port), '127.0.0.1');
    client.write(Array.from({ length: count + 1 }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
    while (memory.events.filter((event) => event === 'request_aborted').length <= count) {
      await memory.next();
    }
    expect([last, memory.events.filter((event) => event !== 'request_started').length]).toEqual([1, count + 1]);
    for (const { event, attributes } of memory.records) {
      if (event === 'request_aborted') expect(attributes).not.toHaveProperty(['http.response.status_code']);
    }
    expect(spans.getFinishedSpans()).toHaveLength(count + 1);
    // Not one for each request.
    expect(listeners).toBeLessThan(10);
  });

  test('during a pipeline, which fails because of it', async () => {
    let failed: Promise<unknown> | undefined;
    const endless = Readable.from(
      (async function* () {
        for (;;) yield await new Promise<string>((resolve) => setImmediate(resolve, 'x'.repeat(1_024)));
      })(),
    );
    const url = await serve((_request, response) => {
      failed = pipeline(endless, response).catch((error: unknown) => error);
    });
    const call = get(url, (response) => response.once('data', () => call.destroy()).on('error', () => undefined));
    call.on('error', () => undefined);
    expect((await ended()).event).toBe('request_aborted');
    expect(await failed).toBeDefined();
  });
});

describe('a handler that fails', () => {
  const error = new RangeError('mine');

  test('at once: written once, and thrown on', async () => {
    const requests = requestLogging();
    const [request, response] = await exchange();
    const listener = requests.listener(() => {
      throw error;
    });
    expect(() => listener(request, response)).toThrow(error);
    response.statusCode = 500;
    response.end();
    await new Promise((resolve) => response.once('close', resolve));
    expect(memory.events).toEqual(['request_started', 'request_failed']);
    expect(memory.only('request_failed')).toMatchObject({
      level: 'ERROR',
      attributes: { 'exception.type': 'RangeError', 'exception.message': 'mine', 'error.type': 'RangeError' },
    });
    expect(memory.only('request_failed').attributes).not.toHaveProperty(['http.response.status_code']);
  });

  test('later: written once, and rejected', async () => {
    const [request, response] = await exchange();
    const listener = requestLogging().listener(async () => {
      await new Promise(setImmediate);
      throw error;
    });
    await expect(listener(request, response)).rejects.toBe(error);
    response.destroy();
    await new Promise((resolve) => response.once('close', resolve));
    expect(memory.events).toEqual(['request_started', 'request_failed']);
  });

  test('after the head of the response has gone out', async () => {
    const [request, response] = await exchange();
    const listener = requestLogging().listener(async () => {
      response.write('first');
      await new Promise(setImmediate);
      throw error;
    });
    await expect(listener(request, response)).rejects.toBe(error);
    response.destroy();
    await new Promise((resolve) => response.once('close', resolve));
    expect(memory.events).toEqual(['request_started', 'request_failed']);
    expect(memory.only('request_failed').attributes).toMatchObject({
      'http.response.status_code': 200,
      'error.type': 'RangeError',
    });
  });

  test.each<[string, (...pair: Parameters<RequestListener>) => void]>([
    ['the response', (_request, response) => response.destroy()],
    ['the connection', ({ socket }) => socket.destroy()],
  ])('by destroying %s without saying why: no client gave up', async (_what, destroy) => {
    const url = await serve((request, response) => {
      response.write('first');
      setImmediate(destroy, request, response);
    });
    await fetch(url).then(
      (response) => response.text().catch(() => undefined),
      () => undefined,
    );
    const { event, attributes } = await ended();
    expect([event, attributes['error.type'], attributes['http.response.status_code']]).toEqual([
      'request_failed',
      '_OTHER',
      200,
    ]);
  });

  test('by destroying the response', async () => {
    const url = await serve((_request, response) => void response.destroy(error));
    await expect(fetch(url)).rejects.toThrow();
    expect(await ended()).toMatchObject({ event: 'request_failed', attributes: { 'exception.message': 'mine' } });
  });

  /** A request and its response, without a listener. */
  async function exchange() {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const arrived = new Promise<Parameters<RequestListener>>((resolve) => {
      server.once('request', (...pair) => resolve(pair));
    });
    get({ port: (server.address() as AddressInfo).port, agent: false }, (response) => response.resume()).on(
      'error',
      () => undefined,
    );
    return arrived;
  }
});

describe('with a tracer', () => {
  let spans: InMemorySpanExporter;
  beforeEach(() => {
    spans = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  });

  test('a request is a span, which ends with the response', async () => {
    const url = await serve((_request, response) => void response.writeHead(503).end());
    await (await fetch(`${url}/cart?token=secret`, { headers: { traceparent } })).text();
    const record = await ended();
    const [span] = spans.getFinishedSpans();
    expect([span?.name, span?.kind]).toEqual(['GET', SpanKind.SERVER]);
    expect(span?.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: SPAN });
    expect(record.span?.spanId).toBe(span?.spanContext().spanId);
    expect(span?.attributes).toMatchObject({
      'url.path': '/cart',
      'http.response.status_code': 503,
      'error.type': '503',
    });
    expect(span?.status.code).toBe(2);
  });

  test('a span that an instrumentation has started is the request’s', async () => {
    const requests = requestLogging().listener((_request, response) => void response.end());
    server = createServer((request, response) =>
      trace.getTracer('http').startActiveSpan('theirs', (span) => {
        requests(request, response);
        response.once('close', () => {
          span.end();
          server.emit('span ended');
        });
      }),
    );
    const spanEnded = once(server, 'span ended');
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text();
    const record = await ended();
    await spanEnded;
    expect(spans.getFinishedSpans().map(({ name, spanContext }) => [name, spanContext])).toHaveLength(1);
    expect(record.span?.spanId).toBe(spans.getFinishedSpans()[0]?.spanContext().spanId);
  });
});

describe('request logging that stands twice before a handler', () => {
  test('writes once: the outermost', async () => {
    const inner = requestLogging({ logger: getLogger('inner'), attributes: () => ({ inner: true }) });
    const url = await serve(inner.listener(inner.listener((_request, response) => void response.end())), {
      attributes: () => ({ outer: true }),
    });
    await (await fetch(url)).text();
    await ended();
    expect(memory.events).toEqual(['request_started', 'request_completed']);
    for (const { scope, attributes } of memory.records) {
      expect([scope, attributes.outer, attributes.inner]).toEqual(['http.server', true, undefined]);
    }
  });

  test('keeps what was put around the inner one', async () => {
    const inner = requestLogging().listener((_request, response) => {
      getLogger('shop').info('inside');
      response.end();
    });
    const url = await serve((request, response) => withAttributes({ tenant: 'acme' }, () => inner(request, response)));
    await (await fetch(url)).text();
    await ended();
    expect(memory.only('inside').attributes).toEqual({ tenant: 'acme' });
  });
});

describe('the options', () => {
  test('levels, parameters, further attributes', async () => {
    const url = await serve((_request, response) => void response.end(), {
      logger: getLogger('web'),
      levels: { started: 'off', completed: 'debug' },
      query: ['page'],
      attributes: (request: IncomingMessage) => ({ tenant: request.headers['x-tenant'], 'url.path': 'mine' }),
    });
    await (await fetch(`${url}/cart?page=2&token=secret`, { headers: { 'x-tenant': 'acme' } })).text();
    await ended();
    expect(memory.records).toMatchObject([
      {
        scope: 'web',
        level: 'DEBUG',
        event: 'request_completed',
        attributes: { tenant: 'acme', 'url.path': '/cart', 'url.query': 'page=2' },
      },
    ]);
  });

  test('ignored requests have no records, but a trace', async () => {
    const url = await serve(
      (_request, response) => {
        getLogger('shop').info('inside');
        response.end();
      },
      { ignore: ({ url }) => url === '/health' },
    );
    await (await fetch(`${url}/health`, { headers: { traceparent } })).text();
    await (await fetch(`${url}/cart`)).text();
    await ended();
    expect(memory.events).toEqual(['inside', 'request_started', 'inside', 'request_completed']);
    expect(memory.records[0]?.span?.traceId).toBe(TRACE);
  });

  test('functions of the application that throw do not hurt the request, and are told of now and then', async () => {
    const explode = () => {
      throw new Error('secret');
    };
    const url = await serve((_request, response) => void response.end('served'), {
      ignore: explode,
      attributes: () => Object.defineProperty({}, 'broken', { enumerable: true, get: explode }),
    });
    diag.disable();
    const told = await toldDuring(async () => {
      for (let i = 0; i < 4; i++) expect(await (await fetch(url)).text()).toBe('served');
    });
    expect(told).toEqual(
      [1, 2, 4, 8].map((times) => `logspan: a function of requestLogging failed ${times} time(s) Error`),
    );
    await ended();
    expect(memory.events.filter((event) => event === 'request_started')).toHaveLength(4);
  });

  test('a clock that throws costs the duration alone', async () => {
    diag.disable();
    const now = () => {
      throw new Error('mine');
    };
    const url = await serve((_request, response) => void response.end('served'), { now });
    expect(await (await fetch(url)).text()).toBe('served');
    expect((await ended()).attributes).not.toHaveProperty(['duration_ms']);
  });

  test('what is truthy ignores a request; a promise does not, and is told', async () => {
    const ignoring = await serve((_request, response) => void response.end(), {
      ignore: (({ url }: IncomingMessage) => url?.match(/health/)) as never,
    });
    await (await fetch(`${ignoring}/health`)).text();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(memory.events).toEqual([]);
    diag.disable();
    const told = await toldDuring(async () => {
      const later = async () => Promise.reject(new Error('later'));
      const url = await serve((_request, response) => void response.end(), { ignore: later as never });
      await (await fetch(url)).text();
      await ended();
    });
    expect(told).toEqual([
      'logspan: a function of requestLogging failed 1 time(s) TypeError',
      'logspan: a function of requestLogging failed 2 time(s) Error',
    ]);
  });

  test.each([['text'], [['list']], [7], [Promise.resolve({ a: 1 })]])(
    'attributes that are none are left out: %p',
    async (answer) => {
      const url = await serve((_request, response) => void response.end(), { attributes: () => answer as never });
      diag.disable();
      const told = await toldDuring(async () => {
        await (await fetch(url)).text();
        await ended();
      });
      expect(told).toEqual(['logspan: a function of requestLogging failed 1 time(s) TypeError']);
      for (const key of ['0', 'a']) expect(memory.only('request_started').attributes).not.toHaveProperty([key]);
    },
  );

  test('attributes of the application do not win over those of the request', async () => {
    const mine = { 'url.path': '/mine', 'exception.message': 'mine', 'error.type': 'mine', duration_ms: 'mine' };
    const url = await serve((_request, response) => void response.destroy(new RangeError('theirs')), {
      attributes: () => mine,
      now: () => 0,
    });
    await expect(fetch(`${url}/cart`)).rejects.toThrow();
    expect((await ended()).attributes).toMatchObject({
      'url.path': '/cart',
      'exception.message': 'theirs',
      'error.type': 'RangeError',
      duration_ms: 0,
    });
  });

  test.each([
    [{ level: 'info' }, /^requestLogging\.level: is not an option/],
    [{ logger: {} }, /^requestLogging\.logger: must be a logger/],
    [{ levels: { completed: 'loud' } }, /^requestLogging\.levels\.completed: must be one of/],
    [{ levels: 'info' }, /^requestLogging\.levels: options must be an object/],
    [{ ignore: '/health' }, /^requestLogging\.ignore: must be a function/],
    [{ attributes: {} }, /^requestLogging\.attributes: must be a function/],
    [{ query: true }, /^requestLogging\.query: must be an array of names/],
    [{ now: 7 }, /^requestLogging\.now: must be a function/],
  ])('%j', (options, message) => {
    expect(() => requestLogging(options as never)).toThrow(message);
  });

  test('a listener that is none', () => {
    expect(() => requestLogging().listener(undefined as never)).toThrow(
      /^requestLogging\.listener: must be a function/,
    );
  });
});

test('nothing of a request is left in the context of the server', async () => {
  const url = await serve((_request, response) => void response.end());
  await (await fetch(url)).text();
  await ended();
  expect(trace.getSpan(context.active())).toBeUndefined();
});
