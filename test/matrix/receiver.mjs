// A small OTLP/HTTP receiver: keeps every log record that arrives, decoded with OpenTelemetry's own schema.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';

const schema = createRequire(import.meta.url)('otlp-official-schema/build/src/generated/root.js');
const { ExportLogsServiceRequest } = schema.opentelemetry.proto.collector.logs.v1;

/** @typedef {{ service: string, scope: string, event: string, body: unknown, traceId: string,
 *   attributes: Record<string, unknown> }} ReceivedRecord */

/** Listens on a free port of this machine. */
export async function startReceiver() {
  /** @type {ReceivedRecord[]} */
  const records = [];
  /** Requests that could not be read: always a failure of the sender. */
  const faults = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
      const bytes = Buffer.concat(chunks);
      if (request.url === '/v1/logs') {
        records.push(...decode(request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes));
      }
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    } catch (error) {
      faults.push(`${request.method} ${request.url} (${request.headers['content-type']}): ${error}`);
      response.writeHead(400).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${server.address().port}`,
    faults,
    /** What the program with this service name sent. */
    recordsOf: (service) => records.filter((record) => record.service === service),
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

function decode(bytes) {
  return ExportLogsServiceRequest.decode(bytes).resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ scope, logRecords }) =>
      logRecords.map((record) => ({
        service: toObject(resource?.attributes)['service.name'],
        scope: scope?.name,
        event: record.eventName,
        body: toValue(record.body),
        traceId: Buffer.from(record.traceId ?? []).toString('hex'),
        attributes: toObject(record.attributes),
      })),
    ),
  );
}

function toObject(keyValues) {
  return Object.fromEntries((keyValues ?? []).map(({ key, value }) => [key, toValue(value)]));
}

function toValue(value) {
  if (value?.kvlistValue) return toObject(value.kvlistValue.values);
  if (value?.arrayValue) return value.arrayValue.values.map(toValue);
  if (value?.intValue !== undefined && value.intValue !== null) return Number(value.intValue);
  return value?.stringValue ?? value?.boolValue ?? value?.doubleValue;
}
