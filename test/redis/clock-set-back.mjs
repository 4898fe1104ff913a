// @ts-check
import assert from 'node:assert/strict';
import { redisStore } from '@logspan/sdk';
import { connect } from './clients.mjs';

const HOUR_MICROS = 3_600_000_000;

/** @typedef {import('@logspan/sdk').WindowRule} WindowRule */

const base = { windowMillis: 60_000, cooldownMillis: 60_000, maxKeys: 10_000, threshold: 3, steps: [] };

/**
 * For each type: the sightings of one alert, and how what Redis holds of the first comes to be of that time.
 * @type {{ rule: WindowRule, sightings: { value: string, steps: number[] }[], moved: (at: string, member: string) => string[] }[]}
 */
const CASES = [
  {
    rule: { ...base, id: 'events', type: 'event_count' },
    sightings: Array(3).fill({ value: '', steps: [] }),
    moved: (at) => ['LSET', '-1', at],
  },
  {
    rule: { ...base, id: 'values', type: 'value_count' },
    sightings: ['u', 'v', 'w'].map((value) => ({ value, steps: [] })),
    moved: (at, member) => ['ZADD', at, member],
  },
  {
    rule: { ...base, id: 'steps', type: 'temporal_ordered', steps: [2, 1] },
    sightings: [[0], [0], [1]].map((steps) => ({ value: '', steps })),
    moved: (at) => ['HSET', 'last', at, '0', at],
  },
];

/**
 * When the clock of the server is set back by an hour, time stands still for a group until the clock has caught up: what
 * Redis holds of it is of a later time than the clock shows, and stays in the window.
 * @param {import('./run.mjs').StepContext} step
 */
export async function clockSetBack({ startRedis }) {
  const { port } = await startRedis();
  const { client, end } = await connect('redis', port);
  /** What the server says of a sighting, with its time. @type {number[][]} */
  const replies = [];
  const keeping = async (/** @type {Promise<number[]>} */ reply) => {
    replies.push(await reply);
    return reply;
  };
  const wrapped = {
    evalSha: (/** @type {[any, any]} */ ...args) => keeping(client.evalSha(...args)),
    eval: (/** @type {[any, any]} */ ...args) => keeping(client.eval(...args)),
  };
  const store = redisStore({ client: /** @type {any} */ (wrapped), timeoutMillis: 60_000 });
  for (const { rule, sightings, moved } of CASES) {
    await client.sendCommand(['FLUSHALL']);
    replies.length = 0;
    const verdicts = [];
    let later = 0;
    for (const sighting of sightings) {
      verdicts.push(await store.observe(rule, { ...sighting, key: 'a', nowMillis: 0 }));
      if (verdicts.length > 1) continue;
      later = Number(replies[0]?.[1]) + HOUR_MICROS;
      const [key] = /** @type {string[]} */ (await client.sendCommand(['KEYS', '*:seen']));
      const isSet = rule.type === 'value_count';
      const [member] = isSet ? /** @type {string[]} */ (await client.sendCommand(['ZRANGE', key, '0', '0'])) : [''];
      const [command, ...args] = moved(String(later), member);
      await client.sendCommand([command, key, ...args]);
    }
    assert.deepEqual(
      replies.slice(1).map(([, now]) => now),
      [later, later],
      rule.id,
    );
    assert.deepEqual(verdicts, [undefined, undefined, { alert: { count: 3, suppressed: 0, spanMillis: 0 } }], rule.id);
  }
  end();
  return CASES.map(({ rule }) => rule.type).join(', ');
}
