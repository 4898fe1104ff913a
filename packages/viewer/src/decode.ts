import { asMessage, MalformedError } from './field.ts';
import { type LogRecord, readLogs } from './log-record.ts';
import { type MetricPoint, readMetrics } from './metric-point.ts';
import { decodeProtobuf, type Encoding, type Message, messageOf, type Signal } from './otlp-schema.ts';
import { readSpans, type Span } from './span.ts';

/**
 * Decodes the (uncompressed) body of an OTLP export request. Both encodings of one request give equal objects.
 * Unknown fields are ignored; anything else that is not this message throws a MalformedError that names the field.
 */
export function decodeLogs(body: Uint8Array, encoding: Encoding): LogRecord[] {
  return decode('logs', body, encoding, readLogs);
}

/** As decodeLogs, for spans. */
export function decodeSpans(body: Uint8Array, encoding: Encoding): Span[] {
  return decode('traces', body, encoding, readSpans);
}

/** As decodeLogs, for metrics: one object per data point. */
export function decodeMetrics(body: Uint8Array, encoding: Encoding): MetricPoint[] {
  return decode('metrics', body, encoding, readMetrics);
}

function decode<T>(signal: Signal, body: Uint8Array, encoding: Encoding, read: (request: Message) => T): T {
  try {
    return read(encoding === 'json' ? parseJson(body) : decodeProtobuf(messageOf(signal, 'Request'), body));
  } catch (error) {
    if (error instanceof MalformedError) throw error;
    throw new MalformedError(`not an OTLP ${signal} request in ${encoding}: ${(error as Error).message}`);
  }
}

/** A JSON body as a message, its fields unchecked. Throws on bytes that are not UTF-8 or not a JSON object. */
export function parseJson(body: Uint8Array): Message {
  return asMessage(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)), 'the body');
}
