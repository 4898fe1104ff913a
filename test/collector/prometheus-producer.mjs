// @ts-check
// A service that measures by its logs, with register({ metrics: true }) alone, and ends as its task says. All that it
// counts lies in the last interval: the interval is longer than it lives.
import { createHash } from 'node:crypto';
import { getLogger } from '@logspan/logger';
import { logMetrics, otlp, register, sample } from '@logspan/sdk';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';

const { instance, count, ratio, names, maxSeries, ending, system } = JSON.parse(process.argv[2] ?? '{}');

const logging = register({
  service: { name: 'shop', instanceId: instance },
  processors: [
    logMetrics(maxSeries === undefined ? {} : { maxSeries }),
    ...(ratio === undefined ? [] : [sample({ ratio })]),
  ],
  handlers: [otlp()],
  metrics: true,
  ...(system === true ? { systemMetrics: { host: true, runtime: true } } : {}),
});
const logger = getLogger('orders');

for (let i = 1; i <= count; i++) {
  // Every order is a trace of its own, which the test can work out as well.
  const traceId = createHash('sha256').update(String(i)).digest('hex').slice(0, 32);
  context.with(trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: traceId.slice(16), traceFlags: 1 }), () => {
    if (names !== undefined) {
      logger.info(`event_${String.fromCharCode(97 + (i % names))}`);
      return;
    }
    logger.info('order_paid', { duration_ms: i % 100, queue_size: count - i });
    if (i % 4 === 0) logger.error('payment_failed');
  });
}
if (ending === 'process.exit') process.exit(7);
if (ending === 'SIGTERM') {
  setInterval(() => undefined, 1_000);
  process.send?.('ready');
} else {
  // The runtime's instrumentation says nothing about an event loop that has not turned five times.
  for (let turn = 0; system === true && turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  await logging.shutdown();
  process.send?.({ delivered: logging.stats().delivered });
  process.disconnect?.();
}
