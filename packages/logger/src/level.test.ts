import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LEVEL_NAMES, minimumFor, parseLevelDirective, SEVERITY, severityOf, severityText } from './level.ts';

test('the numbers are those of the OTel logs data model, and the guide’s spellings are aliases', () => {
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

describe('parseLevelDirective', () => {
  const parsed = (directive: string) => {
    const result = parseLevelDirective(directive);
    return 'invalid' in result ? { invalid: result.invalid } : result;
  };

  test.each<[string, number, [string, number][]]>([
    ['', 9, []],
    [' , ,', 9, []],
    ['debug', 5, []],
    ['debug,error', 17, []],
    ['db=debug', 9, [['db', 5]]],
    [
      'warn,db=debug,http.client=off',
      13,
      [
        ['http.client', 25],
        ['db', 5],
      ],
    ],
    [' WARN , db = Debug ', 13, [['db', 5]]],
    ['a=b=trace', 9, [['a=b', 1]]],
    ['__proto__=error', 9, [['__proto__', 17]]],
  ])('%j', (directive, minimum, scopes) => {
    expect(parsed(directive)).toEqual({
      minimum,
      scopes: scopes.map(([scope, severity]) => ({ scope, minimum: severity })),
    });
  });

  test.each([
    ['loud', 'loud'],
    ['info,loud', 'loud'],
    ['=debug', '=debug'],
    [' =debug', '=debug'],
    ['db=', 'db='],
    ['db=loud', 'db=loud'],
    ['db', 'db'],
    ['9', '9'],
    ['db=debug=', 'db=debug='],
  ])('%j is not understood', (directive, invalid) => {
    expect(parsed(directive)).toEqual({ invalid });
  });

  test('of one scope given twice the later one counts', () => {
    const directive = parseLevelDirective('db=debug,db=error');
    expect('invalid' in directive || minimumFor(directive, 'db')).toBe(17);
  });

  test('never throws, and answers valid minimums or a part of what was given', () => {
    const part = fc.oneof(fc.string(), fc.constantFrom(...LEVEL_NAMES, '=', ',', 'db=', ' '));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        const result = parseLevelDirective(text);
        if ('invalid' in result) expect(text).toContain(result.invalid);
        else for (const { minimum } of [result, ...result.scopes]) expect(Object.values(SEVERITY)).toContain(minimum);
      }),
    );
  });
});

describe('minimumFor', () => {
  const directive = {
    minimum: 9,
    scopes: [
      { scope: 'db.pool', minimum: 1 },
      { scope: 'db', minimum: 17 },
    ],
  };
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
  ])('of %j is %d', (scope, minimum) => {
    expect(minimumFor(directive, scope)).toBe(minimum);
  });
});
