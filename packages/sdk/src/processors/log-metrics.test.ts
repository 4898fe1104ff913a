import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import {
  type Attributes,
  type Context,
  createNoopMeter,
  DiagLogLevel,
  diag,
  type Meter,
  metrics,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  MetricReader,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { processor } from '../pipeline/pipe.ts';
import type { FlushOptions, LogRecord, LogRecordProcessor } from '../pipeline/stage.ts';
import { ConfigError } from '../provider/config-error.ts';
import { register } from '../provider/register.ts';
import { DEFAULT_METRIC_RULES, type LogMetricsOptions, logMetrics, type MetricRule } from './log-metrics.ts';
import { rateLimit } from './rate-limit.ts';

class Reader extends MetricReader {
  constructor(temporality = AggregationTemporality.CUMULATIVE) {
    super({ aggregationTemporalitySelector: () => temporality });
  }
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}

  /** The points of each metric, by name, as `[attributes, value]`. */
  async points(): Promise<Record<string, [Attributes, unknown][]>> {
    const data = (await this.metrics()).map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }): [Attributes, unknown] => [attributes, value]),
    ]);
    return Object.fromEntries(data);
  }

  async metrics(): Promise<MetricData[]> {
    const { resourceMetrics, errors } = await this.collect();
    expect(errors).toEqual([]);
    return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  }
}

const sink = (): LogRecordProcessor & { records: LogRecord[] } => {
  const records: LogRecord[] = [];
  return { records, onEmit: (record) => records.push(record), forceFlush: async () => {}, shutdown: async () => {} };
};

function record(eventName?: string, attributes: Record<string, unknown> = {}, severityNumber?: number): LogRecord {
  const scope = { resource: { attributes: {} }, instrumentationScope: { name: 'test' } };
  return {
    ...scope,
    ...{ hrTime: [1, 0], hrTimeObserved: [1, 0], droppedAttributesCount: 0 },
    ...{ eventName, attributes, severityNumber },
    setAttribute: () => undefined,
  };
}

const diagnostics = { error: jest.fn(), warn: jest.fn(), info: jest.fn(), debug: jest.fn(), verbose: jest.fn() };
let reader: Reader;
let provider: MeterProvider;

