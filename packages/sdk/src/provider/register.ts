import { resolve } from 'node:path';
import {
  type LevelDirective,
  parseLevelDirective,
  registerLoggerProvider,
  SEVERITY,
  scopeLevel,
  setDestination,
} from '@logspan/logger/internal';
import { diag, metrics } from '@opentelemetry/api';
import { type RunningMetrics, startMetrics } from '../metrics/start-metrics.ts';
import { report } from '../pipeline/report.ts';
import { instrumentationOf, type SystemMetricsOptions, startSystemMetrics } from '../system-metrics.ts';
import { Clock } from './clock.ts';
import { ConfigError } from './config-error.ts';
import { type Environment, readEnvironment, readMetricsEnvironment } from './environment.ts';
import { installExitHooks } from './exit-hooks.ts';
import { LevelFile } from './level-file.ts';
import { followLevelSignal } from './level-signal.ts';
import { Levels, levelOption, notUnderstood } from './levels.ts';
import { LoggerProvider } from './logger-provider.ts';
import { current, endStreamsOf, type Logging, RunningLogging } from './logging.ts';
import { checkRegisterOptions, handlersOf, limitsOf, type RegisterOptions, stepsOf } from './options.ts';
import { ensureContextManager, ensureDiagLogger, ensurePropagator, hasMeterProvider } from './otel-globals.ts';
import { Pipeline } from './pipeline.ts';
import { buildResource, type OtelResource, redactedResource } from './resource.ts';
import { observeLogging } from './self-observability.ts';

/**
 * Starts logging for this process: every record, of `@logspan/logger` and of anyone who uses the OTel Logs API of either
 * line, runs through one pipeline to its destinations. To be called once, first thing; `shutdown()` allows another call.
 *
 * Without options: OTLP to where the `OTEL_*` variables say, a console on a terminal, secrets redacted, and a context
 * manager and the W3C propagators if none are set.
 *
 * @throws ConfigError naming the option, what was given and what is allowed. Nothing has been set up then.
 */
export function register(options: RegisterOptions = {}): Logging {
  const running = current();
  if (running.logging !== undefined && !running.byDefault) {
    throw new ConfigError('register', 'was called before in this process: await shutdown() of the first one');
  }
  checkRegisterOptions(options);
  const level = options.level === undefined ? undefined : levelOption('level', options.level);

  const warnings: string[] = [];
  const environment = readEnvironment(process.env, (message) => warnings.push(message));
  const built = buildResource({
    ...(options.service === undefined ? {} : { service: options.service }),
    ...(options.attributes === undefined ? {} : { attributes: options.attributes }),
    environment,
  });
  // Before the pipeline: what that finds wrong in the environment must be heard.
  ensureDiagLogger(environment.diagLevel);
  for (const warning of warnings) diag.warn(`logspan: ${warning}`);
  const disabled = environment.sdkDisabled === true;
  const steps = stepsOf(options);
  const resource = redactedResource(built, steps);
  const system = disabled ? undefined : systemMetricsOf(options);
  const instrumentation = system === undefined ? [] : instrumentationOf(system);
  const ownMetrics = disabled ? undefined : metricsOf(options, resource, new Set(warnings));
  let pipeline: Pipeline;
  try {
    pipeline = new Pipeline(
      steps,
      disabled ? [] : handlersOf(options, environment),
      {
        resource,
        environment,
      },
      options.redact !== false,
    );
  } catch (error) {
    void ownMetrics?.shutdown({ timeoutMillis: 0 });
    throw error;
  }

  // Nothing throws from here on.
  ensureContextManager();
  ensurePropagator(environment, options.propagators);
  // What `--import @logspan/sdk/register` started makes way for what the code asks for.
  void running.logging?.shutdown();
  if (ownMetrics !== undefined) metrics.setGlobalMeterProvider(ownMetrics.provider);
  const logging = disabled
    ? new RunningLogging(pipeline, undefined, undefined, undefined, () => undefined)
    : start(
        pipeline,
        new LoggerProvider(
          pipeline,
          resource,
          limitsOf(options, environment.limits),
          new Clock(),
          options.loggerConfigurator,
        ),
        ownMetrics,
        options,
        environment,
        level ?? levelOf(environment),
        system === undefined ? undefined : () => startSystemMetrics(system, instrumentation).stop,
      );
  running.logging = logging;
  running.byDefault = false;
  return logging;
}

/** What `node --import @logspan/sdk/register` does: as {@link register}, but a later call in code may take over. */
export function registerByDefault(): void {
  const running = current();
  if (running.logging !== undefined) return;
  register();
  running.byDefault = true;
}

