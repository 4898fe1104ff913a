import { deepStrictEqual } from 'node:assert';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anything } from '../../../test/hostile-values/anything.ts';
import { hostileValues } from '../../../test/hostile-values/values.ts';
import {
  type AttributeValue,
  DEFAULT_VALUE_LIMITS,
  describeThrown,
  isPlain,
  PlainCopy,
  setOwn,
} from './attribute-value.ts';
import { lazy } from './lazy.ts';

/** The limits that what was made plain keeps: a marker may stand beside what was kept. */
const KEPT_LIMITS = {
  ...DEFAULT_VALUE_LIMITS,
  items: DEFAULT_VALUE_LIMITS.items + 1,
  keys: DEFAULT_VALUE_LIMITS.items + 1,
  nodes: DEFAULT_VALUE_LIMITS.nodes + 10 * DEFAULT_VALUE_LIMITS.items,
  depth: DEFAULT_VALUE_LIMITS.depth + 10,
};

/** What can be seen of a value from outside, or why it cannot be seen. */
function appearance(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  try {
    if (ArrayBuffer.isView(value) || value instanceof String) return Object.prototype.toString.call(value);
    const names = Object.getOwnPropertyNames(value);
    return names.slice(0, 200).map((name) => [name, Object.getOwnPropertyDescriptor(value, name)]);
  } catch (error) {
    return describeThrown(error);
  }
}

test('the table has at least 40 values', () => {
  expect(hostileValues.length).toBeGreaterThanOrEqual(40);
});

describe('PlainCopy', () => {
  test.each(hostileValues.map((row) => [row.name, row] as const))('%s', (_, { make, becomes, cut = false }) => {
    const value = make();
    const before = appearance(value);
    const copy = new PlainCopy();
    const plain = copy.of(value);
    deepStrictEqual(plain, becomes);
    expect(copy.cut).toBe(cut);
    expect(isPlain(plain, KEPT_LIMITS)).toBe(true);
    // The value is the caller's.
    deepStrictEqual(appearance(value), before);
  });

  test('undefined stays undefined: no attribute', () => {
    expect(new PlainCopy().of(undefined)).toBeUndefined();
  });

  test('bytes are copied, because their owner may use the buffer again', () => {
    const bytes = Buffer.from('abc');
    const copy = new PlainCopy().of(bytes);
    bytes.fill(0);
    expect(copy).toEqual(Uint8Array.of(97, 98, 99));
  });

  test('a lazy value is computed where it stands', () => {
    expect(new PlainCopy().of({ a: [lazy(() => new Date(0))] })).toEqual({ a: ['1970-01-01T00:00:00.000Z'] });
    const failing = lazy(() => {
      throw new RangeError('no');
    });
    expect(new PlainCopy().of({ a: failing, b: 1 })).toEqual({ a: '[Throws: RangeError]', b: 1 });
    expect(new PlainCopy().of(lazy(() => lazy(() => 1)))).toBe(1);
  });

  test('a lazy value that answers itself for ever ends', () => {
    const endless = (): unknown => lazy(endless);
    expect(new PlainCopy().of(endless())).toBe('[Object]');
  });

  test('an iterator without end ends', () => {
    const endless = {
      [Symbol.toStringTag]: 'Headers',
      *[Symbol.iterator]() {
        for (let i = 0; ; i++) yield [`k${i}`, i];
      },
    };
    const copy = new PlainCopy();
    const plain = copy.of(Object.setPrototypeOf(endless, {})) as Record<string, unknown>;
    expect(Object.keys(plain)).toHaveLength(DEFAULT_VALUE_LIMITS.items + 1);
    expect(copy.cut).toBe(true);
  });

  test('reads no more of an object than it keeps, each property once', () => {
    let reads = 0;
    const counting: Record<string, unknown> = {};
    for (let i = 0; i < 10_000; i++) {
      Object.defineProperty(counting, `k${i}`, { enumerable: true, get: () => ++reads });
    }
    new PlainCopy().of(counting);
    expect(reads).toBe(DEFAULT_VALUE_LIMITS.keys);
  });

  test('values are counted over a whole record', () => {
    const copy = new PlainCopy({ ...DEFAULT_VALUE_LIMITS, nodes: 4 });
    expect(copy.of([1, 2])).toEqual([1, 2]);
    expect(copy.of([3])).toEqual(['[Truncated]']);
    expect(copy.of(5)).toBe('[Truncated]');
  });

  test('a graph that branches at each level is cut, not walked', () => {
    let graph: unknown = 'leaf';
    for (let level = 0; level < 8; level++) graph = Array(200).fill(graph);
    const copy = new PlainCopy();
    const size = JSON.stringify(copy.of(graph)).length;
    expect(size).toBeLessThan(100_000);
    expect(copy.cut).toBe(true);
  });

  test('a polluted Object.prototype changes nothing', () => {
    const pollution = ['next', 'toJSON', 'length', 'a', 'cause', 'value', 'done', 'enumerable'];
    const prototype = Object.prototype as unknown as Record<string, unknown>;
    const pollute = () => {
      throw new Error('called');
    };
    let inherited: unknown;
    let plain: unknown;
    try {
      for (const key of pollution) {
        Object.defineProperty(prototype, key, {
          configurable: true,
          writable: true,
          enumerable: true,
          value: pollute,
        });
      }
      inherited = isPlain({ own: 1 }, DEFAULT_VALUE_LIMITS);
      plain = new PlainCopy().of({ own: [1n, new Map([['k', new Date(0)]])], set: new Set([1]) });
    } finally {
      for (const key of pollution) delete prototype[key];
    }
    expect(inherited).toBe(true);
    expect(plain).toEqual({ own: [1, { k: '1970-01-01T00:00:00.000Z' }], set: [1] });
    expect(Object.keys(plain as object)).toEqual(['own', 'set']);
  });

  test('never throws, and what it makes is plain data within the limits and a copy of its own', () => {
    fc.assert(
      fc.property(anything, (make) => {
        const plain = new PlainCopy().of(make());
        if (plain !== undefined) expect(isPlain(plain, KEPT_LIMITS)).toBe(true);
        // Plain data is plain data for ever.
        const unlimited = { stringLength: 1e6, depth: 100, keys: 1e6, items: 1e6, nodes: 1e6 };
        const again = new PlainCopy(unlimited).of(plain);
        deepStrictEqual(again, plain);
      }),
      { numRuns: 150 },
    );
  });
});

