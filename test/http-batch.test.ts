import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { fallback, type HttpBatchOptions, httpBatch, type Logging, type LogRecord, register } from '@logspan/sdk';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import fc from 'fast-check';
import { type Ended, run } from './delivery/child.ts';
import { FakeCollector, type Reaction } from './delivery/fake-collector.ts';
import { hurriedTime } from './delivery/hurried-time.ts';

const logger = getLogger('orders');
/** Faster than real time: a Retry-After of one second holds for 20 ms. */
const HURRY = 50;
const SECRET = 'hunter2-0123456789';

let service: FakeCollector;
let logging: Logging;
/** All that was said on the diagnostics channel, at any level. */
let told: string[];

beforeEach(async () => {
  told = [];
  const tell = (...words: unknown[]) => void told.push(words.join(' '));
  diag.setLogger({ error: tell, warn: tell, info: tell, debug: tell, verbose: tell }, DiagLogLevel.ALL);
  service = await new FakeCollector().start();
});

afterEach(async () => {
  await logging.shutdown({ timeoutMillis: 100 });
  expectBalance();
  expect(logging.stats().pending).toBe(0);
  await service.stop();
  diag.disable();
  expect(told.join('\n') + JSON.stringify(logging.stats())).not.toContain(SECRET);
});

function start(options: Partial<HttpBatchOptions> = {}): void {
  logging = register({
    exitHooks: false,
    handlers: [
      httpBatch({
        endpoint: `${service.endpoint}/ingest`,
        apiKey: SECRET,
        batchRecords: 5,
        delayMillis: 1_000 * HURRY,
        timeoutMillis: 20_000,
        time: hurriedTime(HURRY),
        ...options,
      }),
    ],
  });
  service.onRequest = expectBalance;
}

function expectBalance(): void {
  const { accepted, delivered, rejected, dropped, pending } = logging.stats();
  const given = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  expect(delivered + rejected + given + pending).toBe(accepted);
}

const attributesOf = (id: string) => ({
  id,
  n: id.length,
  nested: { list: [1, 'zwei', true] },
  text: `naïve ☃\u2028${id}`,
});

function write(count: number): string[] {
  const ids = Array.from({ length: count }, (_, index) => String(index));
  for (const id of ids) logger.info('order_placed', attributesOf(id));
  return ids.sort();
}

const flush = (millis = 5_000 * HURRY): Promise<boolean> => logging.forceFlush({ timeoutMillis: millis });
const account = () => logging.stats().handlers['http-batch'];
const warnings = () => told.filter((text) => text.startsWith('logspan: http-batch'));
const isTaken = (reaction: Reaction) => typeof reaction === 'object' && reaction.status < 300;
const idsTaken = (from = service): string[] =>
  from.requests
    .filter(({ reaction }) => isTaken(reaction))
    .flatMap(({ records = [] }) => records.map(({ id }) => id))
    .sort();

function expectUnaltered(): void {
  for (const record of service.records) {
    expect(record).toEqual({
      id: record.id,
      severityNumber: 9,
      severityText: 'INFO',
      eventName: 'order_placed',
      body: 'order_placed',
      attributes: attributesOf(record.id),
    });
  }
}

test('a hundred records are one POST of {"logs":[…]} with the key in its header', async () => {
  start({ batchRecords: 100 });
  const ids = write(100);
  await new Promise<void>((resolve) => {
    service.onRequest = () => resolve();
  });
  const [request] = service.requests;
  expect(request).toMatchObject({
    path: '/ingest',
    headers: { 'content-type': 'application/json', 'x-api-key': SECRET },
  });
  expect(request?.records?.map(({ id }) => id).sort()).toEqual(ids);
  await flush();
  expect(account()).toEqual({ accepted: 100, delivered: 100, rejected: 0, dropped: {}, pending: 0 });
  expectUnaltered();
});

