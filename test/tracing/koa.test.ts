import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import Router from '@koa/router';
import Koa from 'koa';
import { handlers, testFramework } from './framework-contract.ts';

testFramework('Koa 3', (requests) => {
  const app = new Koa();
  // Koa writes what was thrown to the console, unless somebody listens.
  app.on('error', () => undefined);
  const router = new Router();
  router.get('/items/:id', async (ctx) => {
    ctx.body = await handlers.item();
  });
  router.post('/items', async (ctx) => {
    ctx.body = handlers.created(await json(ctx.req));
  });
  router.get('/fails', handlers.fails);
  router.get('/fails-at-once', handlers.failsAtOnce);
  router.get('/stream', (ctx) => {
    ctx.body = Readable.from(handlers.stream());
  });
  router.get('/breaks', (ctx) => {
    ctx.body = Readable.from(handlers.breaks());
  });
  router.get('/waits', (ctx) => {
    ctx.body = Readable.from(handlers.waits());
  });
  const api = new Router({ prefix: '/api' });
  api.get('/carts/:id', (ctx) => {
    ctx.body = '';
  });
  app.use(requests.koa).use(router.routes()).use(api.routes());
  return app.listen(0, '127.0.0.1');
});
