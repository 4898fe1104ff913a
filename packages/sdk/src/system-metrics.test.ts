import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { context, diag, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { isTracingSuppressed } from '@opentelemetry/core';
import * as sdk from '@opentelemetry/sdk-metrics';
import { ManualTime } from '../../../test/delivery/manual-time.ts';
import { Recorder, toldDuring } from '../../../test/pipeline/recorder.ts';
import type { LogRecord } from './pipeline/stage.ts';
import { ConfigError } from './provider/config-error.ts';
import type { Logging } from './provider/logging.ts';
import { register } from './provider/register.ts';
import { type CpuSource, cpuProbe } from './system-metrics/cpu.ts';
import { eventLoopProbe } from './system-metrics/event-loop.ts';
import { garbageCollectionProbe } from './system-metrics/garbage-collection.ts';
import type { Probe } from './system-metrics/probe.ts';
import { descriptorProbe, threadProbe } from './system-metrics/process-table.ts';
import { type SystemMetrics, type SystemMetricsOptions, systemMetrics } from './system-metrics.ts';

let running: SystemMetrics | undefined;
let logging: Logging | undefined;
let records: readonly LogRecord[] = [];
afterEach(async () => {
  running?.stop();
  await logging?.shutdown();
  metrics.disable();
  context.disable();
  running = undefined;
  logging = undefined;
});

const kept = (end: Recorder) =>
  Object.assign(end, { deliveryAccount: () => ({ accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 }) });
const constant = (readings: Record<string, number>) => (): Probe => ({ read: () => readings });
const always = (act: () => never) => (): Probe => ({ read: act });

function begin(options: SystemMetricsOptions): ManualTime {
  const time = new ManualTime();
  const end = new Recorder();
  logging = register({
    ...{ redact: false, exitHooks: false },
    handlers: [{ name: 'kept', start: () => kept(end) }],
  });
  records = end.records;
  running = systemMetrics({ time, ...options });
  return time;
}

describe('systemMetrics', () => {
  test('writes an event once an interval, the first one after the first', async () => {
    const time = begin({ intervalMillis: 30_000, probes: { a: constant({ a: 1 }), b: constant({ b: 2 }) } });
    await time.pass(29_999);
    expect(records).toEqual([]);
    await time.pass(1);
    await time.pass(30_000);
    expect(records.map(({ eventName, severityNumber, attributes }) => [eventName, severityNumber, attributes])).toEqual(
      [
        ['system_metrics', 9, { a: 1, b: 2 }],
        ['system_metrics', 9, { a: 1, b: 2 }],
      ],
    );
    expect(records[0]?.instrumentationScope.name).toBe('system');
  });

  test('one error does not end it: the others go on, it is counted, and told once', async () => {
    const broken = {
      thrown: always(() => {
        throw new TypeError('secret');
      }),
      rejected: (): Probe => ({ read: () => Promise.reject(new RangeError('secret')) }),
      unmade: (): Probe => {
        throw new Error('secret');
      },
    };
    let time: ManualTime | undefined;
    const told = await toldDuring(async () => {
      time = begin({ intervalMillis: 1_000, probes: { ...broken, fine: constant({ fine: 1 }) } });
      await time.pass(3_000);
    });
    expect(records.map(({ attributes }) => attributes)).toEqual([{ fine: 1 }, { fine: 1 }, { fine: 1 }]);
    expect(running?.failures).toEqual({ thrown: 3, rejected: 3, unmade: 1 });
    expect(told.filter((line) => line.includes('systemMetrics'))).toEqual([
      'logspan: systemMetrics cannot read unmade Error',
      'logspan: systemMetrics cannot read thrown TypeError',
      'logspan: systemMetrics cannot read rejected RangeError',
    ]);
  });

  test('a probe that hangs is waited for 5 s, and not read again before it has answered', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const answers: ((readings: Record<string, number>) => void)[] = [];
      const slow = (): Probe => ({ read: () => new Promise((resolve) => answers.push(resolve)) });
      const time = begin({ intervalMillis: 1_000, probes: { slow, fine: constant({ fine: 1 }) } });
      diag.disable();
      await time.pass(1_000);
      await jest.advanceTimersByTimeAsync(4_999);
      expect(records).toEqual([]);
      await jest.advanceTimersByTimeAsync(1);
      for (const failures of [1, 2, 3]) {
        expect(records.map(({ attributes }) => attributes)).toEqual(new Array(failures).fill({ fine: 1 }));
        expect(running?.failures).toEqual({ slow: failures });
        await time.pass(1_000);
      }
      expect(answers.length).toBe(1);
      answers[0]?.({ late: 1 });
      await jest.advanceTimersByTimeAsync(0);
      await time.pass(1_000);
      expect(answers.length).toBe(2);
      answers[1]?.({ slow: 1 });
      await jest.advanceTimersByTimeAsync(0);
      expect(records.at(-1)?.attributes).toEqual({ slow: 1, fine: 1 });
    } finally {
      jest.useRealTimers();
    }
  });

  test.each(['stop', 'dispose'])('stops for good: %s', async (how) => {
    let stopped = 0;
    let answer: (readings: Record<string, number>) => void = () => undefined;
    const slow = (): Probe => ({
      read: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
      stop: () => void stopped++,
    });
    const time = begin({ intervalMillis: 1_000, probes: { slow } });
    expect(time.keepingAlive).toBe(0);
    await time.pass(1_000);
    if (how === 'stop') running?.stop();
    else running?.[Symbol.dispose]();
    running?.stop();
    answer({ late: 1 });
    await time.pass(5_000);
    expect(records).toEqual([]);
    expect(stopped).toBe(1);
    expect(time.timers).toBe(0);
  });

  test('belongs to no trace, whoever started it, and what it reads is not traced', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
    const suppressed: boolean[] = [];
    const probe = (): Probe => ({
      read: async () => {
        suppressed.push(isTracingSuppressed(context.active()));
        return {};
      },
    });
    await context.with(trace.setSpanContext(ROOT_CONTEXT, span), async () => {
      const time = begin({ intervalMillis: 1_000, probes: { probe } });
      await time.pass(1_000);
    });
    expect(records.map(({ spanContext }) => spanContext)).toEqual([undefined]);
    expect(suppressed).toEqual([true]);
  });

  test('register({ systemMetrics }) starts it, and it ends with the pipeline', async () => {
    const time = new ManualTime();
    const end = new Recorder();
    const probes = { a: constant({ a: 1 }) };
    logging = register({
      ...{ exitHooks: false, handlers: [{ name: 'kept', start: () => kept(end) }] },
      systemMetrics: { intervalMillis: 1_000, time, probes },
    });
    await time.pass(1_000);
    expect(end.records.map(({ eventName }) => eventName)).toEqual(['system_metrics']);
    await logging.shutdown();
    expect(time.timers).toBe(0);
  });

  test('a mistake in the options is named', () => {
    const attempt = (options: unknown) => () => systemMetrics(options as SystemMetricsOptions);
    expect(attempt({ intervalMillis: 0 })).toThrow('systemMetrics.intervalMillis: ');
    expect(attempt({ interval: 30 })).toThrow('systemMetrics.interval: is not an option');
    expect(attempt({ host: 'yes' })).toThrow('systemMetrics.host: ');
    expect(attempt({ runtime: 1 })).toThrow('systemMetrics.runtime: ');
    expect(attempt(null)).toThrow('systemMetrics: ');
    expect(() => register({ systemMetrics: { interval: 1 } as SystemMetricsOptions })).toThrow(ConfigError);
    expect(() => register({ systemMetrics: 'yes' as never })).toThrow('systemMetrics: ');
    expect(() => register({ systemMetrics: null as never })).toThrow(ConfigError);
  });

  test('with host and runtime: the official metrics are on the MeterProvider', async () => {
    const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE);
    const reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 600_000 });
    const provider = new sdk.MeterProvider({ readers: [reader] });
    metrics.setGlobalMeterProvider(provider);
    const told = await toldDuring(async () => {
      begin({ host: true, runtime: true, probes: {} });
      await provider.forceFlush();
    });
    const names = () =>
      exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics.map((m) => m.descriptor.name)));
    expect(names()).toEqual(
      expect.arrayContaining(['process.cpu.time', 'system.memory.usage', 'v8js.memory.heap.used']),
    );
    expect(told.join('\n')).not.toContain('logspan');
    running?.stop();
    await provider.shutdown();
  });

  test('with host and runtime but no MeterProvider: that is said', async () => {
    const told = await toldDuring(async () => void begin({ runtime: true, probes: {} }));
    expect(told.join('\n')).toContain('systemMetrics has no MeterProvider');
  });
});

