import { Readable } from 'node:stream';
import { fastify } from 'fastify';
import { handlers, testFramework } from './framework-contract.ts';

testFramework('Fastify 5', async (requests) => {
  const app = fastify();
  app.register(requests.fastify);
  app.get('/items/:id', handlers.item);
  app.post('/items', async ({ body }) => handlers.created(body));
  app.get('/fails', handlers.fails);
  app.get('/fails-at-once', handlers.failsAtOnce);
  app.get('/stream', (_request, reply) => reply.send(Readable.from(handlers.stream())));
  app.register(async (api) => void api.get('/carts/:id', () => ''), { prefix: '/api' });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app.server;
});
