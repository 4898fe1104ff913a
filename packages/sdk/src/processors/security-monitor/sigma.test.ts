import { describe, expect, test } from '@jest/globals';
import { through } from '../../../../../test/pipeline/recorder.ts';
import { securityMonitor } from '../security-monitor.ts';
import { fromSigma } from './sigma.ts';

const failed = {
  title: 'Failed login',
  name: 'failed_login',
  logsource: { product: 'shop' },
  detection: { selection: { EventName: 'login_failed' }, condition: 'selection' },
};
const succeeded = {
  title: 'Login',
  id: '5638f7c0-ac70-491d-8465-2a65075e0d86',
  detection: {
    selection: { 'event.name|startswith': ['login_succ', 'user_login'], mfa: false },
    condition: 'selection',
  },
};
const many = {
  title: 'Many failed logins',
  id: '0e95725d-7320-415d-80f7-004da920fc11',
  name: 'many_failed_logins',
  status: 'stable',
  correlation: {
    type: 'event_count',
    rules: ['failed_login'],
    'group-by': ['username', 'ip'],
    timespan: '1h',
    condition: { gte: 3 },
  },
  level: 'high',
};

const typesFor = (documents: unknown, ...records: [eventName: string, attributes: Record<string, unknown>][]) => {
  const { emit, end } = through(securityMonitor({ rules: fromSigma(documents) }));
  for (const [eventName, attributes] of records) emit({ eventName, attributes });
  return end.records.filter(({ eventName }) => eventName === 'security_alert').map(({ attributes }) => attributes);
};

describe('rules from Sigma', () => {
  test('an event_count, in any order of the documents', () => {
    expect(fromSigma([many, failed])).toEqual([
      {
        ...{ id: 'many_failed_logins', type: 'event_count', groupBy: ['username', 'ip'], window: '1h' },
        match: [{ event: ['login_failed'], ignoreCase: true }],
        condition: { gte: 3 },
        severity: 'error',
        emit: {
          attributes: { 'security_rule.name': 'Many failed logins', 'security_rule.uuid': many.id },
        },
      },
    ]);
    const attempt = ['login_failed', { username: 'alice', ip: '192.0.2.1' }] as [string, Record<string, unknown>];
    expect(typesFor([failed, many], attempt, ['LOGIN_FAILED', attempt[1]], attempt)).toEqual([
      expect.objectContaining({ alert_type: 'many_failed_logins', 'security_rule.name': 'Many failed logins' }),
    ]);
  });

  test('a value_count', () => {
    const correlation = {
      ...{ type: 'value_count', rules: ['failed_login'], 'group-by': ['ip'], timespan: '5m' },
      condition: { field: 'username', gt: 1 },
    };
    const log = (username: string) =>
      ['login_failed', { ip: '192.0.2.1', username }] as [string, Record<string, unknown>];
    const documents = [failed, { title: 'Spray', correlation }];
    expect(typesFor(documents, log('a'), log('a'))).toEqual([]);
    expect(typesFor(documents, log('a'), log('b'))).toEqual([
      expect.objectContaining({ alert_type: 'Spray', count: 2 }),
    ]);
  });

  test('a temporal_ordered', () => {
    const correlation = {
      ...{ type: 'temporal_ordered', rules: ['failed_login', succeeded.id], 'group-by': ['username'], timespan: '1h' },
    };
    const documents = [failed, succeeded, { title: 'Guessed', correlation }];
    const user = { username: 'alice' };
    expect(typesFor(documents, ['user_login', { ...user, mfa: false }], ['login_failed', user])).toEqual([]);
    expect(typesFor(documents, ['login_failed', user], ['user_login', { ...user, mfa: true }])).toEqual([]);
    expect(typesFor(documents, ['login_failed', user], ['user_login_web', { ...user, mfa: false }])).toHaveLength(1);
  });

  test('a number of failures and then a success: one correlation in another, which makes one rule', () => {
    const outer = {
      title: 'Guessed password',
      correlation: {
        ...{ type: 'temporal_ordered', rules: ['many_failed_logins', succeeded.id] },
        ...{ 'group-by': ['username', 'ip'], timespan: '1h' },
      },
      level: 'critical',
    };
    const documents = [outer, many, failed, succeeded];
    expect(fromSigma(documents)).toEqual([
      expect.objectContaining({
        ...{ id: 'Guessed password', type: 'temporal_ordered', severity: 'fatal' },
        match: [{ event: ['login_failed'], ignoreCase: true, count: 3 }, expect.objectContaining({ ignoreCase: true })],
      }),
    ]);
    const attributes = { username: 'alice', ip: '192.0.2.1', mfa: false };
    const log = (eventName: string) => [eventName, attributes] as [string, Record<string, unknown>];
    const failures = [log('login_failed'), log('login_failed')];
    expect(typesFor(documents, ...failures, log('user_login'))).toEqual([]);
    expect(typesFor(documents, ...failures, log('login_failed'), log('user_login'))).toHaveLength(1);

    const inner = (more: object) => [outer, { ...many, correlation: { ...many.correlation, ...more } }, failed];
    const at = 'fromSigma[1].correlation';
    for (const [more, option] of [
      [{ timespan: '5m' }, `${at}.timespan`],
      [{ 'group-by': ['username'] }, `${at}.group-by`],
      [{ type: 'value_count', condition: { field: 'a', gte: 2 } }, 'fromSigma[0].correlation.rules[0]'],
      [{ rules: ['failed_login', 'failed_login'] }, 'fromSigma[0].correlation.rules[0]'],
      [{ condition: { lt: 2 } }, `${at}.condition.lt`],
      [{ rules: ['many_failed_logins'] }, `${at}.rules[0]`],
    ] as const) {
      expect(() => fromSigma([...inner(more), succeeded])).toThrow(
        expect.objectContaining({ name: 'ConfigError', option, message: expect.stringContaining('not supported') }),
      );
    }
  });

  test('gt is one more, and lte is lt of one more, which is told when it is so', () => {
    const conditionOf = (condition: object) => {
      const [rule] = fromSigma([
        failed,
        { ...many, correlation: { ...many.correlation, 'group-by': [], condition } },
      ]) as readonly { condition?: unknown }[];
      return rule?.condition;
    };
    expect(conditionOf({ gt: 3 })).toEqual({ gt: 3 });
    expect(conditionOf({ lt: 3 })).toEqual({ lt: 3 });
    expect(conditionOf({ lte: 0 })).toEqual({ lt: 1 });
  });

  test('texts with wildcards, and without case unless cased', () => {
    const matches = (selection: object, attributes: object) =>
      typesFor(
        [
          { ...failed, detection: { selection, condition: 'selection' } },
          { ...many, correlation: { ...many.correlation, 'group-by': [], condition: { gte: 1 } } },
        ],
        ['e', { ...attributes }],
      ).length === 1;
    expect(matches({ 'path|contains': 'Admin' }, { path: '/x/admin/y' })).toBe(true);
    expect(matches({ 'path|endswith': ['admin', 'root'] }, { path: '/ROOT' })).toBe(true);
    expect(matches({ path: '/a*z' }, { path: '/a/b/Z' })).toBe(true);
    expect(matches({ 'path|contains|cased': 'Admin' }, { path: '/x/admin/y' })).toBe(false);
    expect(matches({ 'path|contains|cased': 'Admin' }, { path: '/x/Admin/y' })).toBe(true);
    expect(matches({ code: [401, 403] }, { code: 403 })).toBe(true);
    expect(matches({ code: 401 }, { code: 403 })).toBe(false);
  });
});

