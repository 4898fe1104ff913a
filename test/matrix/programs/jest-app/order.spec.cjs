// A user's own test suite, with Jest as it comes: CommonJS. Importing a logger must never break it.
const { getLogger } = require('@logspan/logger');
const { otlp, register } = require('@logspan/sdk');

test('code that logs can be tested', async () => {
  const logging = register({ handlers: [otlp()] });
  expect(() => getLogger('shop').info('logged_in_jest')).not.toThrow();
  await logging.shutdown();
});
