import { describe, expect, jest, test } from '@jest/globals';
import { isSpanContextValid, type SpanContext, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { ManualTime, settled } from '../../../../test/delivery/manual-time.ts';
import { ScriptedSender } from '../../../../test/delivery/scripted-sender.ts';
import { MemoryFileSystem } from '../../../../test/file/memory-file-system.ts';
import { emitTo, Recorder, toldDuring } from '../../../../test/pipeline/recorder.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import { guard } from '../pipeline/guard.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { readEnvironment } from '../provider/environment.ts';
import { ensureContextManager } from '../provider/otel-globals.ts';
import { batch } from './batch.ts';
import { type FallbackOptions, fallback } from './fallback.ts';
import { file } from './file.ts';
import type { DeliveryAccount, Handler, HandlerEnd, Lost } from './handler.ts';
import { type OtlpOptions, otlp } from './otlp.ts';
import { route } from './route.ts';

const handlerContext = { resource: { attributes: {} }, environment: readEnvironment({}, () => undefined) };
const NOTHING: DeliveryAccount = { accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 };
const REASON = 'logspan.undelivered.reason';
/** However long the test takes, no deadline comes. */
const STILL: FallbackOptions = { now: () => 0 };

/** A destination that takes everything at once, and remembers it. */
class Memory extends Recorder implements HandlerEnd {
  flushedSync: number[] = [];

  deliveryAccount(): DeliveryAccount {
    return { ...NOTHING, accepted: this.records.length, delivered: this.records.length };
  }

  flushSync(timeoutMillis: number): void {
    this.flushedSync.push(timeoutMillis);
  }

  get ids(): unknown[] {
    return this.attributes.map(({ id }) => id);
  }

  get reasons(): unknown[] {
    return [...new Set(this.attributes.map((attributes) => attributes[REASON]))];
  }
}

/** A first handler in the test's hands. */
class Losing extends Recorder implements HandlerEnd {
  listener: ((lost: Lost) => void) | undefined;
  accepted = 0;
  dropped = 0;

  override onEmit(): void {
    this.accepted++;
  }

  deliveryAccount(): DeliveryAccount {
    const pending = this.accepted - this.dropped;
    return { ...NOTHING, accepted: this.accepted, dropped: { lost: this.dropped }, pending };
  }

  onLost(listener: (lost: Lost) => void): void {
    this.listener = listener;
  }

  lose(records: LogRecord[], count: number = records.length): void {
    this.accepted += count;
    this.dropped += count;
    this.listener?.({ reason: 'lost', count, records });
  }
}

const handlerOf = (name: string, end: HandlerEnd, when?: Handler['when']): Handler => ({
  name,
  ...(when === undefined ? {} : { when }),
  start: () => end,
});

function recordsOf(count: number, fields: Partial<LogRecord> = {}): LogRecord[] {
  const end = new Recorder();
  for (let id = 0; id < count; id++) emitTo(end)({ eventName: 'tick', attributes: { id: String(id) } });
  return end.records.map((record) => Object.assign(copyRecord(record), fields));
}

function startedWith(
  first: HandlerEnd,
  memory = new Memory(),
  options: FallbackOptions & { takes?: Handler['when'] } = {},
) {
  const { takes, ...rest } = options;
  const handlers = [handlerOf('first', first), handlerOf('second', memory, takes)] as const;
  const end = fallback(...handlers, { ...STILL, ...rest }).start(handlerContext);
  return { end, memory, accounts: () => balanced(end) };
}

function balanced(end: HandlerEnd): Readonly<Record<string, DeliveryAccount>> {
  const accounts = end.deliveryAccounts?.() ?? {};
  for (const account of [end.deliveryAccount(), ...Object.values(accounts)]) {
    const dropped = Object.values(account.dropped).reduce((sum, count) => sum + count, 0);
    expect(account.delivered + account.rejected + dropped + account.pending).toBe(account.accepted);
  }
  return accounts;
}

/** otlp() and what it could not deliver. */
function withOtlp(options: OtlpOptions = {}) {
  const time = new ManualTime();
  const sender = new ScriptedSender(time.now);
  const first = otlp({ batchRecords: 5, sender: () => sender, sendSync: () => [], time, ...options });
  const memory = new Memory();
  const end = fallback(first, handlerOf('memory', memory), STILL).start(handlerContext);
  const emit = emitTo(end);
  let written = 0;
  return {
    time,
    sender,
    memory,
    end,
    write(count: number): void {
      for (let n = 0; n < count; n++) {
        emit({ eventName: 'tick', severityNumber: 9, attributes: { id: `${written++}`, fill: 'x'.repeat(100) } });
      }
    },
    accounts: () => balanced(end),
  };
}

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => String(from + n));

