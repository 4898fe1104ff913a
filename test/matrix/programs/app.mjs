// An application in ES modules: one call at startup, then every way in must arrive, once.

import { getLogger, withAttributes } from '@logspan/logger';
import { otlp, register } from '@logspan/sdk';
import * as api from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';

const early = getLogger('shop.early');
const logging = register({ handlers: [otlp()] });

early.info('logger_made_before_register', { answer: 42 });
await withAttributes({ tenant: 'acme' }, async () => {
  await Promise.resolve();
  getLogger('shop').warn('inside_scope');
});
logs.getLogger('library').emit({ eventName: 'through_api_logs', body: 'old home', severityNumber: 9 });
api.logs?.getLogger('library').emit({ eventName: 'through_api', body: 'new home', severityNumber: 9 });

await logging.shutdown();
