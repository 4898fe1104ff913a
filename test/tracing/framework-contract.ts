import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { type RequestLogging, requestLogging } from '@logspan/sdk';
import { type Arrived, Memory } from './memory.ts';

/** The record that ends a request. */
const ENDED = /^request_(?!started)/;
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const headers = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` };

/** What the application under test does in its handlers. */
export const handlers = {
  /** GET /items/:id answers this. */
  async item(): Promise<string> {
    getLogger('shop').info('at_once');
    await delay(1);
    getLogger('shop').info('after_a_timer');
    return 'item';
  },
  /** POST /items, with the JSON body read by the framework, answers this. */
  created(body: unknown): unknown {
    getLogger('shop').info('body_read', { body });
    return body;
  },
  /** GET /fails */
  async fails(): Promise<never> {
    await delay(1);
    throw new RangeError('mine');
  },
  /** GET /fails-at-once */
  failsAtOnce(): never {
    throw new RangeError('mine');
  },
  /** GET /stream answers this. */
  async *stream(): AsyncGenerator<string> {
    for (const part of ['a', 'b', 'c']) {
      await delay(1);
      getLogger('shop').info('part', { part });
      yield part;
    }
  },
  /** GET /breaks answers this, of which the second part never comes. */
  async *breaks(): AsyncGenerator<string> {
    yield 'a';
    await delay(1);
    throw new RangeError('mine');
  },
  /** GET /waits answers this, which goes on until somebody gives up. */
  async *waits(): AsyncGenerator<string> {
    for (;;) {
      yield 'a'.repeat(1_024);
      await delay(1);
    }
  },
};

/** A running application: a server that listens. */
export type StartServer = (requests: RequestLogging) => Server | Promise<Server>;

/** What request logging promises, whichever framework there is. */
export function testFramework(
  name: string,
  start: StartServer,
  { nested = true, passesOn = false, brokenOff = 'RangeError' } = {},
): void {
  describe(name, () => {
    let memory: Memory;
    let server: Server;
    let url: string;
    beforeEach(async () => {
      memory = new Memory();
      server = await start(requestLogging());
      if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      // Fastify keeps that of a client that gave up.
      server.closeAllConnections();
      await closed;
      await memory.end();
    });

    /** Sends a request and reads the answer; resolves with the record that ends it. */
    async function send(path: string, init: RequestInit = {}): Promise<Arrived & { text: string }> {
      const response = await fetch(`${url}${path}`, {
        ...init,
        headers: { connection: 'close', ...headers, ...init.headers },
      });
      const text = await response.text();
      return { ...(await memory.until(ENDED)), text };
    }

    test('serves a request in its trace, and writes what became of it', async () => {
      const record = await send('/items/7?token=secret');
      expect(record.text).toBe('item');
      expect(memory.events).toEqual(['request_started', 'at_once', 'after_a_timer', 'request_completed']);
      for (const { span } of memory.records) expect(span?.traceId).toBe(TRACE);
      expect(record.attributes).toEqual({
        'http.request.method': 'GET',
        'http.route': '/items/:id',
        'url.path': '/items/7',
        'server.address': '127.0.0.1',
        'server.port': Number(new URL(url).port),
        'http.response.status_code': 200,
        duration_ms: expect.any(Number),
      });
    });

    test('keeps the trace while a body is read', async () => {
      const body = JSON.stringify({ size: 'x'.repeat(100_000) });
      const record = await send('/items', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      expect(record.text).toBe(body);
      expect(memory.only('body_read').span?.traceId).toBe(TRACE);
      expect(record.event).toBe('request_completed');
    });

    test.each(['/fails', '/fails-at-once'])('writes an error that is thrown, once: %s', async (path) => {
      const record = await send(path);
      expect(memory.events).toEqual(['request_started', 'request_failed']);
      expect(record).toMatchObject({
        level: 'ERROR',
        attributes: {
          'http.route': path,
          'http.response.status_code': 500,
          'error.type': 'RangeError',
          'exception.message': 'mine',
        },
      });
    });

    test('keeps the trace in a response that streams', async () => {
      const record = await send('/stream');
      expect(record.text).toBe('abc');
      expect(memory.events).toEqual(['request_started', 'part', 'part', 'part', 'request_completed']);
      for (const { span } of memory.records) expect(span?.traceId).toBe(TRACE);
    });

    test('tells a response that breaks off from a client that gives up', async () => {
      // The client may notice that the end is missing, or not.
      await send('/breaks').catch(() => undefined);
      const record = await memory.until(ENDED);
      expect(record).toMatchObject({
        event: 'request_failed',
        level: 'ERROR',
        attributes: { 'http.route': '/breaks', 'http.response.status_code': 200, 'error.type': brokenOff },
      });
      expect(memory.events).toEqual(['request_started', 'request_failed']);
      for (const { span } of memory.records) expect(span?.traceId).toBe(TRACE);
    });

    test('tells a client that gives up', async () => {
      const given = new AbortController();
      const { body } = await fetch(`${url}/waits`, { headers, signal: given.signal });
      await body?.getReader().read();
      given.abort();
      expect(await memory.until(ENDED)).toMatchObject({
        event: 'request_aborted',
        level: 'WARN',
        attributes: { 'http.route': '/waits', 'http.response.status_code': 200 },
        span: { traceId: TRACE },
      });
      expect(memory.events).toEqual(['request_started', 'request_aborted']);
    });

    test.each(['HEAD', 'OPTIONS'])('serves %s', async (method) => {
      const record = await send('/items/7', { method });
      expect(record).toMatchObject({ event: 'request_completed', attributes: { 'http.request.method': method } });
      expect(record.span?.traceId).toBe(TRACE);
    });

    test('knows no route of what is not there', async () => {
      const record = await send('/nowhere');
      expect(record).toMatchObject({ event: 'request_completed', attributes: { 'http.response.status_code': 404 } });
      expect(record.attributes).not.toHaveProperty(['http.route']);
    });

    if (nested) {
      test('knows the whole route of a router within', async () => {
        expect((await send('/api/carts/7')).attributes).toMatchObject({
          'http.route': '/api/carts/:id',
          'url.path': '/api/carts/7',
        });
      });
    }

    if (passesOn) {
      test.each([
        ['/api/fails/7', 500, '/api/fails/:id'],
        ['/api/gone/7', 404, '/api/gone/:id'],
        ['/api/passes/7', 404, undefined],
        ['/passes/7', 404, undefined],
        ['/passes/own-404', 404, undefined],
      ])('knows whose answer it was, when routes pass requests on: %s', async (path, status, route) => {
        const { attributes } = await send(path);
        expect([attributes['http.response.status_code'], attributes['http.route']]).toEqual([status, route]);
      });
    }

    test('keeps requests side by side apart', async () => {
      const traces = Array.from({ length: 50 }, (_, i) => (i + 1).toString(16).padStart(32, '0'));
      await Promise.all(
        traces.map(async (traceId) => {
          const own = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
          await (await fetch(`${url}/items/${traceId}`, { headers: own })).text();
        }),
      );
      for (const traceId of traces) {
        const events = memory.records.filter(({ span }) => span?.traceId === traceId).map(({ event }) => event);
        expect(events.slice(0, 3)).toEqual(['request_started', 'at_once', 'after_a_timer']);
      }
      expect(memory.records.every(({ span }) => traces.includes(String(span?.traceId)))).toBe(true);
    });
  });
}
