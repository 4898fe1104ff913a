import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { requestLogging } from '@logspan/sdk';
import express5, { type Request, type Response } from 'express';
import express4 from 'express4';
import { Memory } from './memory.ts';

test.each([
  [4, express4],
  [5, express5],
])(
  'Express %d: the route below a mounted router has the names of parameters, never their values',
  async (_, express) => {
    const memory = new Memory();
    const requests = requestLogging();
    const app = express();
    app.use(requests.express);
    const done = (_request: Request, response: Response) => void response.end();
    const [reset, user, carts] = [express.Router(), express.Router(), express.Router({ mergeParams: true })];
    reset.get('/confirm', done);
    carts.get('/:item', done);
    user.use('/carts/:cart', carts);
    app.use('/reset/:token', reset);
    app.use('/users/u-:user/a', user);
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const path of ['/reset/hunter%202/confirm', '/reset/a/confirm', '/users/u-ann/a/carts/a/7']) {
      await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    }
    await memory.end();
    expect(
      memory.records
        .filter(({ event }) => event === 'request_completed')
        .map(({ attributes }) => attributes['http.route']),
    ).toEqual(['/reset/:token/confirm', '/reset/:token/confirm', '/users/:user/a/carts/:cart/:item']);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  },
);
