import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { Remembered } from './remembered.ts';

test('keeps the key, not the text that it was cut out of', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const remembered = new Remembered<number>();
  const used = () => process.memoryUsage().heapUsed + process.memoryUsage().external;
  const before = used();
  const fill = () => {
    for (let i = 0; i < 64; i++) {
      const text = `key-of-a-long-text-${i}=${'a'.repeat(1_048_576)}`;
      remembered.set(text.slice(0, text.indexOf('=')), i);
    }
  };
  fill();
  collect();
  const grown = used() - before;
  expect(remembered.get('key-of-a-long-text-7')).toBe(7);
  expect(grown).toBeLessThan(16 * 1_048_576);
});

test('any key is itself, with half a character, too', () => {
  const remembered = new Remembered<number>();
  for (const [i, key] of ['a\ud800', 'a\ufffd', '', '"\\\u2028', '__proto__'].entries()) remembered.set(key, i);
  expect(['a\ud800', 'a\ufffd', '', '"\\\u2028', '__proto__'].map((key) => remembered.get(key))).toEqual([
    0, 1, 2, 3, 4,
  ]);
});

test('what is asked often outlives what comes once', () => {
  const remembered = new Remembered<number>();
  remembered.set('often', 1);
  for (let i = 0; i < 10_000; i++) {
    remembered.set(`once ${i}`, i);
    expect(remembered.get('often')).toBe(1);
  }
  expect(remembered.get('once 0')).toBeUndefined();
});
