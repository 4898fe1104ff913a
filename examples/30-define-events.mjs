// @ts-check
// The events of a service, said once: the compiler holds the calls to them, redaction and metrics follow from them.
import { defineEvents, getLogger } from '@logspan/logger';
import { consoleHandler, logMetrics, redact, register } from '@logspan/sdk';
import { metrics } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';

// In TypeScript: interface ShopEvents { … }, defineEvents<ShopEvents>({ … }), getLogger<ShopEvents>('shop').
/**
 * @typedef {object} ShopEvents
 * @property {{ username: string, pin: string }} user_login
 * @property {{ amount: number, country: string }} order_placed
 */

/** @type {import('@logspan/logger').EventCatalogue<ShopEvents>} */
const events = defineEvents({
  user_login: { secrets: ['pin'] },
  order_placed: {
    metrics: [{ type: 'counter', name: 'shop.revenue', unit: 'EUR', value: 'amount', attributes: ['country'] }],
  },
});

class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}
const reader = new Reader();
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
const logging = register({
  processors: [logMetrics({ rules: events.metrics }), redact({ keys: events.secrets })],
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});

/** @type {import('@logspan/logger').TypedLogger<ShopEvents>} */
const logger = getLogger('shop'); // the same logger, narrower in the editor
logger.info('user_login', { username: 'ann', pin: '1234' });
logger.info('order_placed', { amount: 39, country: 'de' });
logger.child({ country: 'fr' }).info('order_placed', { amount: 3 });
// logger.info('user_logon', …) and logger.info('order_placed', { amount: '39' }) do not compile.
await logging.shutdown();

const { resourceMetrics } = await reader.collect();
const [revenue] = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
for (const { attributes, value } of revenue?.dataPoints ?? []) console.log(revenue?.descriptor.name, attributes, value);
