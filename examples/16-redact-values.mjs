// What looks like a secret is found in any text; rules say what becomes of it: replaced, masked, removed, a pseudonym.
import { getLogger } from '@logspan/logger';
import { consoleHandler, redact, register } from '@logspan/sdk';

const redaction = redact({
  rules: [
    // One person, one pseudonym: records can be joined without telling who it is.
    {
      name: 'people',
      keys: ['user_id'],
      detect: ['email'],
      action: { pseudonym: { key: 'of 32 bytes, from your secret store' } },
    },
    { detect: ['card'], action: { mask: { keepLast: 4 } } },
    { paths: ['user.*.ssn', 'payment.cvc*'], action: 'remove' },
    { pattern: /EMP-\d{6}/, name: 'employee' }, // your own, held to 5 ms
  ],
});
const logging = register({
  processors: [redaction],
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});
const logger = getLogger('shop');

logger.info('sign_in', { user_id: 7, note: 'ann@example.com came by /cb?state=1&access_token=abc' });
logger.info('sign_out', { user_id: 7 });
logger.info('paid with 4111 1111 1111 1111 at the desk of EMP-123456', { payment: { cvc2: '123', amount: 5 } });
logger.info('moved', { user: { ann: { ssn: '078-05-1120', city: 'Delft' } } });

// Why? Without the secret.
console.log(redaction.explain({ body: 'Bearer abc', attributes: { user: { ann: { ssn: '078-05-1120' } } } }));
await logging.shutdown();
