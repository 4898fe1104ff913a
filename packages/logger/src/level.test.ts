import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { glob } from './glob.ts';
import {
  LEVEL_NAMES,
  type LevelDirective,
  minimumOf,
  overlaid,
  parseLevelDirective,
  SEVERITY,
  severityOf,
  severityText,
} from './level.ts';

test('the numbers are those of the OTel logs data model, and `warning` and `critical` are aliases', () => {
  expect(SEVERITY).toEqual({
    trace: 1,
    debug: 5,
    info: 9,
    warn: 13,
    warning: 13,
    error: 17,
    fatal: 21,
    critical: 21,
    off: 25,
  });
  expect(LEVEL_NAMES).toEqual(Object.keys(SEVERITY));
});

describe('severityOf', () => {
  test('takes a level in any case', () => {
    for (const name of LEVEL_NAMES) {
      for (const spelling of [name, name.toUpperCase(), ` ${name}\n`])
        expect(severityOf(spelling)).toBe(SEVERITY[name]);
    }
  });

  test.each([['verbose'], [''], ['9'], ['toString'], ['__proto__'], ['constructor'], ['in fo']])(
    'does not know %j',
    (name) => {
      expect(severityOf(name)).toBeUndefined();
    },
  );

  test('does not throw for what is no text', () => {
    for (const value of [undefined, null, 9, 9n, Symbol('info'), {}, ['info']]) {
      expect(severityOf(value as string)).toBeUndefined();
    }
  });
});

test('severityText is the short name of the data model', () => {
  expect(Array.from({ length: 24 }, (_, i) => severityText(i + 1)).join(' ')).toBe(
    'TRACE TRACE2 TRACE3 TRACE4 DEBUG DEBUG2 DEBUG3 DEBUG4 INFO INFO2 INFO3 INFO4 ' +
      'WARN WARN2 WARN3 WARN4 ERROR ERROR2 ERROR3 ERROR4 FATAL FATAL2 FATAL3 FATAL4',
  );
  for (const none of [0, -1, 25, Number.NaN]) expect(severityText(none)).toBe('');
});

/** A directive that is known to be right. */
function directive(text: string): LevelDirective {
  const parsed = parseLevelDirective(text);
  if ('invalid' in parsed) throw new Error(`${parsed.invalid} is not understood`);
  return parsed;
}

describe('parseLevelDirective', () => {
  test.each<[string, number | undefined, [string, number][]]>([
    ['', undefined, []],
    [' , ,', undefined, []],
    ['debug', 5, []],
    ['debug,error', 17, []],
    ['db=debug', undefined, [['db', 5]]],
    [
      'warn,db=debug,http.client=off',
      13,
      [
        ['db', 5],
        ['http.client', 25],
      ],
    ],
    [' WARN , db = Debug ', 13, [['db', 5]]],
    ['a=b=trace', undefined, [['a=b', 1]]],
    ['__proto__=error', undefined, [['__proto__', 17]]],
    ['warn\r\n*.sql=trace\n\n', 13, [['*.sql', 1]]],
    [
      'db=trace,http=warn,db=error',
      undefined,
      [
        ['http', 13],
        ['db', 17],
      ],
    ],
  ])('%j', (text, minimum, scopes) => {
    const parsed = directive(text);
    expect([parsed.minimum, [...parsed.scopes]]).toEqual([minimum, scopes]);
  });

  test.each([
    ['loud', 'loud', 1],
    ['info,loud', 'loud', 2],
    ['=debug', '=debug', 1],
    [' =debug', '=debug', 1],
    ['db=', 'db=', 1],
    ['info,,\ndb=loud', 'db=loud', 4],
    ['db', 'db', 1],
    ['9', '9', 1],
    ['db=debug=', 'db=debug=', 1],
  ])('%j is not understood', (text, invalid, at) => {
    expect(parseLevelDirective(text)).toEqual({ invalid, at });
  });

  test('never throws, and answers valid minimums or a part of what was given', () => {
    const part = fc.oneof(fc.string(), fc.constantFrom(...LEVEL_NAMES, '=', ',', 'db=', ' '));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        const result = parseLevelDirective(text);
        if ('invalid' in result) {
          expect(text.split(/[,\n]/)[result.at - 1]?.trim()).toBe(result.invalid);
        } else {
          for (const minimum of [result.minimum ?? 9, ...result.scopes.values()])
            expect(Object.values(SEVERITY)).toContain(minimum);
        }
      }),
    );
  });
});

