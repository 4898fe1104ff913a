import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { type Logging, type LoggingStats, type OtlpOptions, otlp, register } from '@logspan/sdk';
import { context, DiagLogLevel, diag } from '@opentelemetry/api';
import fc from 'fast-check';
import { FakeCollector, type Reaction } from './delivery/fake-collector.ts';
import { hurriedTime } from './delivery/hurried-time.ts';
import { partialSuccess, rejectedIn } from './delivery/official-schema.ts';

const logger = getLogger('orders');
/** Faster than real time: a Retry-After of one second holds for 20 ms. */
const HURRY = 50;

/** The two equations that hold whenever someone looks. */
function expectBalance({ handlers, pipeline, ...sum }: LoggingStats): void {
  const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);
  for (const account of [sum, ...Object.values(handlers)]) {
    expect(account.delivered + account.rejected + total(account.dropped) + account.pending).toBe(account.accepted);
  }
  expect(pipeline.passed + total(pipeline.dropped)).toBe(pipeline.emitted);
}

let collector: FakeCollector;
let logging: Logging;
let told: string[];

beforeEach(async () => {
  told = [];
  const tell = (...words: unknown[]) => void told.push(words.join(' '));
  const nothing = () => undefined;
  diag.setLogger({ error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing }, DiagLogLevel.WARN);
  collector = await new FakeCollector().start();
});

afterEach(async () => {
  await logging.shutdown({ timeoutMillis: 100 });
  expectBalance(logging.stats());
  expect(logging.stats().pending).toBe(0);
  await collector.stop();
  diag.disable();
  expect(told.join('\n')).not.toMatch(/hunter2|orders_placed/);
});

function start(options: OtlpOptions = {}): void {
  logging = register({
    exitHooks: false,
    handlers: [
      otlp({
        endpoint: collector.endpoint.replace('//', '//user:hunter2@'),
        headers: { 'x-api-key': 'hunter2' },
        batchRecords: 5,
        delayMillis: 1_000 * HURRY,
        timeoutMillis: 20_000,
        time: hurriedTime(HURRY),
        ...options,
      }),
    ],
  });
  collector.onRequest = () => expectBalance(logging.stats());
}

const attributesOf = (id: string) => ({ id, n: id.length, nested: { list: [1, 'zwei', true] }, text: `naïve ☃ ${id}` });

function write(count: number, prefix = ''): string[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `${prefix}${index}`;
    logger.info('orders_placed', attributesOf(id));
    expectBalance(logging.stats());
    return id;
  });
}

const sorted = (ids: readonly string[]) => [...ids].sort();
/** The ids in requests with this reaction. */
const idsWith = (wanted: (reaction: Reaction) => boolean) =>
  collector.requests
    .filter(({ reaction }) => wanted(reaction))
    .flatMap(({ records = [] }) => records.map(({ id }) => id));
const isTaken = (reaction: Reaction) => typeof reaction === 'object' && reaction.status < 300;

/** Everything that arrived is what was written. */
function expectUnaltered(): void {
  for (const record of collector.records) {
    expect(record.attributes).toEqual(attributesOf(record.id));
    expect(record).toMatchObject({
      severityNumber: 9,
      severityText: 'INFO',
      eventName: 'orders_placed',
      body: 'orders_placed',
    });
  }
}

const sum = ({ accepted, delivered, rejected, dropped, pending }: LoggingStats) => ({
  accepted,
  delivered,
  rejected,
  dropped,
  pending,
});