beforeEach(() => {
  for (const log of Object.values(diagnostics)) log.mockReset();
  diag.setLogger(diagnostics, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
  reader = new Reader();
  provider = new MeterProvider({ readers: [reader] });
});

afterEach(() => {
  metrics.disable();
  diag.disable();
  jest.restoreAllMocks();
});

const start = (options?: LogMetricsOptions, end: LogRecordProcessor = sink()) =>
  logMetrics({ meter: provider.getMeter('test'), ...options })(end);

describe('what is measured', () => {
  test('by default: records and durations per event, and the queue size', async () => {
    const step = start();
    step.onEmit(record('login', { duration_ms: 12 }));
    step.onEmit(record('login', { duration_ms: 700, queue_size: 3 }));
    step.onEmit(record('logout', { queue_size: 2 }));
    step.onEmit(record());
    step.onEmit(record(''));
    const all = await reader.metrics();
    expect(all.map(({ descriptor: { name, unit } }) => [name, unit])).toEqual([
      ['logspan.log.count', '{log_record}'],
      ['logspan.log.duration', 'ms'],
      ['logspan.queue.size', '{item}'],
    ]);
    const points = await reader.points();
    expect(points['logspan.log.count']).toEqual([
      [{ event: 'login' }, 2],
      [{ event: 'logout' }, 1],
      [{}, 2],
    ]);
    expect(points['logspan.log.duration']).toEqual([
      [{ event: 'login' }, expect.objectContaining({ count: 2, sum: 712, min: 12, max: 700 })],
    ]);
    expect(points['logspan.queue.size']).toEqual([[{}, 2]]);
  });

  test('a rule picks events and levels, and what tells its series apart', async () => {
    const rules: MetricRule[] = [
      { type: 'counter', name: 'errors', event: ['pay*', 'refund'], minSeverity: 'error', perSeverity: true },
      { type: 'counter', name: 'revenue', event: 'paid', value: 'amount', perEvent: false, attributes: ['currency'] },
    ];
    const step = start({ rules });
    step.onEmit(record('payment_failed', {}, 17));
    step.onEmit(record('payment_failed', {}, 20));
    step.onEmit(record('payment_failed', {}, 24));
    step.onEmit(record('payment_failed', {}, 16));
    step.onEmit(record('payment_failed'));
    step.onEmit(record('refunds', {}, 17));
    step.onEmit(record(undefined, {}, 17));
    step.onEmit(record('paid', { amount: 9.5, currency: 'EUR' }));
    step.onEmit(record('paid', { amount: 0.5, currency: 'EUR' }));
    step.onEmit(record('paid', { amount: 1, currency: { code: 'EUR' } }));
    step.onEmit(record('paid', { currency: 'EUR' }));
    expect(await reader.points()).toEqual({
      errors: [
        [{ event: 'payment_failed', severity: 'error' }, 2],
        [{ event: 'payment_failed', severity: 'fatal' }, 1],
      ],
      revenue: [
        [{ currency: 'EUR' }, 10],
        [{}, 1],
      ],
    });
  });

  test('an event in whose name there is a secret is not named: metrics are taken before redaction', async () => {
    const token = `ghp_${'aB3'.repeat(12)}`;
    const step = start({ maxSeries: 3 });
    step.onEmit(record('login password=hunter2', { duration_ms: 12 }));
    step.onEmit(record('login'));
    for (const name of [`login ${token}`, 'login password=hunter2', 'other']) step.onEmit(record(name));
    // Names that share a series take up room as well: there may be any number of them.
    step.onEmit(record('login password=hunter3'));
    step.onEmit(record('login password=hunter3'));
    const points = await reader.points();
    expect(JSON.stringify(points)).not.toMatch(/hunter|ghp_/);
    expect(points['logspan.log.count']).toEqual([
      [{ event: 'other' }, 4],
      [{ event: 'login' }, 1],
      [{ 'otel.metric.overflow': true }, 2],
    ]);
    expect(points['logspan.log.duration']).toEqual([[{ event: 'other' }, expect.objectContaining({ sum: 12 })]]);
  });

  test('values that would make a sum infinite are passed over, and told', async () => {
    const types = ['counter', 'histogram'] as const;
    const step = start({ rules: types.map((type) => ({ type, name: type, value: 'n', perEvent: false })) });
    for (const n of [1e308, 1e308, 7]) step.onEmit(record('e', { n }));
    await reader.points();
    for (const n of [1e308, 1e307]) step.onEmit(record('e', { n }));
    expect(await reader.points()).toEqual({
      counter: [[{}, 1.1e308]],
      histogram: [[{}, expect.objectContaining({ count: 3, sum: 1.1e308 })]],
    });
    for (const name of types) {
      expect(diagnostics.debug).toHaveBeenCalledWith(
        `logspan: logMetrics ignores a value of n for ${name}: the sum would be infinite`,
      );
    }
  });

  test('only finite numbers count, and none below zero but for a gauge', async () => {
    const rules: MetricRule[] = (['counter', 'histogram', 'gauge'] as const).map((type) => ({
      ...{ type, name: type, value: 'n', perEvent: false },
    }));
    const step = start({ rules });
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, '12', 12n, null, true, [1], {}, () => 1];
    for (const n of [4, ...bad, -2]) step.onEmit(record('x', { n }));
    expect(await reader.points()).toEqual({
      counter: [[{}, 4]],
      histogram: [[{}, expect.objectContaining({ count: 1, sum: 4 })]],
      gauge: [[{}, -2]],
    });
    expect(diagnostics.debug.mock.calls.filter(([text]) => String(text).includes('ignores'))).toHaveLength(3);
    expect(diagnostics.warn).not.toHaveBeenCalled();
  });

  test('a gauge shows the last value, also when it is zero', async () => {
    const step = start();
    for (const queue_size of [5, 9, 7]) step.onEmit(record('tick', { queue_size }));
    expect((await reader.points())['logspan.queue.size']).toEqual([[{}, 7]]);
    step.onEmit(record('tick', { queue_size: 3 }));
    step.onEmit(record('tick', { queue_size: 0 }));
    expect((await reader.points())['logspan.queue.size']).toEqual([[{}, 0]]);
    expect((await reader.points())['logspan.queue.size']).toEqual([[{}, 0]]);
  });

  test('beyond maxSeries records share the overflow series; what is known stays exact', async () => {
    const step = start({ maxSeries: 2 });
    for (const event of ['a', 'b', 'c', 'd', 'a', 'c']) step.onEmit(record(event, { duration_ms: 1 }));
    const points = await reader.points();
    expect(points['logspan.log.count']).toEqual([
      [{ event: 'a' }, 2],
      [{ event: 'b' }, 1],
      [{ 'otel.metric.overflow': true }, 3],
    ]);
    expect(points['logspan.log.duration']?.map(([attributes]) => attributes)).toEqual([
      { event: 'a' },
      { event: 'b' },
      { 'otel.metric.overflow': true },
    ]);
  });

  test('a text that is too long is no metric attribute', async () => {
    const step = start({ rules: [{ type: 'counter', name: 'n', attributes: ['k'] }] });
    step.onEmit(record('e'.repeat(257), { k: 'k'.repeat(256) }));
    step.onEmit(record('e'.repeat(256), { k: 'k'.repeat(257) }));
    expect((await reader.points()).n).toEqual([
      [{ k: 'k'.repeat(256) }, 1],
      [{ event: 'e'.repeat(256) }, 1],
    ]);
  });

  test('counts are exact: any records, any collections in between, cumulative and delta', async () => {
    const rules: MetricRule[] = [
      { type: 'counter', name: 'count', perSeverity: true },
      { type: 'counter', name: 'sum', value: 'n', perEvent: false, attributes: ['k', 'j'] },
      { type: 'histogram', name: 'histogram', value: 'n', event: ['a*', 'c'], minSeverity: 'warn' },
      { type: 'gauge', name: 'gauge', value: 'n', perEvent: false, attributes: ['k'] },
    ];
    const label = fc.constantFrom<unknown>('x', 'y', 1, '1', true, undefined, null, Number.NaN, {});
    const number = fc.oneof(fc.integer({ min: -5, max: 50 }), fc.constantFrom<unknown>(undefined, '7', Number.NaN));
    const emitted = fc.record({
      event: fc.constantFrom(undefined, '', 'a', 'ab', 'b', 'c', 'd'),
      severity: fc.constantFrom(undefined, 0, 1, 9, 13, 14, 17, 24),
      attributes: fc.record({ n: number, k: label, j: label }),
    });
    const steps = fc.array(fc.oneof({ weight: 9, arbitrary: emitted }, fc.constant('collect' as const)), {
      maxLength: 80,
    });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 12 }), async (script, maxSeries) => {
        const cumulative = new Reader();
        const delta = new Reader(AggregationTemporality.DELTA);
        const meter = new MeterProvider({ readers: [cumulative, delta] }).getMeter('test');
        const end = sink();
        const step = logMetrics({ rules, meter, maxSeries })(end);
        const expected = new Reference(maxSeries);
        const added = new Reference(Number.POSITIVE_INFINITY);
        for (const action of script) {
          if (action === 'collect') {
            added.addPoints(await delta.points());
          } else {
            step.onEmit(record(action.event, action.attributes, action.severity));
            expected.add(action);
          }
        }
        added.addPoints(await delta.points());
        expect(flat(await cumulative.points())).toEqual(expected.values);
        expect(added.values).toEqual(expected.values);
        expect(end.records).toHaveLength(script.filter((action) => action !== 'collect').length);
      }),
      { numRuns: 150 },
    );
  });
});

