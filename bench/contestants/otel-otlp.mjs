// The stock SDK to an OTLP receiver: batch processor and protobuf exporter, with their defaults.
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { pacedWriting } from '../paced-writing.mjs';
import { attributesOf, EVENT, SCOPE, SERVICE, SEVERITY_NUMBER, SEVERITY_TEXT } from '../record.mjs';
import { enableContext } from '../spans.mjs';

export async function start({ endpoint }) {
  enableContext();
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': SERVICE.name, 'service.version': SERVICE.version }),
    processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter({ url: endpoint }) })],
  });
  const logger = provider.getLogger(SCOPE);
  return pacedWriting(
    (sequence) =>
      logger.emit({
        eventName: EVENT,
        severityNumber: SEVERITY_NUMBER,
        severityText: SEVERITY_TEXT,
        body: EVENT,
        attributes: attributesOf(sequence),
      }),
    () => provider.forceFlush(),
  );
}