test('a batch that does not fill is sent after delayMillis', async () => {
  start({ delayMillis: 500, time: hurriedTime(HURRY) });
  write(3);
  await new Promise<void>((resolve) => {
    service.onRequest = () => resolve();
  });
  expect(service.records).toHaveLength(3);
});

describe('a service that comes round: everything arrives, exactly once', () => {
  const retryAfter = (value: string): Reaction => ({ status: 503, headers: { 'retry-after': value } });
  test.each<[string, Reaction[]]>([
    ['429, a storm of it', Array<Reaction>(8).fill({ status: 429 })],
    ['503 with Retry-After in seconds', [retryAfter('2')]],
    ['503 with Retry-After as a date', [retryAfter(new Date(Date.now() + 1_500).toUTCString())]],
    ['503 with Retry-After that is malformed', [retryAfter('soon')]],
    ['503 with Retry-After that is negative', [retryAfter('-1')]],
    ['502, 503, 504 in turn', [{ status: 502 }, { status: 503 }, { status: 504 }]],
    ['a broken connection before it has read', ['reset before body']],
    ['another protocol', ['garbage']],
    ['flapping', [{ status: 200 }, 'reset before body', { status: 200 }, { status: 503 }, { status: 200 }, 'garbage']],
    ['413 until the batch is small', [{ status: 413 }, { status: 413 }, { status: 413 }]],
  ])('%s', async (_, script) => {
    start();
    service.script = [...script];
    const ids = write(23);
    await expect(flush()).resolves.toBe(true);
    expect(account()).toEqual({ accepted: 23, delivered: 23, rejected: 0, dropped: {}, pending: 0 });
    expect(idsTaken()).toEqual(ids);
    expectUnaltered();
  });

  test('is not there at first', async () => {
    await service.stop();
    start();
    const ids = write(12);
    await expect(flush(5_000)).resolves.toBe(false);
    expect(account()).toEqual({ accepted: 12, delivered: 0, rejected: 0, dropped: {}, pending: 12 });
    expect(warnings().join()).toContain('retrying: ECONNREFUSED');
    await service.start();
    await expect(flush()).resolves.toBe(true);
    expect(idsTaken()).toEqual(ids);
  });

  test('a wait that is asked for is kept to, by a flush too, and is an hour at most', async () => {
    start({ concurrency: 1 });
    service.script = [{ status: 429, headers: { 'retry-after': '20' } }];
    write(7);
    await expect(flush()).resolves.toBe(true);
    const [first, second] = service.requests;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(20_000 / HURRY - 5);
    await logging.shutdown();

    service.requests.length = 0;
    service.script = [{ status: 429, headers: { 'retry-after': '1000000000' } }];
    start({ time: hurriedTime(36_000) });
    write(1);
    await expect(flush(7_200_000)).resolves.toBe(true);
    expect(idsTaken()).toEqual(['0']);
  });
});

describe('a service that breaks off: everything arrives, and only what it may have taken arrives twice', () => {
  test.each<[Reaction, number]>([
    ['reset after body', 5],
    ['reset mid-response', 5],
    ['never answers', 100],
    ['slow head', 100],
    ['truncated body', 0],
    ['slow body', 0],
    ['5 MiB', 0],
  ])('%s', async (reaction, mostTwice) => {
    const hangs = typeof reaction === 'string' && /never|slow/.test(reaction);
    start({ concurrency: 1, timeoutMillis: hangs ? 500 : 20_000 });
    service.script = [reaction];
    const ids = write(12);
    await expect(flush()).resolves.toBe(true);
    expect(account()).toEqual({ accepted: 12, delivered: 12, rejected: 0, dropped: {}, pending: 0 });
    const arrived = service.records.map(({ id }) => id);
    expect([...new Set(arrived)].sort()).toEqual(ids);
    expect(arrived.length).toBeLessThanOrEqual(12 + mostTwice);
    expect(service.connections).toBeLessThanOrEqual(2);
    expectUnaltered();
  });
});