describe('a collector that comes round: everything arrives, exactly once', () => {
  const retryAfter = (seconds: string) => ({ headers: { 'retry-after': seconds } });
  test.each<[string, Reaction[]]>([
    ['429', [{ status: 429 }]],
    ['429 with Retry-After', [{ status: 429, ...retryAfter('2') }]],
    ['503 with Retry-After', [{ status: 503, ...retryAfter('1') }]],
    ['503 with Retry-After that means nothing', [{ status: 503, ...retryAfter('-1') }]],
    ['502, 503, 504 in turn', [{ status: 502 }, { status: 503 }, { status: 504 }]],
    ['a broken connection before it has read', ['reset before body']],
    ['another protocol', ['garbage']],
    ['413 until the batch is small', [{ status: 413 }, { status: 413 }, { status: 413 }, { status: 200 }]],
    [
      'all of it',
      [{ status: 503 }, 'reset before body', 'garbage', { status: 413 }, { status: 429, ...retryAfter('1') }],
    ],
  ])('%s', async (_, script) => {
    start();
    collector.script = [...script];
    const ids = write(23);
    await expect(logging.forceFlush({ timeoutMillis: 5_000 * HURRY })).resolves.toBe(true);
    expect(sum(logging.stats())).toEqual({ accepted: 23, delivered: 23, rejected: 0, dropped: {}, pending: 0 });
    expect(sorted(idsWith(isTaken))).toEqual(sorted(ids));
    expectUnaltered();
  });

  test('is not there at first', async () => {
    await collector.stop();
    start();
    const ids = write(12);
    await expect(logging.forceFlush({ timeoutMillis: 5_000 })).resolves.toBe(false);
    expect(sum(logging.stats())).toEqual({ accepted: 12, delivered: 0, rejected: 0, dropped: {}, pending: 12 });
    expect(told.join()).toContain('retrying: ECONNREFUSED');
    await collector.start();
    await expect(logging.forceFlush({ timeoutMillis: 5_000 * HURRY })).resolves.toBe(true);
    expect(sorted(collector.records.map(({ id }) => id))).toEqual(sorted(ids));
    expectUnaltered();
  });

  test('Retry-After is kept to by requests and by a flush', async () => {
    start({ concurrency: 1 });
    collector.script = [{ status: 503, ...retryAfter('20') }];
    write(7);
    await expect(logging.forceFlush({ timeoutMillis: 5_000 * HURRY })).resolves.toBe(true);
    const [first, second] = collector.requests;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(20_000 / HURRY - 5);
  });
});

describe('a collector that breaks off: everything arrives, and only what it may have taken arrives twice', () => {
  test.each<[Reaction, number]>([
    ['reset after body', 5],
    ['reset mid-response', 5],
    // On a machine that is slow enough other requests take too long as well.
    ['never answers', 100],
    ['slow head', 100],
    // The status has arrived: it is the answer.
    ['truncated body', 0],
    ['slow body', 0],
  ])('%s', async (reaction, mostTwice) => {
    start({
      concurrency: 1,
      timeoutMillis: typeof reaction === 'string' && /never|slow/.test(reaction) ? 500 : 20_000,
    });
    collector.script = [reaction];
    const ids = write(12);
    await expect(logging.forceFlush({ timeoutMillis: 5_000 * HURRY })).resolves.toBe(true);
    expect(sum(logging.stats())).toEqual({ accepted: 12, delivered: 12, rejected: 0, dropped: {}, pending: 0 });
    const arrived = collector.records.map(({ id }) => id);
    expect(sorted([...new Set(arrived)])).toEqual(sorted(ids));
    expect(arrived.length).toBeLessThanOrEqual(12 + mostTwice);
    expectUnaltered();
  });

  test('never more connections than allowed, however it hangs', async () => {
    start({ concurrency: 2, timeoutMillis: 100 });
    collector.otherwise = 'never answers';
    write(40);
    let most = 0;
    collector.onRequest = () => {
      most = Math.max(most, collector.connections);
    };
    await expect(logging.forceFlush({ timeoutMillis: 400 * HURRY })).resolves.toBe(false);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
  });
});

