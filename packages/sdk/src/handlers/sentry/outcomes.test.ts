import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Ledger } from '../../delivery/ledger.ts';
import { Outcomes } from './outcomes.ts';
import type { SentryClient } from './sentry-sdk.ts';

type Hook = (event: { event_id: string }, answer?: unknown) => void;

/** A client that does what it is told, to one event at a time. */
class ScriptedClient implements SentryClient {
  readonly hooks: Record<string, Hook[]> = {};
  flushed = true;

  on(hook: string, callback: Hook): () => void {
    this.hooks[hook] = [...(this.hooks[hook] ?? []), callback];
    return () => {
      this.hooks[hook] = this.hooks[hook]?.filter((other) => other !== callback) ?? [];
    };
  }

  tell(hook: string, id: string, answer?: unknown): void {
    for (const callback of this.hooks[hook] ?? []) callback({ event_id: id }, answer);
  }

  getOptions = () => ({});
  flush = async () => this.flushed;
}

/** What a client may do with an event while it is given, and at any time later. */
const inCapture = fc.constantFrom('nothing', 'prepare', 'send', 'answer at once', 'throw', 'throw after all');
const step = fc.oneof(
  fc.record({ do: fc.constant('give' as const), how: inCapture }),
  fc.record({
    do: fc.constant('hear' as const),
    hook: fc.constantFrom('preprocessEvent', 'beforeSendEvent'),
    of: fc.nat(20),
  }),
  fc.record({
    do: fc.constant('answer' as const),
    of: fc.nat(20),
    status: fc.constantFrom(200, 202, 400, 429, undefined),
  }),
  fc.record({ do: fc.constant('wait' as const), millis: fc.nat(12_000) }),
  fc.record({ do: fc.constant('settle' as const), flushed: fc.boolean() }),
);

test('the account is exact whatever a client does, and in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      let now = 0;
      const ledger = new Ledger();
      const outcomes = new Outcomes(ledger, () => now);
      const client = new ScriptedClient();
      let given = 0;
      for (const each of steps) {
        if (each.do === 'give') {
          const id = String(given++);
          ledger.accepted++;
          try {
            outcomes.give(id, client, () => {
              if (each.how === 'throw') throw new Error('no');
              if (each.how === 'nothing') return;
              client.tell('preprocessEvent', id);
              if (each.how === 'prepare') return;
              client.tell('beforeSendEvent', id);
              if (each.how === 'send') return;
              client.tell('afterSendEvent', id, { statusCode: 200 });
              if (each.how === 'throw after all') throw new Error('too late');
            });
          } catch {
            ledger.drop('export_failed', 1);
          }
        } else if (each.do === 'hear') client.tell(each.hook, String(each.of));
        else if (each.do === 'answer') client.tell('afterSendEvent', String(each.of), { statusCode: each.status });
        else if (each.do === 'wait') now += each.millis;
        else {
          client.flushed = each.flushed;
          const settled = await outcomes.settle(10);
          if (each.flushed) expect([settled, outcomes.pending]).toEqual([true, 0]);
        }
        const { pending } = outcomes;
        const { accepted, delivered, rejected, dropped } = ledger.account(pending);
        const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
        expect(accepted).toBe(delivered + rejected + lost + pending);
      }
      const before = ledger.account(outcomes.pending);
      outcomes.giveUp('process_exit');
      outcomes.end();
      for (let id = 0; id < given; id++) client.tell('afterSendEvent', String(id), { statusCode: 200 });
      expect(outcomes.pending).toBe(0);
      expect(ledger.delivered).toBe(before.delivered);
    }),
  );
});

test('what is on its way is not given up after ten seconds, what is prepared is', () => {
  let now = 0;
  const ledger = new Ledger();
  const outcomes = new Outcomes(ledger, () => now);
  const client = new ScriptedClient();
  for (const hook of ['beforeSendEvent', 'preprocessEvent']) {
    outcomes.give(hook, client, () => client.tell(hook, hook));
  }
  now = 9_999;
  expect(outcomes.pending).toBe(2);
  now = 10_000;
  expect(outcomes.pending).toBe(1);
  client.tell('afterSendEvent', 'beforeSendEvent', { statusCode: 200 });
  expect(ledger.account(outcomes.pending)).toMatchObject({ delivered: 1, dropped: { not_sent: 1 }, pending: 0 });
});

test('a client that is asked again and again is listened to once, and not at all in the end', () => {
  const outcomes = new Outcomes(new Ledger(), () => 0);
  const client = new ScriptedClient();
  for (let i = 0; i < 3; i++) outcomes.give(String(i), client, () => client.tell('preprocessEvent', String(i)));
  expect(Object.values(client.hooks).map((hooks) => hooks.length)).toEqual([1, 1, 1]);
  outcomes.end();
  expect(Object.values(client.hooks).flat()).toEqual([]);
});

test('an answer that is told a little after the flush is heard', async () => {
  const ledger = new Ledger();
  const outcomes = new Outcomes(ledger, () => 0);
  const client = new ScriptedClient();
  outcomes.give('a', client, () => client.tell('beforeSendEvent', 'a'));
  client.flush = async () => {
    process.nextTick(() => client.tell('afterSendEvent', 'a', { statusCode: 200 }));
    return true;
  };
  expect(await outcomes.settle(10)).toBe(true);
  expect(ledger.account(outcomes.pending)).toMatchObject({ delivered: 1, dropped: {}, pending: 0 });
});
