// Enrichment: attributes that every record gets, the same ones or computed. A function of your own is a processor too.
import { getLogger } from '@logspan/logger';
import { consoleHandler, enrich, register } from '@logspan/sdk';

let requests = 0;

const logging = register({
  processors: [
    enrich({ region: 'eu-1' }),
    enrich((_context, record) => ({ loud: record.severityNumber >= 17 })),
    // Returning false would drop the record.
    function shorten(record) {
      if (record.attributes.sku?.length > 8) record.setAttribute('sku', `${record.attributes.sku.slice(0, 8)}…`);
    },
    enrich(() => ({ requests: ++requests, token: 'redacted, for redact() always comes last' })),
  ],
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});

const logger = getLogger('shop');
logger.info('item_added', { sku: 'teapot-with-two-spouts' });
logger.error('order_failed', { region: 'us-2' }); // what the caller says stays

await logging.shutdown();
