// @ts-check
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { redisStore } from '@logspan/sdk';
import { enoughEvents, enoughValues, expectedAlerts, inOrder } from '../security/window-reference.mjs';
import { CLIENTS, connect } from './clients.mjs';

const WINDOW_MILLIS = 20;
const COOLDOWN_MILLIS = 30;
const SIGHTINGS = 600;

/** @typedef {import('@logspan/sdk').WindowRule} WindowRule */
/** @typedef {import('@logspan/sdk').Sighting} Sighting */

const base = { windowMillis: WINDOW_MILLIS, cooldownMillis: COOLDOWN_MILLIS, maxKeys: 10_000, steps: [] };
const window = WINDOW_MILLIS * 1_000;

/** @type {{ rule: WindowRule, met: import('../security/window-reference.mjs').Met }[]} */
const CASES = [
  ...[1, 2, 5].map((threshold) => ({
    rule: { ...base, id: `events ${threshold}`, type: /** @type {const} */ ('event_count'), threshold },
    met: enoughEvents(threshold, window),
  })),
  ...[1, 2, 3].map((threshold) => ({
    rule: { ...base, id: `values ${threshold}`, type: /** @type {const} */ ('value_count'), threshold },
    met: enoughValues(threshold, window),
  })),
  ...[[1], [1, 1], [3, 1], [2, 1, 2]].map((steps) => ({
    rule: {
      ...base,
      ...{ id: `steps ${steps}`, type: /** @type {const} */ ('temporal_ordered'), steps },
      threshold: steps.reduce((sum, count) => sum + count),
    },
    met: inOrder(steps, window),
  })),
];

/**
 * For random streams, some by one client and some by the other, Redis raises the alerts that the reference raises for the times
 * at which the server says that it saw them.
 * @param {import('./run.mjs').StepContext} step
 */
export async function exactWindows({ startRedis }) {
  const { port } = await startRedis();
  const clients = await Promise.all(CLIENTS.map((name) => connect(name, port)));
  const alerts = await Promise.all(
    CASES.map(({ rule, met }) =>
      check(
        rule,
        met,
        clients.map(({ client }) => client),
      ),
    ),
  );
  for (const { end } of clients) end();
  const total = alerts.reduce((sum, count) => sum + count, 0);
  assert.ok(total > 300, `only ${total} alerts: the streams do not try enough`);
  return `${CASES.length * SIGHTINGS} sightings, ${total} alerts`;
}

/**
 * @param {WindowRule} rule
 * @param {import('../security/window-reference.mjs').Met} met
 * @param {any[]} clients
 */
async function check(rule, met, clients) {
  /** What the server has answered last, with its time. @type {number[]} */
  let reply = [];
  const stores = clients.map((client) => {
    const by =
      (/** @type {string} */ method) =>
      async (/** @type {unknown[]} */ ...args) => {
        reply = await client[method](...args);
        return reply;
      };
    const wrapped = client.evalSha ? { evalSha: by('evalSha') } : { evalsha: by('evalsha') };
    return redisStore({ client: /** @type {any} */ ({ ...wrapped, eval: by('eval') }), timeoutMillis: 60_000 });
  });
  /** @type {Sighting[]} */
  const sightings = [];
  const alerts = [];
  for (let i = 0; i < SIGHTINGS; i++) {
    if (Math.random() < 0.5) await delay(Math.random() < 0.05 ? WINDOW_MILLIS : Math.random() * 4);
    const sighting = {
      key: pick(['a', 'b']),
      value: rule.type === 'value_count' ? pick(['u', 'v', 'w', 'x']) : '',
      steps: rule.steps.map((_, step) => step).filter(() => Math.random() < 0.6),
      nowMillis: 0,
    };
    if (rule.type === 'temporal_ordered' && sighting.steps.length === 0) continue;
    const verdict = await pick(stores).observe(rule, sighting);
    alerts.push(verdict !== undefined && 'alert' in verdict ? verdict.alert : undefined);
    sightings.push({ ...sighting, nowMillis: Number(reply[1]) });
  }
  for (const store of stores) assert.equal(store.stats().local, 0);
  const expected = expectedAlerts(sightings, met, COOLDOWN_MILLIS * 1_000).map(
    (alert) => alert && { count: rule.threshold, suppressed: alert.suppressed, spanMillis: alert.spanMillis / 1_000 },
  );
  assert.deepEqual(alerts, expected, rule.id);
  return alerts.filter((alert) => alert !== undefined).length;
}

/** @template T @param {readonly T[]} list @returns {T} */
function pick(list) {
  return /** @type {T} */ (list[Math.floor(Math.random() * list.length)]);
}
