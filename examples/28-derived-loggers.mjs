// One logger made into others: more attributes, another scope, a filter, and all of them together. The first is untouched.
import { getLogger, lazy } from '@logspan/logger';
import { and, atLeast, attribute, consoleHandler, event, not, register } from '@logspan/sdk';

const logging = register({ level: 'debug', handlers: [consoleHandler({ format: 'pretty', colors: false })] });
const logger = getLogger('shop');

// Errors only. Levels are numbers, so critical is above error.
const errors = logger.filter(atLeast('error'));
errors.info('not_written', { dump: lazy(() => console.log('never computed')) });
errors.critical('out_of_disk');
console.log('errors at info:', errors.isEnabled('info'), '· shop at info:', logger.isEnabled('info'));

// By event. A name matches as a whole: a prefix is written audit_*.
const audit = logger.filter(event({ include: ['audit_*', 'security_*'], exclude: ['*_debug'] }));
for (const name of ['audit_login', 'audit_debug', 'my_audit_login', 'security_alert']) audit.info(name);

// Children inherit the filter, and what it sees are the attributes of all.
const acme = logger.child({ tenant: 'acme' }).filter(not(attribute('synthetic', true)));
const slow = acme.named('shop.db').filter(
  and(
    atLeast('debug'),
    attribute('duration_ms', (millis) => millis >= 100),
  ),
);
acme.info('order_placed', { orderId: 7 });
acme.info('order_placed', { orderId: 8, synthetic: true });
slow.debug('query', { duration_ms: 3 });
slow.debug('query', { duration_ms: 250 });
logger.info('order_placed', { orderId: 9, synthetic: true }); // no filter here

await logging.shutdown();
