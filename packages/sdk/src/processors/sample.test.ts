import { describe, expect, test } from '@jest/globals';
import { event, lazy } from '@logspan/logger';
import { createTraceState, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import {
  emitFromStockTo,
  emitTo,
  providers,
  Recorder,
  through,
  toldDuring,
} from '../../../../test/pipeline/recorder.ts';
import { newRecord } from '../pipeline/new-record.ts';
import { pipe } from '../pipeline/pipe.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { sample } from './sample.ts';

/** A small generator with a seed (mulberry32): 0 ≤ x < 1. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const traceIdFrom = (random: () => number): string =>
  Array.from({ length: 32 }, (_, i) =>
    Math.floor(random() * (i === 0 ? 15 : 16) + (i === 0 ? 1 : 0)).toString(16),
  ).join('');

const inTrace = (traceId: string, traceFlags: number = TraceFlags.SAMPLED, state?: string) =>
  trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId: '00f067aa0ba902b7',
    traceFlags,
    ...(state === undefined ? {} : { traceState: createTraceState(state) }),
  });

/** One sound run in so many fails: the bounds below are proven ones, not approximations. */
const FALSE_ALARMS = 1e-9;

/**
 * A binomial count is where it should be, by Chernoff's bound: P(count so far from n * p) <= exp(-n * KL(count / n, p)) on
 * either side.
 */
function expectBinomial(count: number, n: number, p: number): void {
  const part = (q: number, of: number) => (q === 0 ? 0 : q * Math.log(q / of));
  const divergence = part(count / n, p) + part(1 - count / n, 1 - p);
  expect(n * divergence).toBeLessThanOrEqual(Math.log(2 / FALSE_ALARMS));
}

/** Chi-square of equally likely cells, by the bound of Laurent and Massart: P(X >= k + 2 sqrt(kx) + 2x) <= exp(-x). */
function expectUniform(cells: readonly number[]): void {
  const expected = cells.reduce((sum, count) => sum + count, 0) / cells.length;
  const chiSquare = cells.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const x = -Math.log(FALSE_ALARMS);
  const k = cells.length - 1;
  expect(chiSquare).toBeLessThanOrEqual(k + 2 * Math.sqrt(k * x) + 2 * x);
}

describe('the share of records that is kept', () => {
  test.each([0.001, 0.1, 0.5, 0.9, 0.999])('is %d outside of traces', (ratio) => {
    const n = 20_000;
    const { end, emit, account } = through(sample({ ratio, random: seeded(1) }));
    for (let i = 0; i < n; i++) emit({ severityNumber: 9 });
    expectBinomial(end.records.length, n, ratio);
    expect(end.records.length + (account().dropped?.sampled ?? 0)).toBe(n);
  });

  test.each([0.1, 0.5, 0.9])('is %d of all traces', (ratio) => {
    const n = 5_000;
    const random = seeded(2);
    const never = () => {
      throw new Error('chance has no say in a trace');
    };
    const { end, emit } = through(sample({ ratio, random: never }));
    for (let i = 0; i < n; i++) emit({ severityNumber: 9, context: inTrace(traceIdFrom(random)) });
    expectBinomial(end.records.length, n, ratio);
  });

  test('is the same among traces of every kind: chi-square over the parts of the id that do not decide', () => {
    const random = seeded(5);
    const { end, emit } = through(sample({ ratio: 0.3 }));
    const kindOf = (traceId: string) => Number.parseInt(traceId.slice(16, 17), 16);
    for (let i = 0; i < 8_000; i++) emit({ severityNumber: 9, context: inTrace(traceIdFrom(random)) });
    const kept = Array.from({ length: 16 }, () => 0);
    for (const { spanContext } of end.records) {
      const kind = kindOf(spanContext?.traceId as string);
      kept[kind] = (kept[kind] as number) + 1;
    }
    expectUniform(kept);
  });

  test('is 0.1 by default, all with 1, none with 0', () => {
    const chances = (chance: number, ratio?: number) => {
      const { end, emit } = through(sample({ random: () => chance, ...(ratio === undefined ? {} : { ratio }) }));
      emit({ severityNumber: 9 });
      return end.records.length;
    };
    expect([chances(0.9), chances(0.89)]).toEqual([1, 0]);
    expect([chances(0, 1), chances(0.999_999, 1)]).toEqual([1, 1]);
    expect([chances(0, 0), chances(0.999_999_999, 0)]).toEqual([0, 0]);
  });
});

describe('in a trace', () => {
  test('all records are kept or none, in every service with the same ratio', () => {
    const random = seeded(3);
    const [here, there] = [through(sample({ ratio: 0.3 })), through(sample({ ratio: 0.3 }), emitFromStockTo)];
    for (let i = 0; i < 200; i++) {
      const context = inTrace(traceIdFrom(random));
      for (let n = 0; n < 3; n++) {
        here.emit({ body: i, severityNumber: 9, context });
        there.emit({ body: i, severityNumber: 9, context });
      }
    }
    const counts = new Map<number, number>();
    for (const { body } of [...here.end.records, ...there.end.records]) counts.set(body, (counts.get(body) ?? 0) + 1);
    expect(new Set(counts.values())).toEqual(new Set([6]));
    expect(counts.size).toBeGreaterThan(30);
  });

  test('what a lower ratio keeps a higher one keeps too', () => {
    const random = seeded(4);
    const [few, many] = [through(sample({ ratio: 0.2 })), through(sample({ ratio: 0.6 }))];
    for (let i = 0; i < 500; i++) {
      const record = { body: i, severityNumber: 9, context: inTrace(traceIdFrom(random)) };
      few.emit(record);
      many.emit(record);
    }
    const kept = new Set(many.end.records.map(({ body }) => body));
    expect(few.end.records.every(({ body }) => kept.has(body))).toBe(true);
  });
});

test('errors are always kept, and what else is wanted; a kept record tells the ratio, one always kept does not', () => {
  const { end, emit, account } = through(sample({ ratio: 0 }));
  for (const severityNumber of [0, 9, 13, 16, 17, 21, 24]) emit({ severityNumber });
  emit({});
  expect(end.records.map(({ severityNumber }) => severityNumber)).toEqual([17, 21, 24]);
  expect(account()).toEqual({ dropped: { sampled: 5 } });

  const warnings = through(sample({ ratio: 0.5, keepAtLeast: 'warn', random: () => 0.7 }));
  for (const severityNumber of [9, 13]) warnings.emit({ severityNumber });
  expect(warnings.end.attributes).toEqual([{ 'logspan.sample.ratio': 0.5 }, {}]);
});

const always = () => 0.999_999;
const never = () => 0;

describe('rules', () => {
  const rules = [
    { event: 'health_*', ratio: 0 },
    { event: ['cart_*', 'item_seen'], scope: 'te*', ratio: 0.5 },
    { name: 'verbose', scope: 'test', when: (record: { body?: unknown }) => record.body === 'verbose', ratio: 0.25 },
  ];

  test('the first that fits decides, with a share and a count of its own', () => {
    const { end, emit, account } = through(sample({ ratio: 1, rules, random: always }));
    for (const eventName of ['health_check', 'cart_opened', 'item_seen', 'order_placed']) emit({ eventName });
    emit({ body: 'verbose' });
    expect(end.attributes).toEqual([
      { 'logspan.sample.ratio': 0.5 },
      { 'logspan.sample.ratio': 0.5 },
      {},
      { 'logspan.sample.ratio': 0.25 },
    ]);
    expect(account()).toEqual({
      dropped: { sampled: 0, 'sampled:health_*': 1, 'sampled:cart_*,item_seen,te*': 0, 'sampled:verbose': 0 },
    });
  });

  test('what is dropped adds up exactly, by rule', () => {
    const { end, emit, account } = through(sample({ ratio: 0.5, rules, random: seeded(6) }));
    const n = 3_000;
    for (let i = 0; i < n; i++) emit({ eventName: ['health_check', 'item_seen', 'order_placed'][i % 3] as string });
    const { dropped = {} } = account();
    expect(Object.values(dropped).reduce((sum, count) => sum + count, end.records.length)).toBe(n);
    expect(dropped['sampled:health_*']).toBe(1_000);
    expectBinomial(dropped['sampled:cart_*,item_seen,te*'] as number, 1_000, 0.5);
    expectBinomial(dropped.sampled as number, 1_000, 0.5);
  });

  test('a name must match as a whole, and a record without one fits no event', () => {
    const only = (rule: object) => through(sample({ ratio: 0, rules: [{ ratio: 1, ...rule }] }));
    const { end, emit } = only({ event: 'cart' });
    for (const eventName of ['cart', 'my_cart', 'cart_opened', undefined]) {
      emit(eventName === undefined ? { body: 'cart' } : { eventName });
    }
    expect(end.events).toEqual(['cart']);
    const other = only({ scope: 'tes' });
    other.emit({ eventName: 'cart' });
    expect(other.end.events).toEqual([]);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('hunter2');
      },
    ],
    ['is async', async () => Promise.reject(new Error('hunter2'))],
  ])('one that %s keeps the record, and says so', async (_, when) => {
    const { end, emit } = through(sample({ ratio: 0, rules: [{ when: when as never, ratio: 0 }] }));
    const told = await toldDuring(async () => {
      emit({ eventName: 'a' });
      await Promise.resolve();
      await Promise.resolve();
    });
    expect(end.events).toEqual(['a']);
    expect(told[0]).toContain('sampling rule');
    expect(told.join()).not.toContain('hunter2');
  });
});

