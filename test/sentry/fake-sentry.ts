import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

// biome-ignore lint/suspicious/noExplicitAny: whatever Sentry's SDK sends
type Payload = any;

/** An event as Sentry received it. */
export interface ReceivedEvent {
  /** The header of its envelope. */
  readonly header: Payload;
  readonly event: Payload;
}

/** A Sentry server on this machine: takes envelopes, and answers as it is told. */
export class FakeSentry {
  /** The events that came, in their order. */
  readonly received: ReceivedEvent[] = [];
  /** All that came, as it was sent, sessions and reports included. */
  bytes: Buffer = Buffer.alloc(0);
  /** The answer to each envelope; undefined never answers. */
  status: number | undefined = 200;
  readonly #server: Server = createServer((request, response) => {
    this.#read(request).then(() => {
      if (this.status !== undefined) response.writeHead(this.status).end('{}');
    });
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** Ends all connections, those without an answer too. */
  hangUp(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get dsn(): string {
    return `http://key@127.0.0.1:${(this.#server.address() as AddressInfo).port}/1`;
  }

  get events(): readonly Payload[] {
    return this.received.map(({ event }) => event);
  }

  async #read(request: IncomingMessage): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    this.bytes = Buffer.concat([this.bytes, plain]);
    const [first = '{}', ...lines] = plain.toString('utf8').split('\n');
    const header = JSON.parse(first);
    for (let i = 0; i + 1 < lines.length; i += 2) {
      if (JSON.parse(lines[i] as string).type !== 'event') continue;
      this.received.push({ header, event: JSON.parse(lines[i + 1] as string) });
    }
  }
}