describe('what otlp() cannot deliver reaches the second handler, and both accounts are exact', () => {
  test('nothing does while it can', async () => {
    const { write, sender, memory, accounts } = withOtlp();
    sender.script = () => 200;
    write(20);
    await settled();
    expect(memory.records).toEqual([]);
    expect(accounts()).toEqual({ otlp: { ...NOTHING, accepted: 20, delivered: 20 }, memory: NOTHING });
  });

  test('a full queue', async () => {
    const { write, memory, accounts } = withOtlp({ queueBytes: 3_000 });
    write(1_000);
    const lost = accounts().otlp?.dropped.queue_full as number;
    expect(lost).toBeGreaterThan(900);
    // Counted where they are, though not all have gone there yet.
    expect(accounts().memory).toMatchObject({ accepted: lost });
    for (let turn = 0; turn < 10; turn++) await settled();
    expect(accounts().memory).toEqual({ ...NOTHING, accepted: lost, delivered: lost });
    expect(new Set(memory.ids).size).toBe(lost);
    expect(memory.reasons).toEqual(['queue_full']);
    expect(memory.records[0]).toMatchObject({ eventName: 'tick', body: undefined, severityNumber: 9 });
  });

  test('a refusal', async () => {
    const { write, sender, memory, accounts } = withOtlp();
    write(5);
    sender.open[0]?.answer(401);
    await settled();
    await settled();
    expect(memory.ids).toEqual(ids(0, 5));
    expect(memory.reasons).toEqual(['rejected']);
    expect(accounts()).toMatchObject({ otlp: { rejected: 5 }, memory: { accepted: 5 } });
  });

  test('the deadline of the shutdown: the second has its share of the time', async () => {
    const { write, end, memory, accounts, time } = withOtlp();
    write(1_000);
    const ended = end.shutdown({ timeoutMillis: 2_000 });
    await time.pass(1_000);
    await ended;
    expect(memory.ids.sort()).toEqual(ids(0, 1_000).sort());
    expect(memory.reasons).toEqual(['shutdown_deadline']);
    expect(memory.ended).toHaveLength(1);
    expect(accounts()).toMatchObject({ otlp: { dropped: { shutdown_deadline: 1_000 } }, memory: { accepted: 1_000 } });
    write(1);
    expect(memory.attributes.at(-1)).toMatchObject({ id: '1000', [REASON]: 'after_shutdown' });
  });

  test('the end of the process', () => {
    const { write, end, memory, accounts } = withOtlp();
    write(1_000);
    end.flushSync?.(3_000);
    expect(memory.ids.sort()).toEqual(ids(0, 1_000).sort());
    expect(memory.reasons).toEqual(['process_exit']);
    expect(memory.flushedSync).toHaveLength(1);
    expect(accounts()).toMatchObject({ otlp: { dropped: { process_exit: 1_000 } }, memory: { accepted: 1_000 } });
  });
});

describe('the time', () => {
  /** A first that takes all the time it is given. */
  const slow = () => {
    let now = 0;
    const given: (number | undefined)[] = [];
    const take = (millis = 0) => {
      given.push(millis);
      now += millis;
    };
    const first = Object.assign(new Losing(), {
      async shutdown({ timeoutMillis }: { timeoutMillis?: number } = {}) {
        take(timeoutMillis);
      },
      flushSync: take,
    });
    const { end, memory } = startedWith(first, new Memory(), { now: () => now });
    return { end, memory, given };
  };

  test.each([
    [2_000, 1_000],
    [10_000, 8_000],
  ])('of %i ms: the first has all but half, and but 2 s at most; the second the rest', async (all, firsts) => {
    for (const finish of ['shutdown', 'flushSync'] as const) {
      const { end, memory, given } = slow();
      if (finish === 'shutdown') await end.shutdown({ timeoutMillis: all });
      else end.flushSync?.(all);
      expect(given).toEqual([firsts]);
      const seconds = finish === 'shutdown' ? memory.ended[0]?.timeoutMillis : memory.flushedSync[0];
      expect(seconds).toBe(all - firsts);
    }
  });

  test('a first that hangs takes half of that of the second', async () => {
    const hangs = Object.assign(new Losing(), { shutdown: () => new Promise<void>(() => undefined) });
    const { end, memory } = startedWith(hangs);
    const delays: (number | undefined)[] = [];
    const timer = jest.spyOn(globalThis, 'setTimeout').mockImplementation(((call: () => void, millis?: number) => {
      delays.push(millis);
      queueMicrotask(call);
    }) as never);
    try {
      await end.shutdown({ timeoutMillis: 4_000 });
    } finally {
      timer.mockRestore();
    }
    expect(delays).toEqual([3_000]);
    expect(memory.ended).toHaveLength(1);
  });
});

