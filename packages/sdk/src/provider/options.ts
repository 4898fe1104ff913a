import { type AttributeLimits, DEFAULT_ATTRIBUTE_LIMITS } from '@logspan/logger/internal';
import type { MeterProvider, TextMapPropagator } from '@opentelemetry/api';
import { consoleHandler } from '../handlers/console.ts';
import { checkHandler, type Handler } from '../handlers/handler.ts';
import { otlp } from '../handlers/otlp.ts';
import { checkMetricsOptions, type MetricsOptions } from '../metrics/start-metrics.ts';
import { asStage, flat, isRedaction, type Step } from '../pipeline/pipe.ts';
import { redact } from '../processors/redact.ts';
import { checkSystemMetrics, type SystemMetricsOptions } from '../system-metrics.ts';
import { checkNumber, checkOneOf, checkOptions, checkType } from './check-options.ts';
import { ConfigError, given } from './config-error.ts';
import type { Environment } from './environment.ts';
import { LEVEL_SIGNALS, type LevelSignal } from './level-signal.ts';
import type { LoggerConfigurator } from './logger-provider.ts';
import type { ResourceOptions } from './resource.ts';

/** What stands between a log call and its destinations: the same for `register()` and for `logspanProcessor()`. */
export interface PipelineOptions {
  /**
   * The steps every record takes, in this order: stages, functions `(record, context) => void | boolean`, third-party
   * OTel processors. Default: none but `redact()`, which is also added behind yours if none of them is a `redact`.
   */
  readonly processors?: readonly Step[];
  /** Where records go. Default: what `OTEL_LOGS_EXPORTER` says, else `otlp()`, and a console if this is a terminal. */
  readonly handlers?: readonly Handler[];
  /** False to leave secrets in: nothing is redacted unless `processors` does it. Default true. */
  readonly redact?: boolean;
}

/** Options of `register()`. An option stands above the environment variable of its name. */
export interface RegisterOptions extends PipelineOptions, Pick<ResourceOptions, 'service' | 'attributes'> {
  /**
   * The lowest level, and that of single scopes: `info,db=debug,http.*=off`. The longest matching pattern wins. Default:
   * `LOGSPAN_LEVEL`, else `info`.
   */
  readonly level?: string;
  /**
   * A file that holds a directive, looked at once a second: what it says is laid over the levels, and taken back when it is
   * deleted. Default: `LOGSPAN_LEVEL_FILE`, else none.
   */
  readonly levelFile?: string;
  /**
   * A signal that sets all loggers to debug for ten minutes, and when it comes again takes that back. Default:
   * `LOGSPAN_LEVEL_SIGNAL`, else none.
   */
  readonly levelSignal?: LevelSignal;
  readonly limits?: {
    /** Attributes of one record. Default 128. */
    readonly attributeCount?: number;
    /** Characters of one attribute value. Default 32 768. */
    readonly attributeValueLength?: number;
  };
  /** Decides by scope how a logger behaves. OTel logs SDK specification, "LoggerConfigurator". */
  readonly loggerConfigurator?: LoggerConfigurator;
  /** Where the metrics about logging itself go. Default: the global one, if it is set when `register()` is called. */
  readonly meterProvider?: MeterProvider;
  /**
   * More ways to read and write the trace in headers, behind those of `OTEL_PROPAGATORS`: `[new XTraceIdPropagator()]`. Only
   * if no other SDK has set a propagator first, which is told. Default none.
   */
  readonly propagators?: readonly TextMapPropagator[];
  /**
   * Set up a MeterProvider that exports OTLP, if the application has none: for `logMetrics()`, for the metrics about logging
   * itself, and for everybody else who measures. Needs the package `@opentelemetry/sdk-metrics`. Default false.
   */
  readonly metrics?: boolean | MetricsOptions;
  /** Write the event `system_metrics` once a minute, or as the options say. Ends with the pipeline. Default false. */
  readonly systemMetrics?: boolean | SystemMetricsOptions;
  /** Deliver what is held when the process ends, in all ways it can end. Default true. */
  readonly exitHooks?: boolean;
  /** Do so for SIGTERM and SIGINT as well. Default true. */
  readonly signals?: boolean;
}

const REGISTER_OPTIONS: readonly (keyof RegisterOptions)[] = [
  'service',
  'attributes',
  'level',
  'levelFile',
  'levelSignal',
  'processors',
  'handlers',
  'redact',
  'limits',
  'loggerConfigurator',
  'meterProvider',
  'propagators',
  'metrics',
  'systemMetrics',
  'exitHooks',
  'signals',
];

