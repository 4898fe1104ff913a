// Sampling by rule: shares for single events and loggers, what is never sampled, and a rate to aim for. Every kept record
// says for how many it stands, so that counts can be scaled back.
import { event, getLogger } from '@logspan/logger';
import { register, sample } from '@logspan/sdk';

const kept = new Map();
const counting = {
  name: 'counting',
  start: () => ({
    onEmit({ eventName, attributes }) {
      const { records = 0, weight = 0 } = kept.get(eventName) ?? {};
      kept.set(eventName, { records: records + 1, weight: weight + 1 / (attributes['logspan.sample.ratio'] ?? 1) });
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
    deliveryAccount: () => ({ accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 }),
  }),
};

// A clock and a chance that are the same in every run.
let millis = 0;
let chance = 0.5;
const logging = register({
  processors: [
    sample({
      ratio: 0.5,
      keep: [event('audit_*')],
      rules: [
        { event: 'health_*', ratio: 0.05 },
        { name: 'db', scope: 'db*', targetPerSecond: 10 },
      ],
      now: () => millis,
      // Evenly spread: each next one is a golden section further.
      random: () => (chance = (chance + 0.618033988749895) % 1),
    }),
  ],
  handlers: [counting],
});

const shop = getLogger('shop');
const db = getLogger('db.pool');
for (let second = 0; second < 60; second++) {
  for (let i = 0; i < 100; i++) {
    millis += 10;
    shop.info('health_checked');
    shop.info('order_placed');
    if (i === 0) shop.info('audit_login');
    db.info('query_done');
  }
}

for (const [name, { records, weight }] of kept)
  console.log(`${name}: ${records} records stand for ${Math.round(weight)}`);
await logging.shutdown();
console.log(logging.stats().pipeline);
