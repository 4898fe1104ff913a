// @ts-check
// A service whose metrics are made from its logs: a MeterProvider that exports OTLP, and logMetrics() with its default
// rules. Reports like producer.mjs.
import { getLogger } from '@logspan/logger';
import { logMetrics, otlp, register } from '@logspan/sdk';
import { metrics } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

/** How many orders there are. */
const { count } = JSON.parse(process.argv[2] ?? '{}');

const meterProvider = new MeterProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop' }),
  readers: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })],
});
metrics.setGlobalMeterProvider(meterProvider);
const logging = register({ service: { name: 'shop' }, processors: [logMetrics()], handlers: [otlp()] });
const logger = getLogger('orders');

for (let i = 1; i <= count; i++) {
  logger.info('order_paid', { duration_ms: i % 100, queue_size: count - i });
  if (i % 4 === 0) logger.error('payment_failed');
}
// Logs first: what they say counts until the end.
await logging.shutdown();
await meterProvider.shutdown();
process.send?.({ stats: logging.stats() });
process.disconnect?.();
