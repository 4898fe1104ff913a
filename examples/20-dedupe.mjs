// Repeated records: the first passes, the rest become one line. A failure that goes on shows in every window.
import { getLogger } from '@logspan/logger';
import { consoleHandler, dedupe, register } from '@logspan/sdk';

// Time that passes when this program says so.
let millis = 0;
const time = { now: () => millis, setTimeout, clearTimeout };

const logging = register({
  processors: [dedupe({ windowMillis: 10_000, attributes: ['db.name'], time })],
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});
const logger = getLogger('shop');

for (let second = 0; second < 25; second++) {
  logger.error('query_failed', { 'db.name': 'orders', second });
  if (second === 3) logger.error('query_failed', { 'db.name': 'stock', second });
  if (second % 10 === 4) logger.info('Disk is almost full');
  millis += 1_000;
}

await logging.shutdown();
const { emitted, written, passed, dropped } = logging.stats().pipeline;
console.log({ emitted, written, passed, dropped });
