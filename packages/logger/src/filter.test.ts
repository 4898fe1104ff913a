import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { and, atLeast, attribute, event, type FilterableRecord, not, or, scope } from './filter.ts';
import { lazy } from './lazy.ts';

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

describe('event, given what is no pattern,', () => {
  test.each<[unknown, string]>([
    [undefined, 'event: must be given a pattern or { include, exclude }, not undefined'],
    [null, 'not null'],
    [{ include: 'audit_*' }, 'event: include must be a list of patterns, not "audit_*"'],
    [{ exclude: [/a/] }, 'event: exclude must be a list of patterns, not a list'],
  ])('%p throws', (given, message) => {
    expect(() => event(given as never)).toThrow(expect.objectContaining({ name: 'TypeError' }));
    expect(() => event(given as never)).toThrow(message);
  });
});

test('scope matches whole logger names', () => {
  const names = ['db', 'db.pool', 'my.db.pool', 'dbx'];
  const passing = (pattern: string) =>
    names.filter((name) => scope(pattern)(recordWith({ instrumentationScope: { name } })));
  expect(passing('db')).toEqual(['db']);
  expect(passing('db.*')).toEqual(['db.pool']);
  expect(passing('*db*')).toEqual(names);
  expect(() => scope(/db/ as never)).toThrow('scope: must be given a pattern, not object');
});

describe('attribute', () => {
  const withAttributes = (attributes: Record<string, unknown>) => recordWith({ attributes });

  test('asks whether it is there', () => {
    const passes = attribute('user.id');
    const values = ['ada', '', 0, false, null, {}, undefined];
    expect(values.map((value) => passes(withAttributes({ 'user.id': value })))).toEqual([
      ...Array(6).fill(true),
      false,
    ]);
    expect(passes(withAttributes({ user: { id: 1 } }))).toBe(false);
    expect(attribute('toString')(withAttributes({}))).toBe(false);
    expect(attribute('__proto__')(withAttributes({}))).toBe(false);
  });

  test('compares it, type and all', () => {
    const passes = attribute('tenant', 'acme');
    expect(['acme', 'acme2', undefined].map((tenant) => passes(withAttributes({ tenant })))).toEqual([
      true,
      false,
      false,
    ]);
    expect(attribute('n', 1)(withAttributes({ n: '1' }))).toBe(false);
    expect(attribute('n', null)(withAttributes({ n: null }))).toBe(true);
    expect(attribute('n', null)(withAttributes({}))).toBe(false);
  });

  test('tests it if it is there', () => {
    const asked: unknown[] = [];
    const passes = attribute('http.response.status_code', (code) => {
      asked.push(code);
      return code >= 500;
    });
    const codes = [200, 503, undefined, '503'];
    expect(codes.map((code) => passes(withAttributes({ 'http.response.status_code': code })))).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(asked).toEqual([200, 503, '503']);
  });

  test('computes nothing, and is not harmed by a getter that throws', () => {
    const compute = () => {
      throw new Error('computed');
    };
    const attributes = {
      a: lazy(compute),
      get b() {
        return compute();
      },
    };
    expect([attribute('a'), attribute('b')].map((passes) => passes(withAttributes(attributes)))).toEqual([
      false,
      false,
    ]);
  });

  test('asks a record that can tell for this attribute alone', () => {
    const record: FilterableRecord = {
      ...recordWith({}),
      get attributes(): never {
        throw new Error('settled');
      },
      peekAttribute: (key) => (key === 'tenant' ? 'acme' : undefined),
    };
    expect([attribute('tenant'), attribute('tenant', 'acme'), attribute('x')].map((passes) => passes(record))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test.each<[unknown[], string]>([
    [['tenant', undefined], 'attribute: tenant can be compared with a plain value or a function, not undefined'],
    [['tenant', /acme/], 'not object'],
    [['tenant', { a: 'secret' }], 'not object'],
    [[undefined], 'attribute: the key must be a string, not undefined'],
  ])('%p throws', (given, message) => {
    expect(() => attribute(...(given as [string]))).toThrow(expect.objectContaining({ name: 'TypeError' }));
    expect(() => attribute(...(given as [string]))).toThrow(message);
  });
});

describe('what is promised before there is a record', () => {
  const any = () => true;
  test.each([
    ['atLeast', atLeast('warn'), 13],
    ['and: the highest', and(atLeast('warn'), atLeast('error'), any), 17],
    ['or: the lowest', or(atLeast('warn'), atLeast('error')), 13],
    ['or with another: nothing', or(atLeast('warn'), any), 0],
    ['nested', and(or(atLeast('fatal'), atLeast('error')), event('a')), 17],
    ['not: nothing', not(atLeast('warn')), undefined],
    ['no filters: nothing', and(), 0],
    ['none of none: nothing', or(), 0],
  ])('%s', (_, filter, minimum) => {
    expect(filter.minimumSeverity).toBe(minimum);
  });

  test('is kept: what is below the minimum does not pass', () => {
    const leaf = fc.oneof(
      fc.constantFrom('trace', 'info', 'warn', 'error', 'off' as const).map((level) => atLeast(level as 'info')),
      fc.constantFrom(event('a'), attribute('x', 1)),
    );
    const filter = fc.letrec<{ node: ReturnType<typeof atLeast> }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('node'), { maxLength: 3 }).map((parts) => and(...parts)),
        fc.array(tie('node'), { maxLength: 3 }).map((parts) => or(...parts)),
        tie('node').map((part) => not(part)),
      ),
    })).node;
    const record = fc.record({ severityNumber: fc.integer({ min: 1, max: 24 }), eventName: fc.constantFrom('a', 'b') });
    fc.assert(
      fc.property(filter, record, (passes, fields) => {
        if (fields.severityNumber < (passes.minimumSeverity ?? 0)) expect(passes(recordWith(fields))).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});

test('and, or, not refuse what is no filter when they are made', () => {
  for (const combine of [and, or, not]) {
    for (const wrong of [undefined, 'secret value', { include: [] }]) {
      expect(() => combine(wrong as never)).toThrow(
        expect.objectContaining({ name: 'TypeError', message: expect.not.stringContaining('secret') }),
      );
    }
  }
});

test('a filter that is async by mistake does not end the process', async () => {
  const unhandled: unknown[] = [];
  const listen = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', listen);
  try {
    const rejects = (async () => {
      throw new Error('nobody hears this');
    }) as never;
    for (const filter of [and(rejects), or(rejects), not(rejects), attribute('a', rejects)]) {
      filter(recordWith({ attributes: { a: 1 } }));
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', listen);
  }
});
