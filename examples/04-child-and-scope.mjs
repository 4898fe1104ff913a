// Attributes that many records share: bound to a logger, or to everything that is done on behalf of one request.
import { setTimeout as delay } from 'node:timers/promises';
import { getLogger, withAttributes } from '@logspan/logger';
import { consoleHandler, register } from '@logspan/sdk';

const logging = register({ handlers: [consoleHandler({ format: 'pretty', colors: false })] });
const logger = getLogger('shop');

const cart = logger.child({ cart: 7 });
cart.info('item_added', { sku: 'teapot' });
cart.named('shop.stock').info('reserved'); // another scope, the same attributes

// Nobody hands the tenant on: it follows the asynchronous calls.
async function chargeCard() {
  await delay(1);
  logger.info('card_charged', { amount: 39 });
}
await Promise.all([
  withAttributes({ tenant: 'acme' }, chargeCard),
  withAttributes({ tenant: 'globex' }, () => withAttributes({ region: 'eu' }, chargeCard)),
]);
logger.info('outside');

await logging.shutdown();
