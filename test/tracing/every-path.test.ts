import { pbkdf2 } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable, Transform } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { gzip } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { callService, requestLogging } from '@logspan/sdk';
import { context, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Memory } from './memory.ts';

const AT_ONCE = 100;
const SPAN = 'b7ad6b7169203331';

/** Writes a record that says for which request it is and on which path it came. */
type Mark = (path: string) => void;

/** Work that all requests hand to one loop, as they do to a connection pool. */
const queue: (() => void)[] = [];
let draining = false;
function drain(): void {
  draining = true;
  setImmediate(() => {
    for (const job of queue.splice(0)) job();
    if (queue.length > 0) drain();
    else draining = false;
  });
}

/** All the ways on which work goes on later. Each calls `mark` in the end, and then resolves. */
const paths: Readonly<Record<string, (mark: () => void) => Promise<unknown>>> = {
  await: async (mark) => {
    await null;
    await delay(1);
    mark();
  },
  timer: (mark) => new Promise<void>((resolve) => setTimeout(() => resolve(mark()), 2)),
  interval: (mark) =>
    new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        clearInterval(timer);
        resolve(mark());
      }, 1);
    }),
  immediate: (mark) => new Promise<void>((resolve) => setImmediate(() => resolve(mark()))),
  nextTick: (mark) => new Promise<void>((resolve) => process.nextTick(() => resolve(mark()))),
  microtask: (mark) => new Promise<void>((resolve) => queueMicrotask(() => resolve(mark()))),
  chained: (mark) => delay(1).then(mark),
  caught: (mark) => Promise.reject(new Error('expected')).catch(mark),
  all: (mark) => Promise.all([delay(2), delay(1)]).then(mark),
  race: (mark) => Promise.race([delay(2), delay(1)]).finally(mark),
  thenable: async (mark) => {
    // biome-ignore lint/suspicious/noThenProperty: what is no promise and is awaited all the same, as of a query builder.
    await { then: (resolve: () => void) => void setTimeout(resolve, 1) };
    mark();
  },
  generator: async (mark) => {
    for await (const _ of Readable.from(['a', 'b'])) await null;
    mark();
  },
  file: (mark) => new Promise<void>((resolve) => readFile(import.meta.filename, () => resolve(mark()))),
  threadpool: (mark) => new Promise<void>((resolve) => pbkdf2('a', 'b', 1, 16, 'sha256', () => resolve(mark()))),
  zlib: (mark) => new Promise<void>((resolve) => gzip('x'.repeat(100), () => resolve(mark()))),
  stream: (mark) => {
    const upper = new Transform({
      transform(chunk, _encoding, done) {
        setImmediate(done, null, String(chunk).toUpperCase());
      },
    });
    upper.once('data', mark);
    return pipeline(Readable.from(['a', 'b']), upper, text);
  },
  emitter: (mark) => {
    const emitter = new EventEmitter();
    const heard = new Promise<void>((resolve) => emitter.once('done', () => resolve(mark())));
    setTimeout(() => emitter.emit('done'), 1);
    return heard;
  },
  // Nothing can know on whose behalf a shared loop runs a function, unless it is bound: OTel's way to say it.
  sharedQueue: (mark) =>
    new Promise<void>((resolve) => {
      queue.push(context.bind(context.active(), () => resolve(mark())));
      if (!draining) drain();
    }),
};

let memory: Memory;
let server: Server;
let port: number;
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

