import { afterEach, describe, expect, test } from '@jest/globals';
import { event, lazy } from '@logspan/logger';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import fc from 'fast-check';
import { ManualTime } from '../../../../test/delivery/manual-time.ts';
import { emitFromStockTo, emitTo, providers, Recorder, through } from '../../../../test/pipeline/recorder.ts';
import { contain } from '../pipeline/contain.ts';
import { pipe } from '../pipeline/pipe.ts';
import { forwardTo, type LogRecord, type LogRecordProcessor } from '../pipeline/stage.ts';
import { readEnvironment } from '../provider/environment.ts';
import { Pipeline } from '../provider/pipeline.ts';
import { enrich } from './enrich.ts';
import { type FingersCrossedOptions, fingersCrossed } from './fingers-crossed.ts';
import { redact } from './redact.ts';

const IDLE = 1_000;
const [INFO, WARN, ERROR] = [9, 13, 17];

const inTrace = (n: number) =>
  trace.setSpanContext(ROOT_CONTEXT, {
    traceId: (n + 1).toString(16).padStart(32, '0'),
    spanId: '00f067aa0ba902b7',
    traceFlags: 1,
  });

/** A stage whose time passes when a test says so. */
function crossed(options: FingersCrossedOptions = {}, emit = emitTo) {
  const time = new ManualTime();
  return { time, ...through(contain(fingersCrossed({ idleMillis: IDLE, time, ...options })), emit) };
}

type Crossed = ReturnType<typeof crossed>;

/** Writes a record of a trace. */
const log = ({ emit }: Pick<Crossed, 'emit'>, n: number, eventName: string, severityNumber: number = INFO) =>
  emit({ eventName, severityNumber, context: inTrace(n) });

function expectBalance({ end, account }: Pick<Crossed, 'end' | 'account'>, emitted: number): void {
  const { dropped = {}, held = 0 } = account();
  expect(end.records.length + held + Object.values(dropped).reduce((sum, count) => sum + count, 0)).toBe(emitted);
}

afterEach(() => context.disable());

describe.each(providers)('records of %s', (_, emit) => {
  test('are held until an error releases those of its trace, in their order, before itself', () => {
    const stage = crossed({}, emit);
    log(stage, 1, 'a1');
    log(stage, 2, 'b1');
    log(stage, 1, 'a2');
    expect([stage.end.events, stage.account().held]).toEqual([[], 3]);
    log(stage, 1, 'a failed', ERROR);
    expect(stage.end.events).toEqual(['a1', 'a2', 'a failed']);
    log(stage, 1, 'a3');
    log(stage, 2, 'b2');
    expect(stage.end.events).toEqual(['a1', 'a2', 'a failed', 'a3']);
    expectBalance(stage, 6);
  });

  test('come with their own times, scopes, contexts and what was true then', () => {
    const stage = crossed({}, emit);
    const attributes = { order: { id: 1 }, list: [1] };
    const timestamp = [1_700_000_000, 5] as [number, number];
    const own = inTrace(1);
    stage.emit({ eventName: 'a', body: 'text', severityNumber: INFO, attributes, timestamp, context: own });
    attributes.order.id = 2;
    attributes.list.push(2);
    Object.assign(attributes, { more: 1 });
    log(stage, 1, 'failed', ERROR);
    expect(stage.end.records[0]).toMatchObject({
      eventName: 'a',
      body: 'text',
      severityNumber: INFO,
      hrTime: timestamp,
      instrumentationScope: { name: 'test' },
      spanContext: trace.getSpanContext(own),
    });
    expect(stage.end.attributes[0]).toEqual({ order: { id: 1 }, list: [1] });
    if (emit !== emitFromStockTo) expect(stage.end.contexts[0]).toBe(own);
  });

  test('are enriched and redacted when they are released', () => {
    const { end, emit: write } = through(
      pipe(fingersCrossed({ time: new ManualTime() }), enrich({ region: 'eu' }), redact()),
      emit,
    );
    const secrets = { password: 'hunter2', user: { password: 'hunter2' }, ok: 1 };
    write({
      eventName: 'login',
      severityNumber: INFO,
      attributes: secrets,
      body: { token: 'hunter2' },
      context: inTrace(1),
    });
    write({ eventName: 'failed', severityNumber: ERROR, attributes: secrets, context: inTrace(1) });
    expect(end.attributes).toEqual(
      Array.from({ length: 2 }, () => ({
        password: '***REDACTED***',
        user: { password: '***REDACTED***' },
        ok: 1,
        region: 'eu',
      })),
    );
    expect(end.records[0]?.body).toEqual({ token: '***REDACTED***' });
  });
});

