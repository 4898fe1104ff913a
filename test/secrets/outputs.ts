import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { batch, consoleHandler, fallback, file, type Handler, httpBatch, otlp, processor, route } from '@logspan/sdk';
import { JsonLogsSerializer } from '@opentelemetry/otlp-transformer';
import { SYSTEM_SHIPPER_TIME } from '../../packages/sdk/src/delivery/shipper.ts';

/** A destination whose bytes can be looked at: to add one, add a row to {@link outputs}. */
export interface Output {
  readonly name: string;
  readonly handler: Handler;
  /** Everything that left by it so far. */
  written(): Buffer;
  /** What is still to come of its own accord, once it is flushed. */
  settled?(): Promise<void>;
  close(): void;
}

function toOtlp(name = 'otlp', status = 200): Output {
  const bodies: Uint8Array[] = [];
  const handler = otlp({
    name,
    sender: () => ({
      async send(body) {
        bodies.push(body.slice());
        return { status, body: new Uint8Array(0) };
      },
      close: () => undefined,
    }),
  });
  return { name, handler, written: () => Buffer.concat(bodies), close: () => undefined };
}

/** Over a real connection: headers, and bodies as they are and unpacked. */
async function overHttp(name: string, make: (endpoint: string) => Handler): Promise<Output> {
  const parts: Buffer[] = [];
  const server = createServer((request, response) => {
    const body: Buffer[] = [];
    request.on('data', (chunk) => body.push(chunk));
    request.on('end', () => {
      const whole = Buffer.concat(body);
      parts.push(Buffer.from(JSON.stringify(request.headers)), whole, gunzipSync(whole));
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    name,
    handler: make(`http://127.0.0.1:${port}/v1/logs`),
    written: () => Buffer.concat(parts),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function toConsole(format: 'pretty' | 'json'): Output {
  let text = '';
  const stream = {
    write(chunk: string | Uint8Array, done?: unknown) {
      text += Buffer.from(chunk as never).toString();
      if (typeof done === 'function') done();
      return true;
    },
    once: () => undefined,
    on: () => undefined,
    off: () => undefined,
    removeListener: () => undefined,
    columns: 200,
  };
  return {
    name: `console, ${format}`,
    handler: consoleHandler({ format, colors: false, stream: stream as never }),
    written: () => Buffer.from(text),
    close: () => undefined,
  };
}

function toExporter(): Output {
  const parts: Buffer[] = [];
  const handler = batch({
    export(records, done) {
      parts.push(Buffer.from(JsonLogsSerializer.serializeRequest(records) ?? []));
      // What is no part of OTLP, or hidden in an object, must not be there either.
      parts.push(
        Buffer.from(inspect(records, { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null })),
      );
      done({ code: 0 });
    },
    shutdown: async () => undefined,
  });
  return { name: 'an official exporter', handler, written: () => Buffer.concat(parts), close: () => undefined };
}

function toFile(format: 'ndjson' | 'otlp'): Output {
  const folder = mkdtempSync(join(tmpdir(), 'logspan-secrets-'));
  const path = join(folder, 'app.log');
  return {
    name: `file, ${format}`,
    handler: file(path, { format, name: `file-${format}` }),
    // Names as well as contents.
    written: () =>
      Buffer.concat(readdirSync(folder).flatMap((name) => [Buffer.from(name), readFileSync(join(folder, name))])),
    close: () => rmSync(folder, { recursive: true }),
  };
}

/** Rotated again and again, and compressed: the files are read as they are and unpacked. */
function toRotatedFile(): Output {
  const folder = mkdtempSync(join(tmpdir(), 'logspan-secrets-'));
  const rotated = () => readdirSync(folder).filter((name) => name !== 'app.log');
  const unpacked = (name: string): Buffer => {
    const bytes = readFileSync(join(folder, name));
    return name.endsWith('.gz') ? Buffer.concat([bytes, gunzipSync(bytes)]) : bytes;
  };
  // A file that was written to ten seconds ago is quiet, and is compressed.
  const time = { ...SYSTEM_SHIPPER_TIME, wall: () => Date.now() + 10_000 };
  return {
    name: 'file, rotated, with gzip',
    handler: file(join(folder, 'app.log'), { name: 'file-gzip', maxSize: 2_048, gzip: true, time }),
    written: () => Buffer.concat(readdirSync(folder).flatMap((name) => [Buffer.from(name), unpacked(name)])),
    async settled() {
      while (rotated().length === 0 || rotated().some((name) => !name.endsWith('.gz'))) await nextTurn();
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** By a route with a processor, which has a copy of each record. */
function byRoute(): Output {
  const end = toExporter();
  return {
    ...end,
    name: 'a route',
    handler: route({ processors: [processor(() => true, 'filter')], to: end.handler }),
  };
}

/** A first handler that is refused everything, and a second one that gets it then: both are looked at. */
function byFallback(): Output {
  const [first, second] = [toOtlp('refused', 400), toExporter()];
  return {
    name: 'fallback',
    handler: fallback(first.handler, second.handler, { name: 'fallback' }),
    written: () =>
      second.written().length === 0 ? second.written() : Buffer.concat([first.written(), second.written()]),
    close: () => undefined,
  };
}

/** The same where the first one throws. */
function byFallbackOfThrown(): Output {
  const second = toExporter();
  const first: Handler = {
    name: 'throws',
    start: () => ({
      onEmit() {
        throw new Error('no');
      },
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
      deliveryAccount: () => ({ accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 }),
    }),
  };
  return { ...second, name: 'fallback of thrown', handler: fallback(first, second.handler, { name: 'thrown' }) };
}

/** All destinations there are. */
export async function outputs(): Promise<Output[]> {
  return [
    toOtlp(),
    await overHttp('otlp with gzip', (endpoint) => otlp({ endpoint, compression: 'gzip' })),
    await overHttp('httpBatch with gzip', (endpoint) => httpBatch({ endpoint, compression: 'gzip' })),
    toConsole('pretty'),
    toConsole('json'),
    toExporter(),
    toFile('ndjson'),
    toFile('otlp'),
    toRotatedFile(),
    byRoute(),
    byFallback(),
    byFallbackOfThrown(),
  ];
}

/** One of them, for tests with many and long records. */
export async function oneOutput(): Promise<Output[]> {
  return [toOtlp()];
}

/** The forms in which bytes may show: as they are, escaped, encoded, in base64 at any offset, as hex. */
export function formsOf(secret: string): Buffer[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // Without what depends on the neighbours.
    return text.slice(offset === 0 ? 0 : offset + 1, -1);
  });
  const hex = bytes.toString('hex');
  const texts = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    ...base64,
    hex,
    // As inspect shows bytes.
    hex.replace(/..(?!$)/g, '$& '),
    secret.replaceAll('\n', '\\n'),
  ];
  return [...new Set(texts)].map((text) => Buffer.from(text));
}
