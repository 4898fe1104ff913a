import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { context, diag, propagation, SpanKind, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Memory } from '../../../../test/tracing/memory.ts';
import { withRequest } from './request.ts';
import { callService, type ServiceCallOptions } from './service-call.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${SPAN}-01`;
const ids = () => trace.getSpanContext(context.active());

let memory: Memory;
/** The headers that were sent. */
let sent: Headers[];
beforeEach(() => {
  memory = new Memory();
  sent = [];
});
afterEach(() => memory.end());

function answering(status: number, inside: () => void = () => undefined): ServiceCallOptions {
  let millis = 0;
  return {
    now: () => {
      millis += 12.345_678;
      return millis;
    },
    fetch: async (_url, init) => {
      sent.push(new Headers(init?.headers));
      inside();
      return new Response('body', { status });
    },
  };
}

function failing(error: unknown): ServiceCallOptions {
  return { fetch: async () => Promise.reject(error), now: () => 0 };
}

describe('a call', () => {
  test('is written when it starts and when it is answered, with what it took', async () => {
    const response = await callService('http://stock:8080/items?key=secret', { method: 'post' }, answering(201));
    expect(await response.text()).toBe('body');
    const call = {
      'http.request.method': 'POST',
      'url.full': 'http://stock:8080/items',
      'server.address': 'stock',
      'server.port': 8080,
    };
    expect(memory.records.map(({ event, level, scope, attributes }) => [event, level, scope, attributes])).toEqual([
      ['service_call_started', 'DEBUG', 'http.client', call],
      [
        'service_call_completed',
        'INFO',
        'http.client',
        { ...call, 'http.response.status_code': 201, duration_ms: 12.346 },
      ],
    ]);
  });

  test.each([
    [404, 'service_call_completed', 'INFO', '404'],
    [503, 'service_call_failed', 'ERROR', '503'],
  ])('that is answered with %i', async (status, event, level, type) => {
    expect((await callService('http://stock/', {}, answering(status))).status).toBe(status);
    expect(memory.only(event)).toMatchObject({
      level,
      attributes: { 'http.response.status_code': status, 'error.type': type },
    });
  });

  test.each([
    ['null as its URL', null, {}],
    ['null as what it is to be', 'http://stock/', null],
    ['a method that is no text', 'http://stock/', { method: 7 }],
  ])('with %s is one for fetch to judge', async (_what, url, init) => {
    const judged: unknown[] = [];
    const fetch = async (...given: unknown[]) => {
      judged.push(given[0]);
      return new Response();
    };
    await callService(url as never, init as never, { fetch: fetch as never });
    expect(judged).toEqual([url]);
    expect(memory.events).toEqual(['service_call_started', 'service_call_completed']);
  });

  test('is not lost because of a clock that throws', async () => {
    diag.disable();
    const now = () => {
      throw new Error('mine');
    };
    expect((await callService('http://stock/', {}, { ...answering(201), now })).status).toBe(201);
    expect(memory.only('service_call_completed').attributes).not.toHaveProperty('duration_ms');
  });

  test('uses the global fetch of the moment', async () => {
    const { fetch } = globalThis;
    try {
      globalThis.fetch = async () => new Response(null, { status: 204 });
      expect((await callService('http://stock/')).status).toBe(204);
    } finally {
      globalThis.fetch = fetch;
    }
  });
});

