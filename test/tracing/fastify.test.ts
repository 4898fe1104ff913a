import type { Server } from 'node:http';
import { Readable } from 'node:stream';
import type { RequestLogging } from '@logspan/sdk';
import { fastify } from 'fastify';
import { handlers, testFramework } from './framework-contract.ts';

async function start(requests: RequestLogging): Promise<Server> {
  const app = fastify();
  app.register(requests.fastify);
  app.get('/items/:id', handlers.item);
  app.post('/items', async ({ body }) => handlers.created(body));
  app.get('/fails', handlers.fails);
  app.get('/fails-at-once', handlers.failsAtOnce);
  app.get('/stream', (_request, reply) => reply.send(Readable.from(handlers.stream())));
  app.get('/breaks', (_request, reply) => reply.send(Readable.from(handlers.breaks())));
  app.get('/waits', (_request, reply) => reply.send(Readable.from(handlers.waits())));
  app.register(async (api) => void api.get('/carts/:id', () => ''), { prefix: '/api' });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app.server;
}

// Fastify tells nobody of an error in a stream whose first part is out: it only cuts the response off.
testFramework('Fastify 5', start, { brokenOff: '_OTHER' });
