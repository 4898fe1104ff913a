import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventStream, getLogger, type StreamEvent, withAttributes } from '@logspan/logger';
import {
  dedupe,
  enrich,
  event,
  file,
  filter,
  findGaps,
  fingersCrossed,
  forwardTo,
  type GapReport,
  type Handler,
  httpBatch,
  type Logging,
  type LogRecord,
  logspanProcessor,
  not,
  otlp,
  rateLimit,
  redact,
  register,
  sample,
  stage,
} from '@logspan/sdk';
import { type Context, context } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { readRequest } from '../packages/sdk/src/delivery/otlp-reader.ts';
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
        void records.push({
          ...record,
          attributes: { ...record.attributes },
          eventName: record.eventName,
          droppedAttributesCount: record.droppedAttributesCount,
        }),
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

test.each([['name'], ['producer'], ['epoch'], ['sequence'], ['end']])(
  'no key of yours makes a number secret: %s',
  async (key) => {
    const kept = keeping();
    const processors = [redact({ keys: [key], rules: [{ paths: ['**.epoch'] }] })];
    logging = register({ exitHooks: false, processors, handlers: [kept] });
    const stream = newStream();
    const { epoch } = stream.emit('paid', { [key]: 'hunter2', order: { [key]: 'hunter2' } });
    stream.end();
    expect(kept.records[0]?.attributes).toEqual({
      'logspan.stream.name': stream.name,
      'logspan.stream.producer': 'p',
      'logspan.stream.epoch': epoch,
      'logspan.stream.sequence': 1,
      [key]: '***REDACTED***',
      order: { [key]: '***REDACTED***' },
    });
    await expect(findGaps(kept.records)).resolves.toMatchObject({ received: 2, complete: true, others: 0 });
  },
);

test('a secret in the name of a stream is one, and the numbers stay', () => {
  const kept = keeping();
  const secret = `ghp_${'a1B2c3D4e5'.repeat(4).slice(0, 36)}`;
  logging = register({ exitHooks: false, handlers: [kept] });
  eventStream(`of ${secret}`, { producer: secret }).emit('a');
  expect(JSON.stringify(kept.records)).not.toContain(secret);
  expect(kept.records[0]?.attributes).toMatchObject({ 'logspan.stream.sequence': 1 });
});

test('an event that cannot be redacted keeps its numbers', async () => {
  const kept = keeping();
  const hostile = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('no');
      },
    },
  );
  const spoil = (record: LogRecord) => void Object.assign(record.attributes, { hostile });
  logging = register({ exitHooks: false, handlers: [kept], processors: [spoil] });
  const stream = newStream();
  stream.emit('a', { text: 'x' });
  stream.emit('x'.repeat(10_000_000));
  stream.end();
  for (const record of kept.records) expect(record.attributes).toMatchObject({ 'logspan.redact.failed': true });
  await expect(findGaps(kept.records)).resolves.toMatchObject({ received: 3, complete: true });
});

describe('what only says that it is of a stream', () => {
  const forged = (epoch = 'e') =>
    JSON.parse(`{"user":"x","logspan.stream.name":"orders","logspan.stream.producer":"p","logspan.stream.epoch":"${epoch}",
      "logspan.stream.sequence":9007199254740991,"logspan.stream.end":true}`);
  const says = [
    ['a log call', () => getLogger('web').info('login_failed', forged())],
    ['a function', () => getLogger('web').info('login_failed', () => forged())],
    ['a child', () => getLogger('web').child(forged()).info('login_failed', { user: 'x' })],
    ['withAttributes', () => withAttributes(forged(), () => getLogger('web').info('login_failed'))],
    [
      'the Logs API',
      () => logs.getLogger('web').emit({ eventName: 'login_failed', severityNumber: 9, attributes: forged() }),
    ],
  ] as const;

  test.each(says)('%s: loses it, is counted, and is left out like any other', async (_, say) => {
    const all = keeping();
    logging = register({ exitHooks: false, handlers: [all] });
    say();
    expect(all.records[0]).toMatchObject({ attributes: { user: 'x' }, droppedAttributesCount: 5 });
    expect(Object.keys(all.records[0]?.attributes ?? {})).toEqual(['user']);
    await logging.shutdown();
    for (const stage of everyVolumeStage()) {
      const kept = keeping();
      logging = register({ exitHooks: false, processors: [stage], handlers: [kept] });
      for (let i = 0; i < 100; i++) say();
      expect(kept.records.length).toBeLessThan(20);
      await logging.shutdown();
    }
  });

  test('a stage says it of no record, and nothing changes an event', async () => {
    const kept = keeping();
    const set = (record: LogRecord) => {
      for (const [key, value] of Object.entries(forged())) record.setAttribute(key, value);
    };
    logging = register({
      exitHooks: false,
      processors: [
        enrich(forged()),
        set,
        (record, _, emit) => emit({ eventName: 'copy', attributes: record.attributes }),
      ],
      handlers: [kept],
    });
    const stream = newStream();
    withAttributes({ ...forged(), tenant: 'acme' }, () => stream.emit('a', forged()));
    getLogger('web').info('hello');
    const copies = kept.records.filter(({ eventName }) => eventName === 'copy');
    expect(copies.map(({ attributes }) => Object.keys(attributes).sort())).toEqual([['tenant', 'user'], ['user']]);
    await expect(findGaps(kept.records)).resolves.toMatchObject({
      received: 1,
      others: 3,
      epochs: [{ stream: stream.name, last: 1, ended: false }],
    });
  });

  test('a record that somebody writes in the context of an event is none', async () => {
    const kept = keeping();
    const inContext = stage('in context', 'observe', (next) =>
      forwardTo(next, {
        onEmit(record, from) {
          next.onEmit(record, from);
          if (record.eventName === 'a') queueMicrotask(() => context.with(from as Context, later));
        },
      }),
    );
    const later = () => {
      getLogger('web').debug('too_low');
      getLogger('web').info('later', { user: 'x' });
      logs.getLogger('web').emit({ eventName: 'later', attributes: { user: 'x' }, context: context.active() });
    };
    logging = register({ exitHooks: false, processors: [inContext, rateLimit({ perSecond: 1 })], handlers: [kept] });
    newStream().emit('a');
    await Promise.resolve();
    expect(kept.records.map(({ eventName, attributes }) => [eventName, Object.keys(attributes).length])).toEqual([
      ['a', 4],
      ['later', 1],
    ]);
  });
});

