import { pipeline, Readable } from 'node:stream';
import express, { type NextFunction, type Request, type Response } from 'express';
import { handlers, testFramework } from './framework-contract.ts';

testFramework('Express 5', (requests) => {
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
  app.use('/api', api);
  app.use(requests.expressErrors);
  // Without Express's own, which writes what was thrown to the console.
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) next(error);
    else response.status(500).end();
  });
  return app.listen(0, '127.0.0.1');
});
