import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ManualTime, settled } from '../../../../test/delivery/manual-time.ts';
import { recordOf } from '../../../../test/delivery/otlp-batches.ts';
import { ScriptedSender } from '../../../../test/delivery/scripted-sender.ts';
import type { HttpTarget, Sender } from '../delivery/http-sender.ts';
import { ConfigError } from '../provider/config-error.ts';
import { readEnvironment } from '../provider/environment.ts';
import { type HttpBatchOptions, httpBatch } from './http-batch.ts';

const SECRET = 'k3y-0123456789';
const endpoint = 'https://logs.example.com/ingest?tenant=7';

/** Where a handler with these options would send to. */
function targetOf(options: Partial<HttpBatchOptions>): HttpTarget {
  let seen: HttpTarget | undefined;
  const sender: HttpBatchOptions['sender'] = (target) => {
    seen = target;
    return new ScriptedSender(() => 0);
  };
  httpBatch({ endpoint, ...options, sender }).start({
    resource: { attributes: {} },
    environment: readEnvironment({ OTEL_EXPORTER_OTLP_HEADERS: 'x-otlp=1' }, () => undefined),
  });
  return seen as HttpTarget;
}

function mistake(options: unknown): ConfigError {
  try {
    httpBatch(options as HttpBatchOptions);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('no mistake was found');
}

describe('where to', () => {
  test('the endpoint as it is given, the key in its header, and nothing that is meant for a collector', () => {
    const { url, headers, compression } = targetOf({ apiKey: SECRET, headers: { 'X-Tenant': '7' } });
    expect(url.href).toBe(endpoint);
    expect(headers).toEqual({
      'user-agent': expect.stringMatching(/^logspan\//),
      'content-type': 'application/json',
      'x-tenant': '7',
      'x-api-key': SECRET,
    });
    expect(compression).toBe('none');
  });

  test('an endpoint that is a URL already, which stays as it is', () => {
    const given = new URL('http://user:p%40ss@localhost/x');
    expect(targetOf({ endpoint: given }).url.href).toBe('http://localhost/x');
    expect(given.password).toBe('p%40ss');
    expect(mistake({ endpoint: new URL('ftp://localhost') }).message).toMatch(/http or https/);
  });

  test('user and password of the endpoint become a header', () => {
    const { url, headers } = targetOf({ endpoint: 'http://user:p%40ss@localhost/', compression: 'gzip' });
    expect(url.href).toBe('http://localhost/');
    expect(headers.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
    expect(headers['x-api-key']).toBeUndefined();
  });
});

test('a request is due with a hundred records, or five seconds after the first', async () => {
  const time = new ManualTime();
  const sender = new ScriptedSender(time.now);
  sender.script = () => 200;
  const end = httpBatch({ endpoint, sender: () => sender, time }).start({
    resource: { attributes: {} },
    environment: readEnvironment({ OTEL_BLRP_SCHEDULE_DELAY: '1' }, () => undefined),
  });
  for (let id = 0; id < 101; id++) end.onEmit(recordOf({ id: String(id) }));
  expect(sender.requests.map(({ ids }) => ids.length)).toEqual([100]);
  await time.pass(4_999);
  expect(sender.requests).toHaveLength(1);
  await time.pass(1);
  expect(sender.requests.map(({ ids }) => ids.length)).toEqual([100, 1]);
  await settled();
  expect(end.deliveryAccount()).toMatchObject({ accepted: 101, delivered: 101, pending: 0 });
});

test('a request is due as soon as it is large enough', () => {
  const sender = new ScriptedSender(() => 0);
  const end = httpBatch({ endpoint, batchBytes: 2_048, sender: () => sender, time: new ManualTime() }).start({
    resource: { attributes: {} },
    environment: readEnvironment({}, () => undefined),
  });
  for (let id = 0; id < 10; id++) end.onEmit(recordOf({ id: String(id), bytes: 800 }));
  expect(sender.requests.map(({ ids }) => ids)).toEqual([
    ['0', '1'],
    ['2', '3'],
  ]);
});

test('no request is larger than it may be, whatever comes, and as many records go as fit', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1_024, max: 4_096 }),
      async (sizes, batchBytes) => {
        const bodies: string[] = [];
        const sender: Sender = {
          send: async (body) => {
            bodies.push(Buffer.from(body).toString());
            return { status: 200, body: new Uint8Array(0) };
          },
          close: () => undefined,
        };
        const end = httpBatch({ endpoint, batchBytes, sender: () => sender, time: new ManualTime() }).start({
          resource: { attributes: {} },
          environment: readEnvironment({}, () => undefined),
        });
        for (const [id, bytes] of sizes.entries()) {
          end.onEmit({ ...recordOf({ id: String(id) }), attributes: { text: 'x'.repeat(bytes) } });
        }
        await end.forceFlush();
        const requests = bodies.map((body) => ({ bytes: Buffer.byteLength(body), logs: JSON.parse(body).logs }));
        for (const { bytes } of requests) expect(bytes).toBeLessThanOrEqual(batchBytes);
        expect(requests.flatMap(({ logs }) => logs)).toHaveLength(sizes.length);
        for (const [index, { bytes }] of requests.slice(0, -1).entries()) {
          const next = Buffer.byteLength(JSON.stringify(requests[index + 1]?.logs[0]));
          expect(bytes + 1 + next).toBeGreaterThan(batchBytes);
        }
        expect(end.deliveryAccount()).toMatchObject({ accepted: sizes.length, delivered: sizes.length, pending: 0 });
      },
    ),
    { numRuns: 50 },
  );
});

