// The other way round: CommonJS sets up, and what logs is an ES module.
const { otlp, register } = require('@logspan/sdk');

async function main() {
  const logging = register({ handlers: [otlp()] });
  const esm = await import('@logspan/logger');
  esm.getLogger('shop').info('logged_by_other_copy');
  await logging.shutdown();
}

main();
