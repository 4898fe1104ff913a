// @ts-check
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { CLIENTS } from './clients.mjs';
import { logAtOnce, startServices } from './services.mjs';

/** @param {string} username @returns {import('./services.mjs').Records} */
const failed = (username) => [['login_failed', { username, ip: '192.0.2.1' }]];

/**
 * Redis is killed in the middle of an attack: nobody waits for it, each process judges by what it has seen itself, and
 * when Redis is there again they are one monitor again.
 * @param {import('./run.mjs').StepContext} step
 */
export async function killedRedis({ startRedis }) {
  for (const name of CLIENTS) {
    const redis = await startRedis();
    const services = await startServices([name, name, name, name, name], { ...redis, timeoutMillis: 1_000 });
    // Three of five, seen by the first.
    const [first, ...others] = /** @type {[typeof services[0], ...typeof services]} */ (services);
    assert.deepEqual((await first.log(failed('alice'), 3)).alerts, []);

    await redis.kill();
    const alone = await first.log(failed('alice'), 2);
    assert.deepEqual(
      alone.alerts.map(({ alert_type, username, count }) => [alert_type, username, count]),
      [['brute_force_detected', 'alice', 5]],
    );
    assert.equal(alone.others, 2);
    assert.ok(alone.stats.local > 0);
    assert.deepEqual((await logAtOnce(others, failed('alice'))).alerts, []);

    await startRedis({ port: redis.port });
    for (const service of services) await untilShared(service);
    const together = await logAtOnce(services, failed(`bob of ${name}`));
    assert.equal(together.alerts.length, 1, JSON.stringify(together));
    await Promise.all(services.map((service) => service.end()));
  }
  return 'killed, and started again with nothing, with both clients';
}

/**
 * Redis stands still for a while: what it is asked meanwhile is judged without it, and has no effect when it goes on.
 * @param {import('./run.mjs').StepContext} step
 */
export async function frozenRedis({ startRedis }) {
  for (const name of CLIENTS) {
    const redis = await startRedis();
    const services = await startServices([name, name], { ...redis, timeoutMillis: 1_000 });
    const [first, second] = /** @type {[typeof services[0], typeof services[0]]} */ (services);
    await logAtOnce(services, failed('warm-up'));

    redis.signal('SIGSTOP');
    const { alerts, others, stats } = await first.log(failed('alice'), 4);
    // They are too late for certain: the server's clock is known to within the time that an answer took.
    await delay(1_000);
    redis.signal('SIGCONT');
    assert.deepEqual([alerts.length, others], [0, 4]);
    assert.equal(stats.late, 12, JSON.stringify(stats));
    // Had the four come in late, they would be five with this one.
    for (const service of services) await untilShared(service);
    assert.deepEqual((await second.log(failed('alice'))).alerts, []);
    // The first counts to five by itself, and Redis to two.
    assert.deepEqual((await first.log(failed('alice'))).alerts, []);
    await Promise.all(services.map((service) => service.end()));
  }
  return 'four sightings while it stood still, with both clients';
}

/**
 * Until Redis judges again what the service logs: some seconds, because it is tried once a second.
 * @param {import('./services.mjs').Service} service
 */
async function untilShared(service) {
  const deadline = Date.now() + 30_000;
  for (let i = 0; ; i++) {
    const before = (await service.log([])).stats.shared;
    if ((await service.log(failed(`nobody-${i}`))).stats.shared > before) return;
    assert.ok(Date.now() < deadline, 'Redis is not asked any more');
    await delay(100);
  }
}