// A call that failed must not go unwritten.
describe('a call that fails', () => {
  test('is written, and fails for the caller as well', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const error = new TypeError('fetch failed', { cause: refused });
    await expect(callService('http://stock/', {}, failing(error))).rejects.toBe(error);
    const { level, attributes } = memory.only('service_call_failed');
    expect([level, memory.events]).toEqual(['ERROR', ['service_call_started', 'service_call_failed']]);
    expect(attributes).toMatchObject({
      'error.type': 'ECONNREFUSED',
      'exception.type': 'TypeError',
      'exception.message': 'fetch failed',
      'server.address': 'stock',
      duration_ms: 0,
    });
    expect(attributes).not.toHaveProperty('http.response.status_code');
  });

  test('also if fetch throws at once, or something else than an Error', async () => {
    const fetch = () => {
      throw 'odd';
    };
    await expect(callService('http://stock/', {}, { fetch })).rejects.toBe('odd');
    expect(memory.only('service_call_failed').attributes).toMatchObject({
      'exception.message': 'odd',
      'error.type': '_OTHER',
    });
  });

  test('because the caller gave up is told apart from a timeout', async () => {
    const given = AbortSignal.abort();
    const late = Object.assign(new Error('late'), { name: 'TimeoutError' });
    await expect(callService('http://a/', { signal: given }, failing(given.reason))).rejects.toBe(given.reason);
    await expect(callService('http://b/', { signal: AbortSignal.abort(late) }, failing(late))).rejects.toBe(late);
    expect(memory.only('service_call_aborted')).toMatchObject({
      level: 'WARN',
      attributes: { 'error.type': 'AbortError' },
    });
    expect(memory.only('service_call_failed')).toMatchObject({
      level: 'ERROR',
      attributes: { 'error.type': 'TimeoutError' },
    });
  });

  test.each([['http://ada:hunter2@stock/'], ['http://hunter2 is no host/'], ['hunter2']])(
    'because of its URL does not quote it: %s',
    async (url) => {
      await expect(callService(url)).rejects.toThrow(/hunter2/);
      const record = memory.only('service_call_failed');
      expect(record.attributes).toHaveProperty(['error.type']);
      expect(JSON.stringify(memory.records)).not.toContain('hunter2');
    },
  );

  test.each([
    ['name', { 'not a name': '1' }],
    ['value', { authorization: 'Bearer hunter2\nx' }],
  ])('because of the %s of a header does not quote it', async (_what, headers) => {
    await expect(callService('http://stock/', { headers }, answering(200))).rejects.toThrow(/not a name|hunter2/);
    expect(memory.events).toEqual(['service_call_started', 'service_call_failed']);
    expect(memory.only('service_call_failed').attributes).toMatchObject({ 'error.type': 'TypeError' });
    expect(JSON.stringify(memory.records)).not.toMatch(/not a name|hunter2/);
  });
});

// Where there is no parent, none is sent: no `None`, no `undefined`.
describe('the headers', () => {
  const trace = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-01$/;

  test('are valid without any trace around it', async () => {
    await callService('http://stock/', {}, answering(200));
    expect(sent[0]?.get('traceparent')).toMatch(trace);
    expect([...(sent[0]?.keys() ?? [])]).toEqual(['traceparent']);
    const { span } = memory.only('service_call_completed');
    expect(sent[0]?.get('traceparent')).toBe(`00-${span?.traceId}-${span?.spanId}-01`);
  });

  test.each([
    ['an object', { accept: 'a', traceparent: 'theirs' }],
    [
      'a list',
      [
        ['accept', 'a'],
        ['Traceparent', 'theirs'],
      ] as [string, string][],
    ],
    ['Headers', new Headers({ accept: 'a', traceparent: 'theirs' })],
  ])('are added to the caller’s, once: %s', async (_name, headers) => {
    const before = JSON.stringify(headers);
    await callService('http://stock/', { headers }, answering(200));
    expect(sent[0]?.get('accept')).toBe('a');
    expect(sent[0]?.get('traceparent')).toMatch(trace);
    expect(JSON.stringify(headers)).toBe(before);
  });

  test('are added to those of a Request', async () => {
    const request = new Request('http://stock/a?b=secret', { method: 'PUT', headers: { accept: 'a' } });
    await callService(request, {}, answering(200));
    expect(sent[0]?.get('accept')).toBe('a');
    expect(sent[0]?.get('traceparent')).toMatch(trace);
    expect(memory.only('service_call_completed').attributes).toMatchObject({
      'http.request.method': 'PUT',
      'url.full': 'http://stock/a',
    });
  });

  test('are none without a propagator', async () => {
    propagation.disable();
    await callService('http://stock/', {}, answering(200));
    expect([...(sent[0]?.keys() ?? [])]).toEqual([]);
  });
});

