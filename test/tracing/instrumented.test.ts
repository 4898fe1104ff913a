import { expect, test } from '@jest/globals';
import { SpanKind } from '@opentelemetry/api';
import { chainOf } from './chain.ts';

// Runs the built packages beside OpenTelemetry's instrumentations of http and fetch.

test('beside the instrumentations of http and fetch there is one span and one header for each step', async () => {
  const services = await chainOf(['instrumented', 'instrumented', 'tracer']);
  const [a, b, c] = services;
  expect(services.map(({ spans }) => spans.length)).toEqual([2, 2, 1]);
  expect(a.span(SpanKind.SERVER).scope).toBe('@opentelemetry/instrumentation-http');
  expect(a.span(SpanKind.CLIENT).scope).toBe('@logspan/sdk');
  expect(a.spanIdsOf('request_completed')).toEqual([a.span(SpanKind.SERVER).spanId]);
  expect(a.spanIdsOf('service_call_completed')).toEqual([a.span(SpanKind.CLIENT).spanId]);
  expect(a.span(SpanKind.CLIENT).parentSpanId).toBe(a.span(SpanKind.SERVER).spanId);
  expect(b.span(SpanKind.SERVER).parentSpanId).toBe(a.span(SpanKind.CLIENT).spanId);
  expect(c.span(SpanKind.SERVER).parentSpanId).toBe(b.span(SpanKind.CLIENT).spanId);
  for (const { records } of [b, c]) {
    expect(records.find(({ event }) => event === 'handled')?.attributes.received).toBe(1);
  }
}, 40_000);