test('batch() too: a failed export', async () => {
  const exporter = {
    export: (_: unknown, done: (result: { code: number }) => void) => done({ code: 1 }),
    shutdown: async () => undefined,
  };
  const memory = new Memory();
  const end = fallback(batch(exporter), handlerOf('memory', memory), STILL).start(handlerContext);
  emitTo(end)({ eventName: 'tick', attributes: { id: '1' } });
  await end.forceFlush();
  expect(memory.attributes).toEqual([{ id: '1', [REASON]: 'export_failed' }]);
  expect(balanced(end)).toMatchObject({ exporter: { dropped: { export_failed: 1 } }, memory: { accepted: 1 } });
});

describe('a first handler that throws', () => {
  test('does not keep the record from the second, and the record is as it was for others', async () => {
    const throwing = Object.assign(new Memory(), {
      onEmit() {
        throw new RangeError();
      },
    });
    const { end, memory, accounts } = startedWith(throwing);
    const [record] = recordsOf(1) as [LogRecord];
    const told = await toldDuring(() => end.onEmit(record));
    expect(memory.attributes).toEqual([{ id: '0', [REASON]: 'handler_failed' }]);
    expect(record.attributes).toEqual({ id: '0' });
    expect(accounts()).toMatchObject({
      first: { accepted: 1, dropped: { handler_failed: 1 } },
      second: { accepted: 1 },
    });
    expect(told).toEqual(['logspan: handler first failed on 1 record(s) RangeError']);
  });

  test('or hangs, does not hold up the flush and the end of the second', async () => {
    const hangs = Object.assign(new Losing(), {
      forceFlush: () => new Promise<void>(() => undefined),
      shutdown: () => new Promise<void>(() => undefined),
      flushSync() {
        throw new Error();
      },
    });
    const { end, memory } = startedWith(hangs);
    hangs.lose(recordsOf(10));
    void end.forceFlush({ timeoutMillis: 60_000 });
    await settled();
    await settled();
    expect([memory.records.length, memory.flushed.length]).toEqual([10, 1]);
    end.flushSync?.(1_000);
    expect(memory.flushedSync).toHaveLength(1);
    await end.shutdown({ timeoutMillis: 20 });
    expect(memory.ended).toHaveLength(1);
  });
});

