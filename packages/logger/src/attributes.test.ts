import { deepStrictEqual } from 'node:assert';
import { runInNewContext } from 'node:vm';
import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { anything } from '../../../test/hostile-values/anything.ts';
import { hostileValues } from '../../../test/hostile-values/values.ts';
import { isPlain, PlainCopy } from './attribute-value.ts';
import { bindAttributes, DEFAULT_ATTRIBUTE_LIMITS, isSettled, settleAttributes } from './attributes.ts';
import { lazy } from './lazy.ts';

const settled = (argument: unknown, bound?: object, exception?: unknown): Record<string, unknown> =>
  settleAttributes(argument, bound as never, exception).attributes;
const failure = (message: string): Error => Object.assign(new TypeError(message), { stack: message });
const promoted = (message: string) => ({
  'exception.type': 'TypeError',
  'exception.message': message,
  'error.type': 'TypeError',
  'exception.stacktrace': message,
});
const described = (message: string) => ({ type: 'TypeError', message, stacktrace: message });
const WIDE_LIMITS = { stringLength: 1e6, depth: 100, keys: 1e6, items: 1e6, nodes: 1e6 };
const throwing = () => {
  throw new RangeError('no');
};
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

describe('attributes that are plain', () => {
  test('are answered with the very object, not a copy', () => {
    const given = { a: 'text', b: [1, { c: null }], d: Uint8Array.of(1), e: undefined };
    expect(settleAttributes(given)).toEqual({ attributes: given, owned: false, dropped: 0 });
    expect(settleAttributes(given).attributes).toBe(given);
  });

  test('none at all are none', () => {
    for (const nothing of [undefined, null]) expect(settled(nothing)).toEqual({});
  });

  test('are settled up to the limits and not beyond', () => {
    const { attributeCount, stringLength } = DEFAULT_ATTRIBUTE_LIMITS;
    const many = Object.fromEntries(Array.from({ length: attributeCount }, (_, i) => [`k${i}`, i]));
    expect(isSettled(many, DEFAULT_ATTRIBUTE_LIMITS)).toBe(true);
    expect(isSettled({ ...many, more: 1 }, DEFAULT_ATTRIBUTE_LIMITS)).toBe(false);
    for (const [length, expected] of [
      [stringLength, true],
      [stringLength + 1, false],
    ] as const) {
      expect(isSettled({ a: 'x'.repeat(length) }, DEFAULT_ATTRIBUTE_LIMITS)).toBe(expected);
      expect(isSettled({ ['x'.repeat(length)]: 1 }, DEFAULT_ATTRIBUTE_LIMITS)).toBe(expected);
      expect(isSettled({ a: { ['x'.repeat(length)]: 1 } }, DEFAULT_ATTRIBUTE_LIMITS)).toBe(expected);
    }
    for (const exotic of [1n, Symbol('s'), () => 1, new Date(), failure('e'), lazy(() => 1)]) {
      expect(isSettled({ exotic }, DEFAULT_ATTRIBUTE_LIMITS)).toBe(false);
    }
  });
});

describe('any value under a key', () => {
  const rows = hostileValues.map((row) => [row.name, row] as const);
  test.each(rows)('%s', (_, { make, becomes, cut }) => {
    const { attributes, dropped } = settleAttributes({ value: make() });
    expect(Object.keys(attributes)).toEqual(['value']);
    // What was plain is still the caller's: a Buffer, a proxy, an object of arguments.
    deepStrictEqual(new PlainCopy(WIDE_LIMITS).of(attributes.value), becomes);
    expect(dropped).toBe(cut ? 1 : 0);
  });
});

