import { expect, test } from '@jest/globals';
import { lazy, lazyCompute } from './lazy.ts';

test('a lazy value is known by its function, through the other copy of this package too', () => {
  const compute = () => 1;
  expect(lazyCompute(lazy(compute))).toBe(compute);
  expect(lazyCompute({ [Symbol.for('logspan.lazy')]: compute })).toBe(compute);
});

test('a lazy value is not computed by being made, listed or turned into JSON', () => {
  const value = lazy(() => {
    throw new Error('computed');
  });
  expect(Object.keys(value)).toEqual([]);
  expect(JSON.stringify({ value })).toBe('{"value":{}}');
});

test.each([
  ['an object', {}],
  ['a function', () => 1],
  ['a key of that name', { 'logspan.lazy': () => 1 }],
  ['nothing to compute', { [Symbol.for('logspan.lazy')]: 1 }],
])('%s is not lazy', (_, value) => {
  expect(lazyCompute(value)).toBeUndefined();
});