describe('the trace', () => {
  test('is that of the caller, whose context stays as it was', async () => {
    await withRequest({}, async () => {
      const before = ids();
      await callService(
        'http://a/',
        {},
        answering(200, () => expect(ids()?.spanId).not.toBe(before?.spanId)),
      );
      expect(ids()).toBe(before);
      await expect(callService('http://b/', {}, failing(new Error('mine')))).rejects.toThrow('mine');
      // The caller has its own span back.
      expect(ids()).toBe(before);
      const [a, b] = [memory.records.slice(0, 2), memory.records.slice(2, 4)];
      for (const { span } of [...a, ...b]) expect(span?.traceId).toBe(before?.traceId);
      const spanIds = [a, b].map((records) => [...new Set(records.map(({ span }) => span?.spanId))]);
      expect(spanIds.map(({ length }) => length)).toEqual([1, 1]);
      expect(new Set([before?.spanId, ...spanIds.flat()]).size).toBe(3);
    });
  });

  test('that came from elsewhere goes on unchanged: nobody records a span here that others could refer to', async () => {
    const headers = { traceparent, tracestate: 'a=1' };
    await withRequest(headers, () => callService('http://stock/', {}, answering(200)));
    expect(sent[0]?.get('traceparent')).toBe(traceparent);
    expect(sent[0]?.get('tracestate')).toBe('a=1');
  });

  test('calls side by side have ids of their own', async () => {
    await withRequest({}, () =>
      Promise.all(Array.from({ length: 20 }, (_, i) => callService(`http://stock/${i}`, {}, answering(200)))),
    );
    expect(new Set(memory.records.map(({ span }) => span?.traceId)).size).toBe(1);
    expect(new Set(memory.records.map(({ span }) => span?.spanId)).size).toBe(20);
    expect(new Set(sent.map((headers) => headers.get('traceparent'))).size).toBe(20);
  });
});

describe('with a tracer', () => {
  let spans: InMemorySpanExporter;
  beforeEach(() => {
    spans = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  });

  test('a call is a span below the caller’s', async () => {
    await withRequest({ traceparent }, () => callService('http://stock/a', {}, answering(200)));
    const [call, request] = spans.getFinishedSpans();
    expect([call?.name, call?.kind, call?.status.code]).toEqual(['GET', SpanKind.CLIENT, 0]);
    expect(call?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    expect(sent[0]?.get('traceparent')).toBe(`00-${TRACE}-${call?.spanContext().spanId}-01`);
    expect(memory.only('service_call_completed').span?.spanId).toBe(call?.spanContext().spanId);
    expect(call?.attributes).toEqual({
      'http.request.method': 'GET',
      'url.full': 'http://stock/a',
      'server.address': 'stock',
      'server.port': 80,
      'http.response.status_code': 200,
    });
  });

  test.each([
    ['an answer', answering(404), '404'],
    ['an error', failing(new RangeError('secret')), 'RangeError'],
  ])('that fails with %s is a span that failed', async (_name, options, type) => {
    await callService('http://stock/', {}, options).catch(() => undefined);
    const [span] = spans.getFinishedSpans();
    expect(span?.attributes['error.type']).toBe(type);
    expect([span?.status, span?.events]).toEqual([{ code: 2, message: type }, []]);
  });

  test('nobody else traces the same call', async () => {
    let suppressed: boolean | undefined;
    const look = () => {
      suppressed = isTracingSuppressed(context.active());
    };
    await callService('http://stock/', {}, answering(200, look));
    expect(suppressed).toBe(true);
    expect(isTracingSuppressed(context.active())).toBe(false);
  });
});

describe('the options', () => {
  test('levels and parameters', async () => {
    const levels = { started: 'off', completed: 'warn' } as const;
    await callService('http://stock/?page=1&key=secret', {}, { ...answering(200), levels, query: ['page'] });
    expect(memory.records).toMatchObject([{ level: 'WARN', attributes: { 'url.full': 'http://stock/?page=1' } }]);
  });

  test.each([
    [{ retries: 3 }, /^callService\.retries: is not an option/],
    [{ fetch: 'node-fetch' }, /^callService\.fetch: must be a function/],
    [{ logger: console.log }, /^callService\.logger: must be a logger/],
    [{ levels: { started: 'loud' } }, /^callService\.levels\.started: must be one of/],
    [{ levels: { done: 'info' } }, /^callService\.levels\.done: is not an option/],
    [{ query: 'page' }, /^callService\.query: must be an array of names/],
  ])('%j', async (options, message) => {
    await expect(callService('http://stock/', {}, options as never)).rejects.toThrow(message);
    expect(memory.records).toEqual([]);
  });
});
