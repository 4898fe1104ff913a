import { pipeline, Readable } from 'node:stream';
import type { NextFunction, Request, Response } from 'express';
import express from 'express4';
import { handlers, testFramework } from './framework-contract.ts';

testFramework(
  'Express 4',
  (requests) => {
    const app = express();
    app.use(requests.express, express.json());
    app.get('/items/:id', async (_request, response) => response.send(await handlers.item()));
    app.post('/items', (request, response) => response.json(handlers.created(request.body)));
    // Express 4 does not wait for promises.
    app.get('/fails', (_request, _response, next) => handlers.fails().catch(next));
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
    app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
      if (response.headersSent) next(error);
      else response.status(500).end();
    });
    return app.listen(0, '127.0.0.1');
  },
  { passesOn: true },
);
