import { afterEach, describe, expect, test } from '@jest/globals';
import { context, diag, propagation, ROOT_CONTEXT, type TextMapPropagator, trace } from '@opentelemetry/api';
import { W3CBaggagePropagator } from '@opentelemetry/core';
import { toldDuring } from '../../../../test/pipeline/recorder.ts';
import { withRequest } from '../tracing/request.ts';
import { XTraceIdPropagator } from '../tracing/x-trace-id.ts';
import { readEnvironment } from './environment.ts';
import { ensurePropagator } from './otel-globals.ts';
import { register } from './register.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const W3C = ['traceparent', 'tracestate', 'baggage'];
const fields = () => propagation.fields();
const environment = (env: Record<string, string> = {}) => readEnvironment(env, () => undefined);

afterEach(() => {
  propagation.disable();
  context.disable();
  diag.disable();
});

describe('propagators', () => {
  test('are those of W3C', () => {
    ensurePropagator(environment());
    expect(fields()).toEqual(W3C);
  });

  test.each([
    ['baggage', ['baggage', 'x-trace-id']],
    ['none', ['x-trace-id']],
  ])('of the options come behind those of OTEL_PROPAGATORS=%s', (OTEL_PROPAGATORS, expected) => {
    ensurePropagator(environment({ OTEL_PROPAGATORS }), [new XTraceIdPropagator()]);
    expect(fields()).toEqual(expected);
  });

  test('are none if none is asked for', () => {
    ensurePropagator(environment({ OTEL_PROPAGATORS: 'none' }));
    expect(fields()).toEqual([]);
  });

  test('that somebody else has set stay, and what has no effect is told', async () => {
    propagation.setGlobalPropagator(new W3CBaggagePropagator());
    expect(await toldDuring(() => ensurePropagator(environment()))).toEqual([]);
    const told = await toldDuring(() => ensurePropagator(environment(), [new XTraceIdPropagator()]));
    expect(told.join()).toMatch(/^logspan: propagators: another propagator was set first/);
    expect(fields()).toEqual(['baggage']);
  });

  test('that logspan has set make way for what the next register() asks for', async () => {
    // As after `node --import @logspan/sdk/register`.
    const options = { exitHooks: false, handlers: [] };
    await register(options).shutdown();
    expect(fields()).toEqual(W3C);
    const logging = register({ ...options, propagators: [new XTraceIdPropagator()] });
    expect(fields()).toEqual([...W3C, 'x-trace-id']);
    const seen = withRequest({ 'x-trace-id': TRACE }, () => trace.getSpanContext(context.active()));
    expect(seen?.traceId).toBe(TRACE);
    await logging.shutdown();
    await register(options).shutdown();
    expect(fields()).toEqual(W3C);
    expect(trace.getSpanContext(propagation.extract(ROOT_CONTEXT, { 'x-trace-id': TRACE }))).toBeUndefined();
  });

  test.each<[unknown, RegExp]>([
    [new XTraceIdPropagator(), /^propagators: must be an array, not an object/],
    [['x-trace-id'], /^propagators\[0\]: must be an OTel TextMapPropagator, not "x-trace-id"/],
    [[new XTraceIdPropagator(), null], /^propagators\[1\]: must be an OTel TextMapPropagator, not null/],
    [[XTraceIdPropagator], /^propagators\[0\]: must be an OTel TextMapPropagator, not a function/],
  ])('that are none are a mistake: %p', (propagators, message) => {
    expect(() => register({ propagators: propagators as TextMapPropagator[] })).toThrow(message);
    expect(fields()).toEqual([]);
  });
});