describe('a service that refuses: asked once, counted, told of', () => {
  test.each([400, 401, 403, 404, 422, 500, 501])('%i', async (status) => {
    start();
    // As some do that mean it well.
    service.otherwise = { status, body: `the key ${SECRET} is not good` };
    write(5);
    await expect(flush()).resolves.toBe(true);
    expect(account()).toEqual({ accepted: 5, delivered: 0, rejected: 5, dropped: {}, pending: 0 });
    expect(service.requests).toHaveLength(1);
    expect(warnings()).toEqual([`logspan: http-batch: rejected: HTTP status ${status} for 5 records`]);
  });

  test('413 for a single record takes no other along', async () => {
    start();
    service.otherwise = { status: 413 };
    write(5);
    await expect(flush()).resolves.toBe(true);
    expect(account()).toMatchObject({ delivered: 0, rejected: 5, dropped: {} });
    expect(service.requests).toHaveLength(9);
  });

  test.each([301, 302, 307, 308])('%i to another host: neither records nor key follow', async (status) => {
    const elsewhere = await new FakeCollector().start();
    start();
    service.otherwise = { status, headers: { location: `${elsewhere.endpoint}/ingest` } };
    write(5);
    await expect(flush()).resolves.toBe(true);
    expect(account()).toMatchObject({ delivered: 0, rejected: 5 });
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.stop();
  });

  test('what it refuses goes to a fallback, as it was', async () => {
    const taken: LogRecord[] = [];
    service.otherwise = { status: 400 };
    logging = register({
      exitHooks: false,
      handlers: [
        fallback(httpBatch({ endpoint: service.endpoint, apiKey: SECRET }), {
          name: 'second',
          start: () => ({
            onEmit: (record) => void taken.push(record),
            forceFlush: async () => undefined,
            shutdown: async () => undefined,
            deliveryAccount: () => ({
              accepted: taken.length,
              delivered: taken.length,
              rejected: 0,
              dropped: {},
              pending: 0,
            }),
          }),
        }),
      ],
    });
    const ids = write(3);
    await flush();
    expect(taken.map(({ attributes }) => attributes)).toEqual(
      ids.map((id) => ({ ...attributesOf(id), 'logspan.undelivered.reason': 'rejected' })),
    );
    expect(taken[0]).toMatchObject({
      eventName: 'order_placed',
      severityNumber: 9,
      severityText: 'INFO',
      instrumentationScope: { name: 'orders' },
      resource: { attributes: { 'service.name': expect.any(String), 'telemetry.sdk.name': expect.any(String) } },
    });
  });
});

describe('a service that cannot be reached: held, told of, not given up', () => {
  test('no such host', async () => {
    start({ endpoint: 'http://logs.invalid/ingest' });
    write(5);
    await expect(flush(5_000)).resolves.toBe(false);
    expect(account()).toMatchObject({ delivered: 0, rejected: 0, dropped: {}, pending: 5 });
    expect(warnings().join()).toMatch(/retrying: (ENOTFOUND|EAI_AGAIN)/);
  });

  test('a certificate that nobody vouches for, until its authority is named', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'logspan-tls-'));
    const file = (name: string) => join(folder, name);
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file('key.pem')];
    execFileSync('openssl', ['req', '-x509', '-days', '2', ...key, '-out', file('cert.pem'), ...subject], {
      stdio: 'ignore',
    });
    const keys: unknown[] = [];
    const server = createTlsServer(
      { key: readFileSync(file('key.pem')), cert: readFileSync(file('cert.pem')) },
      (request, response) => {
        keys.push(request.headers['x-api-key']);
        request.resume().on('end', () => response.end());
      },
    ).listen(0);
    await once(server, 'listening');
    const endpoint = `https://localhost:${(server.address() as AddressInfo).port}/`;

    start({ endpoint });
    write(5);
    await expect(flush(5_000)).resolves.toBe(false);
    expect(account()).toMatchObject({ delivered: 0, rejected: 0, dropped: {}, pending: 5 });
    expect(warnings().join()).toContain('retrying: DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(keys).toEqual([]);
    await logging.shutdown({ timeoutMillis: 0 });

    start({ endpoint, certificateFile: file('cert.pem') });
    write(5);
    await expect(flush()).resolves.toBe(true);
    expect(account()).toMatchObject({ delivered: 5 });
    expect(keys).toEqual([SECRET]);
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
});

