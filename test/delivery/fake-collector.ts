import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { type Received, recordsIn } from './otlp-batches.ts';

/** What the collector does with a request. */
export type Reaction =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
    }
  /** Breaks the connection: before it has read, after it has read, or in the middle of its answer. */
  | 'reset before body'
  | 'reset after body'
  | 'reset mid-response'
  /** Says 200 and a length, and ends before it. */
  | 'truncated body'
  /** Speaks another protocol. */
  | 'garbage'
  /** Says 200 and more than anyone may read, and does not come to an end. */
  | '5 MiB'
  | 'never answers'
  /** Sends its head, or its body, a byte at a time, for ever. */
  | 'slow head'
  | 'slow body';

export interface Request {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Undefined if the body was not read. */
  readonly records: readonly Received[] | undefined;
  readonly reaction: Reaction;
  readonly at: number;
}

const TAKEN: Reaction = { status: 200 };

/** An OTLP/HTTP collector on the loopback interface that does with each request what a test says. */
export class FakeCollector {
  readonly requests: Request[] = [];
  /** What to do with the next requests; with those after them: {@link otherwise}. */
  script: Reaction[] = [];
  otherwise: Reaction = TAKEN;
  /** Called with each request, before the reaction. */
  onRequest: (request: Request) => void = () => undefined;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  port = 0;

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  async start(): Promise<this> {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  /** All records that were read, in order. */
  get records(): Received[] {
    return this.requests.flatMap(({ records }) => records ?? []);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reaction = this.script.shift() ?? this.otherwise;
    const read = async (): Promise<Received[] | undefined> => {
      if (reaction === 'reset before body') return undefined;
      const parts: Buffer[] = [];
      try {
        for await (const part of request) parts.push(part as Buffer);
      } catch {
        // The client has given up.
        return undefined;
      }
      const body = Buffer.concat(parts);
      const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      return recordsIn(plain, request.headers['content-type']);
    };
    const records = await read();
    const told = { path: request.url ?? '', headers: request.headers, records, reaction, at: performance.now() };
    this.requests.push(told);
    this.onRequest(told);
    this.#react(reaction, request.socket, response);
  }

  #react(reaction: Reaction, socket: Socket, response: ServerResponse): void {
    if (typeof reaction === 'object') {
      response.writeHead(reaction.status, reaction.headers).end(reaction.body ?? '');
      return;
    }
    switch (reaction) {
      case 'reset before body':
      case 'reset after body':
        socket.resetAndDestroy();
        break;
      case 'reset mid-response':
        response.writeHead(200, { 'content-length': 100 });
        response.write('begun', () => socket.resetAndDestroy());
        break;
      case 'truncated body':
        response.writeHead(200, { 'content-length': 100 });
        response.write('begun', () => socket.end());
        break;
      case 'garbage':
        socket.end('SSH-2.0-OpenSSH_9.2\r\n');
        break;
      case '5 MiB':
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).write(Buffer.alloc(5 * 1_048_576));
        break;
      case 'never answers':
        break;
      case 'slow head':
        socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
        this.#drip(socket);
        break;
      case 'slow body':
        response.writeHead(200, { 'content-length': 1_000_000 });
        response.write('begun');
        this.#drip(socket);
    }
  }

  #drip(socket: Socket): void {
    const timer = setInterval(() => socket.write('x'), 5);
    this.#timers.add(timer);
    socket.on('close', () => clearInterval(timer));
  }
}
