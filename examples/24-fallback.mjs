// A fallback: what the collector could not be given, because it is down or refuses it, goes somewhere else.
import { getLogger } from '@logspan/logger';
import { consoleHandler, fallback, otlp, register } from '@logspan/sdk';
import { createReceiver } from '@logspan/viewer';

const collector = createReceiver({ port: 0 });
const endpoint = await collector.start();

const undelivered = [];
const stream = { write: (line) => undelivered.push(JSON.parse(line)) };
const logging = register({
  handlers: [fallback(otlp({ endpoint, queueBytes: 100_000 }), consoleHandler({ format: 'json', stream }))],
});
const logger = getLogger('shop');

for (let id = 0; id < 100; id++) logger.info('order_placed', { id });
await logging.forceFlush();
console.log('collector up:', collector.counts().logRecords, 'delivered,', undelivered.length, 'in the fallback');

await collector.close();
// More than the queue holds.
for (let id = 100; id < 10_000; id++) logger.info('order_placed', { id });
await logging.shutdown({ timeoutMillis: 1_000 });
console.log('collector down:', undelivered.length, 'in the fallback');
const reasons = new Set(undelivered.map(({ attributes }) => attributes['logspan.undelivered.reason']));
console.log('because of', [...reasons].sort().join(' and '));
const ids = new Set(undelivered.map(({ attributes }) => attributes.id));
console.log('each once:', ids.size === 9_900 && undelivered.length === 9_900);
