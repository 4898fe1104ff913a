import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { facadeState, setMinimumSeverities } from '@logspan/logger/internal';
import { createNoopMeter, metrics } from '@opentelemetry/api';
import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { through, toldDuring } from '../../../../test/pipeline/recorder.ts';
import { type ProcessorFunction, pipe } from '../pipeline/pipe.ts';
import { forwardTo, stage } from '../pipeline/stage.ts';
import { ConfigError } from '../provider/config-error.ts';
import { redact } from './redact.ts';
import { type TimedOptions, timed } from './timed.ts';

class Reader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  }
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}

  async durations(): Promise<unknown[]> {
    const { resourceMetrics } = await this.collect();
    return resourceMetrics.scopeMetrics
      .flatMap((scope) => scope.metrics)
      .filter(({ descriptor }) => descriptor.name === 'logspan.processor.duration')
      .flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => ({ unit: descriptor.unit, attributes, ...(value as object) })),
      );
  }
}

/** A clock that work moves on. */
class Watch {
  millis = 0;
  readonly now = (): number => this.millis;
  takes(millis: number, name = 'slow'): ProcessorFunction {
    const work = {
      [name]: () => {
        this.millis += millis;
      },
    };
    return work[name] as ProcessorFunction;
  }
}

let before: (scope: string) => number;
beforeEach(() => {
  before = facadeState().minimumOf;
});
afterEach(() => {
  setMinimumSeverities(before);
  metrics.disable();
});

const all = (watch: Watch, more: TimedOptions = {}): TimedOptions => ({ measureOneIn: 1, now: watch.now, ...more });

describe('the histogram', () => {
  test('has the time of the step itself, in seconds, not that of the steps behind it', async () => {
    const reader = new Reader();
    const meter = new MeterProvider({ readers: [reader] }).getMeter('test');
    const watch = new Watch();
    const { emit } = through(
      pipe(
        timed(watch.takes(3, 'three'), all(watch, { meter })),
        timed(watch.takes(500, 'behind'), all(watch, { meter })),
      ),
    );
    for (let i = 0; i < 4; i++) emit({ body: i });
    const durations = await reader.durations();
    expect(durations).toMatchObject([
      { unit: 's', attributes: { 'logspan.processor.name': 'behind' }, count: 4 },
      { unit: 's', attributes: { 'logspan.processor.name': 'three' }, count: 4 },
    ]);
    const [behind, three] = durations as [{ sum: number }, { sum: number }];
    expect(three.sum).toBeCloseTo(0.012);
    expect(behind.sum).toBeCloseTo(2);
  });

  test('has one call in so many, by chance, and costs no clock otherwise', () => {
    let readings = 0;
    const chances = [0.999, 0, 0.5];
    const step = timed(() => undefined, {
      measureOneIn: 4,
      now: () => ++readings,
      random: () => chances.shift() ?? 0.999,
    });
    const { emit } = through(step);
    // The first is measured; then 6 are not, then the next two are, then 3 are not, then one is.
    const readAt: number[] = [];
    for (let i = 0; i < 13; i++) {
      const were = readings;
      emit({ body: i });
      if (readings > were) readAt.push(i);
    }
    expect(readAt).toEqual([0, 7, 8, 12]);
  });

  test('is made as soon as there is a MeterProvider, and nothing fails until then', async () => {
    const watch = new Watch();
    const { emit, end } = through(timed(watch.takes(1), all(watch)));
    emit({ body: 1 });
    const reader = new Reader();
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
    emit({ body: 2 });
    expect(await reader.durations()).toMatchObject([{ count: 1 }]);
    expect(end.records).toHaveLength(2);
  });

  test('that cannot be made or written harms nobody', async () => {
    const meter = Object.assign(Object.create(createNoopMeter()), {
      createHistogram: () => {
        throw new Error('hunter2');
      },
    });
    const watch = new Watch();
    const { emit, end } = through(timed(watch.takes(1), all(watch, { meter })));
    const told = await toldDuring(() => {
      for (let i = 0; i < 4; i++) emit({ body: i });
    });
    expect(end.records).toHaveLength(4);
    expect(told).toEqual([1, 2, 4].map((n) => `logspan: timed failed ${n} time(s) Error`));
  });
});