describe('what is not held', () => {
  test('warnings, records outside of a trace, what keep says, and what stages write', () => {
    const stage = crossed({ keep: [event('audit_*')] });
    log(stage, 1, 'low');
    log(stage, 1, 'warning', WARN);
    log(stage, 1, 'audit_login');
    stage.emit({ eventName: 'outside', severityNumber: INFO });
    expect(stage.end.events).toEqual(['warning', 'audit_login', 'outside']);
    const alarm = (_record: unknown, _context: unknown, emit: (fields: { eventName: string }) => void) =>
      emit({ eventName: 'alarm' });
    const written = through(pipe(alarm, fingersCrossed({ time: new ManualTime() })));
    log(written, 1, 'a');
    expect(written.end.events).toEqual(['alarm']);
  });

  test('warnings are, where asked, and another level may release', () => {
    const stage = crossed({ passFrom: 'error' });
    log(stage, 1, 'warning', WARN);
    expect(stage.end.events).toEqual([]);
    const early = crossed({ activateAt: 'warn' });
    log(early, 1, 'a');
    log(early, 1, 'warning', WARN);
    expect(early.end.events).toEqual(['a', 'warning']);
  });

  test('another key may hold records together; without one, or if it throws, they pass', () => {
    const key = ({ body }: LogRecord) => {
      if (body === 'throws') throw new Error('hunter2');
      return body;
    };
    const stage = crossed({ key });
    for (const body of ['job 1', 'job 2', undefined, 'throws']) stage.emit({ body, severityNumber: INFO });
    expect(stage.end.records.map(({ body }) => body)).toEqual([undefined, 'throws']);
    stage.emit({ body: 'job 1', severityNumber: ERROR });
    expect(stage.end.records.map(({ body }) => body).slice(2)).toEqual(['job 1', 'job 1']);
  });
});

describe('a trace that ends without an error', () => {
  const endsWhen = event('request_completed');

  test('by a record that says so: what it held is dropped, and that record too', () => {
    const stage = crossed({ endsWhen });
    for (const name of ['a', 'b', 'request_completed']) log(stage, 1, name);
    expect(stage.end.events).toEqual([]);
    expect(stage.account()).toMatchObject({ held: 0, dropped: { fingers_crossed: 3 } });
    log(stage, 1, 'late', ERROR);
    expect(stage.end.events).toEqual(['late']);
  });

  test('by a warning that says so: it passes', () => {
    const stage = crossed({ endsWhen });
    log(stage, 1, 'a');
    log(stage, 1, 'request_completed', WARN);
    expect(stage.end.events).toEqual(['request_completed']);
    expectBalance(stage, 2);
  });

  test('after an error: what comes later is held again', () => {
    const stage = crossed({ endsWhen });
    log(stage, 1, 'failed', ERROR);
    for (const name of ['a', 'request_completed', 'b']) log(stage, 1, name);
    expect(stage.end.events).toEqual(['failed', 'a', 'request_completed']);
    expect(stage.account().held).toBe(1);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('hunter2');
      },
    ],
    ['is async', async () => Promise.reject(new Error('hunter2'))],
    ['answers anything', () => 'yes'],
  ])('an endsWhen that %s ends nothing', async (_, broken) => {
    const stage = crossed({ endsWhen: broken as never });
    for (const name of ['a', 'b']) log(stage, 1, name);
    await Promise.resolve();
    expect(stage.account().held).toBe(2);
  });

  test('by silence: dropped in time, with a timer that keeps nobody alive', async () => {
    const stage = crossed();
    log(stage, 1, 'a');
    await stage.time.pass(IDLE - 1);
    log(stage, 2, 'b');
    expect([stage.account().held, stage.time.timers, stage.time.keepingAlive]).toEqual([2, 1, 0]);
    await stage.time.pass(1);
    expect(stage.account()).toMatchObject({ held: 1, dropped: { fingers_crossed: 1 } });
    await stage.time.pass(1.1 * IDLE);
    expect(stage.account()).toMatchObject({ held: 0, dropped: { fingers_crossed: 2 } });
    expect(stage.time.timers).toBe(0);
    log(stage, 1, 'failed', ERROR);
    expect(stage.end.events).toEqual(['failed']);
  });

  test('is not silent while other records of it pass', async () => {
    const stage = crossed();
    log(stage, 1, 'a');
    for (let i = 0; i < 3; i++) {
      await stage.time.pass(0.6 * IDLE);
      log(stage, 1, 'warning', WARN);
    }
    log(stage, 1, 'failed', ERROR);
    expect(stage.end.events).toEqual(['warning', 'warning', 'warning', 'a', 'failed']);
  });

  test('after an error, by silence: it is held again', async () => {
    const stage = crossed();
    log(stage, 1, 'failed', ERROR);
    await stage.time.pass(0.9 * IDLE);
    log(stage, 1, 'a');
    await stage.time.pass(0.9 * IDLE);
    log(stage, 1, 'b');
    await stage.time.pass(IDLE);
    log(stage, 1, 'c');
    expect(stage.end.events).toEqual(['failed', 'a', 'b']);
  });

  test('by the end of the stage', async () => {
    for (const end of [
      ({ processor }: Crossed) => processor.shutdown(),
      ({ processor }: Crossed) => processor.release?.(),
    ]) {
      const stage = crossed();
      log(stage, 1, 'a');
      await end(stage);
      expect(stage.account()).toMatchObject({ held: 0, dropped: { fingers_crossed: 1 } });
      expect(stage.time.timers).toBe(0);
    }
    const stage = crossed();
    await stage.processor.shutdown({ timeoutMillis: 7 });
    log(stage, 1, 'after');
    expect([stage.end.ended, stage.end.events, stage.time.timers]).toEqual([[{ timeoutMillis: 7 }], ['after'], 0]);
  });

  test('not by a flush', async () => {
    const stage = crossed();
    log(stage, 1, 'a');
    await stage.processor.forceFlush();
    expect([stage.end.flushed.length, stage.account().held]).toEqual([1, 1]);
  });
});