describe('minimumOf', () => {
  test.each([
    ['db', 17],
    ['db.query', 17],
    ['db:query', 17],
    ['db/query', 17],
    ['db.pool', 1],
    ['db.pool.wait', 1],
    ['db.pools', 17],
    ['dbx', 9],
    ['db-pool', 9],
    ['my.db', 9],
    ['', 9],
  ])('of %j is %d, by what it lies below', (scope, minimum) => {
    expect(minimumOf(directive('db=error,db.pool=trace'))(scope)).toBe(minimum);
  });

  test.each([
    ['http.client', 'warn'],
    ['http.client.pool', 'warn'],
    ['http', 'info'],
    ['https.client', 'info'],
    ['db.sql', 'trace'],
    ['sql', 'info'],
    ['db.sql.tx', 'debug'],
    ['db', 'debug'],
  ] as const)('of %j is %s, by patterns', (scope, level) => {
    expect(minimumOf(directive('info,db=debug,http.*=warn,*.sql=trace'))(scope)).toBe(SEVERITY[level]);
  });

  test.each([
    ['a star counts no characters', '*a*=error,ab=warn', 'ab'],
    ['the longer pattern wins, wherever it stands', 'http.c*=warn,http.*=error', 'http.client'],
    ['of two as long, the one without a star', 'ab=warn,ab*=error', 'ab'],
    ['of two as long, both with stars, the later', 'a*b=error,ab*=warn', 'ab'],
    ['a star alone is for all that nothing else is for', '*=warn,fatal', 'ab'],
  ])('%s', (_, text, scope) => {
    expect(minimumOf(directive(text))(scope)).toBe(SEVERITY.warn);
  });

  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), minLength: 1, maxLength: 4 });
  const entry = fc.tuple(
    pattern,
    fc.constantFrom('trace', 'debug', 'info', 'warn', 'error', 'off') as fc.Arbitrary<keyof typeof SEVERITY>,
  );
  const entries = fc.array(entry, { maxLength: 6 });
  const scopeName = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 5 });

  /** The definition, one comparison after the other. */
  function expected(given: readonly (readonly [string, keyof typeof SEVERITY])[], scope: string): number {
    let best: readonly [string, keyof typeof SEVERITY] | undefined;
    for (const one of given) {
      const [pattern] = one;
      const fits = pattern.includes('*')
        ? glob(pattern)(scope)
        : scope === pattern || ['.', ':', '/'].some((separator) => scope.startsWith(pattern + separator));
      if (!fits) continue;
      if (best === undefined) {
        best = one;
        continue;
      }
      const length = (text: string) => [...text].filter((character) => character !== '*').length;
      const stars = (text: string) => (text.includes('*') ? 1 : 0);
      const longer = length(pattern) - length(best[0]);
      const plainer = stars(best[0]) - stars(pattern);
      if (longer > 0 || (longer === 0 && plainer >= 0)) best = one;
    }
    return best === undefined ? SEVERITY.warn : SEVERITY[best[1]];
  }

  test('agrees with the definition', () => {
    fc.assert(
      fc.property(entries, scopeName, (given, scope) => {
        const text = ['warn', ...given.map(([pattern, level]) => `${pattern}=${level}`)].join(',');
        expect(minimumOf(directive(text))(scope)).toBe(expected(given, scope));
      }),
      { numRuns: 3_000 },
    );
  });

  test('a scope’s own name wins over everything', () => {
    fc.assert(
      fc.property(entries, scopeName, (given, name) => {
        fc.pre(name !== '');
        const text = [`${name}=fatal`, ...given.map(([pattern, level]) => `${pattern}=${level}`)].join(',');
        fc.pre(!given.some(([pattern]) => pattern === name));
        expect(minimumOf(directive(text))(name)).toBe(SEVERITY.fatal);
      }),
    );
  });
});

test('a directive without a default adds to the one below, one with a default stands alone', () => {
  const on = (under: string, over: string) => {
    const { minimum, scopes } = overlaid(directive(under), directive(over));
    return [minimum, Object.fromEntries(scopes)];
  };
  expect(on('warn,db=debug', 'http=off')).toEqual([13, { db: 5, http: 25 }]);
  expect(on('warn,db=debug', 'db=error')).toEqual([13, { db: 17 }]);
  expect(on('warn,db=debug', 'info')).toEqual([9, {}]);
  expect(on('db=debug', 'http=off')).toEqual([undefined, { db: 5, http: 25 }]);
  expect(on('warn,db=debug', '')).toEqual([13, { db: 5 }]);
  // The later one is the later one, whichever directive it came with.
  const twice = overlaid(directive('*a=warn,a*=error'), directive('*a=debug'));
  expect(minimumOf(twice)('aa')).toBe(SEVERITY.debug);
});