describe('what waits to be handed over', () => {
  test('is pending in the account of the second', async () => {
    const first = new Losing();
    const { memory, accounts } = startedWith(first);
    first.lose(recordsOf(300));
    expect(memory.records).toHaveLength(0);
    expect(accounts().second).toEqual({ ...NOTHING, accepted: 300, pending: 300 });
    await settled();
    expect(memory.records.length).toBeLessThan(300);
    expect(accounts().second).toMatchObject({ accepted: 300, pending: 300 - memory.records.length });
    await settled();
    await settled();
    expect(accounts().second).toEqual({ ...NOTHING, accepted: 300, delivered: 300 });
  });

  test('is bounded: who loses faster waits for it', () => {
    const first = new Losing();
    const { memory, accounts } = startedWith(first);
    for (let n = 0; n < 100; n++) first.lose(recordsOf(10));
    expect(accounts().second?.pending).toBe(80);
    expect(memory.records).toHaveLength(920);
  });

  test('is given up at the deadline, and counted', async () => {
    let now = 0;
    const slow = Object.assign(new Memory(), {
      onEmit(this: Memory, record: LogRecord) {
        now += 1;
        Memory.prototype.onEmit.call(this, record);
      },
    });
    for (const [reason, finish] of [
      ['process_exit', (end: HandlerEnd) => end.flushSync?.(500)],
      ['shutdown_deadline', (end: HandlerEnd) => end.shutdown({ timeoutMillis: 500 })],
    ] as const) {
      const first = new Losing();
      slow.records.length = 0;
      const { end, accounts } = startedWith(first, slow, { now: () => now });
      first.lose(recordsOf(2_000));
      await finish(end);
      const handed = slow.records.length;
      // An eighth of the time is left to the second, to deliver it.
      expect(handed).toBeGreaterThanOrEqual(437);
      expect(handed).toBeLessThan(437 + 2 * 128);
      expect(accounts().second).toEqual({
        ...NOTHING,
        accepted: 2_000,
        delivered: handed,
        dropped: { [reason]: 2_000 - handed },
      });
    }
  });

  test('and cannot be read, or is less than was said, is counted', async () => {
    const first = new Losing();
    const { end, memory, accounts } = startedWith(first);
    const [one] = recordsOf(1) as [LogRecord];
    first.lose([one], 3);
    first.accepted += 5;
    first.dropped += 5;
    first.listener?.({
      reason: 'lost',
      count: 5,
      records: (function* () {
        yield one;
        throw new Error();
      })(),
    });
    await end.forceFlush();
    expect(memory.records).toHaveLength(2);
    expect(accounts().second).toEqual({ ...NOTHING, accepted: 8, delivered: 2, dropped: { unreadable: 6 } });
  });
});

describe('a second that holds less than there is to be handed over', () => {
  /** Holds ten records at most, and those beyond are lost. */
  class Small extends Memory {
    held = 0;
    most = 0;
    flushes = 0;
    takes = true;

    override onEmit(record: LogRecord): void {
      super.onEmit(record);
      this.held++;
      this.most = Math.max(this.most, this.held);
    }

    isFilling(): boolean {
      return this.held >= 5;
    }

    #flush(): void {
      this.flushes++;
      if (this.takes) this.held = 0;
    }

    override async forceFlush(): Promise<void> {
      this.#flush();
    }

    override async shutdown(): Promise<void> {
      this.#flush();
    }

    override flushSync(): void {
      this.#flush();
    }

    override deliveryAccount(): DeliveryAccount {
      const delivered = this.records.length - this.held;
      return { ...NOTHING, accepted: this.records.length, delivered, pending: this.held };
    }
  }

  const ends = [
    ['shutdown', (end: HandlerEnd) => end.shutdown({ timeoutMillis: 2_000 })],
    ['flushSync', (end: HandlerEnd) => end.flushSync?.(2_000)],
  ] as const;

  test.each(ends)('delivers in between: %s', async (_, finish) => {
    const first = new Losing();
    const small = new Small();
    const { end, accounts } = startedWith(first, small);
    first.lose(recordsOf(1_000));
    await finish(end);
    expect(small.most).toBe(5);
    expect(accounts().second).toEqual({ ...NOTHING, accepted: 1_000, delivered: 1_000 });
  });

  test.each(ends)('and delivers nothing, is not waited for again: %s', async (_, finish) => {
    const first = new Losing();
    const small = Object.assign(new Small(), { takes: false });
    const { end } = startedWith(first, small);
    first.lose(recordsOf(1_000));
    await finish(end);
    expect(small.records).toHaveLength(1_000);
    // One in vain, and its own end.
    expect(small.flushes).toBe(2);
  });

  test('and hangs, costs half of the time that is left, once', async () => {
    const first = new Losing();
    const given: (number | undefined)[] = [];
    let now = 0;
    const hangs = Object.assign(new Small(), {
      async forceFlush({ timeoutMillis }: { timeoutMillis: number }) {
        given.push(timeoutMillis);
        now += timeoutMillis;
        throw new Error();
      },
    });
    const { end } = startedWith(first, hangs, { now: () => now });
    first.lose(recordsOf(1_000));
    await end.shutdown({ timeoutMillis: 4_000 });
    expect(given).toEqual([1_750]);
    expect(hangs.records).toHaveLength(1_000);
  });

  test('a fallback asks its second, a failing question is none', () => {
    const small = new Small();
    const { end } = startedWith(new Losing(), small);
    expect(end.isFilling?.()).toBe(false);
    small.held = 5;
    expect(end.isFilling?.()).toBe(true);
    const first = new Losing();
    const broken = Object.assign(new Memory(), {
      isFilling() {
        throw new Error();
      },
    });
    const other = startedWith(first, broken);
    first.lose(recordsOf(300));
    other.end.flushSync?.(1_000);
    expect(broken.records).toHaveLength(300);
  });

  test('file(): all of it, through a buffer of a few lines', async () => {
    for (const [, finish] of ends) {
      const first = new Losing();
      const time = new ManualTime();
      const files = new MemoryFileSystem(time.wall);
      const second = file('/log/app.log', { bufferBytes: 1_024, files, time, delayMillis: 0 });
      const end = fallback(handlerOf('first', first), second, STILL).start(handlerContext);
      first.lose(recordsOf(1_000));
      await finish(end);
      expect(files.text('/log/app.log')?.split('\n')).toHaveLength(1_001);
      expect(balanced(end).file).toEqual({ ...NOTHING, accepted: 1_000, delivered: 1_000 });
      expect(files.open_.size).toBeLessThan(3);
    }
  });
});