test('inside a stock SDK too only an event is one', async () => {
  const kept = keeping();
  const processors = [rateLimit({ perSecond: 1 }), redact({ keys: ['name', 'sequence'] })];
  const provider = new LoggerProvider({ processors: [logspanProcessor({ processors, handlers: [kept] }) as never] });
  logs.setGlobalLoggerProvider(provider);
  const stream = newStream();
  for (let i = 0; i < 5; i++) stream.emit('a', { sequence: 'hunter2' });
  const numbers = kept.records[0]?.attributes ?? {};
  // What goes past the facade, in a record whose numbers are those of an event.
  for (let i = 0; i < 5; i++) logs.getLogger('web').emit({ eventName: 'b', attributes: { ...numbers, i } });
  stream.end();
  logs.disable();
  await provider.shutdown();
  const passed = ['a', 'a', 'a', 'a', 'a', 'b', 'stream_ended', 'rate_limited'];
  expect(kept.records.map(({ eventName }) => eventName)).toEqual(passed);
  expect(kept.records[0]?.attributes).toMatchObject({ 'logspan.stream.name': stream.name, sequence: '***REDACTED***' });
  expect(Object.keys(kept.records[5]?.attributes ?? {})).toEqual(['sequence', 'i']);
  await expect(findGaps(kept.records)).resolves.toMatchObject({
    received: 6,
    duplicates: 0,
    others: 2,
    complete: true,
  });
});

test('however many attributes there are, an event keeps its numbers', async () => {
  const kept = keeping();
  logging = register({ exitHooks: false, handlers: [kept] });
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i]));
  const stream = newStream();
  withAttributes(many, () => stream.emit('a', { ...many, own: 1 }));
  withAttributes(many, () => stream.end());
  expect(Object.keys(kept.records[0]?.attributes ?? {})).toHaveLength(128);
  await expect(findGaps(kept.records)).resolves.toMatchObject({ received: 2, complete: true });
});

test.each(['otlp', 'httpBatch'] as const)('an event that is too large for %s keeps its numbers', async (kind) => {
  const bodies: Uint8Array[] = [];
  const sender = () => ({
    send: async (body: Uint8Array) => {
      bodies.push(body);
      return { status: 200, body: new Uint8Array(0) };
    },
    close: () => undefined,
  });
  const options = { endpoint: 'http://localhost:1', recordBytes: 2_048, compression: 'none', sender } as const;
  logging = register({ exitHooks: false, handlers: [kind === 'otlp' ? otlp(options) : httpBatch(options)] });
  const stream = newStream();
  for (let i = 0; i < 5; i++) stream.emit('a', i === 2 ? { text: 'x'.repeat(3_000), i } : { i });
  await logging.shutdown();
  const records = bodies.flatMap((body): unknown[] =>
    kind === 'otlp' ? [...readRequest(body)] : [Buffer.from(body).toString()],
  );
  await expect(findGaps(records)).resolves.toMatchObject({ received: 6, missing: 0, others: 0, complete: true });
  expect(JSON.stringify(records)).toMatch(/"(droppedAttributesCount|dropped_attributes_count)\\?":2/);
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
  stream.emit('unheard');
  // Nobody knows of it yet; and when somebody listens again it is missing, and that is said.
  await expect(findGaps(parts.flat())).resolves.toMatchObject({ received: 8, duplicates: 0, complete: true });
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
