// Fingers crossed: debug records are held for each trace, written if it comes to an error, and dropped if it does not.
import { getLogger } from '@logspan/logger';
import { consoleHandler, event, fingersCrossed, register } from '@logspan/sdk';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';

const logging = register({
  level: 'debug',
  processors: [fingersCrossed({ endsWhen: event('request_completed') })],
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});
const logger = getLogger('shop');

// A request, as a tracer would have started it.
const inTrace = (traceId, fn) =>
  context.with(trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: '00f067aa0ba902b7', traceFlags: 1 }), fn);

const cart = { items: 1 };
const traces = ['1', '2', '3'].map((digit) => `4bf92f3577b34da6a3ce929d0e0e473${digit}`);

// Three requests at a time.
for (const traceId of traces) inTrace(traceId, () => logger.debug('cart_loaded', { cart, password: 'hunter2' }));
cart.items = 2; // what is held says what was true then
for (const traceId of traces) inTrace(traceId, () => logger.info('payment_started'));
inTrace(traces[0], () => logger.warn('payment_slow'));
inTrace(traces[1], () => logger.error('payment_failed'));
for (const traceId of traces) inTrace(traceId, () => logger.info('request_completed'));

console.log(logging.stats().pipeline.held);
await logging.shutdown();
const { emitted, passed, dropped } = logging.stats().pipeline;
console.log({ emitted, passed, dropped });
