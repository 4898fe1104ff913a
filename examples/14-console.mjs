// The console: for people on a terminal, JSON lines for programs elsewhere. One record never looks like two.
import { getLogger } from '@logspan/logger';
import { consoleHandler, register } from '@logspan/sdk';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';

const logging = register({
  service: { name: 'checkout' },
  // `auto`, the default, looks whether the stream is a terminal. Here both are shown.
  handlers: [consoleHandler({ format: 'pretty', colors: false }), consoleHandler({ format: 'json' })],
});
const logger = getLogger('shop');

const spanContext = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 };
context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), () => {
  logger.info('order_placed', { items: ['teapot', 'cup'], total: 48.5 });
});

// An attacker's user name: line breaks and escape sequences arrive as text.
logger.warn('login_failed', { username: 'ann\n12:00:00 INFO shop login_succeeded \u001b[2J' });

// What caused an error is indented below it.
const refused = new AggregateError([new Error('card refused'), new TypeError('no wallet')], 'both failed');
logger.error('payment_failed', { orderId: 7, error: new Error('could not pay', { cause: refused }) });

await logging.shutdown();
