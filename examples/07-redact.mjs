// Secrets are taken out before a record is held or sent: on by default, at any depth, and your objects stay as they are.
import { getLogger } from '@logspan/logger';
import { consoleHandler, redact, register } from '@logspan/sdk';

const logging = register({
  processors: [redact({ keys: ['loyalty_number'] })], // beside the well-known ones; order is checked: it must be last
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});
const logger = getLogger('shop');

const request = {
  headers: { Authorization: 'Bearer abc', 'X-Api-Key': 'k-123', accept: '*/*' },
  body: { users: [{ name: 'ann', password: 'sesame' }], LoyaltyNumber: 42 },
  rawHeaders: ['Cookie', 'sid=1', 'Accept', '*/*'],
};
logger.info('request', request);
logger.info('login', { username: 'ann', db_password: 'sesame', author: 'not a secret' });
logger.warn('cannot connect to postgres://ann:sesame@db/shop, password=sesame, 3 tries left');

await logging.shutdown();
console.log('still there:', request.body.users[0].password);
console.log('redacted:', logging.stats().pipeline.redacted);
