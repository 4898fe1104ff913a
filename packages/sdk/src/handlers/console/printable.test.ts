import { describe, expect, test } from '@jest/globals';
import { printable } from './printable.ts';

describe('printable', () => {
  test.each([
    ['a line feed', 'a\nb', 'a\\x0ab'],
    ['a carriage return', 'a\rb', 'a\\x0db'],
    ['a colour code', '\x1b[31mred', '\\x1b[31mred'],
    ['a title sequence (OSC)', '\x1b]0;owned\x07', '\\x1b]0;owned\\x07'],
    ['DEL', '\x7f', '\\x7f'],
    ['a C1 control (CSI in one byte)', '\x9b31m', '\\x9b31m'],
    ['NEL', '\x85', '\\x85'],
    ['line and paragraph separators', '\u2028\u2029', '\\u{2028}\\u{2029}'],
    ['bidi overrides and isolates', '\u202a\u202e\u2066\u2069', '\\u{202a}\\u{202e}\\u{2066}\\u{2069}'],
    ['bidi marks', '\u061c\u200e\u200f', '\\u{61c}\\u{200e}\\u{200f}'],
    ['lone surrogates', '\ud83d \ude00', '\\u{d83d} \\u{de00}'],
  ])('writes out %s', (_what, text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  test.each([
    '',
    'plain',
    'Zoë 日本語 😀 👩‍💻',
    'tilde ~ and no-break\u00a0space',
    'next to the bidi range \u202f\u2065\u206a',
  ])('leaves %p', (text) => {
    expect(printable(text)).toBe(text);
  });
});
