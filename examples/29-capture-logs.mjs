// Testing what an application logs: records as they leave the pipeline, with exact times, and no network.
import assert from 'node:assert/strict';
import { getLogger } from '@logspan/logger';
import { captureLogs, captureLogsDuring, frozenClock } from '@logspan/sdk/testing';

const logger = getLogger('shop');
async function checkOut(user) {
  logger.info('checkout_started', { user, password: 'sesame' });
  await new Promise(setImmediate);
  logger.error('payment_failed', { user, error: new Error('card refused') });
}

const logs = captureLogs({ now: frozenClock('2026-01-01T00:00:00Z') });
await checkOut('ann');
await logs.stop();
console.log(logs.records[0]);
// With Jest or Vitest: expect.extend(logMatchers); expect(logs).toHaveLogged('payment_failed', { user: 'ann' });
assert.equal(logs.find('payment_failed', { user: 'ann' })?.error?.message, 'card refused');

// Tests that run at the same time: each captures what is logged within its own function.
const users = await Promise.all(
  ['bob', 'eve'].map((name) =>
    captureLogsDuring(async (own) => {
      await checkOut(name);
      return own.records.map(({ eventName, attributes }) => `${eventName} ${attributes.user}`);
    }),
  ),
);
console.log(users);
