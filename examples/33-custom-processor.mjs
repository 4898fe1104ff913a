// Steps of your own: a function, a stage that holds its state, an alert written by a step; added and removed at run time.
import { getLogger } from '@logspan/logger';
import { consoleHandler, forwardTo, register, stage } from '@logspan/sdk';

/** A function: edits the record, and drops it by `false`. */
function dropHealthChecks(record) {
  if (record.eventName === 'health_check') return false;
  record.setAttribute('shop.checked', true);
}

/** The third parameter writes a record because of this one. It comes after it, and never back to this step. */
function watchStock(record, _context, emit) {
  if (record.eventName !== 'item_sold' || record.attributes.left > 0) return;
  emit({ eventName: 'sold_out', level: 'warn', attributes: { item: record.attributes.item } });
}

/** A stage: wraps what comes after it. Dropping is not calling `next.onEmit`; what it drops it counts. */
const firstOfEach = () =>
  stage('firstOfEach', 'volume', (next) => {
    const seen = new Set();
    let repeated = 0;
    return forwardTo(next, {
      onEmit(record, context) {
        // What a step wrote, such as an alert, is not for anybody to thin out.
        if (record.writtenByStage || !seen.has(record.eventName)) next.onEmit(record, context);
        else repeated++;
        if (seen.size < 1_000) seen.add(record.eventName);
      },
      account: () => ({ dropped: { repeated } }),
    });
  });

const logging = register({
  processors: [dropHealthChecks, watchStock],
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});
const logger = getLogger('shop');

logger.info('health_check');
logger.info('item_sold', { item: 'lamp', left: 0 });

const step = firstOfEach();
logging.addProcessor(step); // while records flow: behind the steps of its phase, before redact
logger.info('item_sold', { item: 'chair', left: 4 });
logger.info('item_sold', { item: 'chair', left: 3 });
logging.removeProcessor(step);
logger.info('item_sold', { item: 'chair', left: 2 });

await logging.shutdown();
const { emitted, written, passed, dropped } = logging.stats().pipeline;
console.log({ emitted, written, passed, dropped });