describe('the processor', () => {
  const source = (): CpuSource & { at: number; used: number; busy: number; idle: number; load: number | undefined } => {
    const state = {
      ...{ at: 0, used: 0, busy: 0, idle: 0, load: 0.25 as number | undefined },
      now: () => state.at,
      processUsage: () => ({ user: state.used, system: 0 }),
      cpus: () => [{ times: { user: state.busy, nice: 0, sys: 0, idle: state.idle, irq: 0 } }],
      parallelism: () => 4,
      loadAverage: () => state.load,
    };
    return state;
  };

  test('is not always idle: what was used between two readings, of one processor and of all', () => {
    const machine = source();
    machine.used = 9e9; // before it began
    const probe = cpuProbe(machine);
    machine.at += 60_000;
    machine.used += 90e6; // 90 s in a minute
    machine.busy += 30_000;
    machine.idle += 90_000;
    expect(probe.read()).toEqual({
      cpu_percent: 150,
      'process.cpu.utilization': 0.375,
      'system.cpu.utilization': 0.25,
      'logspan.system.load_average.1m': 0.25,
    });
    machine.at += 1_000;
    machine.idle += 1_000;
    expect(probe.read()).toMatchObject({ cpu_percent: 0, 'system.cpu.utilization': 0 });
  });

  test('what the platform does not tell is not there', () => {
    const machine = source();
    machine.load = undefined;
    const probe = cpuProbe(machine);
    expect(probe.read()).toEqual({});
  });
});

