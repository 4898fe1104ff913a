// Inside a stock OpenTelemetry SDK: the whole pipeline is one LogRecordProcessor. NodeSDK takes it as well.
import { getLogger } from '@logspan/logger';
import { batch, logspanProcessor, sample } from '@logspan/sdk';
import { logs } from '@opentelemetry/api-logs';
import { InMemoryLogRecordExporter, LoggerProvider } from '@opentelemetry/sdk-logs';

const exporter = new InMemoryLogRecordExporter(); // any OpenTelemetry exporter is a destination
const processor = logspanProcessor({ processors: [sample({ ratio: 1 })], handlers: [batch(exporter)] });
const provider = new LoggerProvider({ processors: [processor] });
logs.setGlobalLoggerProvider(provider);

// Records of a library that uses the OpenTelemetry API, and records of our logger.
logs
  .getLogger('library')
  .emit({ severityNumber: 9, body: 'connected', attributes: { password: 'sesame', port: 5432 } });
getLogger('app').info('user_login', { username: 'ann', token: 't-1' });

await provider.forceFlush();
for (const { instrumentationScope, body, attributes } of exporter.getFinishedLogRecords()) {
  console.log(instrumentationScope.name, body, attributes);
}
const { emitted, passed, dropped, redacted } = processor.stats().pipeline;
console.log({ emitted, passed, dropped, redacted });
await provider.shutdown();
