// Three services, one trace: callService() sends it along, requestLogging() takes it up. Here they share a process.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { getLogger } from '@logspan/logger';
import { callService, consoleHandler, register, requestLogging, withRequest } from '@logspan/sdk';

const logging = register({ handlers: [consoleHandler({ format: 'pretty', colors: false })] });
const requests = requestLogging({ levels: { completed: 'off' } });
const servers = [];

/** Starts a service; answers where it listens. */
async function start(listener) {
  const server = createServer(requests.listener(listener)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return `http://127.0.0.1:${server.address().port}`;
}

const stock = await start((_request, response) => {
  getLogger('stock').info('item_reserved');
  response.end('reserved');
});
const orders = await start(async (_request, response) => {
  await callService(`${stock}/items/7?api_key=secret`, { method: 'POST' });
  getLogger('orders').info('order_placed');
  response.end('placed');
});

// As if this were a third service, which serves a request itself.
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
await withRequest({ traceparent }, async () => {
  const answer = await callService(orders, { headers: { accept: 'text/plain' } });
  console.log(answer.status, await answer.text());

  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  // A call that fails is written, and fails for its caller as well.
  await callService(stock).catch((error) => console.log('caught:', error.message));
});

await logging.shutdown();
