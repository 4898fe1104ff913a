// Lazy attributes are computed once, and only for a record that is kept: not below its level, not if it is filtered.
import { getLogger, lazy } from '@logspan/logger';
import { consoleHandler, event, filter, not, register } from '@logspan/sdk';

let computed = 0;
const expensive = () => `dump ${++computed}`;

const logging = register({
  processors: [filter(not(event('noise')))],
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});
const logger = getLogger('cache');

logger.debug('cache_state', { dump: lazy(expensive) }); // below its level
logger.info('noise', { dump: lazy(expensive) }); // filtered
console.log('computed so far:', computed);

logger.info('cache_state', { dump: lazy(expensive) }); // one attribute
logger.info('cache_state', () => ({ dump: expensive(), size: 2 })); // all of them
logger.info('cache_state', { dump: lazy(() => JSON.parse('{')) }); // a failure stays in its attribute

await logging.shutdown();
console.log('computed in all:', computed);
