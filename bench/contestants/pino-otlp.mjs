// pino with pino-opentelemetry-transport to an OTLP receiver: http/protobuf and batches, which are its defaults, and the
// ids of the active span, which its users add by a mixin. It cannot be told to flush what its worker thread holds.
import { context, trace } from '@opentelemetry/api';
import { pino } from 'pino';
import { pacedWriting } from '../paced-writing.mjs';
import { attributesOf, EVENT, SCOPE, SERVICE } from '../record.mjs';
import { enableContext } from '../spans.mjs';

export async function start({ endpoint }) {
  enableContext();
  const transport = pino.transport({
    target: 'pino-opentelemetry-transport',
    options: {
      loggerName: SCOPE,
      serviceVersion: SERVICE.version,
      resourceAttributes: { 'service.name': SERVICE.name, 'service.version': SERVICE.version },
      logRecordProcessorOptions: {
        recordProcessorType: 'batch',
        exporterOptions: { protocol: 'http/protobuf', protobufExporterOptions: { url: endpoint } },
      },
    },
  });
  const mixin = () => {
    const span = trace.getSpanContext(context.active());
    return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId, trace_flags: span.traceFlags };
  };
  const ready = new Promise((resolve, reject) => transport.once('ready', resolve).once('error', reject));
  // The worker waits for what pino tells it here.
  const logger = pino({ level: 'info', mixin }, transport);
  await ready;
  return pacedWriting(
    (sequence) => logger.info(attributesOf(sequence), EVENT),
    async () => {},
  );
}
