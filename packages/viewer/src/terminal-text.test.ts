import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clip, escapeText, paint, textWidth } from './terminal-text.ts';

describe('escapeText', () => {
  test.each([
    ['a\nb\r\tc', 'a\\nb\\r\\tc'],
    ['\x1b[2J\x07\x00\x7f', '\\x1b[2J\\x07\\x00\\x7f'],
    ['\x9b31m', '\\x9b31m'],
    ['a\u2065b', 'a\\u2065b'],
    ['a\u202eb\u2066c\u2069', 'a\\u202eb\\u2066c\\u2069'],
    ['a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
    ['\ufeffa\u200bb\u{e0041}', '\\ufeffa\\u200bb\\u{e0041}'],
    ['lone \ud83d and \udc00', 'lone \\ud83d and \\udc00'],
    ['grüße ☃ 日本 👩‍💻', 'grüße ☃ 日本 👩‍💻'],
  ])('%j', (text, expected) => {
    expect(escapeText(text)).toBe(expected);
  });

  test('leaves nothing a terminal acts on, and changes nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeText(text);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
        expect(escaped).not.toMatch(/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/);
        expect(escaped).not.toMatch(/\p{Cs}/u);
        if (/^[\x20-\x7e]*$/.test(text)) expect(escaped).toBe(text);
      }),
    );
  });
});

test('clip does not cut a character in two', () => {
  expect(clip('abc', 3)).toBe('abc');
  expect(clip('abcd', 3)).toBe('abc…');
  expect(clip('ab🎉d', 3)).toBe('ab…');
  expect(clip('ab🎉d', 4)).toBe('ab🎉…');
});

test.each([
  ['abc', 3],
  ['grüße', 5],
  ['日本', 4],
  ['한글', 4],
  ['e\u0301', 1],
  ['🎉', 2],
  ['ｆｕｌｌ', 8],
])('%s is %i columns wide', (text, width) => {
  expect(textWidth(text)).toBe(width);
});

describe('paint', () => {
  test('cuts a line to its columns, not into a wide character', () => {
    expect(paint([{ text: 'abcdef' }], 6, false)).toBe('abcdef');
    expect(paint([{ text: 'abc' }, { text: 'defg' }], 6, false)).toBe('abcde…');
    expect(paint([{ text: '日本語' }], 4, false)).toBe('日…');
    expect(paint([{ text: 'abc' }], 0, false)).toBe('…');
  });

  test('colours take no columns and are always closed', () => {
    expect(paint([{ text: 'abc', style: 'red' }, { text: 'def' }], 5, true)).toBe('\x1b[31mabc\x1b[39md…');
    expect(paint([{ text: 'abcdef', style: 'dim' }], 3, true)).toBe('\x1b[2mab…\x1b[22m');
    expect(paint([{ text: 'abc', style: 'red' }], 9, false)).toBe('abc');
  });
});
