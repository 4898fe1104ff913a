import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CONTINUATION, WrappedText } from './wrapped-text.ts';

describe('WrappedText', () => {
  test.each([undefined, 0, 19])('does not wrap at a width of %p', (columns) => {
    const text = new WrappedText(columns).put('x'.repeat(500)).word('yy').put('yy').toString();
    expect(text).toBe(`${'x'.repeat(500)} yy`);
  });

  test('moves a word that does not fit to the next line', () => {
    const text = new WrappedText(20);
    for (const word of ['one=1', 'two=22', 'three=3', 'four=4']) text.word(word).put(word);
    expect(text.toString()).toBe('one=1 two=22 three=3\n    | four=4');
  });

  test('a word that is longer than any line is begun at once', () => {
    const word = 'y'.repeat(20);
    expect(new WrappedText(20).put('one').word(word).put(word).toString()).toBe(`one ${'y'.repeat(16)}\n    | yyyy`);
  });

  test('breaks at a space if there is one, else where the line ends', () => {
    expect(new WrappedText(20).put('a message of several words').toString()).toBe('a message of \n    | several words');
    expect(new WrappedText(20).put('x'.repeat(40)).toString()).toBe(
      `${'x'.repeat(20)}\n    | ${'x'.repeat(14)}\n    | ${'x'.repeat(6)}`,
    );
  });

  test('counts what may be wide as two cells, and keeps surrogate pairs together', () => {
    expect(new WrappedText(20).put('日'.repeat(12)).toString()).toBe(`${'日'.repeat(10)}\n    | 日日`);
    expect(new WrappedText(21).put('😀'.repeat(12)).toString()).toBe(`${'😀'.repeat(10)}\n    | 😀😀`);
  });

  test('colours each piece of a broken text on its own line', () => {
    const text = new WrappedText(20).put('x'.repeat(25), (piece) => `<${piece}>`).toString();
    expect(text).toBe(`<${'x'.repeat(20)}>\n    | <${'x'.repeat(5)}>`);
  });

  test('whatever is written: no line is too long, every line after the first is marked, nothing is lost', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', ' ', '日', '😀', 'é') }));
    fc.assert(
      fc.property(words, fc.integer({ min: 20, max: 50 }), (texts, columns) => {
        const wrapped = new WrappedText(columns);
        for (const text of texts) wrapped.word(text).put(text);
        const lines = wrapped.toString().split('\n');
        for (const line of lines) {
          expect(
            Array.from(line, (c) => (c === '日' || c === '😀' ? 2 : 1)).reduce((a, b) => a + b, 0),
          ).toBeLessThanOrEqual(columns);
        }
        for (const line of lines.slice(1)) expect(line.startsWith(CONTINUATION)).toBe(true);
        const content = lines.map((line, i) => (i === 0 ? line : line.slice(CONTINUATION.length))).join('');
        expect(content.replaceAll(' ', '')).toBe(texts.join('').replaceAll(' ', ''));
      }),
    );
  });
});