describe('a collector that refuses: asked once, counted, told of', () => {
  test.each([400, 401, 403, 404, 500, 501])('%i', async (status) => {
    start();
    collector.otherwise = { status, headers: { 'retry-after': '1' } };
    write(5);
    await expect(logging.forceFlush()).resolves.toBe(true);
    expect(sum(logging.stats())).toEqual({ accepted: 5, delivered: 0, rejected: 5, dropped: {}, pending: 0 });
    expect(collector.requests).toHaveLength(1);
    expect(told).toEqual([`logspan: otlp: rejected: HTTP status ${status} for 5 records`]);
  });

  test.each([301, 302, 307, 308])('%i: records, and the key in the headers, follow no redirect', async (status) => {
    start();
    collector.script = [{ status, headers: { location: `${collector.endpoint}/elsewhere` } }];
    write(1);
    await expect(logging.forceFlush()).resolves.toBe(true);
    expect(sum(logging.stats())).toMatchObject({ delivered: 0, rejected: 1 });
    expect(collector.requests.map(({ path }) => path)).toEqual(['/v1/logs']);
  });

  test('413 for a single record', async () => {
    start();
    collector.otherwise = { status: 413 };
    write(5);
    await expect(logging.forceFlush()).resolves.toBe(true);
    expect(sum(logging.stats())).toMatchObject({ delivered: 0, rejected: 5, dropped: {} });
    expect(collector.requests).toHaveLength(9);
  });

  test('some records of a batch', async () => {
    start();
    collector.script = [{ status: 200, body: partialSuccess(2, 'too old') }];
    write(5);
    await expect(logging.forceFlush()).resolves.toBe(true);
    expect(sum(logging.stats())).toMatchObject({ delivered: 3, rejected: 2 });
    expect(collector.requests).toHaveLength(1);
    expect(told).toEqual(['logspan: otlp: partial: 2 of 5 records rejected: too old']);
  });
});