describe('where there is no room', () => {
  test('the oldest of a trace go first', () => {
    const stage = crossed({ recordsPerKey: 3 });
    for (let i = 0; i < 5; i++) log(stage, 1, `a${i}`);
    expect(stage.account()).toMatchObject({ held: 3, dropped: { 'fingers_crossed:overflow': 2 } });
    log(stage, 1, 'failed', ERROR);
    expect(stage.end.events).toEqual(['a2', 'a3', 'a4', 'failed']);
  });

  test('the trace that was quiet for longest goes first', () => {
    const stage = crossed({ maxKeys: 2 });
    log(stage, 1, 'a');
    log(stage, 2, 'b');
    log(stage, 1, 'a');
    log(stage, 3, 'c');
    for (const n of [1, 2, 3]) log(stage, n, 'failed', ERROR);
    expect(stage.end.events).toEqual(['a', 'a', 'failed', 'failed', 'c', 'failed']);
    expect(stage.account().dropped).toMatchObject({ 'fingers_crossed:overflow': 1 });
  });

  test('the oldest records of the quietest trace go first', () => {
    const stage = crossed({ maxBytes: 30_000 });
    const big = (n: number) =>
      stage.emit({ body: n, severityNumber: INFO, attributes: { text: ['x'.repeat(4_000)] }, context: inTrace(n) });
    for (const n of [1, 1, 2, 3]) big(n);
    expect(stage.account()).toMatchObject({ held: 3, dropped: { 'fingers_crossed:overflow': 1 } });
    for (const n of [2, 2]) big(n);
    expect(stage.account()).toMatchObject({ held: 3, dropped: { 'fingers_crossed:overflow': 3 } });
    log(stage, 2, 'failed', ERROR);
    expect(stage.end.records.map(({ body }) => body)).toEqual([2, 2, 2, undefined]);
    // One that is larger than all room there is.
    stage.emit({ body: 'x'.repeat(20_000), severityNumber: INFO, context: inTrace(4) });
    expect(stage.account().held).toBe(0);
  });

  test('what was released takes no room', () => {
    const stage = crossed({ maxBytes: 30_000 });
    for (let n = 0; n < 20; n++) {
      stage.emit({ body: 'x'.repeat(10_000), severityNumber: INFO, context: inTrace(n) });
      log(stage, n, 'failed', ERROR);
    }
    expect(stage.end.records).toHaveLength(40);
  });

  test('a trace that passes and writes on is not the quietest', () => {
    const stage = crossed({ maxKeys: 2 });
    log(stage, 1, 'failed', ERROR);
    log(stage, 2, 'failed', ERROR);
    log(stage, 1, 'low');
    log(stage, 3, 'failed', ERROR);
    for (const n of [1, 2]) log(stage, n, `low ${n}`);
    expect(stage.end.events.slice(4)).toEqual(['low 1']);
  });

  test('of the traces that pass, the quietest is held again', () => {
    const stage = crossed({ maxKeys: 2 });
    for (const n of [1, 2, 3]) log(stage, n, 'failed', ERROR);
    for (const n of [1, 2, 3]) log(stage, n, `low ${n}`);
    expect(stage.end.events.slice(3)).toEqual(['low 2', 'low 3']);
  });
});

