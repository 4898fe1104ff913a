import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ManualTime } from '../../../../test/delivery/manual-time.ts';
import { type HttpTarget, httpSender } from './http-sender.ts';

let server: Server;
/** Resolves to what answers the request, once it is there. */
let asked: Promise<() => void>;
beforeEach(async () => {
  asked = new Promise((resolve) => {
    server = createServer((_, outgoing) => resolve(() => outgoing.end()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function setUp(more: Partial<HttpTarget> = {}) {
  const time = new ManualTime();
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://127.0.0.1:${port}/v1/logs`);
  const sender = httpSender({ url, headers: {}, compression: 'none', ...more }, 1, time);
  return { time, sender };
}

test('a thread that stood still, again and again, is not held against the destination', async () => {
  const { time, sender } = setUp();
  const answer = sender.send(new Uint8Array(10), 10_000).then(
    ({ status }) => status,
    (error: Error) => error.message,
  );
  const respond = await asked;
  for (let n = 0; n < 10; n++) {
    time.sleepSync(9_950);
    await time.pass(0);
  }
  respond();
  expect(await answer).toBe(200);
  sender.close();
  expect(time.timers).toBe(0);
});

test('a destination that is silent for all of the time is given up', async () => {
  const { time, sender } = setUp();
  let outcome: unknown;
  void sender.send(new Uint8Array(10), 10_000).catch((error: Error) => {
    outcome = error.message;
  });
  await asked;
  await time.pass(9_999);
  expect(outcome).toBeUndefined();
  await time.pass(1);
  await time.pass(0);
  expect(outcome).toBe('no answer in time');
  sender.close();
});

describe('where the head is the answer', () => {
  const bodies: [string, (outgoing: ServerResponse) => void][] = [
    ['does not end', (outgoing) => void outgoing.write('a')],
    ['is longer than anybody needs', (outgoing) => void outgoing.write(Buffer.alloc(1_048_576))],
  ];
  test.each(bodies)('a body that %s holds neither the answer nor the connection', async (_, write) => {
    const { time, sender } = setUp({ isAnsweredByHead: true });
    server.removeAllListeners('request');
    const closed = new Promise<void>((resolve) => {
      server.on('request', (_incoming, outgoing) => {
        outgoing.on('close', resolve).writeHead(202, { 'retry-after': '7' });
        write(outgoing);
      });
    });
    await expect(sender.send(new Uint8Array(10), 10_000)).resolves.toMatchObject({ status: 202, retryAfter: '7' });
    await time.pass(200);
    await closed;
    sender.close();
    expect(time.timers).toBe(0);
  });

  test('a short body leaves the connection for the next request', async () => {
    const { sender } = setUp({ isAnsweredByHead: true });
    server.removeAllListeners('request');
    const ports = new Set<number | undefined>();
    let ended: (() => void) | undefined;
    server.on('request', (incoming, outgoing) => {
      ports.add(incoming.socket.remotePort);
      outgoing.on('finish', () => ended?.()).end('{"accepted":1}');
      incoming.resume();
    });
    for (let n = 0; n < 3; n++) {
      const finished = new Promise<void>((resolve) => {
        ended = resolve;
      });
      await sender.send(new Uint8Array(10), 10_000);
      await finished;
    }
    expect(ports.size).toBe(1);
    sender.close();
  });
});
