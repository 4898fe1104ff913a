import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anything } from '../../../test/hostile-values/anything.ts';
import { describeError, errorMessage, exceptionAttributes, isError } from './exception.ts';

const failure = (message: string, fields: object = {}): Error =>
  Object.assign(new Error(message), { stack: `at ${message}` }, fields);
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

describe('isError', () => {
  test.each<[string, unknown, boolean]>([
    ['an Error', new Error(), true],
    ['an Error of another realm', runInNewContext('new TypeError()'), true],
    ['a DOMException', new DOMException('m', 'AbortError'), true],
    ['what has a message', { message: 'm', stack: 's' }, false],
    ['text', 'Error', false],
    ['null', null, false],
    ['a revoked proxy', revoked(), false],
  ])('%s', (_, value, expected) => {
    expect(isError(value)).toBe(expected);
  });
});

describe('the type', () => {
  class PaymentError extends Error {}
  test.each<[string, () => Error, string]>([
    ['is the name', () => new TypeError('m'), 'TypeError'],
    ['is the name that was set', () => Object.assign(new Error('m'), { name: 'Mine' }), 'Mine'],
    ['is the class where it sets no name', () => new PaymentError('m'), 'PaymentError'],
    [
      'is Error if nobody says more',
      () => Object.assign(new Error('m'), { name: '', constructor: undefined }),
      'Error',
    ],
    ['is bounded', () => Object.assign(new Error('m'), { name: 'n'.repeat(1_000) }), `${'n'.repeat(256)}…`],
    [
      'is not a name that is no text',
      () => Object.assign(new PaymentError('m'), { name: { toString: null } }),
      'PaymentError',
    ],
  ])('%s', (_, make, expected) => {
    expect(exceptionAttributes(make())).toMatchObject({ 'exception.type': expected, 'error.type': expected });
  });

  test('of the failure is the code, if there is one', () => {
    expect(exceptionAttributes(failure('m', { code: 'ECONNREFUSED' }))).toMatchObject({
      'exception.type': 'Error',
      'error.type': 'ECONNREFUSED',
    });
    expect(exceptionAttributes(failure('m', { code: 404 }))).toMatchObject({ 'error.type': '404' });
    expect(exceptionAttributes(failure('m', { code: {} }))).toMatchObject({ 'error.type': 'Error' });
  });
});

describe('the graph behind an error', () => {
  test('is told in the stack and kept as data without stacks', () => {
    const error = failure('a', { cause: failure('b', { cause: 'c', code: 1 }), errors: [failure('d')] });
    expect(exceptionAttributes(error)).toEqual({
      'exception.type': 'Error',
      'exception.message': 'a',
      'error.type': 'Error',
      'exception.stacktrace': 'at a\nCaused by: at b',
      'logspan.exception.cause': { type: 'Error', message: 'b', code: '1', cause: 'c' },
      'logspan.exception.errors': [{ type: 'Error', message: 'd' }],
    });
  });

  test('is told of causes without a stack by type and message', () => {
    const cause = Object.assign(new RangeError('b'), { stack: undefined });
    expect(exceptionAttributes(failure('a', { cause }))).toMatchObject({
      'exception.stacktrace': 'at a\nCaused by: RangeError: b',
    });
  });

  test('is followed 20 errors far in all, however it branches', () => {
    let branching: Error = failure('leaf');
    for (let level = 0; level < 10; level++) branching = failure('node', { errors: Array(10).fill(branching) });
    const text = JSON.stringify(describeError(branching));
    expect(text.match(/"message"/g)).toHaveLength(20);
    expect(text).toContain('[Truncated]');
  });

  test('is bounded in text', () => {
    const large = 'x'.repeat(1_000_000);
    const error = failure(large, { stack: large, cause: failure(large, { stack: large }) });
    const attributes = exceptionAttributes(error);
    expect(attributes['exception.message']).toBe(`${'x'.repeat(8_192)}…`);
    expect(attributes['exception.stacktrace']).toBe(`${'x'.repeat(16_384)}…`);
    expect(JSON.stringify(attributes).length).toBeLessThan(40_000);
    expect(errorMessage(failure(`${'x'.repeat(8_191)}😀`))).toBe(`${'x'.repeat(8_191)}…`);
  });

  test('is bounded in text in all', () => {
    const large = 'x'.repeat(100_000);
    const errors = Array.from({ length: 10 }, () => failure(large, { stack: large, cause: large }));
    const error = failure(large, { errors, cause: failure(large, { stack: large }) });
    expect(JSON.stringify(describeError(error)).length).toBeLessThan(70_000);
    expect(JSON.stringify(exceptionAttributes(error)).length).toBeLessThan(90_000);
  });

  test('does not tell what a client attached', () => {
    const error = failure('m', { config: { token: 'secret' }, response: 'secret', cause: { token: 'secret' } });
    expect(JSON.stringify(exceptionAttributes(error))).not.toContain('secret');
  });
});

