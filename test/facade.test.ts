import { afterEach, expect, jest, test } from '@jest/globals';
import { getLogger, lazy, withAttributes } from '@logspan/logger';
import { atLeast, filter, type Logging, type LogRecord, type RegisterOptions, register, sample } from '@logspan/sdk';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';

let logging: Logging | undefined;

/** Logging as an application has it, with a destination that reads each record as an exporter does. */
function start(options: RegisterOptions = {}) {
  const records: Pick<LogRecord, 'eventName' | 'body' | 'severityNumber' | 'spanContext' | 'attributes'>[] = [];
  logging = register({
    exitHooks: false,
    handlers: [
      {
        name: 'memory',
        start: () => ({
          onEmit({ eventName, body, severityNumber, spanContext, attributes }) {
            records.push({ eventName, body, severityNumber, ...(spanContext && { spanContext }), attributes });
          },
          forceFlush: async () => undefined,
          shutdown: async () => undefined,
          flushSync: () => undefined,
          deliveryAccount: () => ({ accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 }),
        }),
      },
    ],
    ...options,
  });
  return records;
}

afterEach(async () => {
  await logging?.shutdown();
  context.disable();
});

test('attributes of the call win over those of the logger, and those over the context’s', () => {
  const records = start();
  const logger = getLogger('shop').child({ b: 'logger', c: 'logger', d: 'logger' });
  withAttributes({ a: 'context', b: 'context', c: 'context' }, () => {
    getLogger('shop').info('x');
    logger.info('x');
    logger.info('x', { c: 'call', d: undefined });
    logger.info('x', { c: 'call', d: undefined, exotic: 1n });
  });
  getLogger('shop').info('x', { c: 'call' });
  expect(records.map(({ attributes }) => attributes)).toEqual([
    { a: 'context', b: 'context', c: 'context' },
    { a: 'context', b: 'logger', c: 'logger', d: 'logger' },
    { a: 'context', b: 'logger', c: 'call', d: 'logger' },
    { a: 'context', b: 'logger', c: 'call', d: 'logger', exotic: 1 },
    { c: 'call' },
  ]);
});

test('level, event and trace cannot be overwritten by attributes', () => {
  const records = start();
  const spanContext = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 };
  const attributes = { eventName: 'a', severityNumber: 1, body: 'a', spanContext: {}, traceId: 'a', level: 'a' };
  context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), () => getLogger('shop').warn('slow', attributes));
  expect(records).toEqual([{ eventName: 'slow', body: 'slow', severityNumber: 13, spanContext, attributes }]);
});

test('lazy values are computed once, and only for a record that is kept', () => {
  const records = start({ processors: [filter(atLeast('warn')), sample({ ratio: 0 })] });
  const compute = jest.fn(() => ({ when: new Date(0) }));
  const logger = getLogger('shop').child({ bound: lazy(compute) });
  logger.debug('below_the_level', { a: lazy(compute) });
  logger.info('filtered', { a: lazy(compute) });
  logger.info('filtered', compute);
  logger.warn('sampled_away', { a: lazy(compute) });
  logger.warn('sampled_away', compute);
  expect(compute).not.toHaveBeenCalled();
  logger.error('kept', { a: lazy(compute) });
  expect(compute).toHaveBeenCalledTimes(2);
  logger.error('kept', compute);
  expect(compute).toHaveBeenCalledTimes(4);
  const when = { when: '1970-01-01T00:00:00.000Z' };
  expect(records.map(({ attributes }) => attributes)).toMatchObject([
    { bound: when, a: when },
    { bound: when, ...when },
  ]);
});

test('an Error is promoted wherever it stands, and the message becomes the body', () => {
  const records = start();
  const logger = getLogger('shop');
  const error = new TypeError('no route');
  logger.error(error as never);
  logger.error('failed', error);
  logger.error('failed', { err: error });
  logger.error('failed', () => ({ exception: error }));
  logger.exception(error, 'failed');
  expect(records.map(({ body }) => body)).toEqual(['no route', 'failed', 'failed', 'failed', 'failed']);
  for (const { attributes } of records) {
    expect(attributes).toEqual({
      'exception.type': 'TypeError',
      'exception.message': 'no route',
      'exception.stacktrace': error.stack,
      'error.type': 'TypeError',
    });
  }
});
