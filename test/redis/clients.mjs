// @ts-check
import { Redis } from 'ioredis';
import { createClient } from 'redis';

/** The packages whose clients the store takes. */
export const CLIENTS = /** @type {const} */ (['redis', 'ioredis']);

/**
 * A connected client of a package, as an application makes it, and how to end it.
 *
 * @param {'redis' | 'ioredis'} name
 * @param {number} port
 */
export async function connect(name, port) {
  if (name === 'redis') {
    const client = createClient({ url: `redis://127.0.0.1:${port}` });
    client.on('error', () => undefined);
    await client.connect();
    return { client, end: () => client.destroy() };
  }
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true });
  client.on('error', () => undefined);
  await client.connect();
  return { client, end: () => client.disconnect() };
}
