// Events are shown on the span they happened in as well, redacted: for trace back ends that get no logs.
import { getLogger } from '@logspan/logger';
import { consoleHandler, eventToSpanEventBridge, redact, register } from '@logspan/sdk';
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

const logging = register({
  processors: [redact(), eventToSpanEventBridge()], // order is checked: spans leave the process as well
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});
// The tracer of the application: NodeSDK, for example. This one keeps its spans in memory.
const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));

const logger = getLogger('shop');
trace.getTracer('shop').startActiveSpan('checkout', (span) => {
  logger.info('order_placed', { items: 3, customer: { name: 'ann', password: 'sesame' } });
  logger.info('This is a message, not an event'); // a record, but nothing for the span
  span.end();
  logger.info('order_shipped'); // too late for the span
});

const [span] = exporter.getFinishedSpans();
console.log(`the span ${span.name} has ${span.events.length} event`);
for (const { name, attributes } of span.events) console.log(name, attributes);

await logging.shutdown();