describe('threads and open files', () => {
  const files = (more: object) => ({
    readFile: async () => 'Name:\tnode\nThreads:\t11\nSigQ:\t0/1\n',
    readdir: async () => ['0', '1', '2', '17'],
    ...more,
  });
  const absent = async (): Promise<never> => {
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };

  test('are counted', async () => {
    expect(await threadProbe(files({})).read()).toEqual({ threads: 11, 'process.thread.count': 11 });
    expect(await descriptorProbe(files({})).read()).toEqual({
      ...{ open_files: 3, 'process.unix.file_descriptor.count': 3 },
    });
  });

  test('are not there on other platforms, and what is forbidden is a failure', async () => {
    expect(await threadProbe(files({ readFile: absent })).read()).toEqual({});
    expect(await threadProbe(files({ readFile: async () => '' })).read()).toEqual({});
    expect(await descriptorProbe(files({ readdir: absent })).read()).toEqual({});
    const forbidden = async () => {
      throw Object.assign(new Error('no'), { code: 'EACCES' });
    };
    await expect(descriptorProbe(files({ readdir: forbidden })).read()).rejects.toThrow('no');
  });
});

describe('garbage collections', () => {
  test('are counted by kind, since the last reading, also those that are not told yet', () => {
    let told: (list: { getEntries(): object[] }) => void = () => undefined;
    let untold: object[] = [];
    let observing: unknown;
    class Observer {
      constructor(callback: typeof told) {
        told = callback;
      }
      observe(what: object) {
        observing = what;
      }
      takeRecords() {
        const taken = untold;
        untold = [];
        return taken;
      }
      disconnect() {
        observing = undefined;
      }
    }
    const entry = (kind: number, duration: number) => ({ detail: { kind }, duration });
    const probe = garbageCollectionProbe(Observer as never);
    expect(observing).toEqual({ entryTypes: ['gc'] });
    const { NODE_PERFORMANCE_GC_MAJOR: major, NODE_PERFORMANCE_GC_MINOR: minor } = constants;
    told({ getEntries: () => [entry(minor, 1), entry(minor, 2), entry(major, 10)] });
    untold = [entry(minor, 3), entry(constants.NODE_PERFORMANCE_GC_WEAKCB, 0.5), entry(99, 0)];
    expect(probe.read()).toEqual({ gc_stats: { minor: 3, major: 1, weakcb: 1, other: 1 }, 'v8js.gc.duration': 0.0165 });
    told({ getEntries: () => [entry(constants.NODE_PERFORMANCE_GC_INCREMENTAL, 4)] });
    expect(probe.read()).toEqual({ gc_stats: { incremental: 1 }, 'v8js.gc.duration': 0.004 });
    expect(probe.read()).toEqual({ gc_stats: {}, 'v8js.gc.duration': 0 });
    probe.stop?.();
    expect(observing).toBeUndefined();
  });

  test('of V8 are seen', async () => {
    const probe = garbageCollectionProbe();
    const told = new Promise<void>((resolve) => {
      const observer = new PerformanceObserver(() => {
        observer.disconnect();
        resolve();
      });
      observer.observe({ entryTypes: ['gc'] });
    });
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    await told;
    const { gc_stats, 'v8js.gc.duration': seconds } = await probe.read();
    probe.stop?.();
    expect(Object.keys(gc_stats as object).length).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeGreaterThan(0);
  });
});

