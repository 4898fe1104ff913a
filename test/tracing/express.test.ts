import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { requestLogging } from '@logspan/sdk';
import express, { type NextFunction, type Request, type Response } from 'express';
import { handlers, testFramework } from './framework-contract.ts';
import { Memory } from './memory.ts';

testFramework(
  'Express 5',
  (requests) => {
    const app = express();
    app.use(requests.express, express.json());
    app.get('/items/:id', async (_request, response) => response.send(await handlers.item()));
    app.post('/items', (request, response) => response.json(handlers.created(request.body)));
    app.get('/fails', handlers.fails);
    app.get('/fails-at-once', handlers.failsAtOnce);
    app.get('/stream', (_request, response) => Readable.from(handlers.stream()).pipe(response));
    app.get('/breaks', (_request, response, next) => pipeline(Readable.from(handlers.breaks()), response, next));
    app.get('/waits', (_request, response, next) => pipeline(Readable.from(handlers.waits()), response, next));
    const api = express.Router();
    api.get('/carts/:id', (_request, response) => response.end());
    api.get('/fails/:id', (_request, _response, next) => next(new RangeError('mine')));
    api.get('/gone/:id', (_request, response) => response.status(404).end());
    api.get('/passes/:id', (_request, _response, next) => next());
    app.use('/api', api);
    app.get('/passes/:id', (_request, _response, next) => next());
    app.use('/passes/own-404', (_request, response) => response.status(404).end());
    app.use(requests.expressErrors);
    // Without Express's own, which writes what was thrown to the console.
    app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
      if (response.headersSent) next(error);
      else response.status(500).end();
    });
    return app.listen(0, '127.0.0.1');
  },
  { passesOn: true },
);

test('Express in a listener that is logged already: written once, with the route and what was thrown', async () => {
  const memory = new Memory();
  const requests = requestLogging();
  const app = express();
  app.use(requests.express, requestLogging().express);
  app.get('/fails/:id', handlers.fails);
  app.use(requests.expressErrors);
  app.use((_error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    response.status(500).end();
  });
  const server = createServer(requestLogging().listener<IncomingMessage, ServerResponse>(app)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/fails/7`)).text();
  expect((await memory.until(/^request_(?!started)/)).attributes).toMatchObject({
    'http.route': '/fails/:id',
    'exception.message': 'mine',
  });
  expect(memory.events).toEqual(['request_started', 'request_failed']);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await memory.end();
});
