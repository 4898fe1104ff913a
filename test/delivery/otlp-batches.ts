import type { Batch } from '../../packages/sdk/src/delivery/batch.ts';
import { OpenOtlpBatch } from '../../packages/sdk/src/delivery/otlp-request.ts';
import type { LogRecord } from '../../packages/sdk/src/pipeline/stage.ts';
import { decodeRequest } from './official-schema.ts';

const resource = { attributes: { 'service.name': 'shop' } };
const scope = { name: 'orders' };

/** What a test says about a record. */
export interface Told {
  readonly id: string;
  readonly error?: boolean;
  /** Makes the record about this many bytes longer. */
  readonly bytes?: number;
}

/** A record as the pipeline hands it over. */
export function recordOf({ id, error = false, bytes = 0 }: Told): LogRecord {
  return {
    hrTime: [1_700_000_000, 0],
    hrTimeObserved: [1_700_000_000, 0],
    resource,
    instrumentationScope: scope,
    attributes: { id },
    droppedAttributesCount: 0,
    severityNumber: error ? 17 : 9,
    severityText: error ? 'ERROR' : 'INFO',
    body: 'x'.repeat(bytes),
    setAttribute: () => undefined,
  };
}

/** A request with these records. */
export function batchOf(records: readonly Told[]): Batch {
  const open = new OpenOtlpBatch(1_048_576);
  for (const record of records) open.append(recordOf(record));
  return open.seal();
}

/** A record as the official schema reads it. */
export interface Received {
  readonly id: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly body: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface Decoded {
  readonly resourceLogs: readonly {
    readonly scopeLogs: readonly { readonly logRecords: readonly (Omit<Received, 'id'> & { attributes: Pair[] })[] }[];
  }[];
}

/** One of `{"logs":[…]}`. */
interface Log {
  readonly severity_number: number;
  readonly severity_text: string;
  readonly 'otel.event.name': string;
  readonly body: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The records of a request, as the official schema reads them, or in JSON. Throws for what is no request. */
export function recordsIn(body: Uint8Array, contentType = ''): Received[] {
  const decoded: Decoded & { logs?: readonly Log[] } = contentType.includes('json')
    ? JSON.parse(Buffer.from(body).toString())
    : (decodeRequest(body) as Decoded);
  if (decoded.logs !== undefined) {
    return decoded.logs.map(({ severity_number, severity_text, attributes, ...log }) => ({
      id: String(attributes.id),
      severityNumber: severity_number,
      severityText: severity_text,
      eventName: log['otel.event.name'],
      body: log.body,
      attributes,
    }));
  }
  return decoded.resourceLogs.flatMap(({ scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map((record) => {
        const attributes = Object.fromEntries(record.attributes.map(({ key, value }) => [key, plainOf(value)]));
        return { ...record, attributes, body: plainOf(record.body as AnyValue), id: String(attributes.id) };
      }),
    ),
  );
}

/** The ids of the records of a request, in order. */
export function idsIn(body: Uint8Array): string[] {
  // Protobuf does not begin with a brace.
  return recordsIn(body, body[0] === 0x7b ? 'json' : '').map(({ id }) => id);
}

interface Pair {
  readonly key: string;
  readonly value: AnyValue;
}

type AnyValue = {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: AnyValue[] };
  readonly kvlistValue?: { readonly values: Pair[] };
} | null;

function plainOf(value: AnyValue | undefined): unknown {
  if (value?.stringValue !== undefined) return value.stringValue;
  if (value?.intValue !== undefined) return Number(value.intValue);
  if (value?.doubleValue !== undefined) return value.doubleValue;
  if (value?.boolValue !== undefined) return value.boolValue;
  if (value?.arrayValue) return value.arrayValue.values.map(plainOf);
  if (value?.kvlistValue)
    return Object.fromEntries(value.kvlistValue.values.map((pair) => [pair.key, plainOf(pair.value)]));
  return null;
}