describe('what may stand in place of the attributes', () => {
  class Request {
    method = 'GET';
    get body(): string {
      return 'not own';
    }
  }
  test.each<[string, () => unknown, object]>([
    ['a function', () => () => ({ a: 1 }), { a: 1 }],
    ['a function that answers nothing', () => () => undefined, {}],
    ['a function that throws', () => throwing, { 'logspan.attributes': '[Throws: RangeError]' }],
    ['a function that answers an Error', () => () => failure('e'), promoted('e')],
    ['a function that answers a function', () => () => Math.max, { value: '[Function: max]' }],
    ['an Error', () => failure('e'), promoted('e')],
    ['an instance', () => new Request(), { method: 'GET' }],
    ['an object of another realm', () => runInNewContext('({ a: 1 })'), { a: 1 }],
    ['an object without a prototype', () => Object.assign(Object.create(null), { a: 1n }), { a: 1 }],
    [
      'a Map',
      () =>
        new Map<unknown, unknown>([
          ['a', 1],
          [2, new Date(0)],
          ['__proto__', 3],
          ['c', undefined],
        ]),
      JSON.parse('{"a":1,"2":"1970-01-01T00:00:00.000Z","__proto__":3}'),
    ],
    [
      'a Map with a key that is no name',
      () =>
        new Map<unknown, unknown>([
          ['a', 1],
          [{ toString: throwing }, 1],
        ]),
      {
        value: [
          ['a', 1],
          [{ toString: '[Function: throwing]' }, 1],
        ],
      },
    ],
    ['text', () => 'text', { value: 'text' }],
    ['a number', () => 7, { value: 7 }],
    ['a symbol', () => Symbol('s'), { value: 'Symbol(s)' }],
    ['an array', () => [1, 2n], { value: [1, 2] }],
    ['a Set', () => new Set([1]), { value: [1] }],
    ['a Date', () => new Date(0), { value: '1970-01-01T00:00:00.000Z' }],
    ['Headers', () => new Headers({ a: '1' }), { value: { a: '1' } }],
    ['a boxed text', () => Object('text'), { value: 'text' }],
    ['bytes', () => Buffer.from('a'), { value: Uint8Array.of(97) }],
    ['a revoked proxy', revoked, { 'logspan.attributes': '[Throws: TypeError]' }],
    [
      'keys that cannot be listed',
      () => new Proxy({}, { ownKeys: throwing }),
      { 'logspan.attributes': '[Throws: RangeError]' },
    ],
    [
      'what only says it is a Map',
      () => Object.assign(new Request(), { [Symbol.toStringTag]: 'Map' }),
      { value: { method: 'GET' } },
    ],
  ])('%s', (_, make, expected) => {
    deepStrictEqual({ ...settled(make()) }, expected);
    // What the logger is bound to is not lost with it.
    deepStrictEqual({ ...settled(make(), { bound: 1n }) }, { bound: 1, ...expected });
  });

  test('a function is called once', () => {
    const compute = jest.fn(() => ({ when: new Date(0) }));
    settled(compute);
    expect(compute).toHaveBeenCalledTimes(1);
  });

  test('an async function is of no use, and its rejection does not end the process', async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', note);
    try {
      expect(settled(async () => throwing())).toEqual({ value: '[Promise]' });
      expect(settled({ a: lazy(async () => throwing()) })).toEqual({ a: '[Promise]' });
      // Rejections are announced when the microtasks are done.
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(rejections).toEqual([]);
  });

  test('a Buffer of 10 MB is not taken for ten million attributes', () => {
    const { attributes, dropped } = settleAttributes(Buffer.alloc(10_000_000));
    expect(Object.keys(attributes)).toEqual(['value']);
    expect(dropped).toBe(1);
  });
});