describe('what is never sampled', () => {
  test('what keep says, and when it throws', () => {
    const explodes = (record: { eventName?: string | undefined }) => {
      if (record.eventName === 'odd') throw new Error();
      return false;
    };
    const { end, emit } = through(sample({ ratio: 0, keep: [event({ include: ['audit_*'] }), explodes] }));
    for (const eventName of ['audit_login', 'order_placed', 'odd']) emit({ eventName, severityNumber: 9 });
    expect(end.events).toEqual(['audit_login', 'odd']);
    expect(end.attributes).toEqual([{}, {}]);
  });

  test('what stages write', () => {
    const alarm = (record: LogRecord, _: unknown, emit: (fields: { eventName: string }) => void) => {
      emit({ eventName: `${record.eventName}_alarm` });
    };
    const { end, emit } = through(pipe(alarm, sample({ ratio: 0 })));
    emit({ eventName: 'a' });
    expect(end.events).toEqual(['a_alarm']);
  });

  test('warnings, where asked', () => {
    const { end, emit } = through(sample({ ratio: 0, keepAtLeast: 'warn' }));
    for (const severityNumber of [9, 13, 17]) emit({ severityNumber });
    expect(end.records).toHaveLength(2);
  });
});

describe('followTrace', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

  test('keeps what is of a sampled trace and drops the rest of the others, but for errors', () => {
    const { end, emit, account } = through(sample({ ratio: 0, followTrace: true }));
    emit({ eventName: 'sampled', context: inTrace(traceId) });
    emit({ eventName: 'unsampled', context: inTrace(traceId, 0) });
    emit({ eventName: 'error', severityNumber: 17, context: inTrace(traceId, 0) });
    emit({ eventName: 'outside' });
    expect(end.events).toEqual(['sampled', 'error']);
    expect(end.attributes).toEqual([{}, {}]);
    expect(account()).toEqual({ dropped: { sampled: 1, 'sampled:trace': 1 } });
  });

  test('takes over the share that the trace state says', () => {
    const { end, emit } = through(sample({ ratio: 0, followTrace: true }));
    emit({ context: inTrace(traceId, 1, 'ot=th:c') });
    expect(end.attributes).toEqual([{ 'logspan.sample.ratio': 0.25 }]);
  });

  test('leaves to a rule what is for it', () => {
    const { end, emit } = through(sample({ followTrace: true, rules: [{ event: 'health_*', ratio: 0 }] }));
    emit({ eventName: 'health_check', context: inTrace(traceId) });
    expect(end.events).toEqual([]);
  });
});

