import { expect, test } from '@jest/globals';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { observeLogging } from './self-observability.ts';

test('the metrics say what the accounts say, and end with the observation', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  let asked = 0;
  const stop = observeLogging(provider, () => {
    asked++;
    return {
      pipeline: { emitted: 12 },
      handlers: { otlp: { accepted: 10, delivered: 4, rejected: 1, dropped: { queue_full: 3 }, pending: 2 } },
    };
  });
  await reader.forceFlush();
  const points = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ value, attributes }) => [descriptor.name, attributes['error.type'] ?? '', value]),
    );
  expect(points).toEqual([
    ['otel.sdk.log.created', '', 12],
    ['otel.sdk.processor.log.processed', '', 5],
    ['otel.sdk.processor.log.processed', 'queue_full', 3],
    ['otel.sdk.processor.log.queue.size', '', 2],
    ['otel.sdk.exporter.log.exported', '', 4],
    ['otel.sdk.exporter.log.exported', 'rejected', 1],
  ]);

  const before = asked;
  stop();
  await reader.forceFlush();
  expect(asked).toBe(before);
  await provider.shutdown();
});
