// The same application in CommonJS.
const api = require('@opentelemetry/api');
const { logs } = require('@opentelemetry/api-logs');
const { getLogger, withAttributes } = require('@logspan/logger');
const { otlp, register } = require('@logspan/sdk');

async function main() {
  const early = getLogger('shop.early');
  const logging = register({ handlers: [otlp()] });

  early.info('logger_made_before_register', { answer: 42 });
  await withAttributes({ tenant: 'acme' }, async () => {
    await Promise.resolve();
    getLogger('shop').warn('inside_scope');
  });
  logs.getLogger('library').emit({ eventName: 'through_api_logs', body: 'old home', severityNumber: 9 });
  api.logs?.getLogger('library').emit({ eventName: 'through_api', body: 'new home', severityNumber: 9 });

  await logging.shutdown();
}

main();
