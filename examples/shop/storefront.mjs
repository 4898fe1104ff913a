// The shop's front: Fastify, with no tracer at all. It takes checkouts and hands them to the orders service.
// Alone: node examples/shop/storefront.mjs (PORT, ORDERS_URL; records go where OTEL_EXPORTER_OTLP_ENDPOINT says)
import { getLogger, lazy } from '@logspan/logger';
import { callService, register, requestLogging } from '@logspan/sdk';
import Fastify from 'fastify';
import { runService } from './service.mjs';
import { demoSettings } from './settings.mjs';

const logging = register({ service: { name: 'storefront', version: '1.0.0' }, ...demoSettings('storefront') });

const logger = getLogger('shop.checkout');
const ordersUrl = process.env.ORDERS_URL ?? 'http://127.0.0.1:3001';
const app = Fastify();
// Each request in the trace of its headers, or a fresh one, with a record of how it ended.
app.register(requestLogging({ ignore: ({ url }) => url !== '/checkout' }).fastify);

app.post('/checkout', async (request, reply) => {
  const started = performance.now();
  const { customer, items, payment } = request.body;
  const log = logger.child({ customer_id: customer.id });
  // Careless on purpose: card, password and credentials are in it. What takes them out is redact(), which is on.
  log.info('checkout_started', { payment, customer, headers: request.headers });
  log.debug('basket', { weights: lazy(() => items.map(weightOf)) });

  const { status, answer } = await placeOrder(request, log);

  const outcome = { ...answer, duration_ms: Math.round(performance.now() - started) };
  if (status === 201) log.info('checkout_completed', outcome);
  else if (status < 500) log.warn('checkout_refused', outcome);
  else log.error('checkout_failed', outcome);
  return reply.code(status).send(answer);
});

app.setErrorHandler((error, _request, reply) => {
  logger.exception(error, 'checkout_broken');
  return reply.code(error.statusCode ?? 500).send({ reason: 'bad_request' });
});

async function placeOrder(request, log) {
  try {
    const response = await callService(`${ordersUrl}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' },
      body: JSON.stringify(request.body),
    });
    return { status: response.status, answer: await response.json() };
  } catch (error) {
    log.exception(error, 'orders_unreachable', { url: ordersUrl });
    return { status: 503, answer: { reason: 'orders_unreachable' } };
  }
}

/** Expensive, one supposes: never called, because `debug` is off. */
function weightOf({ sku, quantity }) {
  return { sku, grams: quantity * 250 };
}

const EXAMPLE = JSON.stringify({
  customer: { id: 'c-1', email: 'ann@example.com', password: 'sesame' },
  items: [{ sku: 'teapot', quantity: 1 }],
  payment: { card_number: '4111111111111111' },
});

await runService({
  name: 'storefront',
  defaultPort: 3000,
  listen: async (port) => {
    await app.listen({ port, host: '127.0.0.1' });
    return app.server.address().port;
  },
  close: () => app.close(),
  logging,
  hint: (url) => `curl -s ${url}/checkout -H 'content-type: application/json' -d '${EXAMPLE}'`,
});