/** As an HTTP client makes it. */
const fromClient = () =>
  failure('Request failed with status code 401', {
    name: 'AxiosError',
    code: 'ERR_BAD_REQUEST',
    status: 401,
    errno: -111,
    syscall: 'connect',
    isAxiosError: true,
    config: { headers: { Authorization: 'Bearer secret' } },
    request: { _header: 'GET / HTTP/1.1\r\nAuthorization: Bearer secret\r\n' },
    response: { data: 'secret'.repeat(41_000) },
    toJSON: () => ({ config: 'secret' }),
  });

test.each<[string, () => unknown]>([
  ['an error', fromClient],
  ['its serialised form', () => ({ ...fromClient(), message: 'Request failed with status code 401', stack: 'at m' })],
])('of an HTTP client only what is known to be harmless is told: %s', (_, make) => {
  const attributes = exceptionAttributes(make());
  expect(attributes).toMatchObject({
    'exception.type': 'AxiosError',
    'exception.message': 'Request failed with status code 401',
    'error.type': 'ERR_BAD_REQUEST',
    'logspan.exception.errno': -111,
    'logspan.exception.syscall': 'connect',
    'logspan.exception.status': 401,
  });
  expect(JSON.stringify(attributes)).not.toContain('secret');
  expect(JSON.stringify(attributes).length).toBeLessThan(1_000);
});

test('known fields of another kind, and long ones, are not told', () => {
  const odd = { errno: {}, syscall: 5, status: { secret: 1 }, statusCode: 'x'.repeat(10_000) };
  expect(JSON.stringify(exceptionAttributes(failure('m', odd)))).toBe(
    '{"exception.type":"Error","exception.message":"m","error.type":"Error","exception.stacktrace":"at m"}',
  );
  expect(exceptionAttributes(failure('m', { statusCode: 503 }))).toMatchObject({ 'logspan.exception.status': 503 });
});

test('parts that are no text are not turned into it, which can take for ever', () => {
  const { message, type } = describeError(
    failure('m', {
      message: Object.assign([], { length: 2 ** 32 - 1 }),
      name: {
        toString() {
          throw new Error('called');
        },
      },
    }),
  );
  expect([message, type]).toEqual(['', 'Error']);
});

test('the error is only read', () => {
  const error = Object.freeze(failure('m', { cause: Object.freeze(failure('c')), errors: Object.freeze([1]) }));
  expect(exceptionAttributes(error)).toMatchObject({ 'exception.message': 'm' });
});

test('never throws', () => {
  fc.assert(
    fc.property(anything, anything, anything, (thrown, cause, odd) => {
      exceptionAttributes(thrown());
      const error = Object.assign(new Error('e', { cause: cause() }), { errors: [odd(), cause()] });
      for (const key of ['stack', 'name', 'message', 'code', 'constructor']) {
        Object.defineProperty(error, key, { value: odd() });
      }
      expect(typeof describeError(error).message).toBe('string');
      expect(typeof describeError(error).type).toBe('string');
      expect(typeof errorMessage(error)).toBe('string');
    }),
    { numRuns: 100 },
  );
});
