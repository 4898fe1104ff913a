import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { context, DiagLogLevel, diag } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import fc from 'fast-check';
import { anything } from '../../../test/hostile-values/anything.ts';
import { endStreams, eventStream } from './event-stream.ts';
import { setDestination, setMinimumSeverities } from './facade-state.ts';
import { lazy } from './lazy.ts';
import { SEVERITY } from './level.ts';
import { getLogger } from './logger.ts';
import { STREAM, streamCounts, streamMarkOf } from './stream-state.ts';

interface Written {
  readonly scope: string;
  readonly severityText: string;
  readonly eventName: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
}

let written: Written[];
beforeEach(() => {
  written = [];
  forget();
  setDestination({
    getWriter: (scope) => ({
      emit({ severityText = '', eventName, attributes, context: from }) {
        const mark = streamMarkOf(from ?? context.active());
        expect(mark?.attributes).toBe(attributes);
        written.push({ scope, severityText, eventName, attributes: { ...mark?.numbers, ...attributes } });
      },
      write(_number, severityText, eventName, _body, attributes) {
        written.push({ scope, severityText, eventName, attributes: attributes as Written['attributes'] });
      },
    }),
  });
});
afterEach(() => {
  forget();
  setDestination(undefined);
  jest.useRealTimers();
});

/** As in a process that has just been started. */
function forget(): void {
  delete (globalThis as { [key: symbol]: unknown })[Symbol.for('logspan.streams.v1')];
}

const sequences = () => written.map(({ attributes }) => attributes[STREAM.sequence]);

