// Metrics from logs, through whatever MeterProvider the application has: counts, durations, and rules of your own.
import { getLogger } from '@logspan/logger';
import { DEFAULT_METRIC_RULES, logMetrics, register, sample } from '@logspan/sdk';
import { metrics } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';

class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}
const reader = new Reader();
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));

const revenue = { type: 'counter', name: 'shop.revenue', unit: 'EUR', event: 'order_paid', value: 'amount' };
const logging = register({
  // Metrics see every record, also those that are sampled away.
  processors: [logMetrics({ rules: [...DEFAULT_METRIC_RULES, revenue] }), sample({ ratio: 0 })],
  handlers: [],
});

const logger = getLogger('shop');
for (const amount of [39, 9.5, 64]) logger.info('order_paid', { amount, duration_ms: amount / 2 });
logger.error('order_failed');
await logging.shutdown(); // logs first, then metrics

const { resourceMetrics } = await reader.collect();
for (const { descriptor, dataPoints } of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
  for (const { attributes, value } of dataPoints) {
    console.log(
      descriptor.name,
      attributes.event,
      typeof value === 'number' ? value : `${value.count} values, ${value.sum} in all`,
    );
  }
}
