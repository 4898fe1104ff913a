// A user's own test suite, with Jest as it comes: CommonJS. Importing a logger must never break it.
const { getLogger } = require('@logspan/logger');
const { otlp, register } = require('@logspan/sdk');
const { captureLogs, logMatchers } = require('@logspan/sdk/testing');

expect.extend(logMatchers);

test('code that logs can be tested', async () => {
  const logging = register({ handlers: [otlp()] });
  expect(() => getLogger('shop').info('logged_in_jest')).not.toThrow();
  await logging.shutdown();
});

test('what is logged can be asserted', async () => {
  const logs = captureLogs();
  getLogger('shop').info('order_placed', { amount: 1, pin_token: 'sesame' });
  expect(logs).toHaveLogged('order_placed', { amount: expect.any(Number), pin_token: '***REDACTED***' });
  expect(logs).not.toHaveLoggedAtLeast('warn');
  await logs.stop();
});
