import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeLogs, decodeMetrics, decodeSpans } from './decode.ts';
import { createReceiver, type Listener, type Receiver } from './receiver.ts';
import type { ExportRequest } from './reply.ts';
import { createStore, type StoreOptions } from './store.ts';

const traceId = (n: number): string => n.toString(16).padStart(32, '0');

/** A store, and the ways in that a receiver would use. */
function storeWith(options?: StoreOptions) {
  const listeners: { logs?: Listener<never>; spans?: Listener<never>; metrics?: Listener<never> } = {};
  const keep = (name: keyof typeof listeners) => (listener: Listener<never>) => {
    listeners[name] = listener;
    return () => {};
  };
  const receiver = { onLogs: keep('logs'), onSpans: keep('spans'), onMetrics: keep('metrics') } as unknown as Receiver;
  const store = createStore(receiver, options);
  const resource = (service: string) => ({ attributes: [{ key: 'service.name', value: { stringValue: service } }] });
  const arrive = (
    listener: unknown,
    decode: (body: Uint8Array, encoding: 'json') => unknown,
    request: object,
  ): number => {
    const body = Buffer.from(JSON.stringify(request));
    (listener as (items: unknown, request: Partial<ExportRequest>) => void)(decode(body, 'json'), { body });
    return body.length;
  };
  return {
    store,
    logs: (service: string, ...logRecords: object[]) =>
      arrive(listeners.logs, decodeLogs, {
        resourceLogs: [{ resource: resource(service), scopeLogs: [{ logRecords }] }],
      }),
    spans: (service: string, ...spans: object[]) =>
      arrive(listeners.spans, decodeSpans, {
        resourceSpans: [{ resource: resource(service), scopeSpans: [{ spans }] }],
      }),
    points: (service: string, ...dataPoints: object[]) =>
      arrive(listeners.metrics, decodeMetrics, {
        resourceMetrics: [{ resource: resource(service), scopeMetrics: [{ metrics: [{ sum: { dataPoints } }] }] }],
      }),
  };
}

test('counts by signal, service and severity', () => {
  const { store, logs, spans, points } = storeWith();
  logs('web', { severityNumber: 9 }, { severityNumber: 10 }, { severityNumber: 17 }, {});
  logs('db', { severityNumber: 24 }, { severityNumber: 99 });
  spans('web', { name: 'a' });
  points('db', { asInt: 1 }, { asInt: 2 });
  expect(store.counts()).toEqual({
    logRecords: 6,
    spans: 1,
    dataPoints: 2,
    byService: { web: { logRecords: 4, spans: 1, dataPoints: 0 }, db: { logRecords: 2, spans: 0, dataPoints: 2 } },
    bySeverity: { unspecified: 2, trace: 0, debug: 0, info: 2, warn: 0, error: 1, fatal: 1 },
    traces: 0,
    tracesAcrossServices: 0,
    evicted: { logRecords: 0, traces: 0 },
  });
});

test('joins traces across services, from logs and from spans', () => {
  const { store, logs, spans } = storeWith();
  logs('web', { traceId: traceId(1) }, { traceId: traceId(1) }, { traceId: traceId(2) }, {});
  logs('stock', { traceId: traceId(1) });
  spans('pay', { traceId: traceId(1) });
  spans('web', { traceId: traceId(2) }, { traceId: traceId(3) });
  expect(store.trace(traceId(1))).toEqual({
    traceId: traceId(1),
    logRecords: 3,
    spans: 1,
    logServices: ['web', 'stock'],
    spanServices: ['pay'],
  });
  expect(store.traces().map((trace) => trace.traceId)).toEqual([traceId(1), traceId(2), traceId(3)]);
  expect(store.counts()).toMatchObject({ traces: 3, tracesAcrossServices: 1 });
  expect(store.trace(traceId(9))).toBeUndefined();
});

test('holds the newest records within its number', () => {
  const { store, logs } = storeWith({ maxRecords: 3 });
  for (const eventName of ['a', 'b', 'c', 'd', 'e']) logs('web', { eventName });
  expect(store.logs().map((record) => record.eventName)).toEqual(['c', 'd', 'e']);
  expect(store.counts()).toMatchObject({ logRecords: 5, evicted: { logRecords: 2 } });
});

test('holds the newest records within its bytes, a record larger than all not at all', () => {
  const { store, logs } = storeWith({ maxBytes: 1000 });
  const size = logs('web', { eventName: 'a'.repeat(200) });
  for (let more = 0; more < 10; more++) logs('web', { eventName: 'a'.repeat(200) });
  expect(store.logs()).toHaveLength(Math.floor(1000 / size));
  logs('web', { eventName: 'a'.repeat(2000) });
  expect(store.logs()).toHaveLength(0);
  logs('web', { eventName: 'small' });
  expect(store.logs()).toHaveLength(1);
  expect(store.counts()).toMatchObject({ logRecords: 13, evicted: { logRecords: 12 } });
});

test('forgets the trace that was silent longest', () => {
  const { store, logs } = storeWith({ maxTraces: 2 });
  for (const n of [1, 2, 1, 3]) logs('web', { traceId: traceId(n) });
  expect(store.traces().map((trace) => trace.traceId)).toEqual([traceId(1), traceId(3)]);
  expect(store.counts()).toMatchObject({ traces: 2, evicted: { traces: 1 } });
});

test('counts the services past its number together', () => {
  const { store, logs } = storeWith({ maxServices: 2 });
  for (const service of ['a', 'b', 'c', 'd', 'a', '__proto__']) logs(service, { traceId: traceId(1) });
  expect(Object.entries(store.counts().byService).map(([name, { logRecords }]) => [name, logRecords])).toEqual([
    ['a', 2],
    ['b', 1],
    ['(other)', 3],
  ]);
  expect(store.trace(traceId(1))?.logServices).toEqual(['a', 'b', '(other)']);
});

test('whatever arrives: within limits, and all of it is held or counted as evicted', () => {
  const arrivals = fc.array(
    fc.record({ service: fc.constantFrom('a', 'b', 'c'), trace: fc.nat(6), isSpan: fc.boolean() }),
  );
  const limit = fc.nat(5);
  fc.assert(
    fc.property(arrivals, limit, limit, (items, maxRecords, maxTraces) => {
      const { store, logs, spans } = storeWith({ maxRecords, maxTraces });
      for (const { service, trace, isSpan } of items) {
        (isSpan ? spans : logs)(service, { traceId: trace === 0 ? '' : traceId(trace) });
      }
      const counts = store.counts();
      const logCount = items.filter((item) => !item.isSpan).length;
      expect(store.logs()).toHaveLength(Math.min(maxRecords, logCount));
      expect(counts.evicted.logRecords).toBe(logCount - store.logs().length);
      expect(counts.traces).toBeLessThanOrEqual(maxTraces);
      expect([counts.logRecords, counts.spans]).toEqual([logCount, items.length - logCount]);
    }),
  );
});

test('listens to a real receiver', async () => {
  const receiver = createReceiver({ port: 0 });
  const store = createStore(receiver);
  const url = await receiver.start();
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: 'hello' }] }] }] });
  await fetch(`${url}/v1/logs`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  await receiver.close();
  expect(store.logs()).toMatchObject([{ eventName: 'hello', service: 'unknown_service' }]);
});

test('a limit that is none is refused', () => {
  expect(() => storeWith({ maxRecords: -1 })).toThrow('maxRecords: expected a whole number of at least 0, got -1');
  expect(() => storeWith({ maxTraces: 1.5 })).toThrow('maxTraces');
});
