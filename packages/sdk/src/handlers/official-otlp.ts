import type { HttpTarget } from '../delivery/http-sender.ts';
import type { Overflow } from '../delivery/queue.ts';
import type { Environment } from '../provider/environment.ts';
import { batch, type LogRecordExporter } from './batch.ts';
import type { HandlerEnd } from './handler.ts';

/** OTLP by the official exporter of OTel JS, which is loaded when the first batch is due and must be installed. */
export function officialOtlp(
  protocol: 'http/json' | 'grpc',
  target: HttpTarget,
  options: {
    name: string;
    timeoutMillis: number;
    delayMillis: number;
    batchRecords: number;
    environment: Environment;
    overflow?: Exclude<Overflow, 'block'>;
  },
): HandlerEnd {
  const { name, timeoutMillis, delayMillis, batchRecords, environment, overflow } = options;
  const queueRecords = environment.batch.maxQueueSize ?? 2_048;
  const exporter = load(protocol, target, timeoutMillis);
  return batch(exporter, {
    name,
    delayMillis,
    batchRecords,
    queueRecords,
    ...(overflow === undefined ? {} : { overflow }),
    timeoutMillis: environment.batch.exportTimeoutMillis ?? 30_000,
  }).start({ environment, resource: { attributes: {} } });
}

async function load(
  protocol: 'http/json' | 'grpc',
  target: HttpTarget,
  timeoutMillis: number,
): Promise<LogRecordExporter> {
  const { 'content-type': _, ...headers } = target.headers;
  // Not written as a literal: whoever does not use it need not have it, and a bundler must not look for it.
  const name = `@opentelemetry/exporter-logs-otlp-${protocol === 'grpc' ? 'grpc' : 'http'}`;
  const { OTLPLogExporter } = await import(name);
  const { ca, cert, key } = target;
  return new OTLPLogExporter({
    // A gRPC address has no path.
    url: protocol === 'grpc' ? target.url.origin : target.url.href,
    headers,
    timeoutMillis,
    compression: target.compression,
    httpAgentOptions: { keepAlive: true, ca, cert, key },
  });
}