/** What a reader would count by hand: no caches, no trees. */
class Reference {
  readonly values: Record<string, number> = {};
  readonly #seen: Record<string, Set<string>> = {
    count: new Set(),
    sum: new Set(),
    histogram: new Set(),
    gauge: new Set(),
  };
  readonly #maxSeries: number;

  constructor(maxSeries: number) {
    this.#maxSeries = maxSeries;
  }

  add(r: {
    event: string | undefined;
    severity: number | undefined;
    attributes: { n: unknown; k: unknown; j: unknown };
  }) {
    const { n, k, j } = r.attributes;
    const event = r.event === '' ? undefined : r.event;
    const usable = (x: unknown) => (x !== null && typeof x !== 'object' && !Number.isNaN(x) ? x : undefined);
    const severity = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'][Math.floor(((r.severity ?? 0) - 1) / 4)];
    this.#put('count', { event, severity }, (old) => old + 1);
    if (typeof n !== 'number' || Number.isNaN(n)) return;
    this.#put('gauge', { k: usable(k) }, () => n);
    if (n < 0) return;
    this.#put('sum', { k: usable(k), j: usable(j) }, (old) => old + n);
    if ((r.severity ?? 0) < 13 || !event || !(event.startsWith('a') || event === 'c')) return;
    const series = this.#put('histogram', { event }, (old) => old + 1);
    this.values[`${series} sum`] = (this.values[`${series} sum`] ?? 0) + n;
  }

  addPoints(points: Record<string, [Attributes, unknown][]>) {
    for (const [key, value] of Object.entries(flat(points)))
      this.values[key] = key.startsWith('gauge') ? value : (this.values[key] ?? 0) + value;
  }

  #put(metric: string, attributes: object, change: (old: number) => number): string {
    const seen = this.#seen[metric] as Set<string>;
    let series = keyOf(metric, attributes);
    if (!seen.has(series) && seen.size >= this.#maxSeries) series = keyOf(metric, { 'otel.metric.overflow': true });
    else seen.add(series);
    this.values[series] = change(this.values[series] ?? 0);
    return series;
  }
}

