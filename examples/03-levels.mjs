// Levels: one for all loggers, others for some, and new ones while the program runs.
import { getLogger } from '@logspan/logger';
import { consoleHandler, register } from '@logspan/sdk';

const logging = register({
  level: 'info,db=debug,db.pool=off', // or LOGSPAN_LEVEL; the longest name that fits wins, see also 27-level-directives
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});

const http = getLogger('http');
const db = getLogger('db');

http.debug('not_written');
http.info('request', { path: '/' });
db.debug('query', { rows: 3 });
db.named('db.pool').error('not_written_either');

console.log('http at debug:', http.isEnabled('debug'));
logging.setLevel('debug,db=warn');
console.log('http at debug:', http.isEnabled('debug'));
http.debug('now_written');
db.info('no_longer_written');
db.fatal('out_of_disk');

await logging.shutdown();