test('the event loop: each reading is of the time since the one before', () => {
  let resets = 0;
  const histogram = {
    ...{ count: 0, min: 0, max: 0, mean: 0, enable: () => true, disable: () => true, percentile: () => 0 },
    reset: () => void resets++,
  };
  const busy = jest.spyOn(performance, 'eventLoopUtilization');
  const at = (active: number) => ({ idle: 100, active, utilization: active / 100 });
  try {
    // The difference is that of two readings; which two, is what is to be shown.
    const between = (now?: { active: number }, last?: { active: number }) =>
      last === undefined ? at(total) : at((now as { active: number }).active - last.active);
    let total = 10;
    busy.mockImplementation(between as never);
    const probe = eventLoopProbe(histogram as never);
    total = 30;
    expect(probe.read()).toEqual({ 'nodejs.eventloop.utilization': 0.2 });
    total = 60;
    expect(probe.read()).toEqual({ 'nodejs.eventloop.utilization': 0.3 });
    expect(resets).toBe(2);
    probe.stop?.();
  } finally {
    busy.mockRestore();
  }
});

test('the event loop: nothing sampled, no delay; otherwise seconds', () => {
  const histogram = {
    ...{ count: 0, min: 10e6, max: 2.5e9, mean: 20e6, enable: () => true, disable: () => true },
    percentile: (p: number) => p * 1e6,
    reset: () => undefined,
  };
  const probe = eventLoopProbe(histogram as never);
  expect(Object.keys(probe.read() as object)).toEqual(['nodejs.eventloop.utilization']);
  histogram.count = 3;
  expect(probe.read()).toMatchObject({
    'nodejs.eventloop.delay.min': 0.01,
    'nodejs.eventloop.delay.max': 2.5,
    'nodejs.eventloop.delay.mean': 0.02,
    'nodejs.eventloop.delay.p99': 0.099,
  });
  probe.stop?.();
});