const keyOf = (metric: string, attributes: object) =>
  metric +
  JSON.stringify(
    Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .sort(),
  );

function flat(points: Record<string, [Attributes, unknown][]>): Record<string, number> {
  const values: Record<string, number> = {};
  for (const [metric, series] of Object.entries(points)) {
    for (const [attributes, value] of series) {
      const key = keyOf(metric, attributes);
      if (typeof value === 'number') {
        values[key] = value;
      } else {
        const { count, sum } = value as { count: number; sum: number };
        values[key] = count;
        values[`${key} sum`] = sum;
      }
    }
  }
  return values;
}

describe('the MeterProvider', () => {
  test('may be registered later: nothing that came before is lost', async () => {
    const step = logMetrics()(sink());
    for (const duration_ms of [10, 20]) step.onEmit(record('early', { duration_ms, queue_size: duration_ms }));
    metrics.setGlobalMeterProvider(provider);
    expect(await reader.points()).toEqual({});
    step.onEmit(record('late'));
    expect(await reader.points()).toEqual({
      'logspan.log.count': [
        [{ event: 'early' }, 2],
        [{ event: 'late' }, 1],
      ],
      'logspan.log.duration': [[{ event: 'early' }, expect.objectContaining({ count: 2, sum: 30 })]],
      'logspan.queue.size': [[{}, 20]],
    });
    expect(diagnostics.warn).not.toHaveBeenCalled();
  });

  test.each(['forceFlush', 'shutdown'] as const)('is found by %s, without another record', async (act) => {
    const step = logMetrics()(sink());
    step.onEmit(record('early'));
    metrics.setGlobalMeterProvider(provider);
    await step[act]();
    expect((await reader.points())['logspan.log.count']).toEqual([[{ event: 'early' }, 1]]);
  });

  test('comes very late: of the histogram values 1000 are kept, and the loss of the others is announced', async () => {
    const step = logMetrics()(sink());
    for (let i = 0; i < 1_003; i++) step.onEmit(record('early', { duration_ms: 1 }));
    metrics.setGlobalMeterProvider(provider);
    step.onEmit(record('late'));
    const points = await reader.points();
    expect(points['logspan.log.count']?.[0]).toEqual([{ event: 'early' }, 1_003]);
    expect(points['logspan.log.duration']?.[0]?.[1]).toMatchObject({ count: 1_000 });
    expect(diagnostics.warn.mock.calls).toEqual([
      [expect.stringContaining('dropped 3 values of logspan.log.duration')],
    ]);
  });

  test('never comes: records pass, and shutdown is quiet', async () => {
    const end = sink();
    const step = logMetrics({ meter: createNoopMeter() })(end);
    step.onEmit(record('x', { duration_ms: 1 }));
    await step.shutdown();
    expect(end.records).toHaveLength(1);
    expect(diagnostics.error).not.toHaveBeenCalled();
  });

  test('is asked for our scope', async () => {
    metrics.setGlobalMeterProvider(provider);
    logMetrics()(sink()).onEmit(record('x'));
    const { resourceMetrics } = await reader.collect();
    expect(resourceMetrics.scopeMetrics.map(({ scope }) => scope.name)).toEqual(['@logspan/sdk']);
  });

  test('several stages with metrics in common add up, without a warning', async () => {
    const shared = logMetrics({ meter: provider.getMeter('test') });
    const steps = [shared(sink()), shared(sink()), start()];
    for (let round = 1; round <= 3; round++) {
      for (const [index, step] of steps.entries())
        for (let i = 0; i <= index; i++) step.onEmit(record('x', { duration_ms: 1, queue_size: index }));
      const points = await reader.points();
      expect(points['logspan.log.count']).toEqual([[{ event: 'x' }, 6 * round]]);
      expect(points['logspan.log.duration']?.[0]?.[1]).toMatchObject({ count: 6 * round });
      expect(points['logspan.queue.size']).toEqual([[{}, 2]]);
    }
    expect(diagnostics.warn).not.toHaveBeenCalled();
    expect(diagnostics.error).not.toHaveBeenCalled();
  });

  test('delta points begin no later than they end', async () => {
    let now = 1_800_000_000_000;
    jest.spyOn(Date, 'now').mockImplementation(() => ++now);
    const delta = new Reader(AggregationTemporality.DELTA);
    const step = start({ meter: new MeterProvider({ readers: [delta] }).getMeter('test') });
    for (let round = 0; round < 4; round++) {
      // Every other time only: a series that paused is new to the SDK.
      for (let i = 0; i < 3 && round % 2 === 0; i++) step.onEmit(record('x', { queue_size: i }));
      for (const { dataPoints } of await delta.metrics())
        for (const { startTime, endTime } of dataPoints)
          expect(startTime[0] * 1e9 + startTime[1]).toBeLessThanOrEqual(endTime[0] * 1e9 + endTime[1]);
    }
  });

  test('with an exporter, the last interval is exported when logs are shut down before metrics', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
    const periodic = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const exporting = new MeterProvider({ readers: [periodic] });
    const step = start({ meter: exporting.getMeter('test') });
    for (let i = 0; i < 5; i++) step.onEmit(record('x'));
    await step.shutdown();
    await exporting.forceFlush();
    const [point] = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((s) => s.metrics));
    expect(point?.dataPoints.map(({ attributes, value }) => [attributes, value])).toEqual([[{ event: 'x' }, 5]]);
    await exporting.shutdown();
  });
});

