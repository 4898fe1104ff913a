import { describe, expect, test } from '@jest/globals';
import { ManualTime, settled } from '../../../../test/delivery/manual-time.ts';
import { batchOf } from '../../../../test/delivery/otlp-batches.ts';
import { ScriptedSender } from '../../../../test/delivery/scripted-sender.ts';
import type { DeliveryAccount } from '../handlers/handler.ts';
import { Ledger } from './ledger.ts';
import { OTLP } from './otlp-request.ts';
import { BatchQueue } from './queue.ts';
import { Shipper } from './shipper.ts';

const HOUR = 3_600_000;

/** A destination in the test's hands. `add('a', 'b')` is a batch of two records. */
function setUp({ concurrency = 4, maxBytes = 1_000_000 } = {}) {
  const time = new ManualTime();
  const sender = new ScriptedSender(time.now);
  const ledger = new Ledger();
  const queue = new BatchQueue(maxBytes, ledger);
  const notices: string[] = [];
  const shipper = new Shipper(queue, ledger, sender, {
    format: OTLP,
    concurrency,
    timeoutMillis: 10_000,
    notice: (kind, message) => notices.push(`${kind}: ${message}`),
    time,
  });
  return {
    time,
    sender,
    ledger,
    queue,
    notices,
    shipper,
    add(...ids: string[]): void {
      const batch = batchOf(ids.map((id) => ({ id })));
      ledger.accepted += batch.records;
      queue.push(batch);
      shipper.pump();
    },
    /** The account, which must balance whenever it is looked at. */
    account(): DeliveryAccount {
      const account = ledger.account(queue.records);
      const dropped = Object.values(account.dropped).reduce((sum, count) => sum + count, 0);
      expect(account.delivered + account.rejected + dropped + account.pending).toBe(account.accepted);
      return account;
    },
    async answer(status: number, more = {}): Promise<void> {
      sender.open[0]?.answer(status, more);
      await settled();
    },
  };
}

const retryAfter = (value: string) => ({ retryAfter: value });

describe('a destination that answers', () => {
  test('gets several requests at a time, oldest first, and no more than allowed', async () => {
    const { add, answer, sender, account } = setUp({ concurrency: 2 });
    for (const id of ['1', '2', '3']) add(id);
    expect(sender.requests.map(({ ids }) => ids)).toEqual([['1'], ['2']]);
    await answer(200);
    expect(sender.requests.map(({ ids }) => ids)).toEqual([['1'], ['2'], ['3']]);
    expect(account()).toMatchObject({ delivered: 1, pending: 2 });
    await answer(200);
    await answer(200);
    expect(account()).toEqual({ accepted: 3, delivered: 3, rejected: 0, dropped: {}, pending: 0 });
  });

  test.each([400, 401, 403, 404, 422, 500, 501, 301, 302, 304, 100, 0])(
    '%i is final: asked once, counted as rejected',
    async (status) => {
      const { add, answer, sender, account, time, notices } = setUp();
      add('a', 'b');
      await answer(status);
      await time.pass(HOUR);
      expect(sender.requests).toHaveLength(1);
      expect(account()).toEqual({ accepted: 2, delivered: 0, rejected: 2, dropped: {}, pending: 0 });
      expect(notices).toEqual([`rejected: HTTP status ${status} for 2 records`]);
    },
  );

  test('a partial success is counted and not repeated', async () => {
    const { add, answer, sender, account, time, notices } = setUp();
    const json = (partialSuccess: object) => ({
      contentType: 'application/json',
      body: Buffer.from(JSON.stringify({ partialSuccess })),
    });
    add('a', 'b', 'c');
    await answer(200, json({ rejectedLogRecords: '2', errorMessage: 'too old' }));
    add('d');
    await answer(200, json({ errorMessage: 'slow down' }));
    add('e');
    await answer(200, json({ rejectedLogRecords: 99 }));
    await time.pass(HOUR);
    expect(sender.requests).toHaveLength(3);
    expect(account()).toEqual({ accepted: 5, delivered: 2, rejected: 3, dropped: {}, pending: 0 });
    expect(notices).toEqual([
      'partial: 2 of 3 records rejected: too old',
      'partial: 0 of 1 records rejected: slow down',
      'partial: 1 of 1 records rejected: ',
    ]);
  });

  test('an answer that may not be read is neither success nor repeated', async () => {
    const { add, answer, account } = setUp();
    add('a');
    await answer(200, { oversized: true });
    expect(account()).toEqual({
      accepted: 1,
      delivered: 0,
      rejected: 0,
      dropped: { response_too_large: 1 },
      pending: 0,
    });
  });
});

