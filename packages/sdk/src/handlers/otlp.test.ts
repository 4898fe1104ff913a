import { describe, expect, test } from '@jest/globals';
import { ManualTime, settled } from '../../../../test/delivery/manual-time.ts';
import { idsIn } from '../../../../test/delivery/otlp-batches.ts';
import { ScriptedSender } from '../../../../test/delivery/scripted-sender.ts';
import { emitTo, toldDuring } from '../../../../test/pipeline/recorder.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { readEnvironment } from '../provider/environment.ts';
import type { Lost } from './handler.ts';
import { type OtlpOptions, otlp } from './otlp.ts';

const started = (options: OtlpOptions, env: Record<string, string> = {}) =>
  otlp(options).start({ resource: { attributes: {} }, environment: readEnvironment(env, () => undefined) });

function setUp(options: OtlpOptions = {}) {
  const time = new ManualTime();
  const sender = new ScriptedSender(time.now);
  const sentSync: string[][] = [];
  const end = started({
    batchRecords: 5,
    sender: () => sender,
    sendSync(_, bodies) {
      sentSync.push(bodies.flatMap(idsIn));
      return bodies.map(() => ({ status: 200, body: new Uint8Array() }));
    },
    time,
    ...options,
  });
  const lost: { reason: string; count: number; ids: unknown[]; events: unknown[] }[] = [];
  end.onLost?.(({ reason, count, records }: Lost) => {
    const all = [...records];
    lost.push({
      reason,
      count,
      ids: all.map(({ attributes: { id } }) => id),
      events: all.map(({ eventName }) => eventName),
    });
  });
  const emit = emitTo(end);
  let written = 0;
  return {
    time,
    sender,
    sentSync,
    end,
    emit,
    lost,
    write(count: number, severityNumber = 9, fill = 100): void {
      for (let n = 0; n < count; n++) {
        emit({ eventName: 'tick', severityNumber, attributes: { id: `${written++}`, fill: 'x'.repeat(fill) } });
      }
    },
    account() {
      const account = end.deliveryAccount();
      const dropped = Object.values(account.dropped).reduce((sum, count) => sum + count, 0);
      expect(account.delivered + account.rejected + dropped + account.pending).toBe(account.accepted);
      return account;
    },
  };
}

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => String(from + n));

describe('overflow', () => {
  test('by default keeps errors longest', () => {
    const { write, account, lost } = setUp({ queueBytes: 3_000, batchRecords: 1 });
    write(2, 17);
    write(100);
    expect(account().pending).toBeLessThan(30);
    expect(lost.flatMap(({ ids }) => ids)).not.toContain('0');
    expect(lost[0]).toMatchObject({ reason: 'queue_full', events: ['tick'] });
  });

  test('a batch is closed before the queue alone would not hold it', () => {
    const { write, account } = setUp({ queueBytes: 2_000, batchRecords: 1_000 });
    write(100);
    expect(account().pending).toBeLessThan(20);
    expect(account().dropped.queue_full).toBeGreaterThan(80);
  });

  test('drop-newest: what came first is kept', () => {
    const { write, account, lost } = setUp({ queueBytes: 3_000, overflow: 'drop-newest' });
    write(100);
    const { pending, dropped } = account();
    expect(dropped).toEqual({ queue_full: 100 - pending });
    expect(lost.flatMap(({ ids }) => ids)).toEqual(ids(pending, 100));
  });

  test('block: the log call delivers, and nothing is lost', () => {
    const { write, account, sentSync, sender } = setUp({ queueBytes: 3_000, overflow: 'block' });
    write(1_000);
    const { delivered, pending, dropped } = account();
    expect(dropped).toEqual({});
    expect(sentSync.flat()).toHaveLength(delivered);
    // Those that were under way before the first wait are still there: their answers need the event loop.
    const underWay = sender.requests.flatMap((asked) => asked.ids);
    expect(underWay.filter((id) => sentSync.flat().includes(id))).toEqual([]);
    expect(pending).toBeLessThan(30);
  });

  test('block: a timer does not wait, a log call does', async () => {
    const { write, account, time, sentSync, sender } = setUp({ queueBytes: 1_600, overflow: 'block' });
    write(11);
    expect(sentSync).toEqual([]);
    await time.pass(60_000);
    expect(sentSync).toEqual([]);
    expect(account().dropped).toEqual({});
    sender.script = () => 200;
    for (const asked of sender.open) asked.answer(200);
    await time.pass(2_000);
    expect(account()).toMatchObject({ delivered: 11, pending: 0 });
  });

  test('block: a flush does not wait for room either, and holds one batch more at most', async () => {
    const { write, end, account, time, sentSync, sender } = setUp({
      queueBytes: 1_024,
      batchRecords: 20,
      overflow: 'block',
    });
    const flush = () =>
      end.forceFlush({ timeoutMillis: 100 }).then(
        () => 'done',
        (error: Error) => error.name,
      );
    const flushes: Promise<string>[] = [];
    for (let n = 0; n < 6; n++) {
      write(1, 9, 115);
      flushes.push(flush());
    }
    const { millis } = time;
    await time.pass(100);
    expect(await Promise.all(flushes)).toEqual(Array.from({ length: 6 }, () => 'TimeoutError'));
    expect([sentSync, time.millis - millis]).toEqual([[], 100]);
    // Three that fit, one beyond the limit, and what is open: nothing was dropped.
    expect(sender.requests.map(({ ids }) => ids.length)).toEqual([1, 1, 1, 1]);
    expect(account()).toMatchObject({ pending: 6, dropped: {} });
    const last = flush();
    sender.script = () => 200;
    for (const asked of sender.open) asked.answer(200);
    await time.pass(50);
    expect(await last).toBe('done');
    expect(account()).toMatchObject({ delivered: 6, pending: 0 });
  });

  test.each(['shutdown', 'flushSync'] as const)('block: a %s does not wait for room', async (ending) => {
    const { write, end, account, time, sentSync } = setUp({ queueBytes: 1_024, batchRecords: 20, overflow: 'block' });
    write(3, 9, 115);
    void end.forceFlush({ timeoutMillis: 1 }).catch(() => undefined);
    write(3, 9, 115);
    if (ending === 'flushSync') {
      end.flushSync?.(100);
      expect(sentSync).toEqual([ids(0, 6)]);
    } else {
      const ended = end.shutdown({ timeoutMillis: 100 });
      await time.pass(100);
      await ended;
      expect(sentSync).toEqual([]);
      expect(account().dropped).toEqual({ shutdown_deadline: 6 });
    }
  });

  test.each([['http/json'], ['grpc']] as const)('block is a mistake with %s, wherever that was said', (protocol) => {
    const sentence = `otlp.overflow: "block" needs the protocol http/protobuf, not ${protocol}`;
    expect(() => started({ overflow: 'block', protocol })).toThrow(sentence);
    expect(() => started({ overflow: 'block' }, { OTEL_EXPORTER_OTLP_PROTOCOL: protocol })).toThrow(
      'await logging.forceFlush()',
    );
  });

  test('another is a mistake', () => {
    expect(() => otlp({ overflow: 'drop-oldest' as never })).toThrow(
      'otlp.overflow: must be one of "drop-low-severity-first", "drop-newest", "block", not "drop-oldest"',
    );
    expect(() => otlp({ blockMillis: 0 })).toThrow('otlp.blockMillis: must be a whole number from 1');
  });
});

