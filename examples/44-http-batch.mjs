// Central shipping to a service of one's own: POST {"logs":[…]} with a key. The service is away for a while, and nothing is lost.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { getLogger } from '@logspan/logger';
import { httpBatch, register } from '@logspan/sdk';

let busy = 2;
const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const { logs } = JSON.parse(Buffer.concat(parts));
  if (busy-- > 0) {
    console.log(`${logs.length} logs: not now`);
    response.writeHead(503).end();
    return;
  }
  const { severity_text, attributes } = logs[0];
  console.log(`${logs.length} logs with the key ${request.headers['x-api-key']}:`, severity_text, attributes);
  response.writeHead(202).end();
});
await once(server.listen(0, '127.0.0.1'), 'listening');

const logging = register({
  handlers: [
    httpBatch({ endpoint: `http://127.0.0.1:${server.address().port}/ingest`, apiKey: 'example-key', concurrency: 1 }),
  ],
});
const logger = getLogger('shop');
for (let id = 0; id < 250; id++) logger.info('order_placed', { id, password: 'hunter2' });

console.log('all delivered:', await logging.forceFlush());
console.log(logging.stats().handlers['http-batch']);

server.close();
server.closeAllConnections();
await once(server, 'close');
logger.info('order_placed', { id: 250 });
await logging.shutdown({ timeoutMillis: 100 });
console.log('ended without it:', logging.stats().handlers['http-batch'].dropped);