describe('413', () => {
  test('halves the batch until it fits; a single record is rejected', async () => {
    const { add, sender, account, time } = setUp({ concurrency: 1 });
    const bad = 'd';
    sender.script = ({ ids }) => (ids.length > 2 || ids.includes(bad) ? 413 : 200);
    add('a', 'b', 'c', 'd', 'e', 'f', 'g');
    await time.pass(1);
    expect(account()).toEqual({ accepted: 7, delivered: 6, rejected: 1, dropped: {}, pending: 0 });
    expect(sender.requests.map(({ ids }) => ids.join(''))).toEqual([
      'abcdefg',
      'abc',
      'a',
      'bc',
      'defg',
      'de',
      'd',
      'e',
      'fg',
    ]);
    expect(time.timers).toBe(0);
  });

  test('for everything ends: each record is rejected once', async () => {
    const { add, sender, account, time } = setUp();
    sender.script = () => 413;
    add(...Array.from({ length: 64 }, (_, i) => String(i)));
    await time.pass(1);
    expect(account()).toEqual({ accepted: 64, delivered: 0, rejected: 64, dropped: {}, pending: 0 });
    expect(sender.requests).toHaveLength(127);
  });
});

describe('a destination that fails', () => {
  test.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EPIPE'])(
    '%s: everything waits until it is back',
    async (code) => {
      const { add, sender, account, time, notices } = setUp();
      sender.script = (asked) => {
        asked.fail(code);
        return undefined;
      };
      add('a');
      add('b');
      await time.pass(60_000);
      expect(account()).toMatchObject({ delivered: 0, pending: 2 });
      expect(notices[0]).toBe(`retrying: ${code}; 2 records wait`);
      expect(notices.join()).not.toContain('secret');
      sender.script = () => 200;
      await time.pass(60_000);
      expect(account()).toEqual({ accepted: 2, delivered: 2, rejected: 0, dropped: {}, pending: 0 });
    },
  );

  test.each([429, 502, 503, 504])('%i is asked again', async (status) => {
    const { add, answer, account, sender, time } = setUp();
    add('a');
    await answer(status);
    expect(account().pending).toBe(1);
    await time.pass(1_000);
    expect(sender.requests).toHaveLength(2);
    await answer(200);
    expect(account().delivered).toBe(1);
  });

  test('waits longer with each failure: from 1 s by 1.5 up to 30 s, times chance', async () => {
    const { add, sender, time } = setUp();
    sender.script = () => 503;
    add('a');
    await time.pass(600_000);
    const waits = sender.requests.slice(1).map(({ at }, index) => at - (sender.requests[index]?.at ?? 0));
    const expected = waits.map((_, failures) => Math.min(1_000 * 1.5 ** failures, 30_000) / 2);
    for (const [index, wait] of waits.entries()) expect(wait).toBeCloseTo(expected[index] as number, 6);
    expect(waits.length).toBeGreaterThan(30);
  });

  test('starts again with short waits after a success', async () => {
    const { add, answer, sender, time } = setUp();
    sender.script = () => 503;
    add('a');
    await time.pass(120_000);
    sender.script = () => 200;
    await time.pass(30_000);
    sender.script = undefined;
    add('b');
    await answer(503);
    expect(time.next).toBe(500);
  });

  test('gets one probe at a time, however much waits, and several again once it is back', async () => {
    const { add, answer, sender, time } = setUp({ concurrency: 4 });
    for (const id of ['1', '2', '3', '4', '5', '6']) add(id);
    for (let i = 0; i < 4; i++) await answer(503);
    expect(sender.open).toHaveLength(0);
    await time.pass(500);
    // Not one that failed already: it may be the only one that fails.
    expect(sender.open.map(({ ids }) => ids)).toEqual([['5']]);
    add('7');
    await answer(502);
    await time.pass(750);
    expect(sender.open.map(({ ids }) => ids)).toEqual([['6']]);
    await answer(200);
    expect(sender.open.map(({ ids }) => ids)).toEqual([['7'], ['1'], ['2'], ['3']]);
  });

  test('one batch that never gets an answer does not keep the others', async () => {
    const { add, account, sender, time } = setUp();
    sender.script = ({ ids }) => (ids.includes('poison') ? 503 : 200);
    for (const id of ['poison', '1', '2', '3']) add(id);
    await time.pass(60_000);
    expect(account()).toMatchObject({ accepted: 4, delivered: 3, pending: 1 });
  });

  test('four requests that fail together are one failure', async () => {
    const { add, answer, time } = setUp({ concurrency: 4 });
    for (const id of ['1', '2', '3', '4']) add(id);
    for (let i = 0; i < 4; i++) await answer(503);
    expect(time.next).toBe(500);
  });

  test('keeps no process alive by waiting', async () => {
    const { add, answer, time } = setUp();
    add('a');
    await answer(503, retryAfter('3600'));
    expect(time.timers).toBe(1);
    expect(time.keepingAlive).toBe(0);
  });
});

