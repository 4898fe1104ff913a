// Somebody else's NodeSDK, with its own logs pipeline, is there first: nothing may be lost or sent twice, and the trace is theirs.

import { getLogger } from '@logspan/logger';
import { otlp, register } from '@logspan/sdk';
import * as api from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { NodeSDK } from '@opentelemetry/sdk-node';

const sdk = new NodeSDK();
sdk.start();
const logging = register({ handlers: [otlp()] });

api.trace.getTracer('shop').startActiveSpan('order', (span) => {
  getLogger('shop').info('in_span', { 'expected.trace_id': span.spanContext().traceId });
  span.end();
});
logs.getLogger('library').emit({ eventName: 'through_api_logs', severityNumber: 9 });
api.logs?.getLogger('library').emit({ eventName: 'through_api', severityNumber: 9 });

await logging.shutdown();
await sdk.shutdown();