describe('the event processor_performance', () => {
  const debugForLogspan = () => setMinimumSeverities((scope) => (scope === 'logspan' ? 5 : 9));

  test('comes after every 1 000 calls, and averages over these, not over a lifetime', () => {
    debugForLogspan();
    const watch = new Watch();
    let millis = 2;
    const step: ProcessorFunction = function slow() {
      watch.millis += millis;
    };
    const { emit, end } = through(timed(step, all(watch)));
    for (let i = 0; i < 1_000; i++) emit({ body: i });
    millis = 10;
    for (let i = 0; i < 1_000; i++) emit({ body: i });
    expect(end.records).toHaveLength(2_002);
    expect(end.records.filter(({ eventName }) => eventName === 'processor_performance')).toMatchObject([
      {
        severityText: 'DEBUG',
        attributes: { processor: 'slow', avg_ms: 2, max_ms: 2, calls: 1_000, total_calls: 1_000 },
      },
      { attributes: { processor: 'slow', avg_ms: 10, max_ms: 10, calls: 1_000, total_calls: 2_000 } },
    ]);
  });

  test('does not come round to the step it tells of', () => {
    debugForLogspan();
    const seen: unknown[] = [];
    const watcher: ProcessorFunction = ({ body }) => void seen.push(body);
    const { emit, end } = through(timed(watcher, { reportEvery: 1 }));
    emit({ body: 1 });
    emit({ body: 2 });
    expect(seen).toEqual([1, 2]);
    expect(end.events).toEqual([undefined, 'processor_performance', undefined, 'processor_performance']);
  });

  test('is not written unless the level of the scope logspan allows debug', () => {
    const { emit, end } = through(timed(() => undefined, { reportEvery: 1 }));
    setMinimumSeverities(() => 9);
    emit({ body: 1 });
    expect(end.records).toHaveLength(1);
  });
});

describe('the step inside', () => {
  test('drops, is counted and has its place as without it', () => {
    const noise: ProcessorFunction = ({ body }) => body !== 'noise';
    const { emit, end, account } = through(timed(noise));
    emit({ body: 'noise' });
    emit({ body: 'kept' });
    expect(end.records).toHaveLength(1);
    expect(account()).toMatchObject({ dropped: { noise: 1 } });
    expect({ ...timed(redact()) }).toMatchObject({ phase: 'redact', stageName: 'redact' });
    expect(() => pipe(timed(redact()), timed(noise))).toThrow(/noise stands after redact/);
    expect(() => pipe(timed(pipe(redact())), noise)).toThrow(/noise stands after redact/);
  });

  test('is measured when it throws, flushed, ended and released', async () => {
    const calls: string[] = [];
    const exploding = stage('exploding', undefined, (next) =>
      forwardTo(next, {
        onEmit: () => {
          throw new Error();
        },
        ...{ release: () => void calls.push('release') },
      }),
    );
    const reader = new Reader();
    const meter = new MeterProvider({ readers: [reader] }).getMeter('test');
    const { processor, emit, end } = through(pipe(timed(exploding, { measureOneIn: 1, meter })));
    await toldDuring(() => emit({ body: 1 }));
    expect(await reader.durations()).toMatchObject([{ count: 1 }]);
    await processor.forceFlush();
    processor.release?.();
    await processor.shutdown();
    expect([end.flushed.length, end.ended.length, calls]).toEqual([1, 1, ['release']]);
  });
});

test.each([
  ['measureOneIn', 0],
  ['reportEvery', 1.5],
  ['now', 1],
  ['random', 'x'],
  ['meter', {}],
  ['every', 1],
])('refuses %s: %p', (option, value) => {
  expect(() => timed(() => undefined, { [option]: value })).toThrow(new RegExp(`timed\\.${option}`));
  expect(() => timed(() => undefined, { [option]: value })).toThrow(ConfigError);
});