describe('otlp() as the second, with log calls that may wait', () => {
  test('is not waited for, neither between other work nor at the end', async () => {
    for (const ending of ['shutdown', 'flushSync'] as const) {
      const first = new Losing();
      const time = new ManualTime();
      const waits: number[] = [];
      const second = otlp({
        overflow: 'block',
        queueBytes: 2_000,
        batchRecords: 5,
        time: Object.assign(time, { sleepSync: (millis: number) => void waits.push(millis) }),
        sender: () => new ScriptedSender(time.now),
        sendSync: (_target, _bodies, millis) => {
          waits.push(millis);
          return [];
        },
      });
      const end = fallback(handlerOf('first', first), second, STILL).start(handlerContext);
      first.lose(recordsOf(300));
      for (let turn = 0; turn < 5; turn++) await settled();
      expect(waits).toEqual([]);
      expect(balanced(end).otlp?.dropped.queue_full).toBeGreaterThan(200);
      first.lose(recordsOf(300));
      if (ending === 'shutdown') {
        const ended = end.shutdown({ timeoutMillis: 200 });
        const passing = setInterval(() => void time.pass(50), 5);
        await ended;
        clearInterval(passing);
        expect(waits).toEqual([]);
      } else {
        end.flushSync?.(200);
        expect(waits.every((millis) => millis <= 200)).toBe(true);
      }
      expect(balanced(end).otlp).toMatchObject({ accepted: 600, pending: 0 });
    }
  });
});

test('a first whose destination is known to be down hands over at once', async () => {
  const { write, end, memory, sender, time } = withOtlp();
  write(50);
  for (const asked of [...sender.open]) asked.fail('ECONNREFUSED');
  await settled();
  const before = time.millis;
  const ended = end.shutdown({ timeoutMillis: 60_000 });
  await settled();
  sender.open[0]?.fail('ECONNREFUSED');
  await ended;
  expect(time.millis).toBe(before);
  expect(memory.ids.sort()).toEqual(ids(0, 50).sort());
});

