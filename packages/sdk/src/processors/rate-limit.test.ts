import { describe, expect, test } from '@jest/globals';
import { lazy } from '@logspan/logger';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { ManualTime } from '../../../../test/delivery/manual-time.ts';
import { emitTo, providers, Recorder, through } from '../../../../test/pipeline/recorder.ts';
import { contain } from '../pipeline/contain.ts';
import { pipe } from '../pipeline/pipe.ts';
import { forwardTo, type LogRecord } from '../pipeline/stage.ts';
import { type RateLimitOptions, rateLimit } from './rate-limit.ts';
import { redact } from './redact.ts';

/** A rate limit whose time passes when a test says so. */
function limited(options: RateLimitOptions, emit = emitTo) {
  const time = new ManualTime();
  return { time, ...through(contain(rateLimit({ time, ...options })), emit) };
}

const isSummary = ({ eventName }: LogRecord) => eventName === 'rate_limited';
const toldOf = (records: readonly LogRecord[]) =>
  records
    .filter(isSummary)
    .reduce((sum, { attributes }) => sum + (attributes['logspan.rate_limit.dropped'] as number), 0);

/** What comes in is what goes out, what is dropped, and what was written. */
function expectBalance({ end, account }: ReturnType<typeof limited>, emitted: number): void {
  const { dropped = {}, written = 0 } = account();
  const sum = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  expect(end.records.length + sum).toBe(emitted + written);
  expect(written).toBe(end.records.filter(isSummary).length);
}

/** A token bucket for each key in whole thousandths of a token, with no limit to the keys. */
class SlowBuckets {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #perSecond: number;
  readonly #burst: number;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  take(key: string, millis: number): boolean {
    const { tokens, at } = this.#buckets.get(key) ?? { tokens: this.#burst * 1_000, at: millis };
    const filled = Math.min(this.#burst * 1_000, tokens + (millis - at) * this.#perSecond);
    this.#buckets.set(key, { tokens: filled >= 1_000 ? filled - 1_000 : filled, at: millis });
    return filled >= 1_000;
  }
}

const rates = fc.record({
  perSecond: fc.integer({ min: 1, max: 2_000 }),
  burst: fc.integer({ min: 1, max: 20 }),
});
const arrivals = (keys: number) =>
  fc.array(
    fc.tuple(fc.integer({ min: 0, max: keys - 1 }), fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 }))),
    {
      maxLength: 300,
    },
  );

describe('what passes', () => {
  test('is what a token bucket for each key lets pass, exactly', () => {
    fc.assert(
      fc.property(rates, arrivals(5), ({ perSecond, burst }, records) => {
        const stage = limited({ perSecond, burst });
        const slow = new SlowBuckets(perSecond, burst);
        const expected: string[] = [];
        for (const [key, wait] of records) {
          stage.time.millis += wait;
          if (slow.take(`e${key}`, stage.time.millis)) expected.push(`e${key}`);
          stage.emit({ eventName: `e${key}` });
        }
        expect(stage.end.events).toEqual(expected);
        stage.processor.release?.();
        expectBalance(stage, records.length);
        expect(toldOf(stage.end.records)).toBe(stage.account().dropped?.rate_limited);
      }),
      { numRuns: 200 },
    );
  });

  test('with fractions of a record per second, and a burst of the rate by default', () => {
    const slow = limited({ perSecond: 0.1 });
    for (let second = 0; second < 30; second++) {
      slow.emit({ eventName: 'a' });
      slow.time.millis += 1_000;
    }
    expect(slow.end.records).toHaveLength(3);
    const fast = limited({ perSecond: 2.5 });
    for (let i = 0; i < 10; i++) fast.emit({ eventName: 'a' });
    expect(fast.end.records).toHaveLength(3);
  });

  test.each(providers)('by event of %s, or without a name by scope', (_, emit) => {
    const { end, emit: log } = limited({ perSecond: 1 }, emit);
    for (const eventName of ['a', 'b', 'a']) log({ eventName });
    for (const body of ['one', 'two']) log({ body });
    expect(end.records.map(({ eventName, body }) => eventName ?? body)).toEqual(['a', 'b', 'one']);
  });

  test('by attributes, where a missing one is a value too', () => {
    const { end, emit } = limited({ perSecond: 1, key: ['tenant', 'n'] });
    for (const [tenant, n] of [
      ['a', 1],
      ['a', 2],
      ['b', 1],
      ['a', 1],
      ['b', 1],
    ] as const)
      emit({ attributes: { tenant, n } });
    for (let i = 0; i < 2; i++) emit({ eventName: `e${i}` });
    expect(end.records).toHaveLength(4);
  });

  test('by a function: no key is no limit, and neither is one that throws', () => {
    const key = ({ body }: LogRecord) => {
      if (body === 'throws') throw new Error('hunter2');
      return body === 'none' ? undefined : 'same';
    };
    const { end, emit } = limited({ perSecond: 1, key });
    for (const body of ['a', 'b', 'none', 'none', 'throws', 'throws']) emit({ body });
    expect(end.records.map(({ body }) => body)).toEqual(['a', 'none', 'none', 'throws', 'throws']);
  });

  test('always: what stages write, and keepAtLeast, which takes no token', () => {
    const alarm = (_record: unknown, _context: unknown, emit: (fields: { eventName: string }) => void) =>
      emit({ eventName: 'alarm' });
    const time = new ManualTime();
    const { end, emit } = through(pipe(alarm, rateLimit({ perSecond: 1, keepAtLeast: 'error', time })));
    for (const severityNumber of [17, 17, 9, 9]) emit({ eventName: 'a', severityNumber });
    expect(end.events.filter((name) => name === 'alarm')).toHaveLength(4);
    expect(
      end.records.filter(({ eventName }) => eventName === 'a').map(({ severityNumber }) => severityNumber),
    ).toEqual([17, 17, 9]);
  });

  test('is decided before lazy values are computed', () => {
    let computed = 0;
    const { emit } = limited({ perSecond: 1 });
    for (let i = 0; i < 5; i++) emit({ eventName: 'a', attributes: { dump: lazy(() => ++computed) } as never });
    expect(computed).toBe(0);
  });
});

