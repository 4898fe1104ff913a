// The viewer inside a test or a script: receives OTLP, keeps the latest, and shows it. On its own: npx logspan-viewer
import { getLogger } from '@logspan/logger';
import { otlp, register } from '@logspan/sdk';
import { createReceiver, createStore, formatRecord } from '@logspan/viewer';

const receiver = createReceiver({ port: 0 }); // 4318, OTLP's own, unless told otherwise
const endpoint = await receiver.start();
const store = createStore(receiver);

const logging = register({ service: { name: 'checkout' }, handlers: [otlp({ endpoint })] });
getLogger('shop').info('order_placed', { total: 48.5, card_number: '4111 1111 1111 1111' });
getLogger('shop.stock').warn('stock_low', { sku: 'teapot', left: 2 });
await logging.shutdown();

for (const record of store.logs()) console.log(formatRecord(record));
const { logRecords, bySeverity } = store.counts();
console.log(`${logRecords} records, ${bySeverity.warn} of them warnings`);

// A test can also script the answers, and see what a sender makes of them.
receiver.respondWith(() => ({ partialSuccess: { rejected: 1, message: 'too late' } }));
const again = register({ handlers: [otlp({ endpoint })] });
getLogger('shop').info('order_placed');
getLogger('shop').info('order_placed');
await again.shutdown();
const { delivered, rejected } = again.stats();
console.log({ delivered, rejected });

await receiver.close();
