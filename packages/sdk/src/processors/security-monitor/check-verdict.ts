import type { Verdict } from './store.ts';

/** What a store answered, if it is what a store may answer. Throws for anything else: an alert of nothing must not be told. */
export function checkVerdict(answer: unknown): Verdict | undefined {
  if (answer === undefined || isVerdict(answer)) return answer;
  throw new VerdictError(
    'the answer of the store is neither undefined nor { alert: { count, suppressed, spanMillis } }',
  );
}

class VerdictError extends Error {
  override readonly name = 'VerdictError';
}

function isVerdict(answer: unknown): answer is Verdict {
  if (typeof answer !== 'object' || answer === null) return false;
  const { alert, overflow } = answer as { readonly alert?: unknown; readonly overflow?: unknown };
  if (overflow !== undefined && !isAmount(overflow)) return false;
  return alert === undefined ? overflow !== undefined : isAlert(alert);
}

function isAlert(alert: unknown): boolean {
  if (typeof alert !== 'object' || alert === null) return false;
  const { count, suppressed, spanMillis } = alert as Readonly<Record<string, unknown>>;
  return isAmount(count) && isAmount(suppressed) && isAmount(spanMillis);
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value);
}
