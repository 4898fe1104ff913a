// A module that only logs: it knows nothing of how logging is set up, nor of the order it works for.
import { getLogger } from '@logspan/logger';

const logger = getLogger('shop.warehouse');

const PRICES = { teapot: 39, cup: 9.5, kettle: 64 };

/** Reserves the items of an order. A unicorn is always sold out. */
export function reserve(items) {
  const log = logger.child({ shelf: 'A1' });
  let total = 0;
  for (const { sku, quantity } of items) {
    const price = PRICES[sku];
    if (price === undefined) {
      log.warn('out_of_stock', { sku, quantity });
      return { ok: false, sku };
    }
    total += price * quantity;
  }
  log.info('stock_reserved', { items, queue_size: items.length });
  return { ok: true, total };
}