describe('the record', () => {
  test('passes on, the same, with its context; everything else is forwarded', async () => {
    const calls: unknown[] = [];
    const end: LogRecordProcessor = {
      onEmit: (...args) => calls.push(args),
      enabled: (options) => options.eventName === 'yes',
      forceFlush: async (options?: FlushOptions) => void calls.push(['flush', options]),
      shutdown: async (options?: FlushOptions) => void calls.push(['shutdown', options]),
    };
    const step = start({}, end);
    const one = Object.freeze(record('x', Object.freeze({ duration_ms: 1 })));
    step.onEmit(one, ROOT_CONTEXT);
    await step.forceFlush({ timeoutMillis: 5 });
    await step.shutdown({ timeoutMillis: 6 });
    step.onEmit(one, ROOT_CONTEXT);
    const emitted = [one, ROOT_CONTEXT];
    expect(calls).toEqual([emitted, ['flush', { timeoutMillis: 5 }], ['shutdown', { timeoutMillis: 6 }], emitted]);
    expect((calls[0] as unknown[])[0]).toBe(one);
    const question = { context: ROOT_CONTEXT, instrumentationScope: { name: 'test' } };
    expect(step.enabled?.({ ...question, eventName: 'yes' })).toBe(true);
    expect(step.enabled?.({ ...question, eventName: 'no' })).toBe(false);
  });

  test('is not measured after shutdown, and collections no longer ask for it', async () => {
    const removed = jest.fn();
    const meter = provider.getMeter('test');
    const create = meter.createObservableGauge.bind(meter);
    jest.spyOn(meter, 'createObservableGauge').mockImplementation((name, options) => {
      const gauge = create(name, options);
      const remove = gauge.removeCallback.bind(gauge);
      gauge.removeCallback = (callback) => {
        removed(callback);
        remove(callback);
      };
      return gauge;
    });
    const step = start({ meter });
    step.onEmit(record('x'));
    await step.shutdown();
    await step.shutdown();
    step.onEmit(record('x'));
    expect((await reader.points())['logspan.log.count']).toEqual([[{ event: 'x' }, 1]]);
    expect(removed).toHaveBeenCalled();
  });

  test('may have getters that throw: it counts all the same', async () => {
    const end = sink();
    const step = start({ rules: [...DEFAULT_METRIC_RULES, { type: 'counter', name: 'n', attributes: ['trap'] }] }, end);
    const hostile = {
      get duration_ms(): number {
        throw new Error('no duration');
      },
      get trap(): string {
        throw new Error('no label');
      },
      queue_size: 4,
    };
    step.onEmit(record('x', hostile));
    expect(await reader.points()).toEqual({
      'logspan.log.count': [[{ event: 'x' }, 1]],
      'logspan.queue.size': [[{}, 4]],
      n: [[{ event: 'x' }, 1]],
    });
    expect(end.records).toHaveLength(1);
  });

  test("has a context in which its histogram value is recorded: a view sees the record's span", async () => {
    const seen: (SpanContext | undefined)[] = [];
    const spy = {
      process: (attributes: Attributes, context?: Context) => {
        seen.push(context && trace.getSpanContext(context));
        return attributes;
      },
    };
    const views = [{ instrumentName: 'logspan.log.duration', attributesProcessors: [spy] }];
    const step = start({ meter: new MeterProvider({ readers: [new Reader()], views }).getMeter('test') });
    const spanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
    step.onEmit(record('x', { duration_ms: 1 }), trace.setSpanContext(ROOT_CONTEXT, spanContext));
    expect(seen).toEqual([spanContext]);
  });

  test('of one series is recorded with the very same attributes object', () => {
    const record_ = jest.fn();
    const meter = { ...fakeMeter(), createHistogram: () => ({ record: record_ }) };
    const step = start({ meter });
    step.onEmit(record('x', { duration_ms: 1 }), ROOT_CONTEXT);
    step.onEmit(record('x', { duration_ms: 2 }), ROOT_CONTEXT);
    const [first, second] = record_.mock.calls;
    expect(first).toEqual([1, { event: 'x' }, ROOT_CONTEXT]);
    expect(second?.[1]).toBe(first?.[1]);
  });
});