describe('what is lost is told, with the records', () => {
  test('refused for good', async () => {
    const { write, sender, lost } = setUp();
    write(5);
    sender.open[0]?.answer(400);
    await settled();
    expect(lost).toMatchObject([{ reason: 'rejected', ids: ids(0, 5) }]);
  });

  test('rejected in part: nobody knows which; in whole: all', async () => {
    const { write, sender, lost, account } = setUp();
    const partial = (rejectedLogRecords: number) => ({
      contentType: 'application/json',
      body: Buffer.from(JSON.stringify({ partialSuccess: { rejectedLogRecords } })),
    });
    write(10);
    sender.open[0]?.answer(200, partial(2));
    await settled();
    sender.open[0]?.answer(200, partial(5));
    await settled();
    expect(account()).toMatchObject({ delivered: 3, rejected: 7 });
    expect(lost).toMatchObject([{ reason: 'rejected', count: 5, ids: ids(5, 10) }]);
  });

  test('an answer that may not be read', async () => {
    const { write, sender, lost } = setUp();
    write(5);
    sender.open[0]?.answer(200, { oversized: true });
    await settled();
    expect(lost).toMatchObject([{ reason: 'response_too_large', ids: ids(0, 5) }]);
  });

  test('too large, not to be encoded, after the shutdown', async () => {
    const { end, emit, lost, time } = setUp({ recordBytes: 1_024 });
    emit({ body: 'x'.repeat(2_000), attributes: { id: 'large' } });
    const ended = end.shutdown({ timeoutMillis: 1 });
    await time.pass(1);
    await ended;
    emit({ attributes: { id: 'late' } });
    expect(lost).toMatchObject([
      { reason: 'too_large', ids: ['large'] },
      { reason: 'after_shutdown', ids: ['late'] },
    ]);
  });

  test('as it was then, whatever the application does to its objects before it is read', async () => {
    const { end, time } = setUp();
    const ended = end.shutdown({ timeoutMillis: 1 });
    await time.pass(1);
    await ended;
    const told: Lost[] = [];
    end.onLost?.((lost) => void told.push(lost));
    const order = { id: 1 };
    end.onEmit({ attributes: { order }, droppedAttributesCount: 0 } as unknown as LogRecord);
    order.id = 2;
    expect([...(told[0]?.records ?? [])].map(({ attributes }) => attributes)).toEqual([{ order: { id: 1 } }]);
  });

  test('at the deadline of the shutdown, what is under way included', async () => {
    const { end, write, lost, time } = setUp();
    write(12);
    const ended = end.shutdown({ timeoutMillis: 50 });
    await time.pass(50);
    await ended;
    expect(lost).toMatchObject([{ reason: 'shutdown_deadline' }]);
    expect([...(lost[0]?.ids ?? [])].sort()).toEqual(ids(0, 12).sort());
  });

  test('at the end of the process: what got no answer, and what was refused', () => {
    const { end, write, lost, account } = setUp({
      sendSync: (_, bodies) =>
        bodies.slice(0, 2).map((_body, index) => ({ status: [200, 400][index] as number, body: new Uint8Array() })),
    });
    write(20);
    end.flushSync?.(1_000);
    expect(account()).toMatchObject({ delivered: 5, rejected: 5, dropped: { process_exit: 10 } });
    expect(lost).toMatchObject([
      { reason: 'rejected', ids: ids(5, 10) },
      { reason: 'process_exit', ids: ids(10, 20) },
    ]);
  });

  test('a listener that throws stops nothing', async () => {
    const { end, write, account } = setUp({ queueBytes: 2_000 });
    const told = await toldDuring(() => {
      end.onLost?.(() => {
        throw new Error();
      });
      write(50);
    });
    expect(account().accepted).toBe(50);
    expect(told.join('\n')).toContain('who takes over lost records failed');
  });
});

test('`when` is passed on to the pipeline', () => {
  const when = () => true;
  expect(otlp({ when }).when).toBe(when);
  expect(otlp()).not.toHaveProperty('when');
});
