import { expect, test } from '@jest/globals';
import { KeyedHash } from './keyed-hash.ts';

/** The text whose UTF-16 code units, little endian, are the bytes 0, 1, 2 … */
const textOfBytes = (length: number): string =>
  String.fromCharCode(...Array.from({ length: length / 2 }, (_, i) => (2 * i) | ((2 * i + 1) << 8)));

const hex = (word: number): string =>
  [0, 8, 16, 24].map((shift) => ((word >>> shift) & 0xff).toString(16).padStart(2, '0')).join('');

// The vectors that the authors of SipHash publish for HalfSipHash-2-4-64, with the key 00 01 … 07.
test.each([
  [0, '218d1f59b9b83cc8'],
  [2, '064f39ef7c50eb57'],
  [4, 'd5e78a175be52ea1'],
  [6, 'ce3e91358aa2bc25'],
  [8, 'edfee820bce4858c'],
  [14, '3bb1a870eae8e658'],
  [16, '7336aad25f7bf3b5'],
  [30, '291aaf864898179d'],
])('%d bytes hash to %s', (length, expected) => {
  const hash = new KeyedHash(0x03020100, 0x07060504);
  hash.of(textOfBytes(length));
  expect(hex(hash.low) + hex(hash.high)).toBe(expected);
});

test('another secret, another hash', () => {
  const [one, other] = [new KeyedHash(1, 2), new KeyedHash(1, 3)];
  one.of('alice');
  other.of('alice');
  expect([one.low, one.high]).not.toEqual([other.low, other.high]);
});
