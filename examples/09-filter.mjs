// Filters: for everything, for one destination, for one logger. By level, by event name, or by a rule of your own.
import { getLogger } from '@logspan/logger';
import { and, atLeast, attribute, consoleHandler, event, filter, not, register, scope } from '@logspan/sdk';

const written = (name) => ({ write: (line) => process.stdout.write(`${name}: ${line}`) });
const to = (name, when) => consoleHandler({ format: 'pretty', colors: false, stream: written(name), when });

const logging = register({
  processors: [filter(not(and(event('health_*'), attribute('status', 200))))],
  handlers: [to('all'), to('alarm', atLeast('error')), to('db', scope('db.*'))],
});

const logger = getLogger('shop');
logger.info('health_checked', { status: 200 });
logger.warn('health_checked', { status: 503 });
logger.error('order_failed');
getLogger('db.pool').info('connected');

const audit = logger.filter(event({ include: ['audit_*'], exclude: ['audit_debug'] }));
audit.info('audit_login');
audit.info('audit_debug');
audit.info('login');

await logging.shutdown();
console.log(logging.stats().pipeline.dropped);
