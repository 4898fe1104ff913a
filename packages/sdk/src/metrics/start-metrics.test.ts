import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { context, diag, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import * as sdk from '@opentelemetry/sdk-metrics';
import { ManualTime, settled } from '../../../../test/delivery/manual-time.ts';
import { decodeMetrics, metricsIn, pointsOf } from '../../../../test/delivery/official-metrics.ts';
import { toldDuring } from '../../../../test/pipeline/recorder.ts';
import type { Answer } from '../delivery/answer.ts';
import type { HttpTarget, Sender } from '../delivery/http-sender.ts';
import { logMetrics } from '../processors/log-metrics.ts';
import { sample } from '../processors/sample.ts';
import { timed } from '../processors/timed.ts';
import { ConfigError } from '../provider/config-error.ts';
import { readMetricsEnvironment } from '../provider/environment.ts';
import type { Logging } from '../provider/logging.ts';
import type { RegisterOptions } from '../provider/options.ts';
import { register } from '../provider/register.ts';
import { sdkVersion } from '../provider/resource.ts';
import { collectNow } from './collect-now.ts';
import { metricSinkOf } from './metric-sink.ts';
import { optionalPackage } from './optional-package.ts';
import { checkMetricsOptions, type MetricsOptions, startMetrics } from './start-metrics.ts';

const OK: Answer = { status: 200, body: new Uint8Array() };
const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };

/** A destination that answers as it is told, and keeps what it is sent. */
class Destination implements Sender {
  readonly bodies: Uint8Array[] = [];
  answers: (Answer | 'none' | 'never')[] = [];
  closed = false;
  readonly #unanswered: ((error: Error) => void)[] = [];

