// Buffered logging is what otlp() does. A synchronous burst through a queue far too small for it loses nothing if the log
// call may wait. (The collector runs in a thread of its own, because this one is busy.)
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { getLogger } from '@logspan/logger';
import { otlp, register } from '@logspan/sdk';
import { createReceiver } from '@logspan/viewer';

if (isMainThread) {
  const collector = new Worker(new URL(import.meta.url));
  const told = () => new Promise((resolve) => collector.once('message', resolve));
  const endpoint = await told();

  const logging = register({
    handlers: [
      otlp({
        endpoint,
        batchRecords: 1_000, // the size of the buffer
        delayMillis: 1_000, // the flush interval
        queueBytes: 256 * 1_024,
        overflow: 'block',
      }),
    ],
  });
  const logger = getLogger('shop');
  for (let id = 0; id < 10_000; id++) logger.info('item_processed', { id });
  await logging.shutdown();

  const { accepted, delivered, dropped } = logging.stats();
  console.log({ accepted, delivered, dropped });
  const count = told();
  collector.postMessage('end');
  console.log('the collector has', await count);
} else {
  const collector = createReceiver({ port: 0 });
  parentPort.postMessage(await collector.start());
  parentPort.once('message', async () => {
    parentPort.postMessage(collector.counts().logRecords);
    await collector.close();
  });
}
