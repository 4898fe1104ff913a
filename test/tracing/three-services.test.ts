import { expect, test } from '@jest/globals';
import { SpanKind } from '@opentelemetry/api';
import { chainOf, type Service } from './chain.ts';

// These run the built packages in three processes, as services do.

const PATIENCE = 40_000;
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

/** The one trace that all records and spans are in. */
function traceOf(services: readonly Service[]): string | undefined {
  const traceIds = services.flatMap(({ records, spans }) => [...records, ...spans].map(({ traceId }) => traceId));
  expect(new Set(traceIds).size).toBe(1);
  return traceIds[0];
}

const EVENTS = ['handled', 'service_call_completed', 'request_completed'];

function expectEvents(services: readonly Service[]): void {
  const [a, b, c] = services.map(({ records }) => records.map(({ event }) => event));
  expect([a, b, c]).toEqual([EVENTS, EVENTS, ['handled', 'request_completed']]);
}

test(
  'three services with tracers: one trace, and each span below the one that called it',
  async () => {
    const services = await chainOf(['tracer', 'tracer', 'tracer']);
    const [a, b, c] = services;
    expectEvents(services);
    expect(traceOf(services)).toMatch(/^(?!0{32})[\da-f]{32}$/);
    expect(a.span(SpanKind.SERVER).parentSpanId).toBeUndefined();
    expect(a.span(SpanKind.CLIENT).parentSpanId).toBe(a.span(SpanKind.SERVER).spanId);
    expect(b.span(SpanKind.SERVER).parentSpanId).toBe(a.span(SpanKind.CLIENT).spanId);
    expect(b.span(SpanKind.CLIENT).parentSpanId).toBe(b.span(SpanKind.SERVER).spanId);
    expect(c.span(SpanKind.SERVER).parentSpanId).toBe(b.span(SpanKind.CLIENT).spanId);
    for (const service of services)
      expect(service.spanIdsOf('handled')).toEqual([service.span(SpanKind.SERVER).spanId]);
    for (const service of [a, b]) {
      expect(service.spanIdsOf('service_call_completed')).toEqual([service.span(SpanKind.CLIENT).spanId]);
    }
  },
  PATIENCE,
);

test(
  'the middle one has no tracer: its records and the spans behind it hang on the span that called it',
  async () => {
    const services = await chainOf(['tracer', 'none', 'tracer'], {
      headers: { traceparent: `00-${TRACE}-${SPAN}-01` },
    });
    const [a, b, c] = services;
    expectEvents(services);
    expect(traceOf(services)).toBe(TRACE);
    expect(a.span(SpanKind.SERVER).parentSpanId).toBe(SPAN);
    const call = a.span(SpanKind.CLIENT).spanId;
    expect(b.spans).toEqual([]);
    expect(new Set(b.records.map(({ spanId }) => spanId))).toEqual(new Set([call]));
    expect(c.span(SpanKind.SERVER).parentSpanId).toBe(call);
  },
  PATIENCE,
);

test(
  'no tracer anywhere: one trace, and the called one has the id of the call',
  async () => {
    const services = await chainOf(['none', 'none', 'none']);
    const [a, b, c] = services;
    expectEvents(services);
    traceOf(services);
    const [call] = a.spanIdsOf('service_call_completed');
    expect(a.spanIdsOf('handled')).not.toEqual([call]);
    for (const service of [b, c]) expect(service.spanIdsOf('handled')).toEqual([call]);
    for (const service of services) {
      expect(service.records.find(({ event }) => event === 'handled')?.attributes.received).toBe(service === a ? 0 : 1);
    }
  },
  PATIENCE,
);