test('gzip: the same records, compressed', async () => {
  start({ compression: 'gzip' });
  service.script = [{ status: 503 }];
  const ids = write(23);
  await expect(flush()).resolves.toBe(true);
  expect(service.requests.every(({ headers }) => headers['content-encoding'] === 'gzip')).toBe(true);
  expect(idsTaken()).toEqual(ids);
  expectUnaltered();
});

test('a record that is too large takes no other along', async () => {
  start({ recordBytes: 1_024 });
  const ids = write(2);
  logger.info('x'.repeat(5_000), { id: 'huge' });
  logger.info('order_placed', { id: '2', blob: 'x'.repeat(5_000) });
  await expect(flush()).resolves.toBe(true);
  expect(account()).toMatchObject({ accepted: 4, delivered: 3, dropped: { too_large: 1 } });
  // The one whose attributes were left out does not know its id any more.
  expect(idsTaken()).toEqual([...ids, 'undefined']);
});

test('a queue that is full loses low severities first, and stays within its bytes', async () => {
  service.otherwise = { status: 503 };
  start({ queueBytes: 8_192, batchRecords: 10 });
  for (let id = 0; id < 200; id++) logger[id % 20 === 0 ? 'error' : 'info']('order_placed', { id: String(id) });
  await flush(1_000);
  service.otherwise = { status: 200 };
  await expect(flush()).resolves.toBe(true);
  const { accepted = 0, delivered = 0, dropped } = account() ?? {};
  expect(accepted).toBe(200);
  expect(dropped).toEqual({ queue_full: 200 - delivered });
  expect(service.records.filter(({ severityNumber }) => severityNumber === 17).length).toBeGreaterThanOrEqual(10);
  expect(new Set(idsTaken()).size).toBe(delivered);
});

test('two services, one dead: the other one is not held up', async () => {
  const dead = await new FakeCollector().start();
  dead.otherwise = 'never answers';
  logging = register({
    exitHooks: false,
    handlers: [
      httpBatch({ endpoint: dead.endpoint, name: 'dead', batchRecords: 5, timeoutMillis: 60_000 }),
      httpBatch({ endpoint: service.endpoint, name: 'alive', batchRecords: 5, delayMillis: 1 }),
    ],
  });
  const arrived = new Promise<void>((resolve) => {
    service.onRequest = () => {
      if (service.records.length === 23) resolve();
    };
  });
  const ids = write(23);
  await arrived;
  expect(idsTaken()).toEqual(ids);
  await logging.shutdown({ timeoutMillis: 50 });
  expect(logging.stats().handlers).toMatchObject({
    alive: { accepted: 23, delivered: 23 },
    dead: { accepted: 23, delivered: 0, dropped: { shutdown_deadline: 23 } },
  });
  await dead.stop();
});

test('a service that always fails is not told of in records: its failures do not feed it', async () => {
  start({ time: hurriedTime(1) });
  let about = 0;
  const tell = (): void => {
    about++;
    logger.error('log_aggregation_failed', { id: 'x' });
  };
  diag.setLogger({ error: tell, warn: tell, info: tell, debug: tell, verbose: tell }, DiagLogLevel.WARN);
  service.otherwise = { status: 400 };
  for (let round = 0; round < 20; round++) {
    write(5);
    await flush();
  }
  diag.disable();
  // Once in ten seconds.
  expect(about).toBeGreaterThan(0);
  expect(about).toBeLessThanOrEqual(3);
  expect(service.requests.length).toBeLessThanOrEqual(20 + about);
});

