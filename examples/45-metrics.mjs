// Metrics without an SDK to set up: register({ metrics: true }) exports what logMetrics() counts, and what anybody measures
// with the OpenTelemetry API, to where the records go. The last interval is delivered before the process ends.
import { createServer } from 'node:http';
import { getLogger } from '@logspan/logger';
import { logMetrics, otlp, register, sample } from '@logspan/sdk';
import { context, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api';

// Stands for a collector: says what it is sent.
const collector = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  response.end();
  console.log('POST', request.url);
  if (request.url !== '/v1/metrics') return;
  const body = Buffer.concat(parts);
  for (const name of ['logspan.log.count', 'logspan.log.duration', 'shop.carts', 'otel.sdk.log.created']) {
    console.log('  ', name, body.includes(name));
  }
  // The exemplar: which trace was it that took so long?
  console.log('   link to the trace', body.includes(Buffer.from(span.traceId, 'hex')));
}).listen(0, '127.0.0.1');
await new Promise((resolve) => collector.once('listening', resolve));
const destination = { endpoint: `http://127.0.0.1:${collector.address().port}` };

const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
const logging = register({
  processors: [logMetrics(), sample({ ratio: 0.1 })],
  handlers: [otlp(destination)],
  metrics: destination, // or true: where the OTEL_* variables say
});

metrics.getMeter('shop').createCounter('shop.carts').add(1);
for (let i = 0; i < 100; i++) getLogger('shop').info('order_placed');
context.with(trace.setSpanContext(ROOT_CONTEXT, span), () => {
  getLogger('shop').error('payment_failed', { duration_ms: 2_300 });
});

console.log('delivered:', await logging.shutdown());
collector.close();
