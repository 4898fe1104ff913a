// Errors arrive as OpenTelemetry's exception attributes, with the stacks of their causes. Log calls never throw.
import { getLogger } from '@logspan/logger';
import { consoleHandler, register } from '@logspan/sdk';

class PaymentError extends Error {
  name = 'PaymentError';
}

const logging = register({ handlers: [consoleHandler({ format: 'pretty', colors: false })] });
const logger = getLogger('payment');

try {
  try {
    JSON.parse('{"amount":');
  } catch (cause) {
    throw new PaymentError('the gateway answered nonsense', { cause });
  }
} catch (error) {
  logger.exception(error, 'payment_failed', { order_id: 'o-1' });
  logger.warn('payment_retried', { attempt: 2, error }); // as good: an Error under error, err or exception
}

// Whatever is logged becomes something readable.
const circular = { name: 'loop' };
circular.self = circular;
const hostile = {
  get trap() {
    throw new RangeError('boo');
  },
};
logger.info('anything', { circular, hostile, big: 2n ** 70n, when: new Date(0), map: new Map([['k', 1]]) });

await logging.shutdown();