describe('a summary', () => {
  test('says how much was dropped, how bad, since when and until when, and where it belongs', async () => {
    const stage = limited({ perSecond: 1 });
    const spanContext = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 };
    const context = trace.setSpanContext(ROOT_CONTEXT, spanContext);
    const timestamp = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    stage.emit({ eventName: 'a', severityNumber: 9 });
    stage.emit({ eventName: 'a', severityNumber: 9, timestamp, context });
    stage.time.millis += 500;
    stage.emit({ eventName: 'a', severityNumber: 17, timestamp: timestamp + 500 });
    await stage.time.pass(9_499);
    expect(stage.end.records).toHaveLength(1);
    await stage.time.pass(1);
    expect(stage.end.records[1]).toMatchObject({
      eventName: 'rate_limited',
      body: '2 record(s) dropped by the rate limit',
      severityNumber: 17,
      severityText: 'ERROR',
      spanContext,
      hrTime: [timestamp / 1_000 - 0.678 + 1, 178_000_000],
      instrumentationScope: { name: 'test' },
      writtenByStage: true,
      attributes: {
        'logspan.rate_limit.key': 'a',
        'logspan.rate_limit.dropped': 2,
        'logspan.rate_limit.first_time': '2026-01-02T03:04:05.678Z',
      },
    });
    expectBalance(stage, 3);
  });

  test('keeps a failure that goes on visible: records at the rate, and one summary per interval', async () => {
    const stage = limited({ perSecond: 1, summaryIntervalMillis: 5_000 });
    for (let i = 0; i < 600; i++) {
      stage.emit({ eventName: 'payment_failed', severityNumber: 17 });
      await stage.time.pass(100);
    }
    expect(stage.end.events.filter((name) => name === 'payment_failed')).toHaveLength(60);
    expect(stage.end.records.filter(isSummary)).toHaveLength(11);
    await stage.processor.forceFlush();
    expect(toldOf(stage.end.records)).toBe(540);
    expectBalance(stage, 600);
  });

  test.each<[string, (stage: ReturnType<typeof limited>) => unknown]>([
    ['flushed', ({ processor }) => processor.forceFlush({ timeoutMillis: 7 })],
    ['shut down', ({ processor }) => processor.shutdown({ timeoutMillis: 7 })],
    ['released', ({ processor }) => processor.release?.()],
  ])('comes before the stage is %s, and nothing keeps the process alive', async (how, act) => {
    const stage = limited({ perSecond: 1 });
    for (let i = 0; i < 3; i++) stage.emit({ eventName: 'a' });
    expect([stage.time.timers, stage.time.keepingAlive]).toEqual([1, 0]);
    await act(stage);
    expect(toldOf(stage.end.records)).toBe(2);
    expect(stage.time.timers).toBe(0);
    expect([...stage.end.flushed, ...stage.end.ended]).toEqual(how === 'released' ? [] : [{ timeoutMillis: 7 }]);
    stage.emit({ eventName: 'a' });
    expect(stage.time.timers).toBe(how === 'shut down' ? 0 : 1);
  });

  test('is one for each of the 100 keys of which most was dropped, and one for the others', async () => {
    const stage = limited({ perSecond: 1 });
    for (let key = 0; key < 150; key++) {
      for (let i = 0; i < (key < 50 ? 2 : 4); i++)
        stage.emit({ eventName: `e${key}`, severityNumber: key === 3 ? 17 : 9 });
    }
    await stage.processor.forceFlush();
    const summaries = stage.end.records.filter(isSummary);
    expect(summaries).toHaveLength(101);
    expect(summaries.at(-1)).toMatchObject({
      severityNumber: 17,
      attributes: { 'logspan.rate_limit.dropped': 50, 'logspan.rate_limit.keys': 50 },
    });
    expect(summaries.at(-1)?.attributes).not.toHaveProperty(['logspan.rate_limit.key']);
    expect(toldOf(summaries)).toBe(50 + 300);
  });

  test('shows attributes of the key under their own names, so that secrets are redacted', async () => {
    const time = new ManualTime();
    const { end, emit, processor } = through(
      pipe(rateLimit({ perSecond: 1, key: ['password', 'tenant'], time }), redact()),
    );
    for (let i = 0; i < 2; i++) emit({ eventName: 'a', attributes: { password: 'hunter2', tenant: 'acme', other: 1 } });
    await processor.forceFlush();
    expect(end.attributes[1]).toMatchObject({ password: '***REDACTED***', tenant: 'acme' });
    expect(JSON.stringify(end.records)).not.toContain('hunter2');
  });

  test('that cannot be passed on is counted, and harms nobody', () => {
    const end = new Recorder();
    const next = forwardTo(end, {
      onEmit(record, context) {
        if (isSummary(record)) throw new Error('hunter2');
        end.onEmit(record, context);
      },
    });
    const processor = rateLimit({ perSecond: 1, time: new ManualTime() })(next);
    const emit = emitTo(processor);
    for (let i = 0; i < 3; i++) emit({ eventName: 'a' });
    expect(() => processor.release?.()).not.toThrow();
    expect(processor.account?.().dropped).toEqual({ rate_limited: 2, 'rate_limited:overflow': 0, failed: 1 });
  });
});

