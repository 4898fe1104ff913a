import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { context, diag, INVALID_SPAN_CONTEXT, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { emitTo, providers, Recorder, through, toldDuring } from '../../../../test/pipeline/recorder.ts';
import { Memory } from '../../../../test/tracing/memory.ts';
import { route } from '../handlers/route.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import { pipe } from '../pipeline/pipe.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { readEnvironment } from '../provider/environment.ts';
import { stepsOf } from '../provider/options.ts';
import { Pipeline } from '../provider/pipeline.ts';
import { enrich } from './enrich.ts';
import { eventToSpanEventBridge } from './event-to-span-event-bridge.ts';
import { redact } from './redact.ts';

const MILLIS = 1_763_900_000_123;

let spans: InMemorySpanExporter;
let provider: BasicTracerProvider;
let memory: Memory;
beforeEach(() => {
  spans = new InMemorySpanExporter();
  provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  memory = new Memory({ processors: [redact({ keys: ['pin'] }), eventToSpanEventBridge()] });
});
afterEach(async () => {
  await provider.shutdown();
  await memory.end();
});

/** Runs in a span; answers that span as it was exported. */
function inSpan(fn: (span: Span) => void, { keepOpen = false } = {}): ReadableSpan {
  const span = provider.getTracer('test').startSpan('work');
  context.with(trace.setSpan(context.active(), span), () => fn(span));
  if (!keepOpen && span.isRecording()) span.end();
  return spans.getFinishedSpans().at(-1) as ReadableSpan;
}

describe.each(providers)('an event of %s', (_name, from) => {
  test('becomes exactly one event of the span it happened in, with its name, time and attributes, and goes on', () => {
    const { end, emit } = through(eventToSpanEventBridge(), from);
    const attributes = { item: 'tea', amount: 2, gift: false };
    const { events } = inSpan(() =>
      emit({ eventName: 'order_placed', body: 'placed', timestamp: MILLIS, attributes, severityNumber: 9 }),
    );
    expect(events).toEqual([
      { name: 'order_placed', attributes, time: [1_763_900_000, 123_000_000], droppedAttributesCount: 0 },
    ]);
    expect(end.records).toHaveLength(1);
    expect(end.records[0]).toMatchObject({ eventName: 'order_placed', body: 'placed', attributes });
  });

  test.each([
    ['without a name', { body: 'placed' }],
    ['with an empty name', { eventName: '' }],
  ])('%s is none, and goes on', (_what, record) => {
    const { end, emit } = through(eventToSpanEventBridge(), from);
    expect(inSpan(() => emit(record)).events).toEqual([]);
    expect(end.records).toHaveLength(1);
  });

  test('outside of any span goes on', () => {
    const { end, emit } = through(eventToSpanEventBridge(), from);
    emit({ eventName: 'order_placed' });
    expect(end.records).toHaveLength(1);
  });

  test('in a span that has ended goes on, and changes nothing', () => {
    const { end, emit } = through(eventToSpanEventBridge(), from);
    const { events } = inSpan((span) => {
      span.end();
      emit({ eventName: 'too_late' });
    });
    expect(events).toEqual([]);
    expect(end.records).toHaveLength(1);
  });

  test('in a span that is not sampled goes on, and its attributes are not read', () => {
    const { end, emit } = through(eventToSpanEventBridge(), from);
    const unsampled = new BasicTracerProvider({ sampler: new AlwaysOffSampler() }).getTracer('test').startSpan('work');
    let added = 0;
    unsampled.addEvent = () => {
      added++;
      return unsampled;
    };
    context.with(trace.setSpan(ROOT_CONTEXT, unsampled), () => emit({ eventName: 'order_placed' }));
    expect([end.records.length, added]).toEqual([1, 0]);
  });
});

test('the ids of the record must be those of the span: an event may be linked to another one', () => {
  const { end, processor, emit } = through(eventToSpanEventBridge());
  let other: Span | undefined;
  inSpan(
    (span) => {
      other = span;
    },
    { keepOpen: true },
  );
  const { events } = inSpan((span) => {
    // The context that the record brings along counts, not the one that is active.
    emit({ eventName: 'elsewhere', context: trace.setSpan(ROOT_CONTEXT, other as Span) } as never);
    const mine = span.spanContext();
    const theirs = (other as Span).spanContext();
    const like = end.records[0] as LogRecord;
    for (const spanContext of [
      { ...mine, spanId: theirs.spanId },
      { ...mine, traceId: theirs.traceId },
      INVALID_SPAN_CONTEXT,
    ]) {
      processor.onEmit({ ...copyRecord(like), eventName: 'not_mine', spanContext }, context.active());
    }
    const { spanContext: _none, ...without } = copyRecord(like);
    processor.onEmit(without, context.active());
  });
  expect(events).toEqual([]);
  (other as Span).end();
  expect(
    spans
      .getFinishedSpans()
      .at(-1)
      ?.events.map(({ name }) => name),
  ).toEqual(['elsewhere']);
  expect(end.records).toHaveLength(5);
});

test('a record without a time has the one at which it was observed', () => {
  const { end, processor, emit } = through(eventToSpanEventBridge());
  const { events } = inSpan(() => {
    emit({ eventName: 'first' });
    const record = end.records[0] as LogRecord;
    processor.onEmit({ ...copyRecord(record), hrTime: [0, 0], hrTimeObserved: [7, 8] }, context.active());
  });
  expect(events[1]?.time).toEqual([7, 8]);
});

describe('through register()', () => {
  test('what redaction has taken out is not in the span', () => {
    const token = 'Bearer abcdefghijklmnopqrstuvwxyz0123456789';
    const { events } = inSpan(() =>
      getLogger('shop').info('user_login', { username: 'ann', pin: '1234', user: { password: 'sesame' }, token }),
    );
    expect(events.map(({ name, attributes }) => [name, attributes])).toEqual([
      [
        'user_login',
        {
          username: 'ann',
          pin: '***REDACTED***',
          user: '{"password":"***REDACTED***"}',
          token: '***REDACTED***',
        },
      ],
    ]);
    expect(JSON.stringify([events, memory.records])).not.toMatch(/1234|sesame|abcdef/);
    expect(memory.events).toEqual(['user_login']);
  });

  test('no byte of a secret is in what OTLP sends of the span', () => {
    const span = inSpan(() => getLogger('shop').info('user_login', { pin: '1234', user: { password: 'sesame' } }));
    const bytes = Buffer.from(ProtobufTraceSerializer.serializeRequest([span]) ?? []).toString('latin1');
    expect(bytes).toContain('user_login');
    expect(bytes).toContain('***REDACTED***');
    expect(bytes).not.toMatch(/1234|sesame/);
  });

  test('an error is there with its type, message and stack', () => {
    const { events } = inSpan(() => getLogger('shop').error('payment_failed', { error: new RangeError('mine') }));
    expect(events[0]?.attributes).toMatchObject({
      'exception.type': 'RangeError',
      'exception.message': 'mine',
      'exception.stacktrace': expect.stringContaining('RangeError: mine'),
    });
  });

  test('a record below the level is no event of the span either', async () => {
    await memory.end();
    memory = new Memory({ level: 'warn', processors: [eventToSpanEventBridge()] });
    expect(inSpan(() => getLogger('shop').info('order_placed')).events).toEqual([]);
  });
});

test('must stand behind redact, also where redact is added', () => {
  expect(() => pipe(eventToSpanEventBridge(), redact())).toThrow(/redact stands after eventToSpanEventBridge/);
  expect(() => pipe(eventToSpanEventBridge(), enrich({ a: 1 }))).toThrow(/enrich stands after eventToSpanEventBridge/);
  const names = stepsOf({ processors: [enrich({ a: 1 }), eventToSpanEventBridge()] }).map(
    (step) => (step as { stageName?: string }).stageName,
  );
  expect(names).toEqual(['enrich', 'redact', 'eventToSpanEventBridge']);
});

test('on a route it shows what the route has left', () => {
  const end = new Recorder();
  const none = { accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 };
  const to = { name: 'end', start: () => Object.assign(end, { deliveryAccount: () => none }) };
  const known = { resource: { attributes: {} }, environment: readEnvironment({}, () => undefined) };
  const routes = [route({ to, processors: [redact({ keys: ['item'] }), eventToSpanEventBridge()] }), to];
  const emit = emitTo(new Pipeline([redact()], routes, known, true));
  const { events } = inSpan(() => emit({ eventName: 'order_placed', attributes: { item: 'tea' } }));
  expect(events.map(({ attributes }) => attributes)).toEqual([{ item: '***REDACTED***' }]);
  expect(end.attributes).toEqual([{ item: '***REDACTED***' }, { item: 'tea' }]);
});

describe('attributes', () => {
  const shown = (attributes: Record<string, unknown>, from = emitTo) => {
    const { emit } = through(eventToSpanEventBridge(), from);
    return inSpan(() => emit({ eventName: 'e', attributes } as never)).events[0]?.attributes;
  };

  test.each<[what: string, value: unknown, shown: unknown]>([
    ['text', 'a', 'a'],
    ['a list of texts', ['a', 'b'], ['a', 'b']],
    ['a list of numbers', [1, 2.5], [1, 2.5]],
    ['a list with nulls', [true, null], [true, null]],
    ['an empty list', [], []],
    ['a mixed list', ['a', 1], '["a",1]'],
    ['a list of lists', [['a']], '[["a"]]'],
    ['an object', { a: { b: [1, null] } }, '{"a":{"b":[1,null]}}'],
    ['null', null, ''],
    ['bytes', new Uint8Array([1, 2, 255]), 'AQL/'],
    ['bytes within', { a: Buffer.from([1, 2, 255]) }, '{"a":"AQL/"}'],
    ['numbers that are none, within', [Number.NaN, 'a'], '["NaN","a"]'],
    ['a bigint', 10n ** 20n, '100000000000000000000'],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a Map', new Map([['a', 1]]), '{"a":1}'],
  ])('%s', (_what, value, expected) => {
    expect(shown({ value })).toEqual({ value: expected });
  });

  test('undefined is none, and __proto__ a name like any other', () => {
    const { processor, end, emit } = through(eventToSpanEventBridge());
    emit({ eventName: 'like' });
    const given: Record<string, unknown> = JSON.parse('{"__proto__":"x","a":1}');
    given.b = undefined;
    let added: unknown;
    inSpan((span) => {
      span.addEvent = (_name, attributes) => {
        added = attributes;
        return span;
      };
      const record = { ...copyRecord(end.records[0] as LogRecord), spanContext: span.spanContext(), attributes: given };
      processor.onEmit(record, context.active());
    });
    expect(Object.entries(added as object)).toEqual([
      ['__proto__', 'x'],
      ['a', 1],
    ]);
    expect(added).not.toBe(given);
  });

  test('any value becomes one that a span takes: none is lost, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.anything()), (attributes) => {
        const { end, emit } = through(eventToSpanEventBridge());
        const [event] = inSpan(() => emit({ eventName: 'e', attributes } as never)).events;
        const kept = Object.entries(end.records[0]?.attributes ?? {}).filter(([, value]) => value !== undefined);
        expect(Object.keys(event?.attributes ?? {})).toEqual(kept.map(([key]) => key));
        expect(Object.values(event?.attributes ?? {}).every((value) => value !== undefined)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

test('a tracer that throws costs the event, not the record, and is told', async () => {
  const end = new Recorder();
  const emit = emitTo(eventToSpanEventBridge()(end));
  diag.disable();
  const told = await toldDuring(() => {
    inSpan((span) => {
      span.addEvent = () => {
        throw new Error('secret');
      };
      emit({ eventName: 'order_placed' });
    });
  });
  expect(end.records).toHaveLength(1);
  expect(told).toEqual(['logspan: an event could not be added to its span, which failed 1 time(s) Error']);
});
