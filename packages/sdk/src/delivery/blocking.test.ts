import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ManualTime } from '../../../../test/delivery/manual-time.ts';
import { batchOf, idsIn } from '../../../../test/delivery/otlp-batches.ts';
import type { Answer } from './answer.ts';
import { Blocking } from './blocking.ts';
import { Ledger } from './ledger.ts';
import { OTLP } from './otlp-request.ts';
import { BatchQueue } from './queue.ts';
import { settle } from './settle.ts';

const size = batchOf([{ id: '1', bytes: 100 }]).body.length;
const answer = (status: number, more: Partial<Answer> = {}): Answer => ({ status, body: new Uint8Array(), ...more });

/** A queue of two batches and a bit, whose destination answers as `answers` says, and then not at all. */
function setUp(answers: (readonly number[] | ((bodies: readonly Uint8Array[]) => readonly Answer[]))[] = []) {
  const time = new ManualTime();
  const ledger = new Ledger();
  const sent: string[][] = [];
  const timeouts: number[] = [];
  const notices: string[] = [];
  let patience = 0;
  const queue: BatchQueue = new BatchQueue(2.5 * size, ledger, {
    overflow: 'block',
    relieve: () => blocking.relieve(),
  });
  const blocking = new Blocking({
    format: OTLP,
    queue,
    time,
    waitMillis: 30_000,
    timeoutMillis: 10_000,
    send(bodies, timeoutMillis) {
      sent.push(bodies.flatMap(idsIn));
      timeouts.push(timeoutMillis);
      const next = answers.shift() ?? [];
      return typeof next === 'function' ? next(bodies) : next.map((status) => answer(status));
    },
    settle: (batch, outcome) => settle(batch, outcome, ledger, (kind, message) => notices.push(`${kind}: ${message}`)),
    patienceMillis: () => Math.max(0, patience - time.millis),
    failed: (askedMillis) => {
      patience = time.millis + (askedMillis ?? 0);
    },
    notice: (message) => notices.push(message),
  });
  return {
    time,
    queue,
    sent,
    timeouts,
    notices,
    bePatient: (millis: number) => {
      patience = time.millis + millis;
    },
    push(...ids: string[]): void {
      for (const id of ids) {
        ledger.accepted++;
        queue.push(batchOf([{ id, bytes: 100 }]));
      }
    },
    pushByFlush(...ids: string[]): void {
      for (const id of ids) {
        ledger.accepted++;
        queue.push(batchOf([{ id, bytes: 100 }]), 'exceed');
      }
    },
    pushTogether(...ids: string[]): void {
      ledger.accepted += ids.length;
      queue.push(batchOf(ids.map((id) => ({ id, bytes: 200 }))));
    },
    account() {
      const account = ledger.account(queue.records);
      const dropped = Object.values(account.dropped).reduce((sum, count) => sum + count, 0);
      expect(account.delivered + account.rejected + dropped + account.pending).toBe(account.accepted);
      return account;
    },
  };
}

describe('a full queue', () => {
  test('is emptied, oldest first, before the call goes on', () => {
    const { push, sent, timeouts, account, time } = setUp([[200, 200, 200]]);
    push('1', '2');
    expect(sent).toEqual([]);
    push('3');
    expect(sent).toEqual([['1', '2', '3']]);
    expect(timeouts).toEqual([30_000]);
    expect(account()).toEqual({ accepted: 3, delivered: 3, rejected: 0, dropped: {}, pending: 0 });
    expect(time.millis).toBe(1_000);
  });

  test('leaves to the event loop what it has under way', () => {
    const { push, queue, sent, account } = setUp([[200, 200]]);
    push('1', '2');
    queue.take();
    push('3');
    expect(sent).toEqual([['2', '3']]);
    expect(account()).toMatchObject({ delivered: 2, pending: 1 });
  });

  test('does not wait for what is under way, however much that is', () => {
    const { pushByFlush, push, queue, sent, account } = setUp([[200]]);
    pushByFlush('1', '2', '3');
    for (let n = 0; n < 3; n++) queue.take();
    expect(sent).toEqual([]);
    push('4');
    expect(sent).toEqual([['4']]);
    expect(account()).toMatchObject({ delivered: 1, pending: 3, dropped: {} });
  });

  test('goes on as soon as there is room, though not all was delivered', () => {
    const { push, sent, account } = setUp([[200, 503]]);
    push('1', '2', '3');
    expect(sent).toHaveLength(1);
    expect(account()).toMatchObject({ delivered: 1, pending: 2, dropped: {} });
  });

  test('counts what is refused', () => {
    const { push, account, notices } = setUp([[200, 400, 200]]);
    push('1', '2', '3');
    expect(account()).toMatchObject({ delivered: 2, rejected: 1, dropped: {} });
    expect(notices).toEqual(['rejected: HTTP status 400 for 1 records']);
  });

  test('halves what is too large as one request', () => {
    const { pushTogether, sent, account, notices, time } = setUp([[413], [200, 200]]);
    pushTogether('a', 'b', 'c');
    expect(sent).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
    expect(account()).toMatchObject({ delivered: 3, pending: 0, dropped: {} });
    expect([notices, time.millis]).toEqual([[], 1_000]);
  });
});

