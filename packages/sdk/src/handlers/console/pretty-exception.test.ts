import { describe, expect, test } from '@jest/globals';
import { exceptionAttributes } from '@logspan/logger/internal';
import { exceptionLines, isShownAsException } from './pretty-exception.ts';

/** A real error with a short stack of one frame. */
function failed<E extends Error>(error: E, headline: string): E {
  error.stack = `${headline}\n    at charge (/app/pay.js:1:1)`;
  return error;
}

describe('exceptionLines', () => {
  test('none without an exception', () => {
    expect(exceptionLines({ error: 'x' })).toEqual([]);
  });

  test('type, message and stack; the headline once, with the class name', () => {
    class PaymentError extends Error {}
    const error = failed(new PaymentError('no money'), 'Error: no money');
    expect(exceptionLines(exceptionAttributes(error))).toEqual([
      'PaymentError: no money',
      '    at charge (/app/pay.js:1:1)',
    ]);
  });

  test('each cause is indented below what it caused, with its stack', () => {
    const root = failed(new RangeError('root'), 'RangeError: root');
    const middle = failed(new TypeError('middle', { cause: root }), 'TypeError: middle');
    const top = failed(new Error('top', { cause: middle }), 'Error: top');
    expect(exceptionLines(exceptionAttributes(top))).toEqual([
      'Error: top',
      '    at charge (/app/pay.js:1:1)',
      '  Caused by: TypeError: middle',
      '      at charge (/app/pay.js:1:1)',
      '    Caused by: RangeError: root',
      '        at charge (/app/pay.js:1:1)',
    ]);
  });

  test('the errors of an AggregateError stand below it, also when it is a cause', () => {
    const inner = [new Error('one', { cause: new Error('why one') }), new Error('two\nlines')];
    const aggregate = failed(new AggregateError(inner, 'both'), 'AggregateError: both');
    aggregate.cause = failed(new Error('root'), 'Error: root');
    const top = failed(new Error('top', { cause: aggregate }), 'Error: top');
    expect(exceptionLines(exceptionAttributes(top))).toEqual([
      'Error: top',
      '    at charge (/app/pay.js:1:1)',
      '  Caused by: AggregateError: both',
      '      at charge (/app/pay.js:1:1)',
      '    - Error: one',
      '      Caused by: Error: why one',
      '    - Error: two',
      '    lines',
      '    Caused by: Error: root',
      '        at charge (/app/pay.js:1:1)',
    ]);
  });

  test('a stack that was emptied leaves no empty line', () => {
    const top = new Error('top', { cause: failed(new Error('root'), 'Error: root') });
    top.stack = '';
    expect(exceptionLines(exceptionAttributes(top))).toEqual([
      'Error: top',
      '  Caused by: Error: root',
      '      at charge (/app/pay.js:1:1)',
    ]);
  });

  test('without a stack the causes are shown from the data; a cause need not be an error', () => {
    const cause = { type: 'TypeError', message: 'why', cause: 'a string' };
    expect(
      exceptionLines({ 'exception.type': 'Error', 'exception.message': 'top', 'logspan.exception.cause': cause }),
    ).toEqual(['Error: top', '  Caused by: TypeError: why', '    Caused by: a string']);
  });

  test.each([
    ['only a type', { 'exception.type': 'E' }, ['E']],
    ['only a message', { 'exception.message': 'm' }, ['m']],
    ['only a stack', { 'exception.stacktrace': 'S\r\n    at x' }, ['S', '    at x']],
    ['no message', { 'exception.type': 'E', 'exception.stacktrace': 'E\n    at x' }, ['E', '    at x']],
    [
      'a stack that begins differently',
      { 'exception.type': 'E', 'exception.message': 'm', 'exception.stacktrace': 'S\n    at m' },
      ['E: m', 'S', '    at m'],
    ],
    ['attributes of other types', { 'exception.type': 7, 'exception.message': {}, 'logspan.exception.errors': 1 }, []],
  ])('%s', (_what, attributes, lines) => {
    expect(exceptionLines(attributes)).toEqual(lines);
  });

  test('a text full of "Caused by" does not indent without end', () => {
    const lines = exceptionLines({ 'exception.stacktrace': 'x\nCaused by: '.repeat(1_000) });
    expect(lines).toHaveLength(1_001);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(40);
  });

  test('a cycle in the data throws', () => {
    const cause: Record<string, unknown> = { type: 'E' };
    cause.cause = cause;
    expect(() => exceptionLines({ 'exception.type': 'E', 'logspan.exception.cause': cause })).toThrow(RangeError);
  });
});

test('error.type is left out only where it repeats the exception type', () => {
  expect(isShownAsException('exception.stacktrace', {})).toBe(true);
  expect(isShownAsException('error.type', { 'error.type': 'E', 'exception.type': 'E' })).toBe(true);
  expect(isShownAsException('error.type', { 'error.type': 'ECONNREFUSED', 'exception.type': 'E' })).toBe(false);
  expect(isShownAsException('username', {})).toBe(false);
});
