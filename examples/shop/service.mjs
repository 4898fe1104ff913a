// The life of a service process: it listens, says so, and ends without losing a request or a record.
//
// Alone, it ends by Ctrl-C. Under main.mjs it tells its parent where it listens and how its records are doing, and ends
// when the parent says so or is gone.

import { setTimeout as delay } from 'node:timers/promises';

/** How long logs may take to be delivered at the end, and then metrics and spans. */
const LOGS_MILLIS = 5_000;
const REST_MILLIS = 10_000;
const REPORT_MILLIS = 100;

/**
 * @param {object} service
 * @param {string} service.name
 * @param {number} service.defaultPort if PORT is not set; another one if it is taken
 * @param {(port: number) => Promise<number>} service.listen answers the port it got
 * @param {() => Promise<unknown>} service.close takes no more requests, and waits for those under way
 * @param {import('@logspan/sdk').Logging} service.logging
 * @param {() => Promise<unknown>} [service.afterLogging] what is to end after it
 * @param {(url: string) => string} [service.hint] something to try it with
 */
export async function runService({ name, defaultPort, listen, close, logging, afterLogging, hint }) {
  const parent = process.send === undefined ? undefined : tellParent;
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    clearInterval(reports);
    await close();
    await logging.shutdown({ timeoutMillis: LOGS_MILLIS });
    if (parent === undefined) console.log(`${name} has ended: ${accountText(logging.stats())}`);
    else await parent({ stats: logging.stats(), final: true });
    // What fails there has been reported, and nobody is left to handle it.
    await Promise.race([(async () => afterLogging?.())().catch(() => {}), delay(REST_MILLIS)]);
    process.exit();
  };

  let reports;
  if (parent === undefined) {
    process.on('SIGINT', () => (ending ? process.exit(130) : end()));
    process.on('SIGTERM', end);
  } else {
    // Ctrl-C reaches the whole group of processes, and other signals may. Here the parent decides what they mean.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
    process.on('disconnect', end);
    process.on('message', (message) => message === 'stop' && end());
    reports = setInterval(() => parent({ stats: logging.stats() }), REPORT_MILLIS).unref();
  }

  const wanted = parent === undefined ? Number(process.env.PORT ?? defaultPort) : 0;
  const port = await listen(wanted).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error;
    console.log(`Port ${wanted} is taken.`);
    return listen(0);
  });
  const url = `http://127.0.0.1:${port}`;
  if (parent !== undefined) return parent({ url });
  console.log(`${name} listens on ${url}. Ctrl-C ends.`);
  if (hint !== undefined) console.log(`Try: ${hint(url)}`);
}

/** Resolves when the message is on its way, or there is nobody to tell. */
function tellParent(message) {
  return new Promise((resolve) => (process.connected ? process.send(message, resolve) : resolve()));
}

function accountText({ accepted, delivered, rejected, dropped, pending }) {
  const lost = Object.entries(dropped).map(([reason, count]) => `${count} dropped (${reason})`);
  return [`${accepted} accepted`, `${delivered} delivered`, `${rejected} rejected`, ...lost, `${pending} pending`].join(
    ', ',
  );
}