describe('the second handler', () => {
  test('gets what its own `when` lets pass; the rest is counted', async () => {
    const first = new Losing();
    const { end, memory, accounts } = startedWith(first, new Memory(), {
      takes: ({ attributes: { id } }) => id === '1',
    });
    first.lose(recordsOf(3));
    await end.forceFlush();
    expect(memory.ids).toEqual(['1']);
    expect(accounts().second).toEqual({ ...NOTHING, accepted: 3, delivered: 1, dropped: { filtered: 2 } });
  });

  test('may throw: counted, and the application does not notice', async () => {
    const first = new Losing();
    const throwing = Object.assign(new Memory(), {
      onEmit() {
        throw new Error('hunter2');
      },
    });
    const { end, accounts } = startedWith(first, throwing);
    const told = await toldDuring(async () => {
      first.lose(recordsOf(3));
      await end.forceFlush();
    });
    expect(accounts().second).toEqual({ ...NOTHING, accepted: 3, dropped: { handler_failed: 3 } });
    expect(told).toEqual([1, 2].map((count) => `logspan: fallback handler second failed on ${count} record(s) Error`));
  });

  test('gets the record in the context of its trace, and what it logs meanwhile comes nowhere', async () => {
    ensureContextManager();
    const first = new Losing();
    const logged = new Recorder();
    const log = emitTo(guard(logged));
    const spanContext: SpanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
    const logging = Object.assign(new Memory(), {
      onEmit(this: Memory, ...given: Parameters<Memory['onEmit']>) {
        log({ body: 'this would come round again' });
        Memory.prototype.onEmit.apply(this, given);
      },
    });
    const { end } = startedWith(first, logging);
    first.lose(recordsOf(1, { spanContext }));
    await end.forceFlush();
    expect(isSpanContextValid(spanContext)).toBe(true);
    expect(logged.records).toEqual([]);
    expect(logging.contexts.map((from) => from && trace.getSpanContext(from))).toEqual([spanContext]);
  });

  test('that loses records tells another fallback, and no circle comes of it', async () => {
    const [first, second] = [new Losing(), new Losing()];
    const inner = fallback(handlerOf('a', first), handlerOf('b', second), STILL);
    const memory = new Memory();
    const end = fallback(inner, handlerOf('c', memory), STILL).start(handlerContext);
    second.lose(recordsOf(2));
    await end.forceFlush();
    expect(memory.ids).toEqual(['0', '1']);
    expect(Object.keys(balanced(end))).toEqual(['fallback/a', 'fallback/b', 'c']);
    expect(end.lost?.()).toBe(0);
  });

  test('or does not take them tells it too', async () => {
    const first = new Losing();
    const picky = Object.assign(new Memory(), {
      onEmit(this: Memory, record: LogRecord) {
        if (record.attributes.id === '1') throw new Error();
        Memory.prototype.onEmit.call(this, record);
      },
    });
    const inner = fallback(
      handlerOf('a', first),
      handlerOf('b', picky, ({ attributes: { id } }) => id !== '2'),
      STILL,
    );
    const memory = new Memory();
    const end = fallback(inner, handlerOf('c', memory), STILL).start(handlerContext);
    first.lose(recordsOf(4));
    await end.forceFlush();
    expect(picky.ids).toEqual(['0', '3']);
    expect(memory.attributes).toEqual([
      { id: '1', [REASON]: 'handler_failed' },
      { id: '2', [REASON]: 'filtered' },
    ]);
    expect(balanced(end)['fallback/b']).toMatchObject({ dropped: { handler_failed: 1, filtered: 1 } });
    expect(end.lost?.()).toBe(0);
  });

  test('or is not given them in time tells it too', async () => {
    let now = 0;
    const slow = Object.assign(new Memory(), {
      onEmit(this: Memory, record: LogRecord) {
        now += 1;
        Memory.prototype.onEmit.call(this, record);
      },
    });
    const ends = [
      ['process_exit', (end: HandlerEnd) => end.flushSync?.(1_000)],
      ['shutdown_deadline', (end: HandlerEnd) => end.shutdown({ timeoutMillis: 1_000 })],
    ] as const;
    for (const [reason, finish] of ends) {
      slow.records.length = 0;
      const first = new Losing();
      const inner = fallback(handlerOf('a', first), handlerOf('b', slow), { now: () => now });
      const memory = new Memory();
      const end = fallback(inner, handlerOf('c', memory), { now: () => now }).start(handlerContext);
      first.lose(recordsOf(2_000));
      await finish(end);
      expect([...slow.ids, ...memory.ids].sort()).toEqual(ids(0, 2_000).sort());
      expect(memory.reasons).toEqual([reason]);
      expect([balanced(end).c?.pending, end.lost?.()]).toEqual([0, 0]);
    }
  });

  test('lost is what nobody has', async () => {
    const first = new Losing();
    const { end } = startedWith(first, new Memory(), { takes: ({ attributes: { id } }) => id === '1' });
    first.lose(recordsOf(3));
    first.dropped += 5;
    expect(end.lost?.()).toBe(5);
    await end.forceFlush();
    expect(end.lost?.()).toBe(7);
  });
});

