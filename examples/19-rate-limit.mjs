// A rate limit: a flood of one event does not drown the others, stays visible at its rate, and the log says what was left out.
import { getLogger } from '@logspan/logger';
import { consoleHandler, rateLimit, register } from '@logspan/sdk';

// A clock that is the same in every run.
let millis = 0;
const time = { now: () => millis, setTimeout, clearTimeout };

const logging = register({
  processors: [rateLimit({ perSecond: 1, burst: 2, time }), rateLimit({ perSecond: 3, key: ['tenant'], time })],
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});
const logger = getLogger('shop');

for (let second = 0; second < 3; second++) {
  for (let i = 0; i < 100; i++) logger.error('payment_failed', { second, i });
  logger.info('order_placed', { second });
  millis += 1_000;
}
await logging.forceFlush();

for (let i = 0; i < 6; i++) logger.info(`page_${i}_seen`, { tenant: 'noisy' });
logger.info('page_seen', { tenant: 'quiet' });

await logging.shutdown();
const { emitted, written, passed, dropped } = logging.stats().pipeline;
console.log({ emitted, written, passed, dropped });