/** Throws a {@link ConfigError} for an option that is unknown or of the wrong kind. */
export function checkRegisterOptions(options: RegisterOptions): void {
  checkOptions('register', options, REGISTER_OPTIONS);
  checkPipelineOptions(options);
  if (options.limits !== undefined) {
    checkOptions('limits', options.limits, ['attributeCount', 'attributeValueLength']);
    checkNumber('limits.attributeCount', options.limits.attributeCount, 0);
    checkNumber('limits.attributeValueLength', options.limits.attributeValueLength, 0);
  }
  checkType('loggerConfigurator', options.loggerConfigurator, 'function');
  if (options.meterProvider !== undefined && typeof options.meterProvider?.getMeter !== 'function') {
    throw new ConfigError('meterProvider', `must be an OTel MeterProvider, not ${given(options.meterProvider)}`);
  }
  checkPropagators(options.propagators);
  checkMetricsOptions(options.metrics);
  const { systemMetrics } = options;
  if (systemMetrics !== undefined && typeof systemMetrics !== 'boolean') checkSystemMetrics(systemMetrics);
  checkType('exitHooks', options.exitHooks, 'boolean');
  checkType('signals', options.signals, 'boolean');
  checkType('level', options.level, 'string');
  checkType('levelFile', options.levelFile, 'string');
  if (options.levelFile === '') throw new ConfigError('levelFile', 'must be the path of a file, not ""');
  checkOneOf('levelSignal', options.levelSignal, LEVEL_SIGNALS);
}

function checkPropagators(propagators: unknown): void {
  if (propagators === undefined) return;
  if (!Array.isArray(propagators)) throw new ConfigError('propagators', `must be an array, not ${given(propagators)}`);
  for (const [index, propagator] of propagators.entries()) {
    if (['inject', 'extract', 'fields'].every((method) => typeof propagator?.[method] === 'function')) continue;
    throw new ConfigError(`propagators[${index}]`, `must be an OTel TextMapPropagator, not ${given(propagator)}`);
  }
}

/** Throws a {@link ConfigError} for what is wrong in the options of a pipeline. */
export function checkPipelineOptions({ processors, handlers, redact: redacts }: PipelineOptions): void {
  checkType('redact', redacts, 'boolean');
  if (processors !== undefined && !Array.isArray(processors)) {
    throw new ConfigError('processors', `must be an array, not ${given(processors)}`);
  }
  if (handlers === undefined) return;
  if (!Array.isArray(handlers)) throw new ConfigError('handlers', `must be an array, not ${given(handlers)}`);
  for (const [index, handler] of handlers.entries()) checkHandler(`handlers[${index}]`, handler);
}

export { checkHandler };

/** The steps of a pipeline, with `redact` behind them, before those that render, unless it is there or not wanted. */
export function stepsOf({ processors = [], redact: redacts = true }: PipelineOptions): readonly Step[] {
  const stages = processors.map((step, index) => asStage(step, `processors[${index}]`));
  if (!redacts || stages.some(isRedaction)) return processors;
  const rendering = stages.findIndex((stage) => flat(stage).some(({ phase }) => phase === 'render'));
  const before = rendering < 0 ? processors.length : rendering;
  return [...processors.slice(0, before), redact(), ...processors.slice(before)];
}

/** The handlers of a pipeline: those given, else those the environment asks for, else OTLP and a terminal's console. */
export function handlersOf({ handlers }: PipelineOptions, environment: Environment): readonly Handler[] {
  if (handlers !== undefined) return handlers;
  if (environment.logsExporters === undefined) {
    return process.stdout.isTTY ? [otlp(), consoleHandler()] : [otlp()];
  }
  // The nearest there is to the OTLP JSON lines of otlp/stdout: the JSON lines of the console.
  return environment.logsExporters.map((name) =>
    name === 'otlp' ? otlp() : consoleHandler(name === 'console' ? {} : { format: 'json' }),
  );
}

/** The limits on attributes: options above environment above defaults. */
export function limitsOf({ limits }: RegisterOptions, environment: Environment['limits']): AttributeLimits {
  return {
    ...DEFAULT_ATTRIBUTE_LIMITS,
    attributeCount:
      limits?.attributeCount ?? environment.attributeCountLimit ?? DEFAULT_ATTRIBUTE_LIMITS.attributeCount,
    stringLength:
      limits?.attributeValueLength ?? environment.attributeValueLengthLimit ?? DEFAULT_ATTRIBUTE_LIMITS.stringLength,
  };
}
