// A message that is a template: the text is rendered from the redacted attributes, the template is kept to group by.
import { getLogger } from '@logspan/logger';
import { consoleHandler, messageTemplates, redact, register } from '@logspan/sdk';

const logging = register({
  processors: [redact(), messageTemplates()], // order is checked: it shows what redact left
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});
const logger = getLogger('shop');

logger.info('user {username} logged in with {password}', { username: 'ann', password: 'sesame' });
logger.info('order of {user.name}: {items}', { user: { name: 'ann' }, items: ['tea', 'cup'] });
logger.info('{username} wrote {{braces}}, {unknown} stays', { username: 'ann' });
logger.info('JSON stays as it is: {"a":{"b":1}}', { a: 1 });

await logging.shutdown();
