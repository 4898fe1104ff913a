// Our pipeline as one processor of somebody else's NodeSDK, without register(): its provider, its resource, our stages.

import { getLogger } from '@logspan/logger';
import { logspanProcessor, otlp } from '@logspan/sdk';
import * as api from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { NodeSDK } from '@opentelemetry/sdk-node';

const sdk = new NodeSDK({ logRecordProcessors: [logspanProcessor({ handlers: [otlp()] })] });
sdk.start();

api.trace.getTracer('shop').startActiveSpan('order', (span) => {
  getLogger('shop').info('in_span', { 'expected.trace_id': span.spanContext().traceId, password: 'hunter2' });
  span.end();
});
// Each line's NodeSDK registers on its own API.
(api.logs ?? logs).getLogger('library').emit({ eventName: 'through_its_api', severityNumber: 9 });

await sdk.shutdown();
