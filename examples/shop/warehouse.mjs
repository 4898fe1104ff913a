// A module that only logs: it knows nothing of how logging is set up, nor of the order it works for.
import { getLogger } from '@logspan/logger';

const logger = getLogger('shop.warehouse');

const VAT = 0.19;
const GOODS = {
  teapot: { name: 'Teekanne „Käthe“', price: 39, ean: 4006381333931, supplier: null },
  cup: { name: 'чашка 🍵', price: 9.5, ean: 4823063112345, supplier: { name: 'Порцеляна', express: true } },
  kettle: { name: '鉄瓶 1.2 ℓ', price: 64.9, ean: 4901234567894, supplier: { name: '南部鉄器', express: false } },
};

/** Reserves the items of an order. A unicorn is always sold out. */
export function reserve(items) {
  const log = logger.child({ shelf: 'A1' });
  let total = 0;
  for (const [index, { sku, quantity }] of items.entries()) {
    const goods = GOODS[sku];
    if (goods === undefined) {
      log.warn('out_of_stock', { sku, quantity });
      return { ok: false, sku };
    }
    const price = goods.price * quantity;
    total += price;
    log.debug('line_priced', {
      line: index + 1,
      sku,
      quantity,
      goods,
      gross: { amount: price * (1 + VAT), vat: VAT, currency: 'EUR' },
      discounts: quantity > 3 ? [{ code: 'MANY', share: 0.1 }, 'in season', 3] : [],
      heavy: quantity > 2,
    });
  }
  log.info('stock_reserved', { items, queue_size: items.length });
  return { ok: true, total };
}
