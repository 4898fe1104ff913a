import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { batch, consoleHandler, file, type Handler, otlp } from '@logspan/sdk';
import { JsonLogsSerializer } from '@opentelemetry/otlp-transformer';

/** A destination whose bytes can be looked at: to add one, add a row to {@link outputs}. */
export interface Output {
  readonly name: string;
  readonly handler: Handler;
  /** Everything that left by it so far. */
  written(): Buffer;
  close(): void;
}

function toOtlp(): Output {
  const bodies: Uint8Array[] = [];
  const handler = otlp({
    sender: () => ({
      async send(body) {
        bodies.push(body.slice());
        return { status: 200, body: new Uint8Array(0) };
      },
      close: () => undefined,
    }),
  });
  return { name: 'otlp', handler, written: () => Buffer.concat(bodies), close: () => undefined };
}

/** Over a real connection: headers, and bodies as they are and unpacked. */
async function toCollector(): Promise<Output> {
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
    name: 'otlp with gzip',
    handler: otlp({ endpoint: `http://127.0.0.1:${port}/v1/logs`, compression: 'gzip' }),
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

/** All destinations there are. */
export async function outputs(): Promise<Output[]> {
  return [
    toOtlp(),
    await toCollector(),
    toConsole('pretty'),
    toConsole('json'),
    toExporter(),
    toFile('ndjson'),
    toFile('otlp'),
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
