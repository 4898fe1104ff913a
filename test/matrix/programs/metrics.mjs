// register({ metrics }) with this line's metrics SDK. The child counts and calls process.exit(): what it measured has to arrive
// all the same, with the trace that it was measured in.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { getLogger } from '@logspan/logger';
import { logMetrics, otlp, register } from '@logspan/sdk';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';

const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };

if (process.env.COUNT_AND_EXIT !== undefined) {
  register({ processors: [logMetrics()], handlers: [], metrics: true });
  context.with(trace.setSpanContext(ROOT_CONTEXT, span), () => {
    getLogger('shop').info('counted_order', { duration_ms: 5 });
  });
  process.exit();
}

let found;
const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  response.end();
  const body = Buffer.concat(parts);
  const texts = ['logspan.log.count', 'logspan.log.duration', 'counted_order', Buffer.from(span.traceId, 'hex')];
  found = texts.filter((text) => body.includes(text)).length;
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const child = fork(fileURLToPath(import.meta.url), [], {
  env: {
    ...process.env,
    COUNT_AND_EXIT: 'true',
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `http://127.0.0.1:${server.address().port}/v1/metrics`,
  },
});
const [code] = await once(child, 'exit');
server.close();

const logging = register({ handlers: [otlp()] });
getLogger('shop').info('metrics_at_exit', { found, code });
await logging.shutdown();