describe('what is not supported is named', () => {
  const correlated = (more: object, document: object = {}) => [
    failed,
    { ...many, ...document, correlation: { ...many.correlation, ...more } },
  ];
  const detected = (detection: object) => [many, { ...failed, detection }];
  const selected = (selection: unknown) => detected({ selection, condition: 'selection' });
  const inDetection = 'fromSigma[1].detection';

  test.each<[unknown, string, string]>([
    ['title: x', 'fromSigma[0]', 'a map'],
    [[], 'fromSigma', 'a correlation, because no rule'],
    [[failed, succeeded], 'fromSigma', 'a correlation, because no rule'],
    [[{ title: 'x' }], 'fromSigma[0]', 'a detection or a correlation'],
    [correlated({ aliases: {} }), 'fromSigma[1].correlation.aliases', 'not supported'],
    [correlated({ type: 'temporal' }), 'fromSigma[1].correlation.type', '"temporal" is not supported'],
    [correlated({ type: 'temporal_ordered' }), 'fromSigma[1].correlation.condition', 'temporal_ordered'],
    [correlated({ rules: 'failed_login' }), 'fromSigma[1].correlation.rules', 'a list'],
    [correlated({ rules: ['other'] }), 'fromSigma[1].correlation.rules[0]', '"other" is the name or id of no document'],
    [correlated({ rules: ['many_failed_logins'] }), 'fromSigma[1].correlation.rules[0]', 'correlation of correlations'],
    [correlated({}, { generate: true }), 'fromSigma[1].generate', 'each single record'],
    [correlated({}, { level: 'awful' }), 'fromSigma[1].level', '"awful" is not supported; supported are informational'],
    [correlated({ condition: { eq: 3 } }), 'fromSigma[1].correlation.condition.eq', 'gte, gt, lt, lte'],
    [correlated({ condition: { neq: 3 } }), 'fromSigma[1].correlation.condition.neq', 'not supported'],
    [correlated({ condition: { gt: 1, lte: 3 } }), 'fromSigma[1].correlation.condition', 'a range is not supported'],
    [correlated({ condition: { lte: 3 } }), 'fromSigma[1].correlation.condition.lte', 'too few records of a group'],
    [correlated({ condition: { gte: 'many' } }), 'fromSigma[1].correlation.condition.gte', '"many"'],
    [correlated({ condition: {} }), 'fromSigma[1].correlation.condition', 'exactly one of gte, gt, lt, lte'],
    [
      correlated({ condition: { field: 'a' } }),
      'fromSigma[1].correlation.condition.field',
      'supported are gte, gt, lt, lte',
    ],
    [
      correlated({ condition: { field: 'a', gte: 3 } }),
      'fromSigma[1].correlation.condition.field',
      'a field of event_count is not supported; supported are gte, gt, lt, lte',
    ],
    [correlated({ 'group-by': [], condition: { lte: 'x' } }), 'fromSigma[1].correlation.condition.lte', 'not "x"'],
    [correlated({ 'group-by': [], condition: { lte: -1 } }), 'fromSigma[1].correlation.condition.lte', 'not -1'],
    [
      correlated({ type: 'value_count', condition: { field: 'a' } }),
      'fromSigma[1].correlation.condition',
      'exactly one of gte, gt',
    ],
    [correlated({ condition: undefined }), 'fromSigma[1].correlation.condition', 'a map'],
    [correlated({ type: 'value_count' }), 'fromSigma[1].correlation.condition.field', 'attribute'],
    [
      correlated({ type: 'value_count', condition: { field: 'a', lt: 3 } }),
      'fromSigma[1].correlation.condition.lt',
      'too few values is not supported',
    ],
    [correlated({ type: 'value_sum' }), 'fromSigma[1].correlation.type', '"value_sum" is not supported'],
    [correlated({ timespan: '1M' }), 'fromSigma[1].correlation.timespan', '"1M" was given'],
    [correlated({ timespan: undefined }), 'fromSigma[1].correlation.timespan', 'undefined was given'],
    [correlated({ 'group-by': 'username' }), 'fromSigma[1].correlation.group-by', '"username" was given'],
    [
      correlated({}, { name: undefined, id: undefined, title: undefined }),
      'fromSigma[1]',
      'needs one of name, id and title',
    ],
    [correlated({}, { name: 7 }), 'fromSigma[1].name', '7 was given, allowed: a text of up to 256 characters'],
    [correlated({}, { name: undefined, id: '' }), 'fromSigma[1].id', 'allowed: a text of up to 256 characters'],
    [[failed, failed], 'fromSigma[1]', '"failed_login" is the name or id of another document'],
    [[{ title: 'x', filter: { rules: [] } }], 'fromSigma[0].filter', 'filter is not supported'],
    [[{ action: 'global', title: 'x' }], 'fromSigma[0].action', 'action is not supported'],
    [detected({ selection: { a: 1 }, condition: 'not selection' }), `${inDetection}.condition`, 'only selection'],
    [detected({ one: { a: 1 }, two: { a: 1 }, condition: 'one' }), `${inDetection}.condition`, 'only selection'],
    [selected(['keyword']), `${inDetection}.selection`, 'a map'],
    [selected({}), `${inDetection}.selection`, 'must have a field'],
    [selected({ 'a|re': 'x' }), `${inDetection}.selection.a|re`, 'the modifier "re" is not supported'],
    [selected({ 'a|contains|all': 'x' }), `${inDetection}.selection.a|contains|all`, 'the modifier "all"'],
    [selected({ 'a|contains': 7 }), `${inDetection}.selection.a|contains`, '7 as a value'],
    [selected({ a: null }), `${inDetection}.selection.a`, 'null as a value'],
    [selected({ a: 'x?' }), `${inDetection}.selection.a`, 'backslash'],
    [selected({ a: '1', 'a|contains': '2' }), `${inDetection}.selection.a|contains`, 'a field twice'],
    [selected({ 'a|cased': '1', b: '2' }), `${inDetection}.selection`, 'cased for some'],
  ])('%j', (documents, option, words) => {
    expect(() => fromSigma(documents)).toThrow(
      expect.objectContaining({ name: 'ConfigError', option, message: expect.stringContaining(words) }),
    );
  });
});
