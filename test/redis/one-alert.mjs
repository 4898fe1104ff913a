// @ts-check
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { logAtOnce, startServices } from './services.mjs';

/** @param {string} username @param {string} [ip] @returns {[string, Record<string, unknown>]} */
const failed = (username, ip = '192.0.2.1') => ['login_failed', { username, ip }];

/**
 * Five processes see an attack of which each sees a fifth, and together raise one alert.
 * @param {import('./run.mjs').StepContext} step
 */
export async function oneAlert({ startRedis }) {
  const { port } = await startRedis();
  for (const clients of /** @type {const} */ ([
    ['redis', 'redis', 'redis', 'redis', 'redis'],
    ['ioredis', 'ioredis', 'ioredis', 'ioredis', 'ioredis'],
    ['redis', 'ioredis', 'redis', 'ioredis', 'redis'],
  ])) {
    const services = await startServices(clients, { port });
    const name = clients.join();
    const user = `alice-${name}`;

    const brute = await logAtOnce(services, [failed(user, name)]);
    assert.deepEqual(
      brute.alerts.map(({ alert_type, username, count, suppressed }) => [alert_type, username, count, suppressed]),
      [['brute_force_detected', user, 5, 0]],
    );
    assert.equal(brute.others, 5);
    for (const stats of brute.stats) assert.equal(stats.local, 0, JSON.stringify(stats));
    // As many more as you like: still one.
    const storm = await logAtOnce(services, [failed(user, name)], 100);
    assert.deepEqual([storm.alerts.length, storm.others], [0, 500]);

    // One failed login each: after five of them, one process sees the right password.
    const other = `bob-${name}`;
    await logAtOnce(services, [failed(other, `a ${name}`)]);
    const [first, ...others] = services;
    const success = await logAtOnce([/** @type {typeof services[0]} */ (first)], [['user_login', { username: other }]]);
    assert.deepEqual(
      success.alerts.map(({ alert_type, count }) => [alert_type, count]),
      [['success_after_failures', 6]],
    );

    // Two users from one address in each: ten different ones.
    const spray = await Promise.all(
      services.map((service, i) => service.log([0, 1, 1].map((n) => failed(`${name}-${i}-${n}`, `b ${name}`)))),
    );
    assert.deepEqual(
      spray.flatMap(({ alerts }) => alerts).map(({ alert_type, count }) => [alert_type, count]),
      [['password_spray', 10]],
    );
    await Promise.all([first, ...others].map((service) => service?.end()));
  }
  return 'five processes, of one and of both clients';
}

/**
 * The cooldown is one for all, and the next alert says how many were suppressed in all processes together.
 * @param {import('./run.mjs').StepContext} step
 */
export async function oneCooldown({ startRedis }) {
  const { port } = await startRedis();
  const services = await startServices(['redis', 'ioredis', 'redis', 'ioredis', 'redis'], { port, cooldown: '3s' });
  const first = await logAtOnce(services, [failed('alice')], 100);
  assert.equal(first.alerts.length, 1);
  assert.equal(first.alerts[0]?.suppressed, 0);
  for (const { local } of first.stats) assert.equal(local, 0);
  await delay(3_100);
  const second = await logAtOnce(services, [failed('alice')]);
  assert.deepEqual(
    second.alerts.map(({ count, suppressed }) => [count, suppressed]),
    [[5, 495]],
  );
  await Promise.all(services.map((service) => service.end()));
  return '500 sightings, 495 suppressed';
}

/**
 * A burst that is more than may wait for an answer: no second alert, and every record passes.
 * @param {import('./run.mjs').StepContext} step
 */
export async function storm({ startRedis }) {
  const { port } = await startRedis();
  const services = await startServices(['redis', 'ioredis'], { port });
  const { alerts, others, stats } = await logAtOnce(services, [failed('alice')], 20_000);
  assert.equal(alerts.length, 1, JSON.stringify(alerts));
  assert.equal(others, 40_000);
  for (const { shared, local, overload } of stats) {
    assert.equal(local, overload);
    // Two of the three rules want a failed login, and the third begins with it.
    assert.equal(shared + local, 60_000);
    assert.ok(overload > 0);
  }
  await Promise.all(services.map((service) => service.end()));
  return `40 000 records, 1 alert, ${stats.map(({ shared }) => shared).join(' and ')} of 60 000 judgements in Redis`;
}