test('any sequence of answers: the account is exact, and every record has exactly one end', async () => {
  const reaction = fc.oneof(
    fc.constantFrom(200, 202, 204, 400, 401, 413, 429, 500, 502, 503, 504).map((status): Reaction => ({ status })),
    fc.constantFrom<Reaction>('reset before body', 'truncated body', 'garbage'),
  );
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
        service.requests.length = 0;
        service.script = [...script];
        start({ ...options, time: hurriedTime(500) });
        const ids = write(count);
        await expect(flush(5_000 * 500)).resolves.toBe(true);
        const ended: string[] = [];
        let delivered = 0;
        for (const { records = [], reaction: done } of service.requests) {
          const taken = done === 'truncated body' || isTaken(done);
          const status = typeof done === 'object' ? done.status : 0;
          const refused = [400, 401, 500].includes(status) || (status === 413 && records.length === 1);
          if (!taken && !refused) continue;
          ended.push(...records.map(({ id }) => id));
          if (taken) delivered += records.length;
        }
        expect(ended.sort()).toEqual(ids);
        expect(account()).toEqual({ accepted: count, delivered, rejected: count - delivered, dropped: {}, pending: 0 });
        expectUnaltered();
      },
    ),
    { numRuns: 30 },
  );
});

describe('a process that ends', () => {
  const everything = Array.from({ length: 250 }, (_, id) => String(id)).sort();
  const ship = async (
    ending: string,
    onLine?: Parameters<typeof run>[2],
    options: Partial<HttpBatchOptions> = {},
  ): Promise<Ended & { stats: unknown }> => {
    const args = ['http-batch.mjs', service.endpoint, ending, JSON.stringify(options)];
    const ended = await run(args, { LOG_API_KEY: SECRET }, onLine);
    // Byte for byte: console, diagnostics at every level, the account, the running handlers as they are inspected.
    expect(ended.stdout + ended.stderr).not.toContain(SECRET);
    const line = ended.stdout.split('\n').find((text) => text.startsWith('{"stats"'));
    return { ...ended, stats: JSON.parse(line ?? '{}').stats };
  };
  const delivered = { accepted: 250, delivered: 250, rejected: 0, dropped: {}, pending: 0 };
  beforeEach(() => start());

  test('by itself', async () => {
    await expect(ship('natural')).resolves.toMatchObject({ code: 0, stats: delivered });
    expect(idsTaken()).toEqual(everything);
  });

  test('by process.exit', async () => {
    await expect(ship('process.exit')).resolves.toMatchObject({ code: 3, stats: delivered });
    expect(idsTaken()).toEqual(everything);
    expect(new Set(service.requests.map(({ headers }) => headers['x-api-key']))).toEqual(new Set([SECRET]));
  });

  test('by an exception: its record arrives as well', async () => {
    await expect(ship('throw')).resolves.toMatchObject({ code: 1, stats: { accepted: 251, delivered: 251 } });
    expect(idsTaken()).toEqual([...everything, 'undefined']);
  });

  test('by SIGTERM', async () => {
    const ended = await ship('wait', (line, child) => {
      if (line === 'ready') child.kill('SIGTERM');
    });
    expect(ended.signal).toBe('SIGTERM');
    expect(idsTaken()).toEqual(everything);
  });

  test('and would rather wait than lose a record: a log call delivers what stands in its way', async () => {
    service.script = [{ status: 503 }];
    const options: Partial<HttpBatchOptions> = { overflow: 'block', queueBytes: 16_384, batchRecords: 20 };
    await expect(ship('natural', undefined, options)).resolves.toMatchObject({ code: 0, stats: delivered });
    expect(idsTaken()).toEqual(everything);
  });

  test('while the service is away: counted, and the key is nowhere', async () => {
    await service.stop();
    const { code, stats, stderr } = await ship('process.exit');
    expect(code).toBe(3);
    expect(stats).toMatchObject({ accepted: 250, delivered: 0, dropped: { process_exit: 250 }, pending: 0 });
    expect(stderr).toContain('process_exit');
  });
});
