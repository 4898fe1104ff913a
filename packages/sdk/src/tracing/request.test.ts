import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { getLogger, withAttributes } from '@logspan/logger';
import { context, diag, isSpanContextValid, propagation, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { RPCType, setRPCMetadata, suppressTracing } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SamplingDecision,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { toldDuring } from '../../../../test/pipeline/recorder.ts';
import { Memory } from '../../../../test/tracing/memory.ts';
import { withRequest } from './request.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${SPAN}-01`;
const OTHER = 'ffffffffffffffffffffffffffffffff';
const other = { traceparent: `00-${OTHER}-00f067aa0ba902b7-01` };
const ids = () => trace.getSpanContext(context.active());

let memory: Memory;
beforeEach(() => {
  memory = new Memory();
});
afterEach(() => memory.end());

describe('the trace of the headers', () => {
  test.each([
    ['a plain object', { traceparent }],
    ['any case', { Traceparent: traceparent }],
    ['what Node makes of headers', { host: 'a', traceparent, 'set-cookie': ['b', 'c'] }],
    ['an object without a prototype', Object.assign(Object.create(null), { traceparent })],
    ['Headers', new Headers({ traceparent })],
    ['a Map', new Map([['traceparent', traceparent]])],
    ['a Map in any case', new Map([['TraceParent', traceparent]])],
    ['a list of one', { traceparent: [traceparent] }],
    ['bytes, as queues have them', { traceparent: Buffer.from(traceparent) }],
    ['a list of bytes', new Map([['traceparent', [new TextEncoder().encode(traceparent)]]])],
    ['a header that is called get', { get: 'x', traceparent }],
    [
      'headers with the names of what all objects have',
      JSON.parse(`{"__proto__":{},"keys":"x","constructor":"y","traceparent":"${traceparent}"}`),
    ],
  ])('is read from %s', (_name, headers) => {
    const seen = withRequest(headers, ids);
    expect(seen).toMatchObject({ traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true });
  });

  test('goes with every record inside, and with none before and after', async () => {
    const logger = getLogger('shop');
    logger.info('before');
    await withRequest({ traceparent }, async () => {
      logger.info('at_once');
      await delay(1);
      logger.info('after_a_timer');
    });
    logger.info('after');
    expect(memory.records.map(({ event, span }) => [event, span?.traceId, span?.spanId])).toEqual([
      ['before', undefined, undefined],
      ['at_once', TRACE, SPAN],
      ['after_a_timer', TRACE, SPAN],
      ['after', undefined, undefined],
    ]);
  });

  test('keeps its state and its sampling', () => {
    const headers = { traceparent: `00-${TRACE}-${SPAN}-00`, tracestate: 'a=1,b=2' };
    const seen = withRequest(headers, ids);
    expect(seen?.traceFlags).toBe(0);
    expect(seen?.traceState?.serialize()).toBe('a=1,b=2');
  });

  test('comes with the baggage', () => {
    const headers = { traceparent, baggage: 'tenant=acme' };
    const tenant = () => propagation.getActiveBaggage()?.getEntry('tenant')?.value;
    expect(withRequest(headers, tenant)).toBe('acme');
  });

  test('is passed on as a valid header, even with flags that do not exist', () => {
    const headers = { traceparent: `00-${TRACE}-${SPAN}-ff` };
    const sent: Record<string, string> = {};
    withRequest(headers, () => propagation.inject(context.active(), sent));
    expect(sent.traceparent).toBe(`00-${TRACE}-${SPAN}-03`);
  });
});

describe('a fresh trace', () => {
  // Not to be trusted as it came, nor replaced by an id of another form where there is none.
  const invalid: [string, unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['text', 'traceparent: x'],
    ['no header', {}],
    ['an empty header', { traceparent: '' }],
    ['a UUID', { traceparent: '7f9c24e8-3b12-4d1a-9c54-0a5e6f1d2b3c' }],
    ['zeros as trace id', { traceparent: `00-${'0'.repeat(32)}-${SPAN}-01` }],
    ['zeros as span id', { traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` }],
    ['upper case', { traceparent: traceparent.toUpperCase() }],
    ['the version that is forbidden', { traceparent: `ff-${TRACE}-${SPAN}-01` }],
    ['too much', { traceparent: `${traceparent}-extra` }],
    ['a new line', { traceparent: `${traceparent}\nadmin=1` }],
    ['two of them', { traceparent: [traceparent, other.traceparent] }],
    ['a number', { traceparent: 7 }],
    ['a header of the prototype', Object.create({ traceparent })],
    ['a header within one called __proto__', JSON.parse(`{"__proto__":{"traceparent":"${traceparent}"}}`)],
    ['megabytes', { traceparent: traceparent.repeat(20_000), tracestate: 'a=1,'.repeat(200_000) }],
    ['X-Trace-Id, which nobody asked for', { 'x-trace-id': TRACE }],
  ];
  test.each(invalid)('for %s', (_name, headers) => {
    const [one, two] = [withRequest(headers as never, ids), withRequest(headers as never, ids)];
    expect(one?.traceId).toMatch(/^[\da-f]{32}$/);
    expect(one?.spanId).toMatch(/^[\da-f]{16}$/);
    expect(one?.traceFlags).toBe(1);
    expect(isSpanContextValid(one as never)).toBe(true);
    expect([TRACE, two?.traceId]).not.toContain(one?.traceId);
  });

  test('whatever the headers are: a valid trace, the one they name or another, and nothing is thrown', () => {
    const hostile = fc.oneof(
      fc.anything(),
      fc.dictionary(fc.constantFrom('traceparent', 'tracestate', 'baggage', 'Traceparent'), fc.anything()),
      fc.record({ traceparent: fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/) }),
      fc.dictionary(fc.constantFrom('traceparent', 'baggage'), fc.string({ unit: 'binary' })),
    );
    fc.assert(
      fc.property(hostile, (headers) => {
        const seen = withRequest(headers as never, ids);
        expect(isSpanContextValid(seen as never)).toBe(true);
        const header = (headers as { traceparent?: unknown } | null | undefined)?.traceparent;
        const named = /^\s?00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f]{2}\s?$/.exec(
          typeof header === 'string' ? header : '',
        );
        if (named !== null) expect([seen?.traceId, seen?.spanId]).toEqual([named[1], named[2]]);
      }),
      { numRuns: 200 },
    );
  });

  test('also if headers or propagator throw, which is told', async () => {
    diag.disable();
    const explode = () => {
      throw new Error('secret');
    };
    const headers = new Proxy({}, { get: explode, getOwnPropertyDescriptor: explode, ownKeys: explode });
    expect(isSpanContextValid(withRequest(headers, ids) as never)).toBe(true);
    propagation.disable();
    propagation.setGlobalPropagator({ inject: explode, extract: explode, fields: () => [] });
    let seen: unknown;
    const told = await toldDuring(() => {
      seen = withRequest({ traceparent }, ids);
    });
    expect(isSpanContextValid(seen as never)).toBe(true);
    expect(told).toContain('logspan: a trace context could not be read Error');
  });
});

describe('what fn does', () => {
  test('is returned as it is', async () => {
    const promise = Promise.resolve(7);
    expect(withRequest({}, () => 7)).toBe(7);
    expect(withRequest({}, () => promise)).toBe(promise);
    await promise;
  });

  test('is not run by asking it, if it is a thenable', () => {
    const then = jest.fn();
    expect(withRequest({}, () => ({ then })).then).toBe(then);
    expect(then).not.toHaveBeenCalled();
  });

  test('is thrown as it is', async () => {
    const error = new Error('mine');
    const fail = () => {
      throw error;
    };
    expect(() => withRequest({}, fail)).toThrow(error);
    await expect(withRequest({}, async () => fail())).rejects.toBe(error);
    expect(ids()).toBeUndefined();
  });
});

describe('the next request', () => {
  test('gets nothing of the one whose context it runs in', () => {
    const first = { traceparent, baggage: 'tenant=acme' };
    const captured = withRequest(first, () => withAttributes({ user: 'ada' }, () => context.active()));
    // As a connection or timer does that was made while the first request was served.
    context.with(captured, () => {
      for (const headers of [other, {}]) {
        withRequest(headers, () => {
          getLogger('shop').info('second');
          expect(propagation.getActiveBaggage()).toBeUndefined();
        });
      }
    });
    const [named, fresh] = memory.records;
    expect(named?.span?.traceId).toBe(OTHER);
    expect([TRACE, OTHER, undefined]).not.toContain(fresh?.span?.traceId);
    expect(memory.records.map(({ attributes }) => attributes)).toEqual([{}, {}]);
  });

  test('is the same one if it has the same headers', () => {
    const headers = {};
    withRequest(headers, () => {
      const outer = ids();
      withRequest(headers, () => expect(ids()).toBe(outer));
      withRequest({}, () => expect(ids()?.traceId).not.toBe(outer?.traceId));
      expect(ids()).toBe(outer);
    });
  });

  test('keeps what was put around it outside of any request', () => {
    withAttributes({ worker: 3 }, () => withRequest({ traceparent }, () => getLogger('shop').info('inside')));
    expect(memory.only('inside').attributes).toEqual({ worker: 3 });
  });
});

describe('with a tracer', () => {
  let spans: InMemorySpanExporter;
  let provider: BasicTracerProvider;
  beforeEach(() => {
    spans = new InMemorySpanExporter();
    provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
    trace.setGlobalTracerProvider(provider);
  });
  afterEach(() => provider.shutdown());
  const inSpan = <T>(fn: (span: Span) => T): T => trace.getTracer('test').startActiveSpan('theirs', fn);

  test('a span that is under way is the request’s', () => {
    inSpan((span) => {
      for (const headers of [{ traceparent }, {}]) withRequest(headers, () => expect(ids()).toBe(span.spanContext()));
      span.end();
    });
    expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(['theirs']);
  });

  test('within another request, other headers are another request: messages of one batch, for example', () => {
    const seen = (headers: Record<string, string>) => withRequest(headers, ids);
    withRequest({ traceparent }, () => {
      const outer = ids();
      expect(outer?.traceId).toBe(TRACE);
      expect(seen(other)?.traceId).toBe(OTHER);
      expect([TRACE, OTHER]).not.toContain(seen({})?.traceId);
      const inTheSameTrace = seen({ traceparent: `00-${TRACE}-00f067aa0ba902b7-01` });
      expect(inTheSameTrace?.traceId).toBe(TRACE);
      expect(inTheSameTrace?.spanId).not.toBe(outer?.spanId);
      expect(ids()).toBe(outer);
    });
    const parents = spans.getFinishedSpans().map(({ parentSpanContext }) => parentSpanContext?.spanId);
    expect(parents).toEqual(['00f067aa0ba902b7', undefined, '00f067aa0ba902b7', SPAN]);
  });

  test('within another request, the span that was started for this one is used', () => {
    withRequest({ traceparent }, () => {
      const message = propagation.extract(context.active(), other);
      const span = trace.getTracer('queue').startSpan('process', {}, message);
      context.with(trace.setSpan(message, span), () => {
        withRequest({ ...other }, () => expect(ids()).toBe(span.spanContext()));
      });
      span.end();
    });
    expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(['process', 'request']);
  });

  test('a span that has ended is not: the service was started in it', () => {
    inSpan((span) => {
      span.end();
      withRequest({ traceparent }, () => expect(ids()?.traceId).toBe(TRACE));
      withRequest({}, () => expect(ids()?.traceId).not.toBe(span.spanContext().traceId));
    });
  });

  test('a span is started below the caller’s, and ended', async () => {
    const inner = await withRequest({ traceparent }, async () => {
      await delay(1);
      expect(spans.getFinishedSpans()).toEqual([]);
      return ids();
    });
    const [span] = spans.getFinishedSpans();
    expect(span?.name).toBe('request');
    expect(span?.spanContext()).toEqual(inner);
    expect(span?.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: SPAN });
  });

  test('what fails makes it a failure', async () => {
    const fail = () => {
      throw new RangeError('secret');
    };
    expect(() => withRequest({}, fail)).toThrow('secret');
    await expect(withRequest({}, async () => fail())).rejects.toThrow('secret');
    for (const { status, attributes, events } of spans.getFinishedSpans()) {
      expect([status, attributes, events]).toEqual([
        { code: 2, message: 'RangeError' },
        { 'error.type': 'RangeError' },
        [],
      ]);
    }
    expect(spans.getFinishedSpans()).toHaveLength(2);
  });

  describe('that samples nothing', () => {
    beforeEach(() => {
      trace.disable();
      const sampler = { shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }), toString: () => 'none' };
      trace.setGlobalTracerProvider(new BasicTracerProvider({ sampler }));
    });

    test('an HTTP request that an instrumentation has told of keeps its ids, unless the headers name others', () => {
      inSpan((span) => {
        context.with(setRPCMetadata(context.active(), { type: RPCType.HTTP, span }), () => {
          withRequest({}, () => expect(ids()).toBe(span.spanContext()));
          inSpan((below) => withRequest({}, () => expect(ids()).toBe(below.spanContext())));
          withRequest({ traceparent }, () => expect(ids()).toMatchObject({ traceId: TRACE, traceFlags: 0 }));
        });
      });
    });

    test('a span that is left over from the start of the service is nobody’s', () => {
      inSpan((span) => {
        const seen = [withRequest({}, ids), withRequest({}, ids)];
        span.end();
        seen.push(withRequest({}, ids), withRequest({ traceparent }, ids));
        expect(new Set([...seen, span.spanContext()].map((each) => each?.traceId)).size).toBe(5);
        for (const each of seen) expect(isSpanContextValid(each as never)).toBe(true);
      });
    });
  });

  test('tracing that was suppressed stays so', () => {
    const quiet = suppressTracing(ROOT_CONTEXT);
    const sent = {};
    context.with(quiet, () => withRequest({}, () => propagation.inject(context.active(), sent)));
    expect(sent).toEqual({});
    expect(spans.getFinishedSpans()).toEqual([]);
  });

  test('a tracer that throws costs the request nothing but the span', async () => {
    trace.disable();
    const explode = () => {
      throw new Error('secret');
    };
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: explode, startActiveSpan: explode }) });
    diag.disable();
    const told = await toldDuring(() => {
      expect(withRequest({ traceparent }, ids)).toMatchObject({ traceId: TRACE, spanId: SPAN });
    });
    expect(told).toContain('logspan: a span could not be started Error');
  });
});
