// The shop's back: Express, traced by NodeSDK. It reserves goods, charges cards and places orders.
// Alone: node examples/shop/orders.mjs (PORT; telemetry goes where OTEL_EXPORTER_OTLP_ENDPOINT says)

// First, so that the instrumentation is there before Express loads node:http.
import './orders-telemetry.mjs';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { getLogger, lazy, withAttributes } from '@logspan/logger';
import express from 'express';
import { logging, sdk } from './orders-telemetry.mjs';
import { charge } from './payment-gateway.mjs';
import { runService } from './service.mjs';
import { reserve } from './warehouse.mjs';

const logger = getLogger('shop.orders');
const app = express();
app.use(express.json());

app.post('/orders', (request, response) => {
  const order_id = `o-${randomBytes(5).toString('hex')}`;
  // Every record of this order carries its id, also those of the warehouse and the gateway, which do not know it.
  return withAttributes({ order_id }, async () => {
    const { items, payment, customer } = request.body;
    logger.info('order_received', {
      customer,
      quantity: lazy(() => items.reduce((sum, { quantity }) => sum + quantity, 0)),
    });

    const reserved = reserve(items);
    if (!reserved.ok) return refuse(response, 409, { order_id, reason: 'sold_out', sku: reserved.sku });

    const charged = await charge(payment, reserved.total);
    if (!charged.ok) return refuse(response, 402, { order_id, reason: 'declined' });

    logger.info('order_placed', { total: reserved.total, receipt: charged.receipt });
    response.status(201).json({ order_id, total: reserved.total });
  });
});

function refuse(response, status, { order_id, ...why }) {
  logger.warn('order_refused', why);
  response.status(status).json({ order_id, ...why });
}

// Express knows an error handler by its four parameters.
app.use((error, request, response, _next) => {
  // body-parser's own errors say which status they stand for.
  const status = error.status ?? 502;
  logger.exception(error, 'order_failed', { method: request.method, path: request.path, headers: request.headers });
  response.status(status).json({ reason: status < 500 ? 'bad_request' : 'payment_gateway' });
});

let server;
await runService({
  name: 'orders',
  defaultPort: 3001,
  listen: async (port) => {
    server = app.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server.address().port;
  },
  close: () => new Promise((resolve) => server.close(resolve)),
  logging,
  // Logs end first, then metrics: the last counts are made when the logs are shut down.
  afterLogging: () => sdk.shutdown(),
});