test('`when`: of the first, for the first; of the fallback, for both', () => {
  const first = new Losing();
  const when = () => true;
  const handler = fallback(
    handlerOf('first', first, ({ eventName }) => eventName === 'tick'),
    handlerOf('first', new Memory()),
    { when, name: 'both' },
  );
  expect(handler).toMatchObject({ name: 'both', when });
  expect(fallback(handlerOf('a', first), handlerOf('b', first))).not.toHaveProperty('when');
  const end = handler.start(handlerContext);
  for (const eventName of ['tick', 'tock']) emitTo(end)({ eventName });
  expect(balanced(end)).toMatchObject({ first: { accepted: 1 }, 'first#2': { accepted: 0 } });
});

test('a first handler that cannot tell what it loses is told of, wherever it stands', async () => {
  const memory = () => handlerOf('memory', new Memory());
  const losing = () => handlerOf('losing', new Losing());
  const inner = (name: string) => fallback(losing(), handlerOf(name, new Memory()));
  const handlers = [
    fallback(route({ to: [losing(), handlerOf('behind', new Memory())] }), memory()),
    fallback(route({ to: route({ to: inner('deep') }) }), memory()),
    fallback(inner('inner'), memory()),
    fallback(losing(), memory()),
  ];
  const names = await toldDuring(() => {
    for (const handler of handlers) handler.start(handlerContext);
  });
  expect(names.map((sentence) => sentence.split(' ')[2])).toEqual(['behind', 'deep', 'inner']);
  const told = await toldDuring(() => void startedWith(new Memory()));
  expect(told).toEqual([
    'logspan: fallback: first does not tell which records it loses: only those on which it throws go to second',
  ]);
});

const same = handlerOf('same', new Memory());

test.each([
  [
    [{}, handlerOf('b', new Memory())],
    'fallback: the first: must be a handler such as otlp() or consoleHandler(), not an object',
  ],
  [
    [handlerOf('a', new Memory())],
    'fallback: the second: must be a handler such as otlp() or consoleHandler(), not undefined',
  ],
  [
    [handlerOf('a', new Memory()), handlerOf('b', new Memory()), { to: 1 }],
    'fallback.to: is not an option; the options are name, when',
  ],
  [
    [handlerOf('a', new Memory()), handlerOf('b', new Memory()), { when: 1 }],
    'fallback.when: must be a function, not 1',
  ],
  [
    [same, same],
    'fallback: the second: is the first; allowed: another handler, because what this one loses must go somewhere else',
  ],
])('mistakes are named (%#)', (given, sentence) => {
  expect(() => fallback(...(given as Parameters<typeof fallback>))).toThrow(sentence);
});

test('a second that does not start takes the first one down', () => {
  const first = new Losing();
  const broken: Handler = {
    name: 'broken',
    start() {
      throw new RangeError();
    },
  };
  expect(() => fallback(handlerOf('first', first), broken).start(handlerContext)).toThrow(RangeError);
  expect(first.ended).toHaveLength(1);
});

test('whatever happens, each record is delivered by the first, or accepted by the second, exactly once', async () => {
  const act = fc.constantFrom('write', 'write', 'write', 'take', 'refuse', 'fail', 'wait', 'turn');
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { maxLength: 40 }),
      fc.integer({ min: 1_024, max: 4_000 }),
      fc.constantFrom('shutdown', 'exit'),
      async (acts, queueBytes, ending) => {
        const { write, sender, memory, end, accounts, time } = withOtlp({ queueBytes, concurrency: 2 });
        const taken: string[] = [];
        let count = 0;
        const answer = (status: number) => {
          const [asked] = sender.open;
          if (asked === undefined) return;
          if (status === 200) taken.push(...asked.ids);
          asked.answer(status);
        };
        for (const step of acts) {
          if (step === 'write') {
            write(3);
            count += 3;
          } else if (step === 'take') answer(200);
          else if (step === 'refuse') answer(400);
          else if (step === 'fail') answer(503);
          else if (step === 'wait') await time.pass(2_000);
          else await settled();
          accounts();
        }
        await settled();
        if (ending === 'exit') end.flushSync?.(60_000);
        else {
          const ended = end.shutdown({ timeoutMillis: 60_000 });
          await time.pass(60_000);
          await ended;
        }
        expect([...taken, ...memory.ids].sort()).toEqual(ids(0, count).sort());
        const { otlp: first = NOTHING, memory: second } = accounts();
        expect(second?.accepted).toBe(first.rejected + Object.values(first.dropped).reduce((a, b) => a + b, 0));
        expect(end.deliveryAccount().pending).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
});
