import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { and, atLeast, event, type FilterableRecord, glob, not, or } from './filter.ts';

const recordWith = (fields: Partial<FilterableRecord>): FilterableRecord => ({
  attributes: {},
  instrumentationScope: { name: 'shop' },
  ...fields,
});
const named = (eventName?: string) => recordWith({ eventName });

describe('atLeast', () => {
  test('compares numbers: error is above info, and warning is warn', () => {
    const passes = (level: Parameters<typeof atLeast>[0], severityNumber?: number) =>
      atLeast(level)(recordWith({ severityNumber }));
    // As text 'ERROR' is less than 'INFO'.
    expect([1, 5, 8, 9, 13, 17, 21, 24].map((severity) => passes('info', severity))).toEqual([
      false,
      false,
      false,
      true,
      true,
      true,
      true,
      true,
    ]);
    expect([12, 13].map((severity) => passes('warning', severity))).toEqual([false, true]);
    expect([20, 21].map((severity) => passes('critical', severity))).toEqual([false, true]);
    expect(passes('off', 24)).toBe(false);
  });

  test('passes what has no severity', () => {
    expect([undefined, 0].map((severityNumber) => atLeast('fatal')(recordWith({ severityNumber })))).toEqual([
      true,
      true,
    ]);
  });

  test('throws when it is made for a level that does not exist', () => {
    expect(() => atLeast('loud' as never)).toThrow(
      new TypeError(`atLeast: "loud" is not a level (trace, debug, info, warn, warning, error, fatal, critical, off)`),
    );
    expect(() => atLeast(9 as never)).toThrow(TypeError);
  });
});

describe('event', () => {
  test('matches whole names, not something inside', () => {
    expect(['login', 'user_login', 'login_failed', 'Login'].map((name) => event('login')(named(name)))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(['audit_', 'audit_x', 'xaudit_x', 'audit'].map((name) => event('audit_*')(named(name)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('looks at exclusions first', () => {
    const passes = event({ include: ['audit_*', 'login'], exclude: ['*_debug'] });
    expect(['audit_a', 'login', 'audit_debug', 'other'].map((name) => passes(named(name)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('passes all but the excluded if nothing is to be included', () => {
    const passes = event({ exclude: ['debug_*'] });
    expect(['a', 'debug_a', undefined, ''].map((name) => passes(named(name)))).toEqual([true, false, true, true]);
    expect(event({ include: [] })(named('a'))).toBe(false);
  });

  test('stops what has no event name if something is to be included', () => {
    for (const name of [undefined, '']) expect(event('*')(named(name))).toBe(false);
  });
});

test('and, or, not', () => {
  const yes = () => true;
  const no = () => false;
  const record = named();
  expect(
    [and(yes, yes), and(yes, no), and(), or(no, yes), or(no, no), or(), not(yes), not(no)].map((filter) =>
      filter(record),
    ),
  ).toEqual([true, false, true, true, false, false, false, true]);
  const unreached = () => {
    throw new Error('asked');
  };
  expect([and(no, unreached)(record), or(yes, unreached)(record)]).toEqual([false, true]);
});

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