describe('isPlain', () => {
  const limits = { stringLength: 5, depth: 2, keys: 2, items: 3, nodes: 6 };
  test.each<[string, unknown, boolean]>([
    ['text as long as allowed', '12345', true],
    ['longer text', '123456', false],
    ['as deep as allowed', [[1]], true],
    ['deeper', [[[]]], false],
    ['as many keys as allowed', { a: 1, b: 2 }, true],
    ['more keys', { a: 1, b: 2, c: 3 }, false],
    ['a key longer than text, not cut before 256 characters', { abcdef: 1 }, true],
    ['a longer key', { ['k'.repeat(257)]: 1 }, false],
    ['as many items as allowed', [1, 2, 3], true],
    ['more items', [1, 2, 3, 4], false],
    ['as many values as allowed', [[1, 2, 3], 4], true],
    ['more values', [[1, 2, 3], 4, 5], false],
    ['bytes as long as allowed', new Uint8Array(5), true],
    ['a Buffer', Buffer.from('abc'), true],
    ['more bytes', new Uint8Array(6), false],
    ['other numbers in an array', new Uint16Array(1), false],
    ['what only inherits from Uint8Array', Object.create(Uint8Array.prototype), false],
    ['a lazy value', lazy(() => 1), false],
    ['a bigint', 1n, false],
    ['an instance', new (class {})(), false],
    ['undefined', [undefined], true],
    ['null', { a: null }, true],
  ])('%s', (_, value, expected) => {
    expect(isPlain(value, limits)).toBe(expected);
  });

  test('agrees with PlainCopy: what is plain is copied as it is, without a cut', () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.object({ maxDepth: 3, withNullPrototype: true }));
    fc.assert(
      fc.property(value, (given) => {
        fc.pre(isPlain(given, limits) && !JSON.stringify(given)?.includes('undefined'));
        const copy = new PlainCopy(limits);
        expect(JSON.stringify(copy.of(given))).toBe(JSON.stringify(given));
        expect(copy.cut).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});

test('setOwn sets __proto__ as a property like any other', () => {
  const target: Record<string, AttributeValue> = {};
  setOwn(target, '__proto__', { polluted: true });
  setOwn(target, 'a', 1);
  expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
  expect(Object.keys(target)).toEqual(['__proto__', 'a']);
});