describe('a mistake is a ConfigError that names the option and shows no secret', () => {
  test.each<[string, unknown, RegExp]>([
    ['httpBatch', undefined, /options must be an object/],
    ['httpBatch.endpoint', {}, /must be an address/],
    ['httpBatch.endpoint', { endpoint: `ftp://${SECRET}@host` }, /http or https/],
    ['httpBatch.endpoint', { endpoint: SECRET }, /no URL/],
    ['httpBatch.apikey', { endpoint, apikey: SECRET }, /is not an option/],
    ['httpBatch.apiKey', { endpoint, apiKey: undefined }, /undefined: is the variable set/],
    ['httpBatch.apiKey', { endpoint, apiKey: ' ' }, /an empty text/],
    ['httpBatch.apiKey', { endpoint, apiKey: `${SECRET}\n` }, /line end/],
    ['httpBatch.apiKey', { endpoint, apiKey: 12345 }, /not a number$/],
    ['httpBatch.apiKey', { endpoint, apiKey: 'a', headers: { 'X-API-Key': SECRET } }, /in the headers too/],
    ['httpBatch.headers', { endpoint, headers: { [`${SECRET} `]: 'x' } }, /header 1/],
    ['httpBatch.headers.content-type', { endpoint, headers: { 'content-type': SECRET } }, /set by logspan/],
    ['httpBatch.compression', { endpoint, compression: 'br' }, /one of "gzip", "none"/],
    ['httpBatch.batchRecords', { endpoint, batchRecords: 0 }, /from 1/],
    ['httpBatch.delayMillis', { endpoint, delayMillis: -1 }, /from 0/],
    ['httpBatch.timeoutMillis', { endpoint, timeoutMillis: 0 }, /from 1/],
    ['httpBatch.batchBytes', { endpoint, batchBytes: 1 }, /from 1024/],
    ['httpBatch.queueBytes', { endpoint, queueBytes: 1 }, /from 1024/],
    ['httpBatch.recordBytes', { endpoint, recordBytes: 1 }, /from 1024/],
    ['httpBatch.concurrency', { endpoint, concurrency: 0 }, /from 1/],
    ['httpBatch.overflow', { endpoint, overflow: 'wait' }, /"block"/],
    ['httpBatch.blockMillis', { endpoint, blockMillis: 0 }, /from 1/],
    ['httpBatch.name', { endpoint, name: 1 }, /a string/],
    ['httpBatch.when', { endpoint, when: true }, /a function/],
    ['httpBatch.certificateFile', { endpoint, certificateFile: '/nowhere/ca.pem' }, /ENOENT/],
    ['httpBatch.clientKeyFile', { endpoint, clientKeyFile: 1 }, /a string/],
  ])('%s', (option, options, message) => {
    const error = mistake(options);
    expect(error.option).toBe(option);
    expect(error.message).toMatch(message);
    expect(`${error.stack}${inspect(error)}`).not.toContain(SECRET);
  });
});

test('a handler and what it started show no key', () => {
  const handler = httpBatch({ endpoint, apiKey: SECRET });
  const end = handler.start({ resource: { attributes: {} }, environment: readEnvironment({}, () => undefined) });
  const shown = [handler, end].map((it) => inspect(it, { depth: 20, showHidden: true }) + JSON.stringify(it));
  expect(shown.join()).not.toContain(SECRET);
});
