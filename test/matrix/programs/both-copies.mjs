// The application is in ES modules and one of its libraries in CommonJS: two copies of our packages in one process,
// which must behave as one.
import { createRequire } from 'node:module';
import * as esm from '@logspan/logger';
import { otlp, register } from '@logspan/sdk';

const cjs = createRequire(import.meta.url)('@logspan/logger');
if (cjs.getLogger === esm.getLogger) throw new Error('one copy only: this program shows nothing');

const logging = register({ handlers: [otlp()] });
cjs.getLogger('library').info('logged_by_other_copy');
cjs.withAttributes({ tenant: 'acme' }, () => esm.getLogger('shop').info('scope_of_other_copy'));
esm.getLogger('shop').info('lazy_of_other_copy', { answer: cjs.lazy(() => 42) });
await logging.shutdown();
