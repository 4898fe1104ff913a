import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { CompositePropagator, suppressTracing, W3CTraceContextPropagator } from '@opentelemetry/core';
import fc from 'fast-check';
import { Memory } from '../../../../test/tracing/memory.ts';
import { withRequest } from './request.ts';
import { XTraceIdPropagator } from './x-trace-id.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const OTHER = 'f'.repeat(32);
const traceparent = `00-${OTHER}-b7ad6b7169203331-00`;
const ids = () => trace.getSpanContext(context.active());

let memory: Memory;
beforeEach(() => {
  // register() leaves a propagator that is set as it is.
  const w3c = new W3CTraceContextPropagator();
  propagation.setGlobalPropagator(new CompositePropagator({ propagators: [w3c, new XTraceIdPropagator()] }));
  memory = new Memory();
});
afterEach(() => memory.end());

describe('X-Trace-Id', () => {
  test.each([
    ['as it is', { 'X-Trace-Id': TRACE }],
    ['in upper case', { 'x-trace-id': TRACE.toUpperCase() }],
    ['in a list of one', { 'x-trace-id': [TRACE] }],
    ['of Headers', new Headers({ 'x-trace-id': TRACE })],
  ])('names the trace: %s', (_name, headers) => {
    expect(withRequest(headers, ids)).toMatchObject({ traceId: TRACE, traceFlags: 1, isRemote: true });
  });

  test.each([
    ['a UUID with dashes', '7f9c24e8-3b12-4d1a-9c54-0a5e6f1d2b3c'],
    ['zeros', '0'.repeat(32)],
    ['one digit too few', TRACE.slice(1)],
    ['one too many', `${TRACE}0`],
    ['text', `${TRACE.slice(8)}; DROP `],
    ['two', `${TRACE},${TRACE}`],
    ['nothing', ''],
  ])('is ignored if it is %s', (_name, value) => {
    expect(withRequest({ 'x-trace-id': value }, ids)?.traceId).toMatch(/^(?!0af7651916cd43dd)[\da-f]{32}$/);
  });

  test('is ignored unless it is a trace id, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.anything()), (value) => {
        const carrier = { get: () => value as string, keys: () => [] };
        const found = trace.getSpanContext(new XTraceIdPropagator().extract(ROOT_CONTEXT, {}, carrier));
        const valid = typeof value === 'string' && /^[\da-f]{32}$/i.test(value.trim()) && !/^0+$/.test(value.trim());
        expect(found !== undefined).toBe(valid);
      }),
    );
  });

  test('says nothing where there is a traceparent, in either order', () => {
    const headers = { traceparent, 'x-trace-id': TRACE };
    expect(withRequest(headers, ids)).toMatchObject({ traceId: OTHER, traceFlags: 0 });
    propagation.disable();
    const propagators = [new XTraceIdPropagator(), new W3CTraceContextPropagator()];
    propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
    expect(withRequest({ ...headers }, ids)).toMatchObject({ traceId: OTHER, traceFlags: 0 });
  });

  test('is written beside the traceparent', () => {
    const sent: Record<string, string> = {};
    withRequest({ 'x-trace-id': TRACE }, () => propagation.inject(context.active(), sent));
    expect(sent['x-trace-id']).toBe(TRACE);
    expect(sent.traceparent).toMatch(new RegExp(`^00-${TRACE}-[\\da-f]{16}-01$`));
    expect(new XTraceIdPropagator().fields()).toEqual(['x-trace-id']);
  });

  test('is not written without a trace, nor where tracing is suppressed', () => {
    const sent = {};
    propagation.inject(ROOT_CONTEXT, sent);
    withRequest({}, () => propagation.inject(suppressTracing(context.active()), sent));
    expect(sent).toEqual({});
  });
});