function start(
  pipeline: Pipeline,
  provider: LoggerProvider,
  ownMetrics: RunningMetrics | undefined,
  options: RegisterOptions,
  environment: Environment,
  level: LevelDirective,
  startSystem: (() => () => void) | undefined,
): Logging {
  const { captures } = current();
  captures?.makeWay();
  const levels = new Levels(level);
  setDestination(provider);
  const { refused } = registerLoggerProvider(provider);
  if (refused.length > 0) {
    diag.warn(
      `logspan: another LoggerProvider was registered first (${refused.join(', ')}): records of @logspan/logger go through logspan, those that libraries write to the OTel Logs API do not. Start the other SDK with OTEL_LOGS_EXPORTER=none and name logspan's handlers in register(), or call register() first`,
    );
  }
  const removals: (() => void)[] = [];
  const logging = new RunningLogging(pipeline, provider, levels, ownMetrics, () => {
    for (const remove of removals) remove();
  });
  const { levelFile = environment.levelFile, levelSignal = environment.levelSignal } = options;
  if (levelFile !== undefined) {
    // The path is meant as of now, wherever the process goes later.
    const file = new LevelFile(resolve(levelFile), levels);
    removals.push(() => file.stop());
  }
  if (levelSignal !== undefined) removals.push(followLevelSignal(levelSignal, levels));
  removals.push(observeLogging(options.meterProvider ?? metrics.getMeterProvider(), () => logging.stats()));
  if (options.exitHooks !== false) {
    const removeHooks = installExitHooks(
      {
        lastWords: () => endStreamsOf(provider),
        pending: () => logging.pending(),
        forceFlush: (flush) => logging.forceFlush(flush),
        shutdown: (flush) => logging.shutdown(flush),
        flushSync: (timeoutMillis) => {
          pipeline.flushSync(timeoutMillis);
          // After the records: what they say counts until the end.
          ownMetrics?.flushSync(timeoutMillis);
        },
        uncaught: (error, origin) => writeUncaught(provider, error, origin),
      },
      options.signals !== false,
    );
    removals.push(removeHooks);
  }
  if (startSystem !== undefined) removals.push(startSystem());
  captures?.join(logging);
  return logging;
}

function systemMetricsOf({ systemMetrics }: RegisterOptions): SystemMetricsOptions | undefined {
  return systemMetrics === undefined || systemMetrics === false
    ? undefined
    : systemMetrics === true
      ? {}
      : systemMetrics;
}

/**
 * The MeterProvider that the application asks for, unless it has one: two would measure everything twice, or nothing. The
 * warnings given were told already: the variables for all signals are read again.
 */
function metricsOf(
  options: RegisterOptions,
  resource: OtelResource,
  told: ReadonlySet<string>,
): RunningMetrics | undefined {
  if (options.metrics === undefined || options.metrics === false) return undefined;
  if (options.meterProvider !== undefined || hasMeterProvider()) {
    diag.warn(
      'logspan: register({ metrics }) leaves the MeterProvider alone that the application has: what is measured goes where that one sends it',
    );
    return undefined;
  }
  const environment = readMetricsEnvironment(process.env, (warning) => {
    if (!told.has(warning)) diag.warn(`logspan: ${warning}`);
  });
  if (!environment.isWanted) {
    diag.info('logspan: OTEL_METRICS_EXPORTER asks for no OTLP metrics: register({ metrics }) sets none up');
    return undefined;
  }
  return startMetrics(options.metrics === true ? {} : options.metrics, environment, resource);
}

/** Never throws: what is thrown while Node handles an exception replaces it. */
function writeUncaught(provider: LoggerProvider, error: unknown, origin: string): void {
  const scope = 'process';
  if (scopeLevel(scope).minimum > SEVERITY.fatal) return;
  try {
    provider
      .getWriter(scope, undefined)
      .write(SEVERITY.fatal, 'FATAL', 'exception', origin, undefined, undefined, error);
  } catch (failure) {
    report('an uncaught exception could not be written', failure);
  }
}

/** `LOGSPAN_LEVEL`, where a mistake warns and is ignored. */
function levelOf(environment: Environment): LevelDirective {
  const directive = parseLevelDirective(environment.level ?? '');
  if (!('invalid' in directive)) return directive;
  diag.warn(`logspan: LOGSPAN_LEVEL: ${notUnderstood(directive.invalid)}; info applies`);
  return { minimum: SEVERITY.info, scopes: new Map() };
}