  async send(body: Uint8Array): Promise<Answer> {
    this.bodies.push(body);
    const answer = this.answers.shift() ?? OK;
    if (answer === 'none') throw new Error('ECONNREFUSED');
    return answer === 'never' ? new Promise((_, reject) => this.#unanswered.push(reject)) : answer;
  }

  close(): void {
    this.closed = true;
    for (const reject of this.#unanswered) reject(new Error('ECONNRESET'));
  }

  /** The sum of a counter in the last request, by event. */
  counts(name = 'logspan.log.count', body = this.bodies.at(-1)): Record<string, number> {
    const found = body === undefined ? undefined : metricsIn(body).find((metric) => metric.name === name);
    return Object.fromEntries(
      pointsOf(found).map(({ attributes, asInt }) => [attributes[0]?.value.stringValue ?? '', Number(asInt)]),
    );
  }
}

let logging: Logging | undefined;
beforeEach(() => {
  const quiet = () => undefined;
  const logger = { error: quiet, warn: quiet, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(logger, { suppressOverrideMessage: true });
});
afterEach(async () => {
  diag.disable();
  await logging?.shutdown({ timeoutMillis: 0 });
  logging = undefined;
  metrics.disable();
  context.disable();
});

function start(sender: Sender, more: MetricsOptions = {}, options: RegisterOptions = {}): Logging {
  const { processors = [logMetrics()] } = options;
  logging = register({
    ...{ handlers: [], redact: false, exitHooks: false, ...options, processors },
    metrics: { sender, sdk, ...more },
  });
  return logging;
}

describe('register({ metrics })', () => {
  test('exports what is counted in records, also of those that are sampled away', async () => {
    const destination = new Destination();
    const { forceFlush } = start(destination, {}, { processors: [logMetrics(), sample({ ratio: 0 })] });
    for (let i = 0; i < 20; i++) getLogger('shop').info('order_paid', { duration_ms: i });
    expect(await forceFlush.call(logging)).toBe(true);
    expect(destination.counts()).toEqual({ order_paid: 20 });
  });

  test('is there for everybody, has the resource of the records, and measures logging itself', async () => {
    const destination = new Destination();
    const running = start(destination, {}, { service: { name: 'checkout' } });
    metrics.getMeter('app').createCounter('carts').add(2);
    getLogger('shop').info('a');
    await running.forceFlush();
    const body = destination.bodies[0] as Uint8Array;
    expect(metricsIn(body).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['carts', 'logspan.log.count', 'otel.sdk.log.created']),
    );
    expect(Buffer.from(body).includes('checkout')).toBe(true);
  });

  test('all metrics of ours are of one scope', async () => {
    const destination = new Destination();
    const step = timed(sample({ ratio: 1 }), { measureOneIn: 1 });
    const running = start(destination, {}, { processors: [logMetrics(), step] });
    getLogger('shop').info('a', { duration_ms: 1 });
    await running.forceFlush();
    const scopes = decodeMetrics(destination.bodies[0] as Uint8Array).resourceMetrics.flatMap(
      (each) => each.scopeMetrics,
    );
    expect(scopes.flatMap((scope) => scope.metrics.map(({ name }) => name))).toEqual(
      expect.arrayContaining([
        ...['otel.sdk.log.created', 'logspan.log.count', 'logspan.log.duration', 'logspan.processor.duration'],
      ]),
    );
    expect(new Set(scopes.map(({ scope }) => `${scope.name} ${scope.version}`))).toEqual(
      new Set([`@logspan/sdk ${sdkVersion}`]),
    );
  });

  test('delivers the last interval at shutdown, after the records, and is gone then', async () => {
    const destination = new Destination();
    const running = start(destination);
    getLogger('shop').info('last');
    expect(await running.shutdown()).toBe(true);
    expect(destination.counts()).toEqual({ last: 1 });
    expect(destination.closed).toBe(true);
    const again = new Destination();
    const next = start(again);
    getLogger('shop').info('next');
    await next.shutdown();
    expect(again.counts()).toEqual({ next: 1 });
  });

  test('says when they could not be delivered', async () => {
    const destination = new Destination();
    destination.answers = [{ status: 400, body: new Uint8Array() }];
    const running = start(destination);
    getLogger('shop').info('a');
    const told = await toldDuring(async () => {
      expect(await running.forceFlush()).toBe(true);
    });
    expect(told.join('\n')).toContain('HTTP status 400');
    // Refused for good: there is nothing left to deliver. Away: there is.
    destination.answers = ['never'];
    getLogger('shop').info('a');
    expect(await running.forceFlush({ timeoutMillis: 1 })).toBe(false);
  });

  test('has exemplars: a link to the span of a record, in the series and bucket it counts in', async () => {
    const destination = new Destination();
    const running = start(destination);
    const inside = trace.setSpanContext(ROOT_CONTEXT, span);
    const outside = trace.setSpanContext(ROOT_CONTEXT, { ...span, traceFlags: 0 });
    context.with(outside, () => getLogger('shop').info('paid', { duration_ms: 3 }));
    context.with(inside, () => getLogger('shop').info('paid', { duration_ms: 30 }));
    context.with(inside, () => getLogger('shop').info('paid', { duration_ms: 31 }));
    context.with(inside, () => getLogger('shop').info('paid', { duration_ms: 300 }));
    await running.forceFlush();
    const exemplarsOf = (name: string) =>
      pointsOf(metricsIn(destination.bodies.at(-1) as Uint8Array).find((metric) => metric.name === name)).flatMap(
        ({ exemplars }) => exemplars,
      );
    const traceId = Buffer.from(span.traceId, 'hex').toString('base64');
    expect(exemplarsOf('logspan.log.count')).toEqual([expect.objectContaining({ asInt: '1', traceId })]);
    expect(exemplarsOf('logspan.log.duration').map(({ asDouble }) => asDouble)).toEqual([30, 300]);
    await running.forceFlush();
    expect(exemplarsOf('logspan.log.count')).toEqual([]);
  });

  test('the histograms of a step that was taken out are delivered once more, and then let go', async () => {
    const destination = new Destination();
    const running = start(destination, {}, { processors: [] });
    const eventsIn = (body: Uint8Array | undefined) =>
      pointsOf(metricsIn(body as Uint8Array).find(({ name }) => name === 'logspan.log.duration')).map(
        ({ attributes, count }) => `${attributes[0]?.value.stringValue ?? 'others'} ${count}`,
      );
    for (const round of ['a', 'b', 'c']) {
      const step = logMetrics({ maxSeries: 2 });
      running.addProcessor(step);
      for (const event of ['x', 'y']) getLogger('shop').info(`${round}${event}`, { duration_ms: 1 });
      running.removeProcessor(step);
    }
    // Together they hold no more than one may.
    destination.answers = [{ status: 400, body: new Uint8Array() }];
    await running.forceFlush();
    const all = ['ax 1', 'ay 1', 'others 4'];
    expect(eventsIn(destination.bodies.at(-1))).toEqual(all);
    await running.forceFlush();
    expect(eventsIn(destination.bodies.at(-1))).toEqual(all);
    running.addProcessor(logMetrics({ maxSeries: 2 }));
    getLogger('shop').info('d', { duration_ms: 1 });
    await running.forceFlush();
    expect(eventsIn(destination.bodies.at(-1))).toEqual(['d 1']);
  });

  test('without options takes all from the environment; SDK and interval are checked', () => {
    expect(() => register({ metrics: { intervalMillis: 0 } })).toThrow('metrics.intervalMillis: ');
    expect(() => register({ metrics: { interval: 1 } as MetricsOptions })).toThrow(
      'metrics.interval: is not an option',
    );
    expect(() => register({ metrics: { sdk: {} } as MetricsOptions })).toThrow('metrics.sdk: ');
    expect(() => register({ metrics: 1 as unknown as boolean })).toThrow('metrics: ');
    expect(() => register({ metrics: { endpoint: 'collector' } })).toThrow('metrics.endpoint: ');
    expect(() => register({ metrics: { headers: { 'x y': 'z' } } })).toThrow('metrics.headers: ');
    checkMetricsOptions(true);
    checkMetricsOptions(false);
  });

  test('leaves a MeterProvider alone that the application has, and says so', async () => {
    const own = new sdk.MeterProvider();
    metrics.setGlobalMeterProvider(own);
    const destination = new Destination();
    const told = await toldDuring(async () => void start(destination));
    expect(told.join('\n')).toContain('leaves the MeterProvider alone');
    expect(metrics.getMeterProvider()).toBe(own);
    getLogger('shop').info('a');
    await logging?.shutdown();
    expect(destination.bodies).toEqual([]);
    expect(metrics.getMeterProvider()).toBe(own);
  });

  test('a mistake elsewhere leaves no MeterProvider behind', () => {
    expect(() => register({ metrics: true, handlers: [{}] as never })).toThrow(ConfigError);
    expect(() => register({ metrics: true, processors: [sample({ ratio: 1 }), logMetrics()] })).toThrow(ConfigError);
    expect(metrics.getMeterProvider().getMeter('x').constructor.name).toBe('NoopMeter');
  });
});

describe('the process ends now', () => {
  const begin = (options: MetricsOptions, env: Record<string, string> = {}, resource: object = {}) => {
    const told: Uint8Array[][] = [];
    const sendSync = (_target: HttpTarget, bodies: readonly Uint8Array[]): Answer[] => {
      told.push([...bodies]);
      return bodies.map(() => OK);
    };
    const running = startMetrics(
      { sdk, sendSync, ...options },
      readMetricsEnvironment(env, () => undefined),
      { attributes: {}, ...resource },
    );
    return { running, told, meter: running.provider.getMeter('test') };
  };
  const valuesIn = (body: Uint8Array | undefined, name: string): number[] =>
    body === undefined
      ? []
      : pointsOf(metricsIn(body).find((metric) => metric.name === name)).map(({ asInt, asDouble, count }) =>
          Number(asInt ?? asDouble ?? count),
        );

  test.each(['cumulative', 'delta'])(
    'and delivers what was measured since the last export, %s',
    async (temporality) => {
      const sender = new Destination();
      const { running, told, meter } = begin(
        { sender },
        { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality },
      );
      const counter = meter.createCounter('n', { valueType: 0 });
      const queue = meter.createObservableGauge('queue', { valueType: 0 });
      queue.addCallback((result) => result.observe(7));
      queue.addCallback(() => {
        throw new Error('broken');
      });
      counter.add(2);
      await running.forceFlush({ timeoutMillis: 1_000 });
      expect(valuesIn(sender.bodies[0], 'n')).toEqual([2]);
      counter.add(3);
      meter.createHistogram('h').record(12);
      expect(running.isPending()).toBe(true);
      running.flushSync(1_000);
      expect(told.length).toBe(1);
      expect(valuesIn(told[0]?.[0], 'n')).toEqual([temporality === 'delta' ? 3 : 5]);
      expect(valuesIn(told[0]?.[0], 'h')).toEqual([1]);
      expect(valuesIn(told[0]?.[0], 'queue')).toEqual([7]);
      // Nothing new, nothing to send.
      running.flushSync(1_000);
      expect(told.length).toBe(1);
      await running.shutdown({ timeoutMillis: 100 });
      running.flushSync(1_000);
      expect(told.length).toBe(1);
    },
  );

  const temporalities = ['cumulative', 'delta', 'lowmemory'];
  const preferring = (temporality: string) => ({ OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality });
  const slow = () => {
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    return { answered, answer };
  };
  const localHistogram = (provider: object) =>
    metricSinkOf(provider)?.histograms?.of({ name: 'local', unit: 'ms', description: '' }, 10).series({});

  test.each(temporalities)(
    'while a callback is waited for: what all the others have is not lost, %s',
    async (temporality) => {
      const sender = new Destination();
      const { running, told, meter } = begin({ sender }, preferring(temporality));
      const { answered, answer } = slow();
      const pool = running.provider.getMeter('slow').createObservableGauge('pool');
      pool.addCallback(() => answered);
      meter.createCounter('n').add(3);
      localHistogram(running.provider)?.record(5);
      const flushed = running.forceFlush({ timeoutMillis: 0 });
      await settled();
      expect(sender.bodies).toEqual([]);
      running.flushSync(1_000);
      expect(told.length).toBe(1);
      expect(valuesIn(told[0]?.[0], 'n')).toEqual([3]);
      expect(valuesIn(told[0]?.[0], 'local')).toEqual([1]);
      answer();
      await flushed;
      await running.shutdown({ timeoutMillis: 100 });
    },
  );

  test.each(temporalities)('between a collection and its export: it is still there, %s', async (temporality) => {
    const sender = new Destination();
    // The reader waits for the resource before it hands over what it has collected.
    const { answered, answer } = slow();
    const resource = { asyncAttributesPending: true, waitForAsyncAttributes: () => answered };
    const { running, told, meter } = begin({ sender }, preferring(temporality), resource);
    meter.createCounter('n').add(3);
    localHistogram(running.provider)?.record(5);
    const flushed = running.forceFlush({ timeoutMillis: 0 });
    await settled();
    expect(sender.bodies).toEqual([]);
    expect(running.isPending()).toBe(true);
    running.flushSync(1_000);
    expect(valuesIn(told[0]?.[0], 'n')).toEqual([3]);
    expect(valuesIn(told[0]?.[0], 'local')).toEqual([1]);
    expect(running.isPending()).toBe(false);
    answer();
    await flushed;
    await running.shutdown({ timeoutMillis: 100 });
  });

  test('in the middle of an export: its request goes too', async () => {
    const sender = new Destination();
    sender.answers = ['never'];
    const { running, told, meter } = begin({ sender });
    meter.createCounter('n').add(1);
    void running.forceFlush({ timeoutMillis: 1 });
    await settled();
    running.flushSync(1_000);
    expect(told.length).toBe(1);
    expect(told[0]?.[0]).toBe(sender.bodies[0]);
    await running.shutdown({ timeoutMillis: 1 });
  });

  test.each(['delta', 'lowmemory'])('in the middle of an export, %s: it would count twice', async (temporality) => {
    const sender = new Destination();
    sender.answers = ['never'];
    const { running, told, meter } = begin({ sender }, preferring(temporality));
    const counter = meter.createCounter('n', { valueType: 0 });
    counter.add(1);
    void running.forceFlush({ timeoutMillis: 1 });
    await settled();
    expect(valuesIn(sender.bodies[0], 'n')).toEqual([1]);
    counter.add(2);
    running.flushSync(1_000);
    expect(told.flat().map((body) => valuesIn(body, 'n'))).toEqual([[2]]);
    await running.shutdown({ timeoutMillis: 1 });
  });

  test.each(temporalities)('between two tries of an export: it has not arrived, and goes, %s', async (temporality) => {
    const sender = new Destination();
    sender.answers = [{ status: 503, body: new Uint8Array() }];
    const { running, told, meter } = begin({ sender, time: new ManualTime() }, preferring(temporality));
    meter.createCounter('n').add(1);
    const flushed = running.forceFlush({ timeoutMillis: 0 });
    await settled();
    expect(sender.bodies.length).toBe(1);
    running.flushSync(1_000);
    expect(told[0]?.[0]).toBe(sender.bodies[0]);
    await flushed;
  });

  test('with lowmemory a counter is a delta, and an observable one is not', async () => {
    const sender = new Destination();
    const { running, meter } = begin({ sender }, preferring('lowmemory'));
    const counter = meter.createCounter('n', { valueType: 0 });
    meter.createObservableCounter('o', { valueType: 0 }).addCallback((result) => result.observe(9));
    const local = localHistogram(running.provider);
    for (const value of [2, 3]) {
      counter.add(value);
      local?.record(value);
      await running.forceFlush({ timeoutMillis: 1_000 });
    }
    expect(sender.bodies.map((body) => valuesIn(body, 'n'))).toEqual([[2], [3]]);
    expect(sender.bodies.map((body) => valuesIn(body, 'local'))).toEqual([[1], [1]]);
    expect(sender.bodies.map((body) => valuesIn(body, 'o'))).toEqual([[9], [9]]);
    await running.shutdown({ timeoutMillis: 100 });
  });

  test('a histogram that is aggregated here is reason enough to deliver', async () => {
    const sender = new Destination();
    const { running, told, meter } = begin({ sender });
    const local = localHistogram(running.provider);
    meter.createCounter('n').add(1);
    await running.forceFlush({ timeoutMillis: 1_000 });
    expect(running.isPending()).toBe(false);
    local?.record(7);
    expect(running.isPending()).toBe(true);
    running.flushSync(1_000);
    expect(valuesIn(told[0]?.[0], 'local')).toEqual([1]);
    await running.shutdown({ timeoutMillis: 100 });
  });

  test('an SDK that is built otherwise collects as it does', async () => {
    const sender = new Destination();
    class Otherwise extends sdk.MeterProvider {
      constructor(options: sdk.MeterProviderOptions) {
        super(options);
        const hidden = Reflect.get(this, '_sharedState');
        Object.defineProperty(this, '_sharedState', { get: () => (this.inside ? hidden : {}) });
      }
      inside = true;
    }
    const { running, meter } = begin({ sender, sdk: { ...sdk, MeterProvider: Otherwise } });
    meter.createCounter('n').add(4);
    localHistogram(running.provider)?.record(5);
    const reader = running.provider as Otherwise;
    const flush = reader.forceFlush({ timeoutMillis: 1_000 });
    reader.inside = false;
    await flush;
    expect(valuesIn(sender.bodies[0], 'n')).toEqual([4]);
    expect(valuesIn(sender.bodies[0], 'local')).toEqual([1]);
    reader.inside = true;
    await running.shutdown({ timeoutMillis: 100 });
  });

  test('and what it collects is what the SDK would collect', async () => {
    const reader = new (class extends sdk.MetricReader {
      protected override async onForceFlush(): Promise<void> {}
      protected override async onShutdown(): Promise<void> {}
    })();
    const [theirs, ours] = [reader, undefined].map((given) => {
      const readers = [given ?? new (reader.constructor as new () => typeof reader)()];
      const provider = new sdk.MeterProvider({ readers });
      const meter = provider.getMeter('test', '1');
      meter.createCounter('n').add(3, { a: 1 });
      meter.createUpDownCounter('u').add(-1);
      meter.createHistogram('h').record(5);
      meter.createGauge('g').record(5);
      meter.createObservableCounter('o').addCallback((result) => {
        result.observe(1, { b: 'x' });
        result.observe(2, { b: 'y' });
      });
      return provider;
    });
    const { resourceMetrics } = await reader.collect();
    const plain = (value: unknown) =>
      JSON.parse(JSON.stringify(value, (key, inner) => (/^(?:start|end)Time$|resource/.test(key) ? undefined : inner)));
    expect(theirs).toBeDefined();
    expect(plain(collectNow(ours as object)?.scopeMetrics)).toEqual(plain(resourceMetrics.scopeMetrics));
  });

  test('with an SDK that is built otherwise nothing is collected, and nothing breaks', () => {
    expect(collectNow({})).toBeUndefined();
    expect(collectNow({ _sharedState: { metricCollectors: [], meterSharedStates: new Map() } })).toBeUndefined();
  });
});

describe('an export', () => {
  const begin = (sender: Destination) => {
    const time = new ManualTime();
    const options = { sender, time, sdk, timeoutMillis: 10_000 };
    const running = startMetrics(
      options,
      readMetricsEnvironment({}, () => undefined),
      { attributes: {} },
    );
    running.provider.getMeter('test').createCounter('n').add(1);
    return { running, time };
  };
  const unavailable: Answer = { status: 503, body: new Uint8Array() };

  test('is repeated where OTLP says so, within its time', async () => {
    const sender = new Destination();
    sender.answers = ['none', unavailable];
    const { running, time } = begin(sender);
    const flushed = running.forceFlush({ timeoutMillis: 5_000 });
    await time.pass(1_000);
    await time.pass(1_500);
    expect(await flushed).toBe(true);
    expect(sender.bodies.length).toBe(3);
    await running.shutdown({ timeoutMillis: 100 });
  });

  test('is not waited for beyond the flush that asked for it: it would keep the process alive', async () => {
    const sender = new Destination();
    sender.answers = ['never'];
    const { running } = begin(sender);
    const told = await toldDuring(async () => {
      expect(await running.forceFlush({ timeoutMillis: 1 })).toBe(false);
      await settled();
    });
    expect(told.at(-1)).toBe('logspan: metrics could not be exported 1 time(s): not in time');
    await running.shutdown({ timeoutMillis: 10 });
  });

  test('gives up at its deadline, and says so', async () => {
    const sender = new Destination();
    sender.answers = new Array(100).fill('none');
    const { running, time } = begin(sender);
    const told = await toldDuring(async () => {
      const flushed = running.forceFlush({ timeoutMillis: 5_000 });
      for (let i = 0; i < 30; i++) await time.pass(1_000);
      expect(await flushed).toBe(false);
    });
    expect(told.join('\n')).toContain('no answer');
    expect(sender.bodies.length).toBeLessThan(30);
    await running.shutdown({ timeoutMillis: 10 });
  });
});

test('a package that is not installed: what to install is said', () => {
  const attempt = () => optionalPackage('metrics', ['@logspan/is-not-there', 'nor-is-this']);
  expect(attempt).toThrow(ConfigError);
  expect(attempt).toThrow('metrics: needs a package that is not installed: npm install @logspan/is-not-there');
});

test('a package that is installed is loaded, also from another folder', () => {
  const folder = jest.spyOn(process, 'cwd').mockReturnValue('/');
  expect(optionalPackage<typeof sdk>('metrics', ['@opentelemetry/sdk-metrics']).MeterProvider).toBeInstanceOf(Function);
  folder.mockRestore();
});
