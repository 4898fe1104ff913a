// Errors to Sentry: through the application's own Sentry, redacted, once, with what happened before.
import { createServer } from 'node:http';
import { getLogger } from '@logspan/logger';
import { redactSentryEvent, register, sentry } from '@logspan/sdk';
import * as Sentry from '@sentry/node';

// In place of sentry.io: takes envelopes, which are lines of JSON.
const events = [];
const server = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const lines = body.split('\n');
  if (JSON.parse(lines[1]).type === 'event') events.push(JSON.parse(lines[2]));
  response.end('{}');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

Sentry.init({
  dsn: `http://key@127.0.0.1:${server.address().port}/1`,
  beforeSend: redactSentryEvent(), // what Sentry catches itself
});
const logging = register({ handlers: [sentry(Sentry, { tags: ['region'] })] });
const logger = getLogger('shop');

logger.info('cart_opened', { items: 3 }); // a breadcrumb of what follows
try {
  throw new RangeError('card declined, password=sesame');
} catch (error) {
  logger.error('payment_failed', { region: 'eu', token: 'sesame', error });
  logger.error('order_lost', { error }); // again: not reported twice
  Sentry.captureException(error); // nor by Sentry itself
}
logger.critical('stock_empty'); // without an error: a message

await logging.shutdown();
server.close();
// Each is sent on its own, so that one may overtake another.
events.sort((one, other) => one.timestamp - other.timestamp);
for (const { level, message, exception, fingerprint, tags, contexts, breadcrumbs } of events) {
  console.log(level, message, exception?.values[0].value, fingerprint, tags, contexts.log);
  console.log('  before:', breadcrumbs.map((crumb) => crumb.message).join(', '));
}
const { accepted, delivered, dropped } = logging.stats().handlers.sentry;
console.log({ accepted, delivered, dropped });
