// Stands for somebody else's payment service, with a will of its own: the last digits of a card say how it answers.
import { setImmediate as soon } from 'node:timers/promises';
import { getLogger } from '@logspan/logger';

const logger = getLogger('shop.payment');

/** Cards that do not simply pay. */
export const CARD_ENDINGS = { declined: '0002', broken: '0119' };

class PaymentGatewayError extends Error {
  name = 'PaymentGatewayError';
}

export async function charge(payment, amount) {
  const started = performance.now();
  try {
    await answerOf(payment);
  } catch (cause) {
    // What went wrong, and why: both arrive, with both stacks.
    throw new PaymentGatewayError(`the gateway did not charge ${amount} EUR`, { cause });
  }
  const declined = payment.card_number.endsWith(CARD_ENDINGS.declined);
  logger[declined ? 'warn' : 'info'](declined ? 'payment_declined' : 'payment_authorized', {
    amount,
    session: { method: 'card', card: { token: payment.token, card_number: payment.card_number } },
    duration_ms: Math.round(performance.now() - started),
  });
  return declined ? { ok: false } : { ok: true, receipt: `r-${Math.round(amount * 100)}` };
}

async function answerOf(payment) {
  await soon();
  if (!payment.card_number.endsWith(CARD_ENDINGS.broken)) return;
  throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
}