describe('an Error', () => {
  test.each(['error', 'err', 'exception'])('under %s is promoted', (key) => {
    expect(settled({ [key]: failure('e'), a: 1 })).toEqual({ a: 1, ...promoted('e') });
  });

  test('under another key is a value', () => {
    expect(settled({ reason: failure('e') })).toEqual({ reason: described('e') });
  });

  test('does not replace exception attributes that are set', () => {
    expect(settled({ error: failure('e'), 'exception.message': 'mine' })).toEqual({
      ...promoted('e'),
      'exception.message': 'mine',
    });
  });

  test('that is not promoted because another one is stays under its key', () => {
    expect(settled({ error: failure('1'), err: failure('2') })).toEqual({ ...promoted('1'), err: described('2') });
    expect(settled({ error: failure('2') }, undefined, failure('1'))).toEqual({
      ...promoted('1'),
      error: described('2'),
    });
    expect(settled(failure('2'), undefined, failure('1'))).toEqual({ ...promoted('1'), error: described('2') });
  });

  test('that is given twice is told once', () => {
    const error = failure('e');
    expect(settled({ error }, undefined, error)).toEqual(promoted('e'));
  });

  test('of the call wins over the one of the logger', () => {
    expect(settled({ error: failure('call') }, { error: failure('bound') })).toEqual(promoted('call'));
    expect(settled({ err: failure('call') }, { error: failure('bound') })).toEqual({
      ...promoted('call'),
      error: described('bound'),
    });
    expect(settled({ error: 'text' }, { error: failure('bound') })).toEqual({ error: 'text' });
    expect(settled({ a: 1 }, { error: failure('bound') })).toEqual({ a: 1, ...promoted('bound') });
  });

  test('what is no Error stays under its key', () => {
    for (const error of ['text', 0, null, { message: 'm' }]) expect(settled({ error })).toEqual({ error });
  });

  test.each<[string, unknown, object]>([
    ['text', 'boom', { 'exception.type': 'string', 'exception.message': 'boom' }],
    ['null', null, { 'exception.type': 'object', 'exception.message': 'null' }],
    ['a symbol', Symbol('s'), { 'exception.type': 'symbol', 'exception.message': 'Symbol(s)' }],
    [
      'an object',
      { status: 404 },
      {
        'exception.type': 'object',
        'exception.message': '[object thrown]',
        'logspan.exception.value': { status: 404 },
      },
    ],
    [
      'a function without text',
      Object.assign(() => 1, { toString: throwing }),
      { 'exception.type': 'function', 'exception.message': '' },
    ],
  ])('%s was thrown instead', (_, thrown, expected) => {
    expect(settled({ a: 1 }, undefined, thrown)).toEqual({ a: 1, ...expected });
  });
});

describe('attributes of the call over those of the logger', () => {
  test('whichever way they take', () => {
    const bound = { a: 'bound', b: 'bound' };
    for (const extra of [{}, { exotic: 1n }]) {
      const made = settled({ b: 'call', c: 'call', ...extra }, bound);
      expect(made).toMatchObject({ a: 'bound', b: 'call', c: 'call' });
      // Undefined is no attribute, so it replaces none.
      expect(settled({ a: undefined, ...extra }, bound)).toMatchObject({ a: 'bound' });
      expect(settled({ a: null, ...extra }, bound)).toMatchObject({ a: null });
    }
    expect(bound).toEqual({ a: 'bound', b: 'bound' });
  });

  test('a key __proto__ is a key', () => {
    const evil = JSON.parse('{"__proto__":{"polluted":true}}');
    for (const made of [settled(evil), settled(evil, { a: 1 }), settled({ ...evil, b: 1n }), settled({}, evil)]) {
      expect(Object.hasOwn(made, '__proto__')).toBe(true);
      expect((made as { polluted?: unknown }).polluted).toBeUndefined();
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('what is left out is counted', () => {
  const many = (count: number, prefix = 'k'): Record<string, number> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [prefix + i, i]));

  test('attributes beyond the limit, and they are not even read', () => {
    let reads = 0;
    const counting = Object.defineProperties(
      {},
      Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, { enumerable: true, get: () => ++reads }])),
    );
    const { attributes, dropped } = settleAttributes(counting);
    expect(Object.keys(attributes)).toHaveLength(128);
    expect(dropped).toBe(9_872);
    expect(reads).toBeLessThanOrEqual(2 * 128);
  });

  test('of the call, of the logger, of both, and of a Map', () => {
    expect(settleAttributes(many(100), many(100, 'b') as never)).toMatchObject({ dropped: 72 });
    expect(settleAttributes(undefined, many(130) as never)).toMatchObject({ dropped: 2 });
    expect(settleAttributes({ a: 1n }, many(130) as never)).toMatchObject({ dropped: 3 });
    expect(settleAttributes(new Map(Object.entries(many(1_000))))).toMatchObject({ dropped: 872 });
    expect(settleAttributes({ ...many(128), e: 1n })).toMatchObject({ dropped: 1 });
  });

  test('exception attributes for which there is no room', () => {
    expect(settleAttributes(many(127), undefined, failure('e'))).toMatchObject({
      attributes: { 'exception.type': 'TypeError' },
      dropped: 3,
    });
  });

  test('each attribute that was cut, once', () => {
    const { dropped } = settleAttributes({
      text: 'x'.repeat(40_000),
      list: [Array(1_000).fill(0), 'x'.repeat(40_000)],
      ['k'.repeat(40_000)]: 'x'.repeat(40_000),
      fine: 1,
    });
    expect(dropped).toBe(3);
  });

  test('nothing that is within the limits', () => {
    expect(settleAttributes({ a: new Date(), b: 1n, c: undefined, d: lazy(() => undefined) })).toMatchObject({
      dropped: 0,
    });
  });
});