describe('too many keys', () => {
  test('share one bucket, counted and told apart', async () => {
    const stage = limited({ perSecond: 1, maxKeys: 3 });
    for (let key = 0; key < 6; key++) stage.emit({ eventName: `e${key}` });
    expect(stage.end.events).toEqual(['e0', 'e1', 'e2', 'e3']);
    expect(stage.account().dropped).toMatchObject({ rate_limited: 0, 'rate_limited:overflow': 2 });
    await stage.processor.forceFlush();
    expect(stage.end.attributes.at(-1)).toMatchObject({
      'logspan.rate_limit.overflow': true,
      'logspan.rate_limit.dropped': 2,
    });
    // A bucket that is full again makes room.
    stage.time.millis += 1_000;
    stage.emit({ eventName: 'e7' });
    stage.emit({ eventName: 'e7' });
    expect(stage.account().dropped).toMatchObject({ rate_limited: 1, 'rate_limited:overflow': 2 });
  });

  test('neither take the bucket of a key that is in use, nor fill their own faster', () => {
    fc.assert(
      fc.property(rates, arrivals(40), fc.integer({ min: 1, max: 8 }), ({ perSecond, burst }, records, maxKeys) => {
        const stage = limited({ perSecond, burst, maxKeys });
        const slow = new SlowBuckets(perSecond, burst);
        // The first is in use all the time: it stays as it is.
        const victim = (): void => {
          for (;;) {
            const passes = slow.take('victim', stage.time.millis);
            const before = stage.end.records.length;
            stage.emit({ eventName: 'victim' });
            expect(stage.end.records.length > before).toBe(passes);
            if (!passes) return;
          }
        };
        victim();
        let passed = 0;
        const begun = stage.time.millis;
        for (const [key, wait] of records) {
          stage.time.millis += wait;
          victim();
          const before = stage.end.records.length;
          stage.emit({ eventName: `made up ${key}` });
          passed += stage.end.records.length - before;
        }
        const each = burst + (perSecond * (stage.time.millis - begun)) / 1_000;
        expect(passed).toBeLessThanOrEqual(maxKeys * each + 1e-6);
      }),
      { numRuns: 100 },
    );
  });
});

test.each([
  [undefined, 'rateLimit'],
  [{}, 'rateLimit.perSecond'],
  [{ perSecond: 0 }, 'rateLimit.perSecond'],
  [{ perSecond: Number.POSITIVE_INFINITY }, 'rateLimit.perSecond'],
  [{ perSecond: '5' }, 'rateLimit.perSecond'],
  [{ perSecond: 1, burst: 0.5 }, 'rateLimit.burst'],
  [{ perSecond: 1, key: 'tenant' }, 'rateLimit.key'],
  [{ perSecond: 1, key: [] }, 'rateLimit.key'],
  [{ perSecond: 1, key: [1] }, 'rateLimit.key'],
  [{ perSecond: 1, maxKeys: 0 }, 'rateLimit.maxKeys'],
  [{ perSecond: 1, keepAtLeast: 'loud' }, 'rateLimit.keepAtLeast'],
  [{ perSecond: 1, summaryIntervalMillis: 2 ** 31 }, 'rateLimit.summaryIntervalMillis'],
  [{ perSecond: 1, time: { now: 1 } }, 'rateLimit.time.now'],
  [{ perSecond: 1, rate: 1 }, 'rateLimit.rate'],
])('%j is a ConfigError that names %s', (options, option) => {
  expect(() => rateLimit(options as never)).toThrow(expect.objectContaining({ name: 'ConfigError', option }));
});
