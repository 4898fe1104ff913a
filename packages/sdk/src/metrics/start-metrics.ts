import { diag, type MeterProvider, metrics } from '@opentelemetry/api';
import { httpSender, type Sender } from '../delivery/http-sender.ts';
import { METRICS, type OtlpTargetOptions, otlpTarget } from '../delivery/otlp-target.ts';
import { sendSync } from '../delivery/send-sync.ts';
import { type ShipperTime, SYSTEM_SHIPPER_TIME } from '../delivery/shipper.ts';
import type { FlushOptions, Resource } from '../pipeline/stage.ts';
import { within } from '../pipeline/within.ts';
import { checkNumber, checkOneOf, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import type { MetricsEnvironment } from '../provider/environment.ts';
import { type Collection, collectAtOnce, collectNow, hasUncollected } from './collect-now.ts';
import { Exemplars } from './exemplars.ts';
import { LocalHistograms } from './local-histograms.ts';
import { LOGSPAN_SCOPE } from './logspan-meter.ts';
import { MetricExporter } from './metric-exporter.ts';
import { attachSink } from './metric-sink.ts';
import { optionalPackage } from './optional-package.ts';

// biome-ignore lint/suspicious/noExplicitAny: the two lines type their options differently
type SdkOptions = any;

/** The part of `@opentelemetry/sdk-metrics` that is used: either line. */
export interface MetricsSdk {
  readonly MeterProvider: new (options: SdkOptions) => object;
  readonly PeriodicExportingMetricReader: new (options: SdkOptions) => object;
}

/** Options of `register({ metrics })`: where to is said as for `otlp()`. An option stands above the environment. */
export interface MetricsOptions extends OtlpTargetOptions {
  /** The time between two exports, in milliseconds. Default `OTEL_METRIC_EXPORT_INTERVAL`, else 60 000. */
  readonly intervalMillis?: number;
  /** The longest an export may take with all its tries, in milliseconds. Default `OTEL_METRIC_EXPORT_TIMEOUT`, else 30 000. */
  readonly timeoutMillis?: number;
  /** The module `@opentelemetry/sdk-metrics`, where it is bundled or cannot be found. Default: it is loaded. */
  readonly sdk?: MetricsSdk;
  /** @internal For tests. */
  readonly sender?: Sender;
  /** @internal For tests. */
  readonly sendSync?: typeof sendSync;
  /** @internal For tests. */
  readonly time?: ShipperTime;
}

const OPTIONS: readonly (keyof MetricsOptions)[] = [
  'intervalMillis',
  'timeoutMillis',
  'endpoint',
  'headers',
  'compression',
  'certificateFile',
  'clientKeyFile',
  'clientCertificateFile',
  'sdk',
  'sender',
  'sendSync',
  'time',
];

/** Throws a {@link ConfigError} for what is wrong with the option `metrics`. */
export function checkMetricsOptions(options: boolean | MetricsOptions | undefined): void {
  if (options === undefined || typeof options === 'boolean') return;
  checkOptions('metrics', options, OPTIONS);
  checkNumber('metrics.intervalMillis', options.intervalMillis, 1, 2 ** 31 - 1);
  checkNumber('metrics.timeoutMillis', options.timeoutMillis, 1, 2 ** 31 - 1);
  checkOneOf('metrics.compression', options.compression, ['gzip', 'none']);
  for (const name of ['certificateFile', 'clientKeyFile', 'clientCertificateFile'] as const) {
    checkType(`metrics.${name}`, options[name], 'string');
  }
  const { sdk } = options;
  if (sdk !== undefined && typeof sdk?.PeriodicExportingMetricReader !== 'function') {
    throw new ConfigError('metrics.sdk', `must be the module @opentelemetry/sdk-metrics, not ${given(sdk)}`);
  }
}

/** What the SDK gives its readers, and how. */
interface Producer {
  collect(options?: { readonly timeoutMillis?: number }): Promise<Collection>;
}
interface Reader {
  setMetricProducer(producer: Producer): void;
}

/** A MeterProvider of ours. */
export interface RunningMetrics {
  readonly provider: MeterProvider;
  /** True if something was measured that has not been delivered. */
  isPending(): boolean;
  /** Collects and delivers; false if that was not possible in time. Never rejects. */
  forceFlush(options: Required<FlushOptions>): Promise<boolean>;
  /** The same, once and for all; then another MeterProvider may be registered. Never rejects. */
  shutdown(options: Required<FlushOptions>): Promise<boolean>;
  /** Collects and delivers without returning to the event loop, if anything is pending. Never throws. */
  flushSync(timeoutMillis: number): void;
}

/**
 * Makes a MeterProvider of `@opentelemetry/sdk-metrics` that exports OTLP (http/protobuf) once an interval, to where the
 * logs go unless told otherwise. Not registered yet: that is its caller's.
 *
 * @throws ConfigError for an option that cannot be used, and if the package is not installed.
 */
export function startMetrics(
  options: MetricsOptions,
  environment: MetricsEnvironment,
  resource: Resource,
): RunningMetrics {
  const sdk =
    options.sdk ??
    optionalPackage<MetricsSdk>(
      'metrics',
      ['@opentelemetry/sdk-metrics'],
      '. Where it is bundled, pass the module: metrics: { sdk }',
    );
  const target = otlpTarget(options, environment.otlp, METRICS);
  const intervalMillis = options.intervalMillis ?? environment.intervalMillis ?? 60_000;
  // The SDK refuses a timeout that is longer than the interval.
  const timeoutMillis = Math.min(
    options.timeoutMillis ?? environment.exportTimeoutMillis ?? 30_000,
    intervalMillis,
    2 ** 31 - 1,
  );
  if (environment.otlp.protocol === 'grpc' && options.endpoint === undefined) {
    diag.warn(
      'logspan: metrics are sent as http/protobuf, though the environment names grpc: say where to by OTEL_EXPORTER_OTLP_METRICS_PROTOCOL and OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
    );
  }
  const filter = environment.exemplarFilter ?? 'trace_based';
  const exemplars = new Exemplars(filter);
  const temporality = environment.temporality ?? 'cumulative';
  const histograms = new LocalHistograms(LOGSPAN_SCOPE, temporality !== 'cumulative');
  const exporter = new MetricExporter({
    target,
    sender: options.sender ?? httpSender(target, 1),
    sendSync: options.sendSync ?? sendSync,
    timeoutMillis: Math.min(timeoutMillis, environment.otlp.timeoutMillis ?? 10_000),
    temporality,
    histogram: environment.histogram ?? 'explicit_bucket_histogram',
    exemplars,
    time: options.time ?? SYSTEM_SHIPPER_TIME,
    onDelivered: () => histograms.delivered(),
  });
  const reader = new sdk.PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: intervalMillis,
    exportTimeoutMillis: timeoutMillis,
  }) as Reader;
  // Between the callbacks of observable instruments, which may take their time, and the export nothing is out of reach.
  const collect = async (theirs: Producer, asked?: { readonly timeoutMillis?: number }): Promise<Collection> => {
    const { resourceMetrics, errors } =
      (await collectAtOnce(provider, asked?.timeoutMillis)) ?? (await theirs.collect(asked));
    const scopeMetrics = [...resourceMetrics.scopeMetrics, ...histograms.collectNow()];
    const collected = { resource: resourceMetrics.resource, scopeMetrics };
    exporter.hold(collected);
    return { resourceMetrics: collected, errors };
  };
  const bind = reader.setMetricProducer.bind(reader);
  reader.setMetricProducer = (theirs) => bind({ collect: (asked) => collect(theirs, asked) });
  const provider = new sdk.MeterProvider({ resource, readers: [reader] }) as MeterProvider & {
    forceFlush(options: FlushOptions): Promise<void>;
    shutdown(options: FlushOptions): Promise<void>;
  };
  attachSink(provider, {
    exemplars: filter === 'always_off' ? undefined : exemplars,
    histograms: environment.histogram === 'base2_exponential_bucket_histogram' ? undefined : histograms,
  });
  const isDirty = (): boolean | undefined => histograms.isDirty || hasUncollected(provider);

  let ended: Promise<boolean> | undefined;
  const done = async (act: () => Promise<void>, millis: number): Promise<boolean> => {
    const inTime = await within(async () => {
      await act();
      return true;
    }, millis);
    if (inTime === undefined) exporter.giveUp();
    return inTime === true && exporter.isSettled;
  };
  return {
    provider,
    isPending: () => ended === undefined && (!exporter.isSettled || isDirty() === true),
    forceFlush: ({ timeoutMillis: millis = 30_000 }) =>
      ended ?? done(() => provider.forceFlush({ timeoutMillis: millis }), millis),
    shutdown: ({ timeoutMillis: millis = 5_000 }) => {
      ended ??= done(() => provider.shutdown({ timeoutMillis: millis }), millis).finally(() => {
        void exporter.shutdown();
        if (metrics.getMeterProvider() === provider) metrics.disable();
      });
      return ended;
    },
    flushSync: (millis) => {
      if (ended !== undefined || (exporter.isSettled && isDirty() === false)) return;
      const collected = collectNow(provider) ?? { resource, scopeMetrics: [] };
      const scopeMetrics = [...collected.scopeMetrics, ...histograms.collectNow()];
      exporter.exportNow({ resource: collected.resource, scopeMetrics }, millis);
    },
  };
}
