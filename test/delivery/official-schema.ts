import official from 'otlp-official-schema/build/src/generated/root.js';

/** A message of the official schema. */
interface Codec {
  decode(bytes: Uint8Array): unknown;
  fromObject(object: object): unknown;
  toObject(message: unknown, options?: object): unknown;
  encode(message: unknown): { finish(): Uint8Array };
}

/** The official schema of the logs service; its own types are those of another file. */
const { ExportLogsServiceRequest, ExportLogsServiceResponse } = (
  official as unknown as {
    opentelemetry: {
      proto: {
        collector: { logs: { v1: { ExportLogsServiceRequest: Codec; ExportLogsServiceResponse: Codec } } };
      };
    };
  }
).opentelemetry.proto.collector.logs.v1;

/** A request as plain data, absent fields with their default value, 64-bit integers as text. */
export function decodeRequest(bytes: Uint8Array): unknown {
  return ExportLogsServiceRequest.toObject(ExportLogsServiceRequest.decode(bytes), { defaults: true, longs: String });
}

/** An answer that says of some records that they were rejected. */
export function partialSuccess(rejectedLogRecords: number, errorMessage = ''): Uint8Array {
  const message = ExportLogsServiceResponse.fromObject({ partialSuccess: { rejectedLogRecords, errorMessage } });
  return ExportLogsServiceResponse.encode(message).finish();
}

/** How many records an answer says were rejected. Throws for what is no answer. */
export function rejectedIn(bytes: Uint8Array): number {
  const { partialSuccess: partial } = ExportLogsServiceResponse.decode(bytes) as {
    partialSuccess?: { rejectedLogRecords?: unknown };
  };
  return Number(partial?.rejectedLogRecords ?? 0);
}