beforeAll(async () => {
  memory = new Memory();
  server = createServer(requestLogging({ levels: { started: 'info' } }).listener(serve));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  agent.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await memory.end();
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = new URL(request.url ?? '', 'http://a').pathname.slice(1);
  const logger = getLogger('shop');
  const mark: Mark = (path) => logger.info('mark', { id, path });
  if (id.startsWith('inner')) {
    response.end();
    return;
  }
  mark('at once');
  request.once('data', () => mark('request data')).once('end', () => mark('request end'));
  response.once('finish', () => mark('response finish'));
  await Promise.all([
    ...Object.entries(paths).map(([path, walk]) => walk(() => mark(path))),
    // Every tenth also calls a service, over connections that others have opened.
    ...(Number(id) % 10 === 0
      ? [callService(`http://127.0.0.1:${port}/inner${id}`).then(() => mark('service call'))]
      : []),
  ]);
  mark('afterwards');
  response.end();
}

/** The trace that a request names; every third names none. */
const traceOf = (id: number) => (id % 3 === 0 ? undefined : (id + 1).toString(16).padStart(32, '0'));

function send(id: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const traceId = traceOf(id);
    const headers = traceId === undefined ? {} : { traceparent: `00-${traceId}-${SPAN}-01` };
    httpRequest({ port, host: '127.0.0.1', path: `/${id}`, method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', resolve);
    })
      .on('error', reject)
      .end('body');
  });
}

async function testEveryPath(requests: number): Promise<void> {
  memory.records.length = 0;
  let next = 0;
  const sendMore = async () => {
    while (next < requests) await send(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendMore));

  const marks = memory.records.filter(({ event }) => event === 'mark');
  const byRequest = new Map<number, typeof marks>();
  for (const record of marks) {
    const id = Number(record.attributes.id);
    byRequest.set(id, [...(byRequest.get(id) ?? []), record]);
  }
  expect(byRequest.size).toBe(requests);
  const wrong: unknown[] = [];
  const fresh = new Set<string>();
  for (const [id, records] of byRequest) {
    const traceId = traceOf(id) ?? records[0]?.span?.traceId;
    for (const { attributes, span } of records) {
      if (span?.traceId !== traceId || traceId === undefined) wrong.push({ ...attributes, span });
    }
    // A request has one span, or one id that it was given.
    if (new Set(records.map(({ span }) => span?.spanId)).size !== 1) wrong.push({ id, records });
    if (traceOf(id) === undefined) fresh.add(String(traceId));
    const expected = ['at once', 'request data', 'request end', ...Object.keys(paths), 'afterwards', 'response finish'];
    if (id % 10 === 0) expected.push('service call');
    const walked = records.map(({ attributes }) => attributes.path).sort();
    if (JSON.stringify(walked) !== JSON.stringify(expected.sort())) wrong.push({ id, walked });
  }
  expect(wrong).toEqual([]);
  expect(fresh.size).toBe(Math.ceil(requests / 3));

  // What is written about a request has its ids as well, and those of a call are in the trace of its caller.
  for (const { event, attributes, span } of memory.records) {
    const id = Number(
      /\/(?:inner)?(\d+)$/.exec(String(attributes['url.path'] ?? attributes['url.full'] ?? ''))?.[1] ?? attributes.id,
    );
    const traceId = byRequest.get(id)?.[0]?.span?.traceId;
    if (span?.traceId !== traceId) wrong.push({ event, ...attributes, span });
  }
  expect(wrong).toEqual([]);
  expect(memory.events.filter((event) => event === 'service_call_completed')).toHaveLength(requests / 10);
  expect(memory.events.filter((event) => event === 'request_completed')).toHaveLength(requests + requests / 10);
}

test('the ids are right on every path, in 2 000 requests side by side', () => testEveryPath(2_000), 60_000);

test('the ids are right on every path with a tracer, whose spans have them', async () => {
  const spans = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  trace.setGlobalTracerProvider(provider);
  await testEveryPath(400);
  const known = new Set(spans.getFinishedSpans().map((span) => span.spanContext().spanId));
  // Those of the requests, of the calls, and of what is called.
  expect(known.size).toBe(400 + 40 + 40);
  expect(memory.records.filter(({ span }) => !known.has(String(span?.spanId)))).toEqual([]);
  await provider.shutdown();
}, 60_000);
