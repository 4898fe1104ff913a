import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, jest, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { requestLogging, withRequest } from '@logspan/sdk';
import { handlers, testFramework } from './framework-contract.ts';
import { Memory } from './memory.ts';

// Its types need those of a browser, so they are left out.
const load = (name: string) => import(name);
const { Hono } = await load('hono');
const { serve } = await load('@hono/node-server');

interface Context {
  readonly req: { json(): Promise<unknown>; readonly raw: Request };
  readonly env: { readonly incoming: { readonly headers: Record<string, string> } };
  text(body: string, status?: number): Response;
  json(body: unknown): Response;
}

function application(requests: { hono: unknown }) {
  const app = new Hono();
  app.use(requests.hono);
  app.get('/items/:id', async (c: Context) => c.text(await handlers.item()));
  app.post('/items', async (c: Context) => c.json(handlers.created(await c.req.json())));
  app.get('/fails', handlers.fails);
  app.get('/fails-at-once', handlers.failsAtOnce);
  app.get('/same', (c: Context) => {
    for (const headers of [c.req.raw.headers, c.env.incoming.headers]) {
      withRequest(headers, () => getLogger('shop').info('same'));
    }
    return c.text('');
  });
  app.get('/stream', () => new Response(ReadableStream.from(handlers.stream()).pipeThrough(new TextEncoderStream())));
  app.get('/breaks', () => new Response(ReadableStream.from(handlers.breaks()).pipeThrough(new TextEncoderStream())));
  app.get('/waits', () => new Response(ReadableStream.from(handlers.waits()).pipeThrough(new TextEncoderStream())));
  const api = new Hono();
  api.get('/carts/:id', (c: Context) => c.text(''));
  app.route('/api', api);
  app.onError((_error: unknown, c: Context) => c.text('failed', 500));
  return app;
}

// Its server writes what breaks a stream to the console.
jest.spyOn(console, 'error').mockImplementation(() => undefined);
testFramework('Hono 4', (requests) => serve({ fetch: application(requests).fetch, port: 0, hostname: '127.0.0.1' }));

test('Hono on a Node server: its headers and those of Node are one request for withRequest', async () => {
  const memory = new Memory();
  const options = { fetch: application(requestLogging()).fetch, port: 0, hostname: '127.0.0.1' };
  const server = await new Promise<Server>((resolve) => {
    const started: Server = serve(options, () => resolve(started));
  });
  const { port } = server.address() as AddressInfo;
  await (await fetch(`http://127.0.0.1:${port}/same`)).text();
  const { span } = await memory.until(/^request_completed$/);
  expect(memory.events).toEqual(['request_started', 'same', 'same', 'request_completed']);
  for (const record of memory.records) expect(record.span).toEqual(span);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await memory.end();
});

test('Hono without a Node server: the record is written when the response is there', async () => {
  const memory = new Memory();
  const app = application(requestLogging());
  expect(await (await app.request('http://shop.example:8080/items/7?token=secret')).text()).toBe('item');
  expect((await app.request('/fails')).status).toBe(500);
  expect(memory.events.filter((event) => event?.startsWith('request_'))).toEqual([
    'request_started',
    'request_completed',
    'request_started',
    'request_failed',
  ]);
  expect(memory.only('request_completed').attributes).toMatchObject({
    'http.route': '/items/:id',
    'url.path': '/items/7',
    'server.address': 'shop.example',
    'server.port': 8080,
    'http.response.status_code': 200,
  });
  expect(memory.only('request_failed').attributes).toMatchObject({ 'exception.message': 'mine' });
  expect(JSON.stringify(memory.records)).not.toContain('secret');
  await memory.end();
});

test('Hono without a Node server, logged twice: written once', async () => {
  const memory = new Memory();
  const app = new Hono();
  app.use(requestLogging().hono);
  app.use(requestLogging().hono);
  app.get('/', (c: Context) => c.text('x'));
  await app.request('/');
  expect(memory.events).toEqual(['request_started', 'request_completed']);
  await memory.end();
});
