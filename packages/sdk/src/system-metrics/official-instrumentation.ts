import { type MeterProvider, metrics } from '@opentelemetry/api';
import { optionalPackage } from '../metrics/optional-package.ts';

interface Instrumentation {
  setMeterProvider(provider: MeterProvider): void;
  disable(): void;
}

interface HostMetrics {
  readonly HostMetricsInstrumentation?: new () => Instrumentation;
  readonly HostMetrics?: new (options: { meterProvider: MeterProvider }) => { start(): void };
}

const RUNTIME = '@opentelemetry/instrumentation-runtime-node';
/** The present one, and the one that it came from. */
const HOST = ['@opentelemetry/instrumentation-host-metrics', '@opentelemetry/host-metrics'] as const;

/** What loading has found, not started yet: a missing package has to be known before anything runs. */
export interface OfficialInstrumentation {
  /** Starts it on the global MeterProvider. @returns how to end it. */
  start(): () => void;
}

/** OpenTelemetry's metrics of the Node.js runtime. Throws a ConfigError if the package is missing. */
export function runtimeInstrumentation(option: string): OfficialInstrumentation {
  const { RuntimeNodeInstrumentation } = optionalPackage<{ RuntimeNodeInstrumentation: new () => Instrumentation }>(
    option,
    [RUNTIME],
  );
  return { start: () => instrumented(new RuntimeNodeInstrumentation()) };
}

/** OpenTelemetry's metrics of the host. Throws a ConfigError if neither package is there. */
export function hostInstrumentation(option: string): OfficialInstrumentation {
  const { HostMetricsInstrumentation, HostMetrics } = optionalPackage<HostMetrics>(option, HOST);
  return {
    start() {
      if (HostMetricsInstrumentation !== undefined) return instrumented(new HostMetricsInstrumentation());
      if (HostMetrics !== undefined) new HostMetrics({ meterProvider: metrics.getMeterProvider() }).start();
      // The older package has no way to end it but that of its MeterProvider.
      return () => undefined;
    },
  };
}

function instrumented(instrumentation: Instrumentation): () => void {
  instrumentation.setMeterProvider(metrics.getMeterProvider());
  return () => instrumentation.disable();
}