describe('Retry-After', () => {
  const inAnHour = new Date(1_700_000_000_000 + 1_000 + 90_000).toUTCString();

  test.each([
    ['30', 30_000],
    [inAnHour, 90_000],
    ['1000000000', HOUR],
    ['0', 500],
    ['-1', 500],
    ['1e9', 500],
    ['soon', 500],
    ['x 2099', 500],
    ['Tue, 15 Nov 1994 08:12:31 GMT', 500],
    ['', 500],
  ])('%j: nothing is asked before %i ms', async (value, wait) => {
    const { add, answer, sender, time } = setUp();
    add('a');
    await answer(503, retryAfter(value));
    await time.pass(wait - 1);
    expect(sender.requests).toHaveLength(1);
    await time.pass(1);
    expect(sender.requests).toHaveLength(2);
  });

  test('that is shorter than the backoff does not shorten it', async () => {
    const { add, answer, sender, time } = setUp();
    time.chance = 0.99;
    add('a');
    await answer(429, retryAfter('0'));
    await time.pass(980);
    expect(sender.requests).toHaveLength(1);
  });

  test('holds even if someone waits for a flush', async () => {
    const { add, answer, sender, time, shipper } = setUp();
    add('a');
    await answer(503, retryAfter('30'));
    const flush = shipper.flush({ timeoutMillis: 10_000 });
    add('b');
    await time.pass(10_000);
    await expect(flush).resolves.toBe(false);
    expect(sender.requests).toHaveLength(1);
    // Nothing is left that would keep a process alive for the rest of the wait.
    expect(time.keepingAlive).toBe(0);
    await time.pass(20_000);
    expect(sender.requests).toHaveLength(2);
  });

  test('holds if another request fails meanwhile without one', async () => {
    const { add, answer, sender, time, shipper } = setUp({ concurrency: 2 });
    add('a');
    add('b');
    await answer(503, retryAfter('30'));
    await answer(503);
    void shipper.flush({ timeoutMillis: 5_000 });
    await time.pass(29_999);
    expect(sender.requests).toHaveLength(2);
    await time.pass(1);
    expect(sender.requests).toHaveLength(3);
  });

  test('holds if another request succeeds meanwhile', async () => {
    const { add, answer, sender, time } = setUp({ concurrency: 2 });
    add('a');
    add('b');
    await answer(503, retryAfter('30'));
    await answer(200);
    add('c');
    await time.pass(29_999);
    expect(sender.requests).toHaveLength(2);
  });
});