test('all errors of a record share one measure of text, the promoted one first', () => {
  const text = 'm'.repeat(2_000);
  const many = Array.from({ length: 200 }, (_, i) => failure(`${i} ${text}`));
  const error = failure('e'.repeat(8_000));
  const { attributes, dropped } = settleAttributes({ many, error, later: many });
  expect(JSON.stringify(attributes).length).toBeLessThan(100_000);
  expect(attributes['exception.message']).toBe('e'.repeat(8_000));
  expect(attributes.many).toEqual(
    expect.arrayContaining([described(`0 ${text}`), described(`10 ${text}`), '[Truncated]']),
  );
  expect(dropped).toBe(2);
  // The next record has a measure of its own.
  expect(settled({ many: many.slice(0, 10) }).many).toEqual(many.slice(0, 10).map(({ message }) => described(message)));
});

test('never throws, and what it answers is plain and within the limits', () => {
  const { attributeCount, items } = DEFAULT_ATTRIBUTE_LIMITS;
  const limits = { ...DEFAULT_ATTRIBUTE_LIMITS, items: items + 1, keys: items + 1, depth: 20, nodes: 10_000 };
  fc.assert(
    fc.property(anything, anything, anything, (argument, bound, exception) => {
      const { attributes, dropped } = settleAttributes(argument(), bound() as never, exception());
      expect(Object.keys(attributes).length).toBeLessThanOrEqual(attributeCount);
      for (const value of Object.values(attributes)) expect(isPlain(value, limits)).toBe(true);
      expect(dropped).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 150 },
  );
});

describe('bindAttributes', () => {
  test('reads now, wins over the outer ones, skips undefined, and is frozen', () => {
    let reads = 0;
    const bound = bindAttributes(
      { a: 1, b: 1 },
      {
        b: 2,
        a: undefined,
        get c() {
          return ++reads;
        },
      },
    );
    expect([bound.c, bound.c, reads]).toEqual([1, 1, 1]);
    expect(bound).toEqual({ a: 1, b: 2, c: 1 });
    expect(Object.isFrozen(bound)).toBe(true);
  });

  test('contains what cannot be read', () => {
    expect(
      bindAttributes(undefined, Object.defineProperty({ b: 1 }, 'a', { enumerable: true, get: throwing })),
    ).toEqual({
      a: '[Throws: RangeError]',
      b: 1,
    });
    expect(bindAttributes({ a: 1 }, revoked() as never)).toEqual({ a: 1, 'logspan.attributes': '[Throws: TypeError]' });
    for (const nothing of [undefined, null, 7, 'text'])
      expect(bindAttributes({ a: 1 }, nothing as never)).toEqual({ a: 1 });
  });
});