describe('a destination that does not take them', () => {
  test('is asked again with the pauses it wants, and the call waits', () => {
    const { push, sent, account, time, notices } = setUp([
      [503],
      () => [answer(429, { retryAfter: '7' })],
      [200, 200, 200],
    ]);
    push('1', '2', '3');
    expect(sent).toHaveLength(3);
    // Half a second by chance, then what was asked for.
    expect(time.millis - 1_000).toBe(500 + 7_000);
    expect(account()).toMatchObject({ delivered: 3, dropped: {} });
    expect(notices[0]).toBe('HTTP status 503; a log call waits while 3 records are held');
  });

  test('and says why it gives no answer, is quoted', () => {
    const { push, notices } = setUp([() => [answer(0, { missing: 'ECONNREFUSED' })], [200, 200, 200]]);
    push('1', '2', '3');
    expect(notices).toEqual(['ECONNREFUSED; a log call waits while 3 records are held']);
  });

  test('is given the time of one request for each', () => {
    const { pushTogether, timeouts } = setUp([[200]]);
    pushTogether('1', '2', '3');
    expect(timeouts).toEqual([10_000]);
  });

  test('but took some before, is asked again as soon as the first time', () => {
    const { push, time, account } = setUp([[503], [503], [200, 200, 200], [503], [200, 200, 200]]);
    push('1', '2', '3');
    // Half of 1 s and half of 1.5 s.
    expect(time.millis - 1_000).toBe(500 + 750);
    push('4', '5', '6');
    expect(time.millis - 1_000).toBe(500 + 750 + 500);
    expect(account()).toMatchObject({ delivered: 6 });
  });

  test('is not asked before it wants to be', () => {
    const { push, time, bePatient, account } = setUp([[200, 200, 200]]);
    bePatient(4_000);
    push('1', '2', '3');
    expect(time.millis).toBe(5_000);
    expect(account()).toMatchObject({ delivered: 3 });
  });

  test('makes records go at the deadline, and is left alone for as long again', () => {
    const { push, sent, account, time } = setUp();
    push('1', '2', '3');
    expect(time.millis - 1_000).toBeLessThanOrEqual(30_000);
    expect(account()).toMatchObject({ delivered: 0, dropped: { queue_full: 1 }, pending: 2 });
    const tries = sent.length;
    const { millis } = time;
    push('4', '5');
    expect([sent.length, time.millis]).toEqual([tries, millis]);
    expect(account()).toMatchObject({ dropped: { queue_full: 3 } });
    time.sleepSync(30_001);
    push('6');
    expect(sent.length).toBeGreaterThan(tries);
  });
});

test('whatever is answered, the books balance, the bound holds, and the wait ends', () => {
  const status = fc.constantFrom(200, 400, 413, 429, 503);
  const answers = fc.array(fc.array(status, { maxLength: 4 }), { maxLength: 12 });
  const pushes = fc.array(fc.nat(3), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(answers, pushes, (script, counts) => {
      const { push, queue, account, time } = setUp(script);
      let id = 0;
      for (const count of counts) {
        const before = time.millis;
        push(...Array.from({ length: count }, () => String(id++)));
        expect(queue.bytes).toBeLessThanOrEqual(2.5 * size);
        expect(time.millis - before).toBeLessThanOrEqual(30_000 * Math.max(1, count));
        account();
      }
    }),
    { numRuns: 100 },
  );
});