describe('flush', () => {
  test('ten callers wait for the same batches, and all are told', async () => {
    const { add, answer, shipper, sender } = setUp();
    add('a');
    add('b');
    const flushes = Array.from({ length: 10 }, () => shipper.flush());
    await answer(200);
    expect(sender.open).toHaveLength(1);
    await answer(200);
    await expect(Promise.all(flushes)).resolves.toEqual(Array(10).fill(true));
  });

  test('waits for what was held when it was called, not for what comes after', async () => {
    const { add, answer, shipper, sender, queue } = setUp({ concurrency: 1 });
    add('a');
    const flush = shipper.flush();
    add('later');
    await answer(200);
    await expect(flush).resolves.toBe(true);
    expect(sender.open.map(({ ids }) => ids)).toEqual([['later']]);
    expect(queue.records).toBe(1);
  });

  describe('unless the destination is down', () => {
    const started = () => {
      const { shipper, add, ...rest } = setUp({ concurrency: 2 });
      add('a');
      add('b');
      let reached: boolean | undefined;
      const flush = (timeoutMillis = 60_000) =>
        void shipper.flush({ timeoutMillis, unlessDown: true }).then((answer) => (reached = answer));
      return { ...rest, shipper, add, flush, reached: () => reached };
    };
    const refuse = async ({ open }: ScriptedSender): Promise<void> => {
      for (const asked of [...open]) asked.fail('ECONNREFUSED');
      await settled();
    };

    test('which it is when two tries in a row got no answer, the second of them now', async () => {
      const { sender, flush, reached, account, time } = started();
      await refuse(sender);
      flush();
      await settled();
      expect(reached()).toBeUndefined();
      await refuse(sender);
      expect(reached()).toBe(false);
      expect(account().pending).toBe(2);
      expect(time.keepingAlive).toBe(0);
    });

    test('and not after one: connections may break', async () => {
      const { sender, flush, reached, time } = started();
      flush();
      await refuse(sender);
      expect(reached()).toBeUndefined();
      sender.script = () => 200;
      await time.pass(1_000);
      expect(reached()).toBe(true);
    });

    test('nor for what was before: it is asked once more', async () => {
      const { sender, flush, reached, time, answer } = started();
      await refuse(sender);
      await time.pass(1_000);
      await refuse(sender);
      flush();
      await settled();
      expect(reached()).toBeUndefined();
      await answer(200);
      await answer(200);
      await answer(200);
      expect(reached()).toBe(true);
    });

    test('nor while it answers, whatever it says', async () => {
      const { sender, flush, reached, time } = started();
      sender.script = () => 503;
      for (const asked of [...sender.open]) asked.answer(503);
      flush();
      await time.pass(30_000);
      expect(reached()).toBeUndefined();
      await time.pass(30_000);
      expect(reached()).toBe(false);
    });

    test('but if it wants to be left alone until after the deadline, waiting is in vain', async () => {
      const { answer, flush, reached } = started();
      await answer(503, retryAfter('120'));
      flush();
      await settled();
      expect(reached()).toBe(false);
    });
  });

  test('waits for the oldest batch though newer ones are through', async () => {
    const { add, answer, shipper, sender, time } = setUp({ concurrency: 2 });
    add('slow');
    add('fast');
    const flush = shipper.flush({ timeoutMillis: 100 });
    sender.open[1]?.answer(200);
    await settled();
    await time.pass(100);
    await expect(flush).resolves.toBe(false);
    await answer(200);
    await expect(shipper.flush()).resolves.toBe(true);
  });

  test('is told when a split batch is through', async () => {
    const { add, answer, shipper } = setUp({ concurrency: 1 });
    add('a', 'b');
    const flush = shipper.flush();
    await answer(413);
    await answer(200);
    await answer(200);
    await expect(flush).resolves.toBe(true);
  });

  test('is told when the batch it waits for is pushed out of the queue', async () => {
    const { add, answer, shipper, account } = setUp({ maxBytes: 150 });
    add('a');
    await answer(503);
    const flush = shipper.flush();
    await answer(503);
    add('b');
    add('c');
    expect(account().dropped).toEqual({ queue_full: 2 });
    await expect(flush).resolves.toBe(true);
  });

  test('cuts a backoff short, and asks once however many ask for it', async () => {
    const { add, answer, shipper, sender } = setUp();
    add('a');
    await answer(503);
    const flushes = [shipper.flush(), shipper.flush(), shipper.flush()];
    expect(sender.requests).toHaveLength(2);
    await answer(200);
    await expect(Promise.all(flushes)).resolves.toEqual([true, true, true]);
  });

  test('with nothing held is done at once and leaves no timer', async () => {
    const { shipper, time } = setUp();
    await expect(shipper.flush()).resolves.toBe(true);
    expect(time.timers).toBe(0);
  });

  test('that gave up is forgotten', async () => {
    const { add, shipper, time } = setUp();
    add('a');
    const flush = shipper.flush({ timeoutMillis: 50 });
    await time.pass(50);
    await expect(flush).resolves.toBe(false);
    expect(time.timers).toBe(0);
  });

  test('that gave up is not asked after any more', async () => {
    const { add, shipper, time, queue } = setUp();
    let looks = 0;
    const { oldest } = Object.getOwnPropertyDescriptors(BatchQueue.prototype);
    Object.defineProperty(queue, 'oldest', {
      get() {
        looks++;
        return oldest.get?.call(queue);
      },
    });
    add('a');
    const flushes = Array.from({ length: 100 }, () => shipper.flush({ timeoutMillis: 50 }));
    await time.pass(50);
    await Promise.all(flushes);
    looks = 0;
    add('b');
    expect(looks).toBe(0);
  });

  test('takes a deadline that no timer can hold', async () => {
    const { add, answer, shipper, time } = setUp();
    add('a');
    const flush = shipper.flush({ timeoutMillis: Number.POSITIVE_INFINITY });
    expect(time.next).toBe(2 ** 31 - 1);
    await answer(200);
    await expect(flush).resolves.toBe(true);
  });
});

