// The first record: one call at startup, one logger per module, an event name and its attributes.
import { getLogger } from '@logspan/logger';
import { consoleHandler, register } from '@logspan/sdk';

const logging = register({
  service: { name: 'checkout', version: '1.4.2' },
  handlers: [consoleHandler({ format: 'pretty', colors: false })], // leave this out, and records go to a collector by OTLP
});

const logger = getLogger('checkout');
logger.info('user_login', { username: 'ann', password: 'sesame' }); // secrets are redacted unless you say otherwise
logger.warn('Only 2 teapots left', { sku: 'teapot' }); // what does not look like a name is a message

await logging.shutdown(); // delivers what is still held
