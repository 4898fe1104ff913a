import { getLogger } from '@logspan/logger';
import { context, diag, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { report } from './pipeline/report.ts';
import { type StageTime, timeOf } from './pipeline/stage-time.ts';
import { within } from './pipeline/within.ts';
import { checkNumber, checkOptions, checkType } from './provider/check-options.ts';
import { hasMeterProvider } from './provider/otel-globals.ts';
import { cpuProbe } from './system-metrics/cpu.ts';
import { eventLoopProbe } from './system-metrics/event-loop.ts';
import { garbageCollectionProbe } from './system-metrics/garbage-collection.ts';
import { memoryProbe } from './system-metrics/memory.ts';
import {
  hostInstrumentation,
  type OfficialInstrumentation,
  runtimeInstrumentation,
} from './system-metrics/official-instrumentation.ts';
import type { Probe, Readings } from './system-metrics/probe.ts';
import { descriptorProbe, threadProbe } from './system-metrics/process-table.ts';

/** How each probe is made, by its name. */
type Probes = Readonly<Record<string, () => Probe>>;

/** Options of {@link systemMetrics}. */
export interface SystemMetricsOptions {
  /** The time between two events, in milliseconds. Default 60 000. */
  readonly intervalMillis?: number;
  /**
   * Also OpenTelemetry's metrics of the host, by `@opentelemetry/instrumentation-host-metrics` or
   * `@opentelemetry/host-metrics`, which must be installed. Default false.
   */
  readonly host?: boolean;
  /** Also those of Node.js, by `@opentelemetry/instrumentation-runtime-node`, which must be installed. Default false. */
  readonly runtime?: boolean;
  /** @internal For tests. */
  readonly time?: StageTime;
  /** @internal For tests. */
  readonly probes?: Probes;
}

/** What {@link systemMetrics} returns. */
export interface SystemMetrics {
  /** How often each probe has failed, by its name. */
  readonly failures: Readonly<Record<string, number>>;
  /** Ends it: no event comes after this. */
  stop(): void;
  [Symbol.dispose](): void;
}

const OPTIONS: readonly (keyof SystemMetricsOptions)[] = ['intervalMillis', 'host', 'runtime', 'time', 'probes'];
const PROBES: Probes = {
  cpu: () => cpuProbe(),
  memory: memoryProbe,
  threads: () => threadProbe(),
  open_files: () => descriptorProbe(),
  gc: garbageCollectionProbe,
  event_loop: () => eventLoopProbe(),
};
/** A file system that hangs must not end the events. */
const LONGEST_READ_MILLIS = 5_000;

/** Throws a ConfigError for what is wrong with the options. */
export function checkSystemMetrics(options: SystemMetricsOptions): void {
  checkOptions('systemMetrics', options, OPTIONS);
  checkNumber('systemMetrics.intervalMillis', options.intervalMillis, 10, 2 ** 31 - 1);
  checkType('systemMetrics.host', options.host, 'boolean');
  checkType('systemMetrics.runtime', options.runtime, 'boolean');
}

/** The official instrumentation that is asked for. Throws a ConfigError for a package that is missing. */
export function instrumentationOf({ host, runtime }: SystemMetricsOptions): readonly OfficialInstrumentation[] {
  return [
    ...(host === true ? [hostInstrumentation('systemMetrics.host')] : []),
    ...(runtime === true ? [runtimeInstrumentation('systemMetrics.runtime')] : []),
  ];
}

/**
 * Writes the event `system_metrics` once an interval, at level info in the scope `system`: processor, memory, threads, open
 * files, garbage collection, event loop, since the event before. The first one comes after the first interval: a share of
 * processor time needs two readings.
 *
 * A value that cannot be had is not there, and takes no other with it; a probe that fails is counted and reported once.
 * Nothing blocks the event loop, keeps the process alive, or throws later. `register({ systemMetrics: true })` does the
 * same and ends it with the pipeline.
 *
 * Costs half a millisecond an event, and for the event loop delay a timer that fires every 10 ms.
 *
 * @throws ConfigError for a mistake in the options, and for a package that `host` or `runtime` need and is missing.
 */
export function systemMetrics(options: SystemMetricsOptions = {}): SystemMetrics {
  checkSystemMetrics(options);
  return startSystemMetrics(options, instrumentationOf(options));
}

/** As {@link systemMetrics}, when all that can be wrong has been checked. */
export function startSystemMetrics(
  options: SystemMetricsOptions,
  official: readonly OfficialInstrumentation[],
): SystemMetrics {
  const { intervalMillis = 60_000, probes: make = PROBES } = options;
  const time = timeOf('systemMetrics.time', options.time);
  const failures: Record<string, number> = {};
  const failed = (name: string, error: unknown): void => {
    failures[name] = (failures[name] ?? 0) + 1;
    if (failures[name] === 1) report(`systemMetrics cannot read ${name}`, error);
  };
  const attempt = <T>(name: string, act: () => T): T | undefined => {
    try {
      return act();
    } catch (error) {
      failed(name, error);
      return undefined;
    }
  };
  const probes = Object.entries(make).flatMap(([name, each]) => {
    const probe = attempt(name, each);
    return probe === undefined ? [] : [{ name, probe }];
  });
  if (official.length > 0 && !hasMeterProvider()) {
    diag.warn(
      'logspan: systemMetrics has no MeterProvider for host and runtime: register({ metrics: true }), or your own',
    );
  }
  const stops = official.map((each) => attempt('instrumentation', () => each.start()));
  const logger = getLogger('system');
  const hanging = new Set<Probe>();
  let stopped = false;
  let timer: { unref?(): void } | undefined;

  const wait = (): void => {
    if (stopped) return;
    timer = time.setTimeout(() => void tick().then(wait), intervalMillis);
    timer.unref?.();
  };
  const tick = async (): Promise<void> => {
    const readings = await Promise.all(probes.map(readingsOf));
    if (stopped) return;
    // Of no request, whoever was the first to need a logger.
    context.with(ROOT_CONTEXT, () => logger.info('system_metrics', Object.assign({}, ...readings)));
  };
  const readingsOf = async ({ name, probe }: { name: string; probe: Probe }): Promise<Readings | undefined> => {
    const read = async (): Promise<Readings | undefined> => {
      hanging.add(probe);
      try {
        return await context.with(suppressTracing(ROOT_CONTEXT), () => probe.read());
      } catch (error) {
        failed(name, error);
        return {};
      } finally {
        hanging.delete(probe);
      }
    };
    // Reads of a file system that hangs would take one thread after the other from the pool that all files share.
    const readings = hanging.has(probe) ? undefined : await within(read, LONGEST_READ_MILLIS, { keepAlive: false });
    if (readings === undefined) failed(name, new Error('takes too long'));
    return readings;
  };
  const stop = (): void => {
    if (stopped) return;
    stopped = true;
    if (timer !== undefined) time.clearTimeout(timer);
    for (const { name, probe } of probes) attempt(name, () => probe.stop?.());
    for (const end of stops) attempt('instrumentation', () => end?.());
  };
  wait();
  return { failures, stop, [Symbol.dispose]: stop };
}