test('an event is a record of its type, numbered, and is answered frozen', () => {
  jest.useFakeTimers({ now: Date.UTC(2026, 0, 2, 3, 4, 5, 678) });
  const data = { orderId: 'ord_123', items: [{ sku: 'a' }], at: new Date(0), total: 99.99 };
  const stream = eventStream('orders', { producer: 'checkout-1' });
  const event = stream.emit('order_created', data);
  expect(event).toEqual({
    id: `orders/checkout-1/${stream.epoch}/1`,
    stream: 'orders',
    producer: 'checkout-1',
    epoch: stream.epoch,
    sequence: 1,
    type: 'order_created',
    timestamp: '2026-01-02T03:04:05.678Z',
    data: { orderId: 'ord_123', items: [{ sku: 'a' }], at: '1970-01-01T00:00:00.000Z', total: 99.99 },
  });
  expect(written).toEqual([
    {
      scope: 'orders',
      severityText: 'INFO',
      eventName: 'order_created',
      attributes: {
        [STREAM.name]: 'orders',
        [STREAM.producer]: 'checkout-1',
        [STREAM.epoch]: stream.epoch,
        [STREAM.sequence]: 1,
        ...event.data,
      },
    },
  ]);
  for (const part of [event, event.data, event.data.items, (event.data.items as object[])[0]]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
  (data.items[0] as { sku: string }).sku = 'changed';
  expect(event.data.items).toEqual([{ sku: 'a' }]);
  expect(Object.isFrozen(data.items)).toBe(false);
});

describe('the numbers', () => {
  test('go on for all who ask for the same stream and producer, and begin at 1 for others', () => {
    const numbers = [
      eventStream('orders').emit('a'),
      eventStream('orders').emit('b'),
      eventStream('parcels').emit('a'),
      eventStream('orders', { producer: 'p' }).emit('a'),
      eventStream('orders').emit('c'),
    ].map(({ sequence }) => sequence);
    expect(numbers).toEqual([1, 2, 1, 1, 3]);
    expect(eventStream('orders').producer).toBe(eventStream('parcels').producer);
  });

  test('begin anew in another epoch when the process is started again, which sorts behind the one before', () => {
    jest.useFakeTimers({ now: 1_700_000_000_000 });
    const epochs: string[] = [];
    for (let run = 0; run < 50; run++) {
      forget();
      const stream = eventStream('orders', { producer: 'checkout-1' });
      expect(stream.emit('a').sequence).toBe(1);
      epochs.push(stream.epoch);
      jest.advanceTimersByTime(1);
    }
    expect(new Set(epochs).size).toBe(50);
    expect([...epochs].sort()).toEqual(epochs);
    for (const epoch of epochs)
      expect(epoch).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(Number.parseInt((epochs[0] as string).replace('-', '').slice(0, 12), 16)).toBe(1_700_000_000_000);
  });

  test('are given out once, also when there are more streams than are kept', () => {
    const ids = new Set<string>();
    for (let index = 0; index < 10_010; index++) eventStream(`stream ${index}`);
    for (const name of ['stream 0', 'stream 10005', 'one more']) {
      for (let i = 0; i < 2; i++) ids.add(eventStream(name).emit('a').id);
    }
    expect(ids.size).toBe(6);
    expect([...streamCounts()]).toHaveLength(10_000);
  });

  test('are those of the order in which records are written, also if a lazy value emits', () => {
    const stream = eventStream('orders');
    stream.emit('outer', { inner: lazy(() => stream.emit('inner').sequence) });
    expect(written.map(({ eventName }) => eventName)).toEqual(['inner', 'outer']);
    expect(sequences()).toEqual([1, 2]);
  });

  test('cannot be said by data, and are not changed by what is said', () => {
    const spoofed = {
      [STREAM.sequence]: 7,
      [STREAM.end]: true,
      [STREAM.name]: 'other',
      'logspan.stream.x': 1,
      kept: 1,
    };
    eventStream('orders').emit('a', spoofed);
    expect(written[0]?.attributes).toEqual({
      [STREAM.name]: 'orders',
      [STREAM.producer]: expect.any(String),
      [STREAM.epoch]: expect.any(String),
      [STREAM.sequence]: 1,
      kept: 1,
    });
  });

  test('need no level: an event is written whatever the level is', () => {
    setMinimumSeverities(() => SEVERITY.off);
    eventStream('orders').emit('a');
    setMinimumSeverities(() => SEVERITY.info);
    expect(sequences()).toEqual([1]);
  });
});

describe('nothing throws', () => {
  test('whatever is emitted: the event has its number, and the next one the next', () => {
    const stream = eventStream('orders');
    let last = 0;
    fc.assert(
      fc.property(anything, anything, (type, data) => {
        const event = stream.emit(type() as string, data() as never);
        expect(event.sequence).toBe(++last);
        expect(Object.isFrozen(event) && Object.isFrozen(event.data)).toBe(true);
      }),
    );
    expect(sequences()).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  });

  test('if the destination does: told on the diagnostics, and a gap for consumers', () => {
    const told: unknown[] = [];
    const tell = (text: string) => void told.push(text);
    diag.setLogger({ error: tell, warn: tell, info: tell, debug: tell, verbose: tell }, DiagLogLevel.WARN);
    setDestination({
      getWriter: () => {
        throw new Error('no');
      },
    });
    expect(eventStream('orders').emit('a').sequence).toBe(1);
    expect(eventStream('orders').emit('b').sequence).toBe(2);
    diag.disable();
    expect(told.join()).toContain('contained');
  });

  test('before there is anybody to write to: the numbers run, and consumers see what they have missed', () => {
    const destination = written;
    setDestination(undefined);
    expect(eventStream('orders').emit('a').sequence).toBe(1);
    expect(destination).toEqual([]);
  });

  test.each([[''], ['x'.repeat(257)], [7], [undefined]])('but the name %j, at once', (name) => {
    expect(() => eventStream(name as string)).toThrow(TypeError);
    if (name !== undefined) expect(() => eventStream('a', { producer: name as string })).toThrow(/the producer/);
  });

  test.each<[unknown, RegExp]>([
    ['p', /the options/],
    [7, /the options/],
    [null, /the options/],
    [['p'], /the options/],
    [() => 'p', /the options/],
    [{ Producer: 'p' }, /no option "Producer"/],
    [{ producer: 'p', name: 'q' }, /no option "name"/],
    [{ producer: null }, /the producer/],
  ])('and the options %j, which would be a producer at random', (options, told) => {
    expect(() => eventStream('a', options as never)).toThrow(TypeError);
    expect(() => eventStream('a', options as never)).toThrow(told);
    expect(() => eventStream('a', { producer: undefined } as never)).not.toThrow();
  });
});

describe('the end mark', () => {
  test('is the last number of each stream that has one, once', () => {
    const [orders, parcels] = [eventStream('orders'), eventStream('parcels')];
    eventStream('never used');
    orders.emit('a');
    parcels.emit('a');
    parcels.end();
    endStreams();
    endStreams();
    const ends = written.filter(({ attributes }) => attributes[STREAM.end] === true);
    expect(ends.map(({ scope, eventName, attributes }) => [scope, eventName, attributes[STREAM.sequence]])).toEqual([
      ['parcels', 'stream_ended', 2],
      ['orders', 'stream_ended', 2],
    ]);
  });

  test('is followed by the next number if it was not the end', () => {
    const stream = eventStream('orders');
    stream.emit('a');
    stream.end();
    stream.emit('b');
    stream.end();
    expect(sequences()).toEqual([1, 2, 3, 4]);
    expect(written.map(({ attributes }) => attributes[STREAM.end])).toEqual([undefined, true, undefined, true]);
  });
});

test('through a stock OTel SDK the record is the same', () => {
  setDestination(undefined);
  const exporter = new InMemoryLogRecordExporter();
  logs.setGlobalLoggerProvider(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }));
  const stream = eventStream('orders');
  stream.emit('order_created', { orderId: 'ord_123' });
  logs.disable();
  const [record] = exporter.getFinishedLogRecords();
  expect(record).toMatchObject({ eventName: 'order_created', severityNumber: 9, body: 'order_created' });
  expect(record?.instrumentationScope.name).toBe('orders');
  expect(record?.attributes).toEqual({
    [STREAM.name]: 'orders',
    [STREAM.producer]: stream.producer,
    [STREAM.epoch]: stream.epoch,
    [STREAM.sequence]: 1,
    orderId: 'ord_123',
  });
  expect(Object.keys(record?.attributes ?? {})[0]).toBe(STREAM.name);
});

test('through a stock OTel SDK nobody else says numbers', () => {
  setDestination(undefined);
  const exporter = new InMemoryLogRecordExporter();
  logs.setGlobalLoggerProvider(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }));
  const forged = { [STREAM.name]: 'orders', [STREAM.sequence]: 7, [STREAM.end]: true, 'logspan.streams': 1 };
  getLogger('shop')
    .child({ [STREAM.epoch]: 'e', bound: 1 })
    .info('hello', forged);
  getLogger('shop').info('hello', () => forged);
  logs.disable();
  expect(exporter.getFinishedLogRecords().map(({ attributes }) => attributes)).toEqual([
    { 'logspan.streams': 1, bound: 1 },
    { 'logspan.streams': 1 },
  ]);
});