describe('a collector that answers nonsense', () => {
  test.each<[string, Reaction]>([
    ['random bytes', { status: 200, body: Buffer.from([0xff, 0x00, 0x9c, 0x80, 0x80, 0x80]) }],
    ['HTML', { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>It works!</h1>' }],
    ['half a JSON', { status: 200, headers: { 'content-type': 'application/json' }, body: '{"partialSuccess":{"rej' }],
    ['nothing', { status: 204 }],
  ])('with 200 has taken it: %s', async (_, reaction) => {
    start();
    collector.otherwise = reaction;
    const ids = write(6);
    await expect(logging.forceFlush()).resolves.toBe(true);
    expect(sum(logging.stats())).toMatchObject({ delivered: 6, rejected: 0, dropped: {} });
    expect(sorted(collector.records.map(({ id }) => id))).toEqual(sorted(ids));
  });

  test('of 5 MiB is not read to its end, nor asked again', async () => {
    start();
    collector.otherwise = '5 MiB';
    write(5);
    await expect(logging.forceFlush()).resolves.toBe(true);
    expect(sum(logging.stats())).toMatchObject({ delivered: 0, rejected: 0, dropped: { response_too_large: 5 } });
    expect(collector.requests).toHaveLength(1);
  });
});

test('gzip: the same records, compressed', async () => {
  start({ compression: 'gzip' });
  collector.script = [{ status: 503 }];
  const ids = write(23);
  await expect(logging.forceFlush({ timeoutMillis: 5_000 * HURRY })).resolves.toBe(true);
  expect(collector.requests.every(({ headers }) => headers['content-encoding'] === 'gzip')).toBe(true);
  expect(sorted(idsWith(isTaken))).toEqual(sorted(ids));
  expectUnaltered();
});

test('http/json goes through the official exporter, whose failures are counted', async () => {
  start({ protocol: 'http/json', timeoutMillis: 1_000 });
  const ids = write(6);
  await expect(logging.forceFlush()).resolves.toBe(true);
  expect(sorted(collector.records.map(({ id }) => id))).toEqual(sorted(ids));
  expect(collector.requests[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'x-api-key': 'hunter2' });
  expect(sum(logging.stats())).toEqual({ accepted: 6, delivered: 6, rejected: 0, dropped: {}, pending: 0 });
  collector.otherwise = { status: 400 };
  write(6);
  await expect(logging.forceFlush()).resolves.toBe(true);
  expect(sum(logging.stats())).toMatchObject({ accepted: 12, delivered: 6, dropped: { export_failed: 6 }, pending: 0 });
});

describe('a flush', () => {
  test('is done when what was held is through, though more is written all the time', async () => {
    start({ delayMillis: 0 });
    let writing = true;
    let count = 0;
    const writer = (async () => {
      while (writing) {
        write(20, `${count++}-`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let i = 0; i < 2; i++) await expect(logging.forceFlush({ timeoutMillis: 5_000 * HURRY })).resolves.toBe(true);
    writing = false;
    await writer;
  });

  test('of ten callers: all wait for everything', async () => {
    start();
    collector.script = [{ status: 503 }];
    write(23);
    const flushes = Array.from({ length: 10 }, () => logging.forceFlush({ timeoutMillis: 5_000 * HURRY }));
    await expect(Promise.all(flushes)).resolves.toEqual(Array(10).fill(true));
    expect(logging.stats().delivered).toBe(23);
  });
});

describe('shutdown', () => {
  test.each<[string, Reaction | undefined]>([
    ['that refuses connections', undefined],
    ['that never answers', 'never answers'],
    ['that asks for an hour', { status: 503, headers: { 'retry-after': '3600' } }],
    ['that drips', 'slow head'],
  ])('with a collector %s ends at its deadline and counts what is lost', async (_, reaction) => {
    if (reaction === undefined) await collector.stop();
    else collector.otherwise = reaction;
    start({ timeoutMillis: 60_000, time: hurriedTime(1) });
    write(12);
    // Whoever waited for an answer would wait for a minute here.
    await expect(logging.shutdown({ timeoutMillis: 150 })).resolves.toBe(false);
    expect(sum(logging.stats())).toEqual({
      accepted: 12,
      delivered: 0,
      rejected: 0,
      dropped: { shutdown_deadline: 12 },
      pending: 0,
    });
    expect(told.join('\n')).toContain('shutdown_deadline');
  });

  test('leaves no connection', async () => {
    start();
    write(23);
    await expect(logging.shutdown({ timeoutMillis: 5_000 * HURRY })).resolves.toBe(true);
    // The server hears of it a moment later.
    while (collector.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(logging.stats().delivered).toBe(23);
  });

  test('during a gzip does not send what it gives up', async () => {
    start({ compression: 'gzip', timeoutMillis: 60_000 });
    write(5);
    await logging.shutdown({ timeoutMillis: 0 });
    const { delivered, dropped } = logging.stats();
    expect(delivered + (dropped.shutdown_deadline ?? 0)).toBe(5);
  });
});

test('two collectors, one dead: the other one is not held up', async () => {
  const dead = await new FakeCollector().start();
  dead.otherwise = 'never answers';
  logging = register({
    exitHooks: false,
    handlers: [
      otlp({ endpoint: dead.endpoint, name: 'dead', batchRecords: 5, timeoutMillis: 60_000 }),
      otlp({ endpoint: collector.endpoint, name: 'alive', batchRecords: 5, delayMillis: 1 }),
    ],
  });
  const arrived = new Promise<void>((resolve) => {
    collector.onRequest = () => {
      if (collector.records.length === 23) resolve();
    };
  });
  const ids = write(23);
  await arrived;
  expect(sorted(collector.records.map(({ id }) => id))).toEqual(sorted(ids));
  await logging.shutdown({ timeoutMillis: 50 });
  expect(logging.stats().handlers).toMatchObject({
    alive: { accepted: 23, delivered: 23 },
    dead: { accepted: 23, delivered: 0, dropped: { shutdown_deadline: 23 } },
  });
  await dead.stop();
});

test('an instrumentation or a diag logger that writes records about delivery does not feed it', async () => {
  start({ time: hurriedTime(1) });
  let about = 0;
  const tell = (): void => {
    about++;
    logger.warn('about_logging', { id: 'x' });
  };
  diag.setLogger({ error: tell, warn: tell, info: tell, debug: tell, verbose: tell }, DiagLogLevel.WARN);
  collector.otherwise = { status: 400 };
  for (let round = 0; round < 20; round++) {
    write(5);
    await logging.forceFlush();
  }
  // Once in ten seconds.
  expect(about).toBeGreaterThan(0);
  expect(about).toBeLessThanOrEqual(3);
  expect(context.active()).toBeDefined();
  diag.disable();
});

test('register and shutdown a thousand times leave no listener, no timer that holds, and no warning', async () => {
  const warnings: unknown[] = [];
  const events = ['exit', 'beforeExit', 'uncaughtExceptionMonitor', 'SIGTERM', 'SIGINT'];
  const listeners = () => events.map((event) => process.listenerCount(event));
  const warn = (warning: unknown) => void warnings.push(warning);
  process.on('warning', warn);
  const before = listeners();
  collector.onRequest = () => undefined;
  for (let round = 0; round < 1_000; round++) {
    logging = register({ handlers: [otlp({ endpoint: collector.endpoint, batchRecords: 100 })] });
    // One in twenty has something to deliver, and one in twenty gives it up.
    if (round % 10 === 0) logger.info('orders_placed', attributesOf(String(round)));
    await logging.shutdown({ timeoutMillis: round % 20 === 0 ? 5_000 : 0 });
  }
  expect(listeners()).toEqual(before);
  process.removeListener('warning', warn);
  expect(warnings).toEqual([]);
}, 30_000);

test('any sequence of answers: the account is exact, and every record has exactly one end', async () => {
  const partial = (rejected: number): Reaction => ({ status: 200, body: partialSuccess(rejected) });
  const reaction = fc.oneof(
    fc.constantFrom(200, 204, 400, 401, 404, 413, 429, 500, 502, 503, 504).map((status): Reaction => ({ status })),
    fc.nat(1).map((seconds): Reaction => ({ status: 503, headers: { 'retry-after': String(seconds) } })),
    fc.nat(3).map(partial),
    fc.constantFrom<Reaction>('reset before body', 'reset after body', 'truncated body', 'garbage'),
    fc
      .uint8Array({ maxLength: 20 })
      .map((body): Reaction => ({ status: 200, headers: { 'content-type': 'a/b' }, body })),
  );
  // Nothing is left of the run before.
  start();
  await fc.assert(
    fc.asyncProperty(
      fc.array(reaction, { maxLength: 12 }),
      fc.record({
        concurrency: fc.integer({ min: 1, max: 4 }),
        batchRecords: fc.integer({ min: 1, max: 9 }),
        compression: fc.constantFrom('gzip', 'none'),
      }),
      fc.integer({ min: 1, max: 40 }),
      async (script, options, count) => {
        await logging.shutdown();
        collector.requests.length = 0;
        collector.script = [...script];
        start({ ...options, time: hurriedTime(500) });
        const ids = write(count);
        await expect(logging.forceFlush({ timeoutMillis: 5_000 * 500 })).resolves.toBe(true);
        const stats = sum(logging.stats());

        const ended: string[] = [];
        let delivered = 0;
        let rejected = 0;
        for (const { records = [], reaction: done } of collector.requests) {
          const taken = done === 'truncated body' || isTaken(done);
          const status = typeof done === 'object' ? done.status : 0;
          const refused = [400, 401, 404, 500].includes(status) || (status === 413 && records.length === 1);
          if (!taken && !refused) continue;
          ended.push(...records.map(({ id }) => id));
          const cut = Math.min(rejectedBy(done), records.length);
          delivered += taken ? records.length - cut : 0;
          rejected += taken ? cut : records.length;
        }
        expect(sorted(ended)).toEqual(sorted(ids));
        expect(stats).toEqual({ accepted: count, delivered, rejected, dropped: {}, pending: 0 });
        expectUnaltered();
      },
    ),
    { numRuns: 30 },
  );
});

/** What the official schema reads in an answer: nothing in what it cannot read. */
function rejectedBy(reaction: Reaction): number {
  if (typeof reaction === 'string' || !isTaken(reaction) || !(reaction.body instanceof Uint8Array)) return 0;
  try {
    const rejected = rejectedIn(reaction.body);
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
  } catch {
    return 0;
  }
}
