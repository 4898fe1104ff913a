import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { glob } from './glob.ts';

describe('glob', () => {
  /** The definition: a star stands for any text. */
  function matches(pattern: string, name: string): boolean {
    if (pattern === '') return name === '';
    if (pattern.startsWith('*')) {
      return Array.from({ length: name.length + 1 }, (_, i) => name.slice(i)).some((rest) =>
        matches(pattern.slice(1), rest),
      );
    }
    return name !== '' && name[0] === pattern[0] && matches(pattern.slice(1), name.slice(1));
  }

  test('agrees with the definition', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '\n'), maxLength: 7 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.', '\n'), maxLength: 9 });
    fc.assert(
      fc.property(pattern, name, (one, other) => {
        expect(glob(one)(other)).toBe(matches(one, other));
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*ab*ba*', 'aba', false],
    ['*ab*ba*', 'abba', true],
    ['**', '', true],
    ['[a-z].(x)+', 'b.x', false],
    ['[a-z].(x)+', '[a-z].(x)+', true],
  ])('%j on %j: %j', (pattern, name, expected) => {
    expect(glob(pattern)(name)).toBe(expected);
  });

  test('is not led astray by a name made to take long', () => {
    // Exponential, and never answered here, for a matcher that tries all ways.
    expect(glob(`${'*a'.repeat(30)}*b`)('a'.repeat(10_000))).toBe(false);
  });
});
