// The stock SDK, from the call of the Logs API to the bytes of a request: sdk-logs and the official protobuf serializer,
// 512 records to a request as its batch processor has it.
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { attributesOf, EVENT, SCOPE, SERVICE, SEVERITY_NUMBER, SEVERITY_TEXT, shapedAttributesOf } from '../record.mjs';
import { emptyTurns, enableContext, writeInTurns } from '../spans.mjs';

const BATCH = 512;

export async function start({ shaped = false } = {}) {
  enableContext();
  let bytes = 0;
  let kept;
  let batch = [];
  const serialize = () => {
    if (batch.length === 0) return;
    const request = ProtobufLogsSerializer.serializeRequest(batch);
    batch = [];
    bytes += request.length;
    kept?.push(request);
  };
  const processor = {
    onEmit(record) {
      batch.push(record);
      if (batch.length >= BATCH) serialize();
    },
    async forceFlush() {
      serialize();
    },
    async shutdown() {},
  };
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': SERVICE.name, 'service.version': SERVICE.version }),
    processors: [processor],
  });
  const logger = provider.getLogger(SCOPE);
  const attributes = shaped ? shapedAttributesOf : attributesOf;
  const write = (sequence) =>
    logger.emit({
      eventName: EVENT,
      severityNumber: SEVERITY_NUMBER,
      severityText: SEVERITY_TEXT,
      body: EVENT,
      attributes: attributes(sequence),
    });

  const run = async (records) => {
    bytes = 0;
    await writeInTurns(records, write);
    await provider.forceFlush();
    return { bytes };
  };
  return {
    run,
    floor: emptyTurns,
    async check(records) {
      kept = [];
      await run(records);
      return { requests: kept };
    },
  };
}