test('the account is exact, and every trace with an error is whole, whatever comes when', async () => {
  const acts = fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 4 }),
      fc.constantFrom('low', 'low', 'low', 'warn', 'error', 'end'),
      fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 700 })),
    ),
    { maxLength: 80 },
  );
  await fc.assert(
    fc.asyncProperty(acts, async (list) => {
      const stage = crossed({ endsWhen: event('end') });
      /** The slow reference: all that a trace has written since it began, last ended or fell silent. */
      const traces = new Map<number, { low: number[]; active: boolean; at: number }>();
      const expected: number[] = [];
      for (const [i, [n, what, wait]] of list.entries()) {
        await stage.time.pass(wait);
        const now = stage.time.millis;
        const before = traces.get(n);
        const state = before !== undefined && before.at + IDLE > now ? before : { low: [], active: false, at: now };
        traces.set(n, state);
        // A trace that has nothing held is not known, and one that passes is.
        state.at = now;
        if (what === 'error') {
          expected.push(...state.low, i);
          Object.assign(state, { low: [], active: true });
        } else if (state.active || what === 'warn') expected.push(i);
        else if (what === 'low') state.low.push(i);
        if (what === 'end') Object.assign(state, { low: [], active: false });
        const severityNumber = what === 'error' ? ERROR : what === 'warn' ? WARN : INFO;
        stage.emit({ eventName: what, body: i, severityNumber, context: inTrace(n) });
        expectBalance(stage, i + 1);
      }
      expect(stage.end.records.map(({ body }) => body)).toEqual(expected);
      await stage.processor.shutdown();
      expect(stage.account().held).toBe(0);
      expectBalance(stage, list.length);
    }),
    { numRuns: 150 },
  );
});

test('lazy values are computed once, when the record comes', () => {
  let computed = 0;
  const stage = crossed();
  const attributes = { dump: lazy(() => ++computed) };
  stage.emit({ eventName: 'a', severityNumber: INFO, attributes: attributes as never, context: inTrace(1) });
  expect(computed).toBe(1);
  computed = 10;
  log(stage, 1, 'failed', ERROR);
  expect([computed, stage.end.attributes[0]]).toEqual([10, { dump: 1 }]);
});

test('a released record that cannot be passed on is counted, and does not keep the others', () => {
  const end = new Recorder();
  const next: LogRecordProcessor = forwardTo(end, {
    onEmit(record, from) {
      if (record.eventName === 'odd') throw new Error('hunter2');
      end.onEmit(record, from);
    },
  });
  const processor = fingersCrossed({ time: new ManualTime() })(next);
  const emit = emitTo(processor);
  for (const name of ['a', 'odd', 'b']) log({ emit }, 1, name);
  log({ emit }, 1, 'failed', ERROR);
  expect(end.events).toEqual(['a', 'b', 'failed']);
  expect(processor.account?.().dropped).toMatchObject({ failed: 1 });
});

test('in a pipeline its account adds up, what is logged during a release is stopped, and it can be taken out', () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const end = new Recorder();
  const handler = { name: 'end', start: () => Object.assign(end, { deliveryAccount: () => ({}) as never }) };
  const step = fingersCrossed({ time: new ManualTime() });
  const noisy = () => void emit({ eventName: 'noise', severityNumber: INFO });
  const pipeline = new Pipeline([step, noisy], [handler], {
    resource: { attributes: {} },
    environment: readEnvironment({}, () => undefined),
  });
  const emit = emitTo(pipeline);
  const balance = () => {
    const { emitted, written, passed, dropped, held } = pipeline.pipelineAccount();
    expect(passed + held + Object.values(dropped).reduce((sum, count) => sum + count, 0)).toBe(emitted + written);
  };
  for (const name of ['a', 'b']) log({ emit }, 1, name);
  balance();
  log({ emit }, 1, 'failed', ERROR);
  balance();
  expect(end.events).toEqual(['a', 'b', 'failed']);
  log({ emit }, 2, 'c');
  pipeline.removeProcessor(step);
  balance();
  expect(pipeline.pipelineAccount()).toMatchObject({ held: 0, dropped: { fingers_crossed: 1, reentrant: 3 } });
});

test.each([
  [null, 'fingersCrossed'],
  [{ activateAt: 'loud' }, 'fingersCrossed.activateAt'],
  [{ passFrom: 13 }, 'fingersCrossed.passFrom'],
  [{ keep: event('a') }, 'fingersCrossed.keep'],
  [{ endsWhen: 'request_completed' }, 'fingersCrossed.endsWhen'],
  [{ idleMillis: 0 }, 'fingersCrossed.idleMillis'],
  [{ idleMillis: 2 ** 31 }, 'fingersCrossed.idleMillis'],
  [{ key: 'traceId' }, 'fingersCrossed.key'],
  [{ recordsPerKey: 0 }, 'fingersCrossed.recordsPerKey'],
  [{ maxKeys: 1.5 }, 'fingersCrossed.maxKeys'],
  [{ maxBytes: -1 }, 'fingersCrossed.maxBytes'],
  [{ time: {} }, 'fingersCrossed.time.now'],
  [{ ttl: 1 }, 'fingersCrossed.ttl'],
])('%j is a ConfigError that names %s', (options, option) => {
  expect(() => fingersCrossed(options as never)).toThrow(expect.objectContaining({ name: 'ConfigError', option }));
});
