// Routes: each goes its own way, with its own filter and processors, and none sees what another one does.
import { getLogger } from '@logspan/logger';
import { atLeast, consoleHandler, enrich, event, redact, register, route } from '@logspan/sdk';

const written = (name) => ({ write: (line) => process.stdout.write(`${name}: ${line}`) });
const to = (name) => consoleHandler({ format: 'json', stream: written(name) });
const broken = {
  name: 'broken',
  start: () => ({
    onEmit() {
      throw new Error('a destination with a fault');
    },
    forceFlush: async () => {},
    shutdown: () => new Promise(() => {}), // and it hangs
    deliveryAccount: () => ({ accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 }),
  }),
};

const logging = register({
  handlers: [
    broken, // takes nothing from the others
    to('all'),
    route({
      name: 'errors',
      when: atLeast('error'), // compared as numbers
      processors: [enrich({ team: 'payments' }), redact({ keys: ['customer'] })],
      to: to('errors'),
    }),
    route({
      name: 'audit',
      when: event('audit_*'),
      to: [to('audit'), route({ when: atLeast('warn'), to: to('alarm') })],
    }),
  ],
});

const logger = getLogger('shop');
logger.info('order_placed', { customer: 'ann' });
logger.error('payment_failed', { customer: 'ann' });
logger.warn('audit_denied');

await logging.shutdown({ timeoutMillis: 100 });
for (const [name, { accepted, delivered, dropped }] of Object.entries(logging.stats().handlers)) {
  console.log(name, { accepted, delivered, dropped });
}
