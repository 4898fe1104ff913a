// Customers: autocannon, with a mix of checkouts that go well and checkouts that do not.
import autocannon from 'autocannon';
import { CARD_ENDINGS } from './payment-gateway.mjs';

/** What a checkout may be answered, and what that means. Any other answer is a fault of the shop. */
export const ANSWERS = { 201: 'placed', 402: 'declined', 409: 'sold out', 502: 'gateway broken' };

const OTHER_GOODS = ['teapot', 'kettle', 'cup'];

/** autocannon has no "until told otherwise", and a timer of 25 days or more fires at once. */
const LONGEST_SECONDS = 2_000_000;

/**
 * Runs until the time is over or `signal` aborts.
 *
 * @param {{ url: string, secrets: object, lines?: number, seconds?: number, connections: number, rate?: number,
 *   signal: AbortSignal }} options
 * @returns {{ requests(): number, elapsedSeconds(): number, ended: boolean, done: Promise<{ requests: number, seconds: number, answers: Record<string, number>,
 *   faults: number, fault: string | undefined }> }}
 */
export function startLoad({ url, secrets, lines = 2, seconds = LONGEST_SECONDS, connections, rate, signal }) {
  const run = autocannon({
    url,
    connections,
    duration: seconds,
    sampleInt: 100,
    ...(rate === undefined ? {} : { overallRate: rate }),
    requests: checkouts(secrets, lines),
  });
  const startedAt = performance.now();
  const answers = {};
  let requests = 0;
  let faults = 0;
  let fault;
  run.on('response', (_client, status) => {
    requests++;
    answers[status] = (answers[status] ?? 0) + 1;
    if (status in ANSWERS) return;
    faults++;
    fault ??= `a checkout was answered ${status}`;
  });
  run.on('reqError', (error) => {
    faults++;
    fault ??= error.message;
  });
  if (signal.aborted) run.stop();
  else signal.addEventListener('abort', () => run.stop(), { once: true });
  const load = { requests: () => requests, elapsedSeconds: () => (performance.now() - startedAt) / 1000, ended: false };
  load.done = run.then(({ duration }) => {
    load.ended = true;
    return { requests, seconds: duration, answers, faults, fault };
  });
  return load;
}

/** Ten checkouts, of which seven go well. */
function checkouts(secrets, lines) {
  return Array.from({ length: 10 }, (_, n) => {
    const ending = n === 3 ? CARD_ENDINGS.declined : n === 7 ? CARD_ENDINGS.broken : '1111';
    return {
      method: 'POST',
      path: '/checkout',
      headers: { 'content-type': 'application/json', authorization: secrets.authorization },
      body: JSON.stringify({
        customer: { id: `c-${n}`, email: `customer-${n}@example.com`, password: secrets.password },
        items: basket(n, lines),
        payment: { card_number: secrets.cardPrefix + ending, token: secrets.token },
      }),
    };
  });
}

/** What the n-th customer buys: a unicorn, which nobody gets, would be the last of it. */
function basket(n, lines) {
  const last = { sku: n === 5 ? 'unicorn' : 'cup', quantity: 1 + (n % 4) };
  const others = Array.from({ length: lines - 1 }, (_, i) => ({ sku: OTHER_GOODS[i % 3], quantity: 1 + (i % 5) }));
  return [...others, last];
}
