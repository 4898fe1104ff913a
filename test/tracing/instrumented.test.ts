import { expect, test } from '@jest/globals';
import { SpanKind } from '@opentelemetry/api';
import { chainOf } from './chain.ts';

// Runs the built packages beside OpenTelemetry's NodeSDK, with its instrumentations of http and fetch, in three processes.

const PATIENCE = 60_000;
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test(
  'beside a NodeSDK there is one span and one header for each step, over fetch and over node:http',
  async () => {
    // It may start before register() or after it.
    const services = await chainOf(['node-sdk', 'node-sdk-later', 'node-sdk'], {
      headers: { traceparent: `00-${TRACE}-${SPAN}-01` },
      via: ['fetch', 'http'],
    });
    const [a, b, c] = services;
    expect(services.map(({ spans }) => spans.length)).toEqual([2, 2, 1]);
    for (const { spans, records } of services) {
      for (const { traceId } of [...spans, ...records]) expect(traceId).toBe(TRACE);
      expect(records.find(({ event }) => event === 'handled')?.attributes.received).toBe(1);
    }
    expect(a.span(SpanKind.SERVER).parentSpanId).toBe(SPAN);
    expect(b.span(SpanKind.SERVER).parentSpanId).toBe(a.span(SpanKind.CLIENT).spanId);
    expect(c.span(SpanKind.SERVER).parentSpanId).toBe(b.span(SpanKind.CLIENT).spanId);
    for (const service of services) {
      const server = service.span(SpanKind.SERVER);
      expect(server.scope).toBe('@opentelemetry/instrumentation-http');
      for (const event of ['handled', 'request_completed']) expect(service.spanIdsOf(event)).toEqual([server.spanId]);
    }
    for (const service of [a, b]) {
      const client = service.span(SpanKind.CLIENT);
      expect([client.scope, client.parentSpanId]).toEqual(['@logspan/sdk', service.span(SpanKind.SERVER).spanId]);
      expect(service.spanIdsOf('service_call_completed')).toEqual([client.spanId]);
    }
  },
  PATIENCE,
);

test(
  'beside a NodeSDK, a trace that is not sampled has no spans, and its ids are in all records',
  async () => {
    const headers = { traceparent: `00-${TRACE}-${SPAN}-00` };
    const services = await chainOf(['node-sdk', 'node-sdk-later', 'node-sdk'], { headers });
    for (const { spans, records } of services) {
      expect(spans).toEqual([]);
      expect(records.length).toBeGreaterThan(1);
      for (const { traceId } of records) expect(traceId).toBe(TRACE);
    }
  },
  PATIENCE,
);
