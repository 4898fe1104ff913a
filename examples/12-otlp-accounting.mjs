// The account: accepted = delivered + rejected + dropped + pending, at any time. Here the collector is down at first.
import { getLogger } from '@logspan/logger';
import { otlp, register } from '@logspan/sdk';
import { createReceiver } from '@logspan/viewer';

const collector = createReceiver({ port: 0 });
const endpoint = await collector.start();
await collector.close();

const logging = register({ handlers: [otlp({ endpoint, delayMillis: 10 })] });
const logger = getLogger('shop');

function show(moment) {
  const { accepted, delivered, rejected, dropped, pending } = logging.stats();
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  console.log(`${moment}: ${accepted} = ${delivered} + ${rejected} + ${lost} + ${pending}`, dropped);
}

for (let id = 0; id < 1_000; id++) logger.info('order_placed', { id });
console.log('all delivered:', await logging.forceFlush({ timeoutMillis: 100 }));
show('collector down');

await collector.start();
console.log('all delivered:', await logging.forceFlush());
show('collector up');
console.log('the collector has', collector.counts().logRecords);

await collector.close();
logger.info('order_placed', { id: 1_000 });
await logging.shutdown({ timeoutMillis: 100 });
show('ended without it');
