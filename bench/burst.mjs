// node bench/burst.mjs [records] [queueBytes]: a burst that never returns to the event loop, through a queue that is far
// too small for it. With `overflow: 'block'` all of it must arrive; the time is that of a job that stands still for it.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { getLogger } from '@logspan/logger';
import { otlp, register } from '@logspan/sdk';
import { createReceiver } from '@logspan/viewer';

if (isMainThread) {
  const [records = 1_000_000, queueBytes = 512 * 1_024] = process.argv.slice(2).map(Number);
  const collector = new Worker(new URL(import.meta.url));
  const told = () => new Promise((resolve) => collector.once('message', resolve));
  const logging = register({ handlers: [otlp({ endpoint: await told(), queueBytes, overflow: 'block' })] });
  const logger = getLogger('shop');

  const start = performance.now();
  for (let id = 0; id < records; id++) logger.info('item_processed', { id });
  const written = performance.now();
  await logging.shutdown({ timeoutMillis: 60_000 });
  const { delivered, dropped } = logging.stats();
  const count = told();
  collector.postMessage('end');
  const arrived = await count;

  const seconds = (from, to) => Number(((to - from) / 1_000).toFixed(1));
  const mebibytes = Math.round(process.resourceUsage().maxRSS / 1_024);
  console.log({ records, delivered, dropped, arrived, seconds: seconds(start, written), mebibytes });
  if (delivered !== records || arrived < records) process.exitCode = 1;
} else {
  const collector = createReceiver({ port: 0 });
  parentPort.postMessage(await collector.start());
  parentPort.once('message', async () => {
    parentPort.postMessage(collector.counts().logRecords);
    await collector.close();
  });
}