describe('a record that is sampled twice', () => {
  const twice = (...ratios: number[]) => pipe(...ratios.map((ratio) => sample({ ratio, random: always })));

  test('outside of a trace carries the product', () => {
    const { end, emit } = through(twice(0.5, 1, 0.25));
    emit({});
    expect(end.attributes).toEqual([{ 'logspan.sample.ratio': 0.125 }]);
  });

  test('in a trace, where the lower share is part of the higher one, carries the lower', () => {
    for (const ratios of [
      [0.5, 0.25],
      [0.25, 0.5],
    ]) {
      const { end, emit } = through(twice(...ratios));
      emit({ context: inTrace('f'.repeat(32)) });
      expect(end.attributes).toEqual([{ 'logspan.sample.ratio': 0.25 }]);
    }
  });

  test('is counted right: the weights of what is kept add up to what there was', () => {
    const random = seeded(7);
    const n = 20_000;
    const { end, emit } = through(pipe(sample({ ratio: 0.5, random }), sample({ ratio: 0.2, random })));
    for (let i = 0; i < n; i++) emit(i % 2 === 0 ? {} : { context: inTrace(traceIdFrom(random)) });
    const counts = new Map<number, number>();
    for (const attributes of end.attributes) {
      const ratio = attributes['logspan.sample.ratio'] as number;
      counts.set(ratio, (counts.get(ratio) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([0.1, 0.2]);
    for (const [ratio, count] of counts) expectBinomial(count, n / 2, ratio);
  });
});

describe('targetPerSecond', () => {
  /** Emits evenly for some seconds; answers how many are kept in each. */
  function load(
    stage: ReturnType<typeof through>,
    clock: { now: number },
    perSecond: number,
    seconds: number,
  ): number[] {
    return Array.from({ length: seconds }, () => {
      const before = stage.end.records.length;
      for (let i = 0; i < perSecond; i++) {
        clock.now += 1_000 / perSecond;
        stage.emit({ eventName: 'a' });
      }
      return stage.end.records.length - before;
    });
  }

  test('aims at a rate through a change of the load, and every kept record says at which share', () => {
    const clock = { now: 0 };
    const stage = through(sample({ targetPerSecond: 20, random: seeded(8), now: () => clock.now }));
    expect(load(stage, clock, 10, 3)).toEqual([10, 10, 10]);
    const settled = (perSecond: number) => {
      // log2(200) + 4 seconds.
      load(stage, clock, perSecond, 12);
      const kept = load(stage, clock, perSecond, 30).reduce((sum, count) => sum + count, 0);
      const ratio = stage.end.attributes.at(-1)?.['logspan.sample.ratio'] as number;
      expect(ratio * perSecond).toBeGreaterThanOrEqual(20 / 1.3);
      expect(ratio * perSecond).toBeLessThanOrEqual(20 * 1.3);
      expectBinomial(kept, perSecond * 30, ratio);
    };
    settled(2_000);
    settled(200);
    expect(stage.end.records.length + (stage.account().dropped?.sampled ?? 0)).toBe(30 + 42 * 2_200);
  });

  test('may be that of a rule, and leaves the rest alone', () => {
    const clock = { now: 0 };
    const rules = [{ event: 'a', targetPerSecond: 5 }];
    const stage = through(sample({ ratio: 1, rules, random: seeded(9), now: () => clock.now }));
    load(stage, clock, 500, 12);
    const kept = load(stage, clock, 500, 10).reduce((sum, count) => sum + count, 0);
    expect(kept).toBeLessThan(100);
    expect(kept).toBeGreaterThan(20);
    stage.emit({ eventName: 'b' });
    expect(stage.end.events.at(-1)).toBe('b');
  });

  test('keeps a trace together while the share holds', () => {
    const stage = through(sample({ targetPerSecond: 10, ratio: 0.5, now: () => 0 }));
    const random = seeded(10);
    for (let i = 0; i < 10; i++) {
      const context = inTrace(traceIdFrom(random));
      for (let n = 0; n < 2; n++) stage.emit({ body: i, context });
    }
    const counts = new Map<number, number>();
    for (const { body } of stage.end.records) counts.set(body, (counts.get(body) ?? 0) + 1);
    expect(new Set(counts.values())).toEqual(new Set([2]));
  });
});

describe('a dropped record', () => {
  test('never has its lazy values computed, whatever the rules are, short of one that reads attributes', () => {
    let computed = 0;
    const attributes = { dump: lazy(() => ++computed) };
    const { emit, account } = through(
      sample({
        ratio: 0,
        keep: [event('audit_*')],
        rules: [
          { event: 'health_*', ratio: 0.1 },
          { scope: 'other*', ratio: 0.5 },
        ],
        random: never,
      }),
    );
    for (const eventName of ['order_placed', 'health_check']) emit({ eventName, attributes: attributes as never });
    expect(computed).toBe(0);
    expect(account().dropped).toMatchObject({ sampled: 1, 'sampled:health_*': 1 });
  });
});

test.each(providers)('a newRecord made from one of %s is left alone', (_, emitFrom) => {
  const causes = new Recorder();
  emitFrom(causes)({ eventName: 'cause' });
  const end = new Recorder();
  const processor = sample({ ratio: 0 })(end);
  processor.onEmit(newRecord(causes.records[0] as LogRecord, { eventName: 'alert' }));
  expect(end.events).toEqual(['alert']);
  emitTo(processor)({ eventName: 'b' });
  expect(end.events).toEqual(['alert']);
});

test.each([
  [{ ratio: 2 }, 'sample.ratio'],
  [{ ratio: -0.1 }, 'sample.ratio'],
  [{ ratio: Number.NaN }, 'sample.ratio'],
  [{ ratio: '0.1' }, 'sample.ratio'],
  [{ keepAtLeast: 'loud' }, 'sample.keepAtLeast'],
  [{ keepAtLeast: 17 }, 'sample.keepAtLeast'],
  [{ random: 0.5 }, 'sample.random'],
  [{ rate: 0.1 }, 'sample.rate'],
  [{ targetPerSecond: 0 }, 'sample.targetPerSecond'],
  [{ targetPerSecond: '5' }, 'sample.targetPerSecond'],
  [{ keep: event('a') }, 'sample.keep'],
  [{ keep: ['audit_*'] }, 'sample.keep'],
  [{ followTrace: 1 }, 'sample.followTrace'],
  [{ now: 1 }, 'sample.now'],
  [{ rules: {} }, 'sample.rules'],
  [{ rules: [null] }, 'sample.rules[0]'],
  [{ rules: [{ ratio: 0.1 }] }, 'sample.rules[0]'],
  [{ rules: [{ event: 'a' }] }, 'sample.rules[0].ratio'],
  [{ rules: [{ event: 'a', ratio: 1.1 }] }, 'sample.rules[0].ratio'],
  [
    {
      rules: [
        { event: 'a', ratio: 1 },
        { event: [], ratio: 1 },
      ],
    },
    'sample.rules[1].event',
  ],
  [{ rules: [{ scope: 1, ratio: 1 }] }, 'sample.rules[0].scope'],
  [{ rules: [{ when: 'x', ratio: 1 }] }, 'sample.rules[0].when'],
  [{ rules: [{ event: 'a', name: 1, ratio: 1 }] }, 'sample.rules[0].name'],
  [{ rules: [{ events: 'a', ratio: 1 }] }, 'sample.rules[0].events'],
  [null, 'sample'],
  [0.1, 'sample'],
])('%j is a ConfigError that names %s', (options, option) => {
  expect(() => sample(options as never)).toThrow(expect.objectContaining({ name: 'ConfigError', option }));
});
