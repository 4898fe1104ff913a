import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventStream, getLogger, type StreamEvent, withAttributes } from '@logspan/logger';
import {
  dedupe,
  event,
  file,
  filter,
  findGaps,
  fingersCrossed,
  type GapReport,
  type Handler,
  type Logging,
  type LogRecord,
  not,
  rateLimit,
  redact,
  register,
  sample,
} from '@logspan/sdk';
import { run } from './delivery/child.ts';
import { FakeCollector } from './delivery/fake-collector.ts';
import type { Received } from './delivery/otlp-batches.ts';

let logging: Logging;
afterEach(async () => {
  await logging?.shutdown();
});

/** A stream that no other test has: the numbers of a process go on. */
let streams = 0;
const newStream = () => eventStream(`stream-${streams++}`, { producer: 'p' });

/** A handler that keeps what it is given. */
function keeping(): Handler & { readonly records: LogRecord[] } {
  const records: LogRecord[] = [];
  return {
    name: 'kept',
    records,
    start: () => ({
      onEmit: (record) =>
        void records.push({ ...record, attributes: { ...record.attributes }, eventName: record.eventName }),
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
      deliveryAccount: () => ({
        accepted: records.length,
        delivered: records.length,
        rejected: 0,
        dropped: {},
        pending: 0,
      }),
    }),
  };
}

const everyVolumeStage = () => [
  sample({ ratio: 0 }),
  rateLimit({ perSecond: 1 }),
  dedupe(),
  fingersCrossed({ key: () => 'all' }),
];

test('nothing leaves an event out to save volume, and no level does', async () => {
  const kept = keeping();
  logging = register({ exitHooks: false, level: 'error', processors: everyVolumeStage(), handlers: [kept] });
  const stream = newStream();
  for (let i = 0; i < 100; i++) stream.emit('order_created', { same: true });
  for (let i = 0; i < 100; i++) getLogger('shop').info('order_seen');
  logging.setLevel('info');
  for (let i = 0; i < 100; i++) getLogger('shop').info('order_seen');
  expect(kept.records).toHaveLength(100);
  stream.end();
  await expect(findGaps(kept.records)).resolves.toMatchObject({ received: 101, duplicates: 0, complete: true });
});

test('each of these stages alone lets events pass, and leaves out what is none', async () => {
  for (const stage of everyVolumeStage()) {
    const kept = keeping();
    logging = register({ exitHooks: false, processors: [stage], handlers: [kept] });
    const stream = newStream();
    for (let i = 0; i < 20; i++) stream.emit('order_created');
    for (let i = 0; i < 20; i++) getLogger('shop').info('order_seen');
    const seen = kept.records.filter(({ eventName }) => eventName === 'order_seen');
    expect(kept.records.length - seen.length).toBe(20);
    expect(seen.length).toBeLessThan(20);
    await logging.shutdown();
  }
});

test('data is redacted wherever the secret is, and the numbers are not', async () => {
  const kept = keeping();
  logging = register({ exitHooks: false, processors: [redact({ keys: ['iban'] })], handlers: [kept] });
  const stream = newStream();
  for (let i = 0; i < 500; i++) {
    stream.emit('paid', { password: 'hunter2', order: { iban: 'hunter2', lines: [{ apiKey: 'hunter2' }] }, total: 1 });
  }
  expect(JSON.stringify(kept.records)).not.toContain('hunter2');
  expect(kept.records[0]?.attributes).toMatchObject({
    password: '***REDACTED***',
    order: { iban: '***REDACTED***', lines: [{ apiKey: '***REDACTED***' }] },
    total: 1,
  });
  stream.end();
  await expect(findGaps(kept.records)).resolves.toMatchObject({ received: 501, complete: true });
});

test('what a filter stops is a gap', async () => {
  const kept = keeping();
  logging = register({ exitHooks: false, processors: [filter(not(event('order_hidden')))], handlers: [kept] });
  const stream = newStream();
  for (const type of ['a', 'order_hidden', 'order_hidden', 'b', 'order_hidden', 'c']) stream.emit(type);
  await expect(findGaps(kept.records)).resolves.toMatchObject({
    missing: 3,
    epochs: [
      {
        gaps: [
          { from: 2, to: 3 },
          { from: 5, to: 5 },
        ],
        ended: false,
      },
    ],
  });
});

test('an event has the attributes of its context, and its data under their own names', () => {
  const kept = keeping();
  logging = register({ exitHooks: false, handlers: [kept] });
  withAttributes({ tenant: 'acme' }, () => newStream().emit('order_created', { orderId: 1 }));
  expect(kept.records[0]).toMatchObject({
    eventName: 'order_created',
    attributes: { tenant: 'acme', orderId: 1, 'logspan.stream.sequence': 1 },
  });
});

