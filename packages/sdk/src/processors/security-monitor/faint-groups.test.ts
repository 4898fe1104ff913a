import { expect, test } from '@jest/globals';
import { FaintGroups } from './faint-groups.ts';
import { KeyedHash } from './keyed-hash.ts';

const WINDOW = 100;
/** With room for 16 groups, each of which can be in any of its places. */
const full = (times: readonly number[], amounts: readonly number[] = []) => {
  const faint = new FaintGroups(16, WINDOW, new KeyedHash(1, 2));
  for (const [i, millis] of times.entries()) faint.note(`group-${i}`, amounts[i] ?? 1, millis, millis);
  return faint;
};
const TIMES = [5, 3, 9, 4, 8, 6, 7, 15, 14, 13, 12, 11, 10, 17, 16, 18];
const forgotten = (faint: FaintGroups, nowMillis: number) =>
  TIMES.map((_, i) => i).filter((i) => !faint.take(`group-${i}`, nowMillis));

test('knows how much was seen of a group, and since when, once and within the window', () => {
  const faint = full(TIMES, [3]);
  expect(faint.take('group-0', 20)).toBe(true);
  expect([faint.amount, faint.atMillis]).toEqual([3, 5]);
  expect([faint.take('group-0', 20), faint.take('stranger', 20)]).toEqual([false, false]);
  expect([faint.take('group-2', 9 + WINDOW), faint.take('group-4', 7 + WINDOW)]).toEqual([false, true]);
});

test('forgets the oldest of those of whom least was seen', () => {
  const alike = full(TIMES);
  alike.note('late', 1, 20, 20);
  expect(forgotten(alike, 20)).toEqual([1]);
  expect(alike.take('late', 20)).toBe(true);
  const seenMore = full(TIMES, [1, 2, 1, 2]);
  seenMore.note('late', 1, 20, 20);
  expect(forgotten(seenMore, 20)).toEqual([0]);
});

test('and first what has left the window, however much that was', () => {
  const faint = full(TIMES, [1, 200]);
  faint.note('late', 1, 3 + WINDOW, 3 + WINDOW);
  expect(forgotten(faint, 3 + WINDOW)).toEqual([1]);
});
