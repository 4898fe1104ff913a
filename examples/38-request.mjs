// A request and its records in one trace: that of the caller, or a fresh one. No tracer is needed.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { getLogger } from '@logspan/logger';
import { consoleHandler, register, requestLogging, withRequest, XTraceIdPropagator } from '@logspan/sdk';

const logging = register({
  level: 'info,http.server=debug', // request_started is at debug
  propagators: [new XTraceIdPropagator()], // opt-in: services that do not know W3C Trace Context send X-Trace-Id
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});
const logger = getLogger('shop');
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

// Around the listener of node:http. Express: app.use(requests.express); likewise .fastify, .koa and .hono.
const requests = requestLogging({ ignore: ({ url }) => url === '/health' });
const server = createServer(
  requests.listener(async ({ url }, response) => {
    if (url.startsWith('/fail')) return response.writeHead(503).end();
    await delay(5);
    logger.info('cart_loaded', { items: 3 }); // carries the trace of its request, after an await too
    response.end('3 items');
  }),
);
await once(server.listen(0, '127.0.0.1'), 'listening');
const base = `http://127.0.0.1:${server.address().port}`;

console.log('--- the trace of the caller; the query is not logged');
await (await fetch(`${base}/cart?token=secret`, { headers: { traceparent } })).text();
console.log('--- a header that is none, so a fresh trace; and a status that is a failure');
await (await fetch(`${base}/fail`, { headers: { traceparent: 'admin' } })).text();
console.log('--- ignored, as health checks are: nothing but what the service writes itself');
await (await fetch(`${base}/health`)).text();
server.close();

console.log('--- a message from a queue is a request as well');
await withRequest({ traceparent }, async () => {
  await delay(1);
  logger.info('message_handled');
});
console.log('--- X-Trace-Id counts where there is no traceparent, and only if it is a valid trace id');
withRequest({ 'x-trace-id': '4bf92f3577b34da6a3ce929d0e0e4736' }, () => logger.info('old_service_called'));
logger.info('outside'); // no trace: nothing is left over
await logging.shutdown();