test('a shutdown writes the end marks, and what starts after it goes on counting', async () => {
  const stream = newStream();
  const parts: LogRecord[][] = [];
  for (let round = 0; round < 2; round++) {
    const kept = keeping();
    logging = register({ exitHooks: false, handlers: [kept] });
    for (let i = 0; i < 3; i++) stream.emit('a');
    await logging.shutdown();
    parts.push(kept.records.filter(({ instrumentationScope }) => instrumentationScope.name === stream.name));
  }
  for (const part of parts) expect(part.at(-1)).toMatchObject({ eventName: 'stream_ended' });
  await expect(findGaps(parts.flat())).resolves.toMatchObject({ received: 8, duplicates: 0, complete: true });
  // What comes while nobody listens is missing, and that is said.
  stream.emit('unheard');
  const kept = keeping();
  logging = register({ exitHooks: false, handlers: [kept] });
  stream.emit('heard');
  await expect(findGaps([...parts.flat(), ...kept.records])).resolves.toMatchObject({
    missing: 1,
    epochs: [{ gaps: [{ from: 9, to: 9 }], ended: false }],
  });
});

test.each(['ndjson', 'otlp'] as const)('the lines of a file in %s are read as they are', async (format) => {
  const folder = mkdtempSync(join(tmpdir(), 'logspan-stream-'));
  const path = join(folder, 'events.log');
  logging = register({ exitHooks: false, handlers: [file(path, { format })] });
  const stream = newStream();
  for (let i = 0; i < 10; i++) stream.emit('order_created', { i });
  getLogger('shop').info('no_event_of_a_stream');
  await logging.shutdown();
  const report = await findGaps(readFileSync(path, 'utf8').split('\n'));
  const own = report.epochs.find((epoch) => epoch.stream === stream.name);
  expect(own).toMatchObject({ received: 11, missing: 0, ended: true });
  expect(report).toMatchObject({ others: 1, unreadable: 0 });
  rmSync(folder, { recursive: true });
});

describe('a process', () => {
  const ended = async (ending: string): Promise<{ told: StreamEvent[]; records: Received[]; report: GapReport }> => {
    const collector = await new FakeCollector().start();
    const told: StreamEvent[] = [];
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
    await run(['event-stream.mjs', 'checkout-1', ending], env, (line, child) => {
      if (line === 'ready') child.kill('SIGKILL');
      else if (line.startsWith('{')) told.push(JSON.parse(line));
    });
    await collector.stop();
    return { told, records: collector.records, report: await findGaps(collector.records) };
  };
  const ids = (from: number, to: number) => ({ gaps: [{ from, to }] });

  test.each(['natural', 'process.exit', 'throw', 'shutdown'])(
    'that ends by itself (%s) says where its stream ends, and what was lost is known',
    async (ending) => {
      const { told, report } = await ended(ending);
      expect(told.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
      expect(report.epochs).toMatchObject([
        {
          stream: 'orders',
          producer: 'checkout-1',
          last: 31,
          received: 29,
          duplicates: 0,
          ended: true,
          ...ids(14, 15),
        },
      ]);
    },
  );

  test('that is killed and started again: exactly what is missing is found', async () => {
    const first = await ended('killed');
    const second = await ended('natural');
    expect(first.told).toHaveLength(35);
    // In any order, and some of it twice.
    const received = [...second.records, ...[...first.records].reverse(), ...first.records.slice(5, 9)];
    const report = await findGaps(received);
    const epochs = [first, second].map(({ told }) => told[0]?.epoch);
    expect(report.epochs).toMatchObject([
      { epoch: epochs[0], last: 30, duplicates: 4, ended: false, followedBy: epochs[1], ...ids(14, 15) },
      { epoch: epochs[1], last: 31, duplicates: 0, ended: true, ...ids(14, 15) },
    ]);
    // What was told and did not arrive is in the gaps, or behind the last number of the epoch that did not end.
    const arrived = new Set(
      received.map(({ attributes: of }) => `${of['logspan.stream.epoch']}/${of['logspan.stream.sequence']}`),
    );
    const lost = [...first.told, ...second.told].filter(({ epoch, sequence }) => !arrived.has(`${epoch}/${sequence}`));
    for (const { epoch, sequence } of lost) {
      const of = report.epochs.find((it) => it.epoch === epoch);
      const inGap = of?.gaps.some(({ from, to }) => from <= sequence && sequence <= to);
      expect(inGap || (of?.ended === false && sequence > of.last)).toBe(true);
    }
    expect(lost).toHaveLength(2 + 5 + 2);
    expect(report).toMatchObject({ missing: 4, complete: false });
  });
});