describe('records that steps write', () => {
  test('count when they come from before, such as alerts; summaries of what is left out come behind', async () => {
    metrics.setGlobalMeterProvider(provider);
    const monitor = (seen: LogRecord, _context: unknown, emit: (fields: { eventName: string }) => void): void => {
      if (seen.eventName === 'login_failed') emit({ eventName: 'security_alert' });
    };
    const processors = [processor(monitor, 'observe'), logMetrics(), rateLimit({ burst: 1, perSecond: 1e-6 })];
    const logging = register({ processors, handlers: [], redact: false, exitHooks: false });
    const logger = getLogger('test');
    for (let i = 0; i < 3; i++) logger.info('login_failed');
    await logging.forceFlush();
    const { written } = logging.stats().pipeline;
    await logging.shutdown();
    const { 'logspan.log.count': counts = [] } = await reader.points();
    expect(counts.map(([{ event }, count]) => [event, count])).toEqual([
      ['login_failed', 3],
      ['security_alert', 3],
    ]);
    // The summaries were there, and were not counted.
    expect(written).toBeGreaterThan(3);
  });
});

describe('a meter that fails', () => {
  const boom = () => {
    throw Object.assign(new Error('secret in a message'), { name: 'a secret in a name' });
  };

  test.each<[string, Partial<Meter>]>([
    ['to create', { createCounter: boom, createHistogram: boom, createGauge: boom, createObservableGauge: boom }],
    ['to write', { createCounter: () => ({ add: boom }), createHistogram: () => ({ record: boom }) }],
  ])('%s does not reach the application, and is reported ever more rarely', async (_, broken) => {
    const end = sink();
    const step = start({ meter: { ...fakeMeter(), ...broken } }, end);
    for (let i = 0; i < 500; i++) step.onEmit(record('x', { duration_ms: 1 }));
    await step.forceFlush();
    await step.shutdown();
    expect(end.records).toHaveLength(500);
    expect(diagnostics.error.mock.calls.length).toBeGreaterThan(0);
    expect(diagnostics.error.mock.calls.length).toBeLessThan(12);
    expect(JSON.stringify(diagnostics.error.mock.calls)).not.toContain('secret');
  });

  test('for a while loses no count, and does not stop the other series', async () => {
    let failing = true;
    const sums: Record<string, number> = {};
    const add = (amount: number, attributes?: Attributes) => {
      const event = String(attributes?.event);
      if (failing && event === 'x') throw new Error('down');
      sums[event] = (sums[event] ?? 0) + amount;
    };
    const step = start({ meter: { ...fakeMeter(), createCounter: () => ({ add }) } });
    for (const event of ['x', 'y', 'x', 'y']) step.onEmit(record(event));
    await step.forceFlush();
    expect(sums).toEqual({ y: 2 });
    failing = false;
    await step.shutdown();
    expect(sums).toEqual({ x: 2, y: 2 });
  });

  test('and a diag logger that throws are no harm', () => {
    diag.setLogger({ ...diagnostics, error: boom }, { suppressOverrideMessage: true });
    const step = start({ meter: { ...fakeMeter(), createCounter: boom } });
    expect(() => step.onEmit(record('x'))).not.toThrow();
  });
});

