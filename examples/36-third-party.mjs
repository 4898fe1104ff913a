// Parts made for the stock OpenTelemetry SDK, inside the pipeline: a processor among the steps, an exporter at the end.
import { getLogger } from '@logspan/logger';
import { batch, redact, register, sample } from '@logspan/sdk';
import { ConsoleLogRecordExporter, InMemoryLogRecordExporter, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';

/** As somebody else wrote it: an OpenTelemetry LogRecordProcessor. It sees and edits records, it cannot drop them. */
class CloudRegion {
  onEmit(record) {
    record.setAttribute('cloud.region', 'eu-central-1');
  }
  async forceFlush() {}
  async shutdown() {}
}

const exporter = new InMemoryLogRecordExporter();
const logging = register({
  processors: [new CloudRegion(), redact()],
  handlers: [batch(exporter)],
});
getLogger('shop').info('user_login', { username: 'ann', password: 'sesame' });

await logging.forceFlush();
for (const { eventName, attributes } of exporter.getFinishedLogRecords()) console.log(eventName, attributes);
await logging.shutdown();

// The order is checked when it is set up: each of these would leak or waste, and both steps are named.
const wrong = [
  [new SimpleLogRecordProcessor({ exporter: new ConsoleLogRecordExporter() }), redact()],
  [redact(), function addToken() {}],
  [redact(), sample({ ratio: 0.1 })],
];
for (const processors of wrong) {
  try {
    register({ processors });
  } catch (error) {
    console.log(`${error.name}: ${error.message}`);
  }
}