describe('abandon', () => {
  test('gives up what waits and what is under way, once', async () => {
    const { add, shipper, sender, account, time } = setUp({ concurrency: 1 });
    add('under way');
    add('waits', 'waits too');
    const flush = shipper.flush();
    shipper.abandon('shutdown_deadline');
    await expect(flush).resolves.toBe(true);
    expect(account()).toEqual({
      accepted: 3,
      delivered: 0,
      rejected: 0,
      dropped: { shutdown_deadline: 3 },
      pending: 0,
    });
    await time.pass(HOUR);
    expect(sender.closed).toBe(true);
    expect(sender.requests).toHaveLength(1);
    expect(time.timers).toBe(0);
    expect(account().dropped).toEqual({ shutdown_deadline: 3 });
  });

  test('during a wait leaves no timer', async () => {
    const { add, answer, shipper, account, time } = setUp();
    add('a');
    await answer(503);
    shipper.abandon('shutdown_deadline');
    expect(time.timers).toBe(0);
    expect(account().dropped).toEqual({ shutdown_deadline: 1 });
  });

  test.each([200, 400, 413, 503])('an answer %i that comes after it changes nothing', async (status) => {
    const { add, shipper, account, sender, time, queue } = setUp();
    add('a', 'b');
    const late = sender.open[0];
    sender.close = () => undefined;
    shipper.abandon('shutdown_deadline');
    late?.answer(status);
    await settled();
    expect(time.timers).toBe(0);
    await time.pass(HOUR);
    expect(account()).toEqual({
      accepted: 2,
      delivered: 0,
      rejected: 0,
      dropped: { shutdown_deadline: 2 },
      pending: 0,
    });
    expect([queue.waiting, time.timers, sender.requests.length]).toEqual([0, 0, 1]);
  });
});
