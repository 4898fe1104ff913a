// What a step costs, and what becomes of one that fails: nothing is lost, and it is taken out if it always fails.
import { getLogger } from '@logspan/logger';
import { consoleHandler, register, resilient, timed } from '@logspan/sdk';

function addShelf(record) {
  record.setAttribute('shelf', lookUp(record.attributes.item).shelf);
}
const lookUp = () => undefined; // a data base that has gone: each look-up throws

function classify(record) {
  record.setAttribute('large', record.attributes.amount > 100);
}

const logging = register({
  level: 'info,logspan=debug', // the level of the scope `logspan` says whether processor_performance is written
  processors: [resilient(addShelf, { takeOutAfter: 5 }), timed(classify)],
  handlers: [consoleHandler({ format: 'json' })],
});
const logger = getLogger('shop');
for (let i = 0; i < 1_000; i++) logger.info('item_sold', { item: i, amount: i });

await logging.shutdown();
const { passed, failures, takenOut } = logging.stats().pipeline;
console.log('passed', passed, 'failures', failures, 'taken out', takenOut);
