// What the orders service sets up before it loads anything else: its logs by logspan, its traces by NodeSDK.
import { DEFAULT_METRIC_RULES, logMetrics, register } from '@logspan/sdk';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { demoSettings } from './settings.mjs';

const { processors, ...settings } = demoSettings('orders');

export const logging = register({
  service: { name: 'orders', version: '1.0.0' },
  processors: [
    logMetrics({
      rules: [
        ...DEFAULT_METRIC_RULES,
        { type: 'counter', name: 'shop.revenue', unit: 'EUR', event: 'order_placed', value: 'total', perEvent: false },
      ],
    }),
    ...processors,
  ],
  ...settings,
});

export const sdk = new NodeSDK({
  serviceName: 'orders',
  instrumentations: [new HttpInstrumentation()],
  traceExporter: new OTLPTraceExporter(),
  // The metrics that logMetrics() makes go this way too.
  metricReaders: [
    new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(), exportIntervalMillis: 5_000 }),
  ],
  // logspan came first and has set these three: null and [] tell NodeSDK to leave them alone.
  contextManager: null,
  textMapPropagator: null,
  logRecordProcessors: [],
});
sdk.start();
