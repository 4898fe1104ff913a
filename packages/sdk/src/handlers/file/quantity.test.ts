import { expect, test } from '@jest/globals';
import { bytesOf, millisOf } from './quantity.ts';

test.each([
  [1, 1],
  ['100B', 100],
  ['100MB', 100_000_000],
  ['100 MiB', 104_857_600],
  ['1.5KB', 1_500],
  ['2GiB', 2_147_483_648],
])('%p is so many bytes: %p', (size, bytes) => expect(bytesOf(size)).toBe(bytes));

test.each([
  [1_000, 1_000],
  ['90m', 5_400_000],
  ['14d', 1_209_600_000],
])('%p is so many milliseconds: %p', (duration, millis) => expect(millisOf(duration)).toBe(millis));

test.each([
  0,
  -1,
  1.5,
  Number.NaN,
  Infinity,
  '',
  '100',
  'MB',
  '100mb',
  '0KB',
  '-1MB',
  '1e3KB',
  '1MB ',
  '1toString',
  null,
])('%p is neither', (given) => {
  expect(bytesOf(given)).toBeUndefined();
  expect(millisOf(given)).toBeUndefined();
});
