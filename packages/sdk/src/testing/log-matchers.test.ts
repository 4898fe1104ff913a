import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { type CapturedLogs, captureLogs } from './capture-logs.ts';
import { type LogMatchers, logMatchers } from './log-matchers.ts';

declare module 'expect' {
  interface Matchers<R> extends LogMatchers<R> {}
}
expect.extend(logMatchers);

let logs: CapturedLogs;
beforeEach(() => {
  logs = captureLogs();
  const logger = getLogger('shop');
  logger.info('user_login', { username: 'ann', roles: ['admin', 'buyer'], password: 'sesame' });
  logger.info('user_login', { username: 'bob' });
  logger.warn('the queue is full', { size: 9 });
});
afterEach(() => logs.stop());

/** What a failed assertion says. */
function complaint(assertion: () => void): string {
  try {
    assertion();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the assertion held');
}

test('toHaveLogged', () => {
  expect(logs).toHaveLogged('user_login');
  expect(logs).toHaveLogged('user_login', { username: 'ann' });
  expect(logs).toHaveLogged('user_login', { username: expect.stringMatching(/^b/), roles: undefined });
  expect(logs).toHaveLogged('user_login', { roles: expect.arrayContaining(['buyer']) });
  expect(logs).toHaveLogged(/queue/, { size: expect.any(Number) });
  expect(logs).toHaveLogged({ level: 'warn', scope: expect.stringContaining('sho') as never });
  expect(logs).toHaveLogged(({ attributes }) => attributes.size === 9);
  expect(logs).not.toHaveLogged('user_login', { username: 'eve' });
  expect(logs).not.toHaveLogged('user_logout');
  expect(logs.records).toHaveLogged('user_login');
});

test('toHaveLoggedTimes', () => {
  expect(logs).toHaveLoggedTimes('user_login', 2);
  expect(logs).toHaveLoggedTimes('user_login', 1, { username: 'ann' });
  expect(logs).toHaveLoggedTimes('user_logout', 0);
  expect(logs).not.toHaveLoggedTimes('user_login', 1);
  expect(complaint(() => expect(logs).toHaveLoggedTimes('user_login', 3))).toMatch(
    /3 record\(s\) 'user_login', of which there are 2/,
  );
});

test('toHaveLoggedAtLeast', () => {
  expect(logs).toHaveLoggedAtLeast('info');
  expect(logs).toHaveLoggedAtLeast('warning');
  expect(logs).not.toHaveLoggedAtLeast('error');
  expect(complaint(() => expect(logs).not.toHaveLoggedAtLeast('warn'))).toMatch(
    /Expected not: a record of level warn or above\n\nLogged \(1\):\n {2}warn {2}shop 'the queue is full'/,
  );
  expect(() => expect(logs).toHaveLoggedAtLeast('loud' as never)).toThrow(/a level is one of trace/);
});

test('a failure lists what was logged, redacted', () => {
  const message = complaint(() => expect(logs).toHaveLogged('user_login', { username: expect.any(Number) }));
  expect(message).toBe(
    [
      "Expected: a record 'user_login' { username: Any<Number> }",
      '',
      'Logged (3):',
      "  info  shop user_login { username: 'ann', roles: [ 'admin', 'buyer' ], password: '***REDACTED***' }",
      "  info  shop user_login { username: 'bob' }",
      "  warn  shop 'the queue is full' { size: 9 }",
    ].join('\n'),
  );
  expect(complaint(() => expect(logs).not.toHaveLogged(/login/))).toMatch(
    /^Expected not: a record \/login\/\n\nLogged \(2\)/,
  );
  logs.clear();
  expect(complaint(() => expect(logs).toHaveLogged('a'))).toMatch(/Nothing was logged\.$/);
  for (let i = 0; i < 40; i++) getLogger('shop').info('many', { i });
  expect(complaint(() => expect(logs).toHaveLogged('a')).split('\n')).toHaveLength(33);
});

test('nothing can be said of records that are missing', async () => {
  const few = captureLogs({ maxRecords: 1 });
  getLogger('shop').info('a');
  getLogger('shop').info('b');
  for (const assertion of [() => expect(few).toHaveLogged('a'), () => expect(few).not.toHaveLogged('c')]) {
    expect(complaint(assertion)).toMatch(/1 record\(s\) came when as many were there as are kept/);
  }
  await few.stop();
});

test('what is not captured logs is told apart from logs without records', () => {
  expect(() => expect(undefined).toHaveLogged('a')).toThrow('must be given what captureLogs() returned');
  expect(() => expect({}).not.toHaveLogged('a')).toThrow('must be given what captureLogs() returned');
});

test('without a test runner, values are compared strictly', () => {
  const { pass } = logMatchers.toHaveLogged.call({}, logs, 'user_login', { roles: ['admin', 'buyer'] });
  expect(pass).toBe(true);
  expect(logMatchers.toHaveLogged.call({}, logs, 'user_login', { roles: ['admin'] }).pass).toBe(false);
});
