// Asynchronous logging: a log call does not wait for its destination. Who logs without end waits for forceFlush() now and
// then; the order and the trace of the call are kept, and stopping ends, whatever is left.
import { getLogger, withAttributes } from '@logspan/logger';
import { batch, register } from '@logspan/sdk';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';

const taken = [];
let answering = true;
const slow = {
  export(records, done) {
    taken.push(...records);
    if (answering) setImmediate(() => done({ code: 0 }));
  },
  shutdown: async () => {},
};
const broken = {
  export() {
    throw new Error('a destination with a fault');
  },
  shutdown: async () => {},
};

const logging = register({
  handlers: [batch(broken, { name: 'broken' }), batch(slow, { name: 'slow', queueRecords: 1_000, batchRecords: 100 })],
});
const logger = getLogger('shop');

// 10 000 records through a queue of 1 000.
for (let id = 0; id < 10_000; id++) {
  logger.info('item_processed', { id });
  if (id % 500 === 499) await logging.forceFlush();
}
console.log(
  'taken:',
  taken.length,
  'in order:',
  taken.every(({ attributes }, index) => attributes.id === index),
);
console.log('broken:', logging.stats().handlers.broken.dropped);

// The trace is that of the call, though the record leaves later.
const spanContext = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), () =>
  withAttributes({ tenant: 'acme' }, () => logger.info('order_placed')),
);
await logging.forceFlush();
console.log(taken.at(-1).spanContext.traceId, taken.at(-1).attributes);

// A destination that hangs, and a backlog: stopping ends at its deadline, and what is left is counted.
answering = false;
for (let id = 0; id < 300; id++) logger.info('item_processed', { id });
console.log('all delivered:', await logging.shutdown({ timeoutMillis: 200 }));
const { accepted, delivered, dropped, pending } = logging.stats().handlers.slow;
console.log({ accepted, delivered, dropped, pending });