function fakeMeter(): Meter {
  const noop = createNoopMeter();
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(noop)) as (keyof Meter)[];
  return Object.fromEntries(methods.map((name) => [name, noop[name]])) as unknown as Meter;
}

describe('a mistake in the options', () => {
  const ok = { type: 'counter', name: 'n' };
  test.each<[string, unknown]>([
    ['rules', { rules: ok }],
    ['rules[0]', { rules: [null] }],
    ['rules[0].type', { rules: [{ ...ok, type: 'timer' }] }],
    ['rules[0].name', { rules: [{ ...ok, name: '1st' }] }],
    ['rules[0].name', { rules: [{ ...ok, name: `n${'x'.repeat(255)}` }] }],
    ['rules[1].name', { rules: [ok, { ...ok, name: 'N' }] }],
    ['rules[0].unit', { rules: [{ ...ok, unit: 'µs' }] }],
    ['rules[0].description', { rules: [{ ...ok, description: 1 }] }],
    ['rules[0].value', { rules: [{ ...ok, type: 'gauge' }] }],
    ['rules[0].value', { rules: [{ ...ok, type: 'histogram' }] }],
    ['rules[0].value', { rules: [{ ...ok, value: '' }] }],
    ['rules[0].event', { rules: [{ ...ok, event: [] }] }],
    ['rules[0].event', { rules: [{ ...ok, event: /x/ }] }],
    ['rules[0].minSeverity', { rules: [{ ...ok, minSeverity: 'loud' }] }],
    ['rules[0].minSeverity', { rules: [{ ...ok, minSeverity: 'off' }] }],
    ['rules[0].minSeverity', { rules: [{ ...ok, minSeverity: 17 }] }],
    ['rules[0].perEvent', { rules: [{ ...ok, perEvent: 1 }] }],
    ['rules[0].attributes', { rules: [{ ...ok, attributes: 'a' }] }],
    ['rules[0].attributes', { rules: [{ ...ok, attributes: ['event'] }] }],
    ['rules[0].attributes', { rules: [{ ...ok, attributes: ['a', 'a'] }] }],
    ['maxSeries', { maxSeries: 0 }],
    ['maxSeries', { maxSeries: 1.5 }],
    ['ruels', { ruels: [] }],
    ['rules[0].events', { rules: [{ ...ok, events: 'a' }] }],
    ['meter', { meter: {} }],
    ['meter', { meter: null }],
  ])('%s is named: %j', (option, options) => {
    const attempt = () => logMetrics(options as LogMetricsOptions);
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(`logMetrics.${option}: `);
  });

  test('a record attribute named event may be used when events have no series of their own', () => {
    expect(() =>
      logMetrics({ rules: [{ type: 'counter', name: 'n', perEvent: false, attributes: ['event'] }] }),
    ).not.toThrow();
  });

  test.each([null, 3, []])('options that are none: %j', (options) => {
    expect(() => logMetrics(options as unknown as LogMetricsOptions)).toThrow('logMetrics: options must be an object');
  });

  test('the stage observes, before anything is sampled', () => {
    const { stageName, phase } = logMetrics();
    expect([stageName, phase]).toEqual(['logMetrics', 'observe']);
  });
});
