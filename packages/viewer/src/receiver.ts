import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { countItems } from './count-items.ts';
import { decodeLogs, decodeMetrics, decodeSpans } from './decode.ts';
import { MalformedError } from './field.ts';
import type { LogRecord } from './log-record.ts';
import type { MetricPoint } from './metric-point.ts';
import type { Encoding, Signal } from './otlp-schema.ts';
import { Refusal } from './refusal.ts';
import {
  type ExportRequest,
  encodingOf,
  isSuccess,
  type ReplyHandler,
  type ScriptedReply,
  sendRefusal,
  sendReply,
} from './reply.ts';
import { readBody } from './request-body.ts';
import type { Span } from './span.ts';
import { wholeNumber } from './whole-number.ts';

export interface ReceiverOptions {
  /** Default 4318, which is OTLP/HTTP's. 0: any free port. */
  readonly port?: number;
  /** Address to listen on. Default 127.0.0.1: this machine only. */
  readonly host?: string;
  /** Whether a taken port is answered by trying the next one, up to 100 of them. Default true. */
  readonly nextFreePort?: boolean;
  /** The largest body, both compressed and uncompressed; larger ones get a 413. Default 64 MiB. */
  readonly maxBodyBytes?: number;
  /** Told what a listener threw. Default: a process warning. */
  readonly onListenerError?: (error: unknown) => void;
}

/** What a receiver has seen since it was made. */
export interface ReceiverCounts {
  /** Requests to the three OTLP paths, whatever became of them. */
  readonly requests: number;
  /** Those whose items were not accepted: malformed, over a limit, broken off, or so scripted by `respondWith`. */
  readonly refused: number;
  readonly logRecords: number;
  readonly spans: number;
  readonly dataPoints: number;
  /** Size of the accepted bodies: as they were sent, and uncompressed. */
  readonly wireBytes: number;
  readonly bodyBytes: number;
}

/** Called with the items of one accepted request, before it is answered. */
export type Listener<T> = (items: readonly T[], request: ExportRequest) => void;

/** An OTLP/HTTP receiver for tests and for the developer's machine. It keeps nothing but counts. */
export interface Receiver {
  /** Starts to listen; resolves with the base URL, `http://127.0.0.1:4318`. After close(): again, on the same port. */
  start(): Promise<string>;
  /** Stops listening and ends all connections, also those that wait for an answer. Listeners and counts remain. */
  close(): Promise<void>;
  /** Each returns a function that takes the listener off again. */
  onLogs(listener: Listener<LogRecord>): () => void;
  onSpans(listener: Listener<Span>): () => void;
  onMetrics(listener: Listener<MetricPoint>): () => void;
  /** Scripts the answers, for tests of senders. undefined: back to the normal answer. */
  respondWith(handler: ReplyHandler | undefined): void;
  counts(): ReceiverCounts;
}

const SIGNALS: ReadonlyMap<string, Signal> = new Map([
  ['/v1/logs', 'logs'],
  ['/v1/traces', 'traces'],
  ['/v1/metrics', 'metrics'],
]);

const COUNTED = { logs: 'logRecords', traces: 'spans', metrics: 'dataPoints' } as const;

/**
 * A receiver for OTLP/HTTP: logs, traces and metrics, in JSON and protobuf, gzip or not, answered as the OTLP
 * specification says. Bodies of a signal that nobody listens to are counted and not decoded, which is an order of
 * magnitude cheaper. Throws a RangeError on options out of range.
 */
export function createReceiver(options: ReceiverOptions = {}): Receiver {
  const { host = '127.0.0.1', nextFreePort = true, onListenerError = warn } = options;
  const maxBodyBytes = wholeNumber('maxBodyBytes', options.maxBodyBytes ?? 64 * 1024 * 1024, 1, 2 ** 31 - 1);
  let port = wholeNumber('port', options.port ?? 4318, 0, 65_535);

  const counts = { requests: 0, refused: 0, logRecords: 0, spans: 0, dataPoints: 0, wireBytes: 0, bodyBytes: 0 };
  const logs = new Set<Listener<LogRecord>>();
  const spans = new Set<Listener<Span>>();
  const metrics = new Set<Listener<MetricPoint>>();
  let replyHandler: ReplyHandler | undefined;
  let sequence = 0;
  let running:
    | { readonly server: Server; readonly url: Promise<string>; readonly closing: AbortController }
    | undefined;

  async function handle(request: IncomingMessage, response: ServerResponse, closing: AbortSignal): Promise<void> {
    const encoding = encodingOf(request.headers['content-type']);
    const signal = SIGNALS.get(request.url?.split('?', 1)[0] ?? '');
    if (signal !== undefined) counts.requests++;
    try {
      if (signal === undefined) return answerElsewhere(request, response);
      await handleExport(request, response, signal, checkHead(request, encoding), closing);
    } catch (error) {
      if (signal !== undefined) counts.refused++;
      if (closing.aborted || response.destroyed || response.headersSent) response.destroy();
      else sendRefusal(response, toRefusal(error), encoding);
    }
  }

  async function handleExport(
    incoming: IncomingMessage,
    response: ServerResponse,
    signal: Signal,
    encoding: Encoding,
    closing: AbortSignal,
  ): Promise<void> {
    const { bytes: body, wireBytes } = await readBody(incoming, maxBodyBytes);
    const batch = openBatch(signal, body, encoding);
    const { headers } = incoming;
    const { items } = batch;
    const request: ExportRequest = { signal, encoding, headers, items, body, wireBytes, sequence: ++sequence };

    const reply = toScript(await replyHandler?.(request));
    if (closing.aborted) throw new Refusal(503, 'closing');
    if (reply.accept ?? (reply.end === undefined && isSuccess(reply.status ?? 200))) {
      counts[COUNTED[signal]] += items;
      counts.wireBytes += wireBytes;
      counts.bodyBytes += body.length;
      batch.tell(request);
    } else counts.refused++;

    if (reply.delayMillis !== undefined) await wait(reply.delayMillis, undefined, { signal: closing }).catch(() => {});
    if (closing.aborted || reply.end === 'hang') return;
    if (reply.end === 'reset') incoming.socket.resetAndDestroy();
    else sendReply(response, request, reply);
  }

  /** Counts a request's items, and decodes them only if somebody listens. */
  function openBatch(signal: Signal, body: Uint8Array, encoding: Encoding): Batch {
    if (signal === 'logs' && logs.size > 0) return decoded(decodeLogs(body, encoding), logs);
    if (signal === 'traces' && spans.size > 0) return decoded(decodeSpans(body, encoding), spans);
    if (signal === 'metrics' && metrics.size > 0) return decoded(decodeMetrics(body, encoding), metrics);
    return { items: countItems(signal, body, encoding), tell: () => {} };
  }

  function decoded<T>(items: readonly T[], listeners: ReadonlySet<Listener<T>>): Batch {
    const tell = (request: ExportRequest): void => {
      for (const listener of listeners) {
        try {
          listener(items, request);
        } catch (error) {
          onListenerError(error);
        }
      }
    };
    return { items: items.length, tell };
  }

  async function open(server: Server): Promise<string> {
    const last = port === 0 || !nextFreePort ? port : Math.min(port + 99, 65_535);
    for (let candidate = port; ; candidate++) {
      try {
        server.listen(candidate, host);
        await once(server, 'listening');
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || candidate >= last) throw error;
      }
    }
    port = (server.address() as AddressInfo).port;
    return urlOf(host, port);
  }

  return {
    start() {
      if (running === undefined) {
        const closing = new AbortController();
        const server = createServer((request, response) => void handle(request, response, closing.signal));
        // Longer than senders keep a connection, so that none is closed under a request on its way.
        server.keepAliveTimeout = 120_000;
        const url = open(server);
        url.catch(() => {
          running = undefined;
        });
        running = { server, url, closing };
      }
      return running.url;
    },
    async close() {
      const ending = running;
      running = undefined;
      if (ending === undefined) return;
      await ending.url.catch(() => {});
      ending.closing.abort();
      await new Promise((resolve) => {
        ending.server.close(resolve);
        ending.server.closeAllConnections();
      });
    },
    onLogs: (listener) => subscribe(logs, listener),
    onSpans: (listener) => subscribe(spans, listener),
    onMetrics: (listener) => subscribe(metrics, listener),
    respondWith(handler) {
      replyHandler = handler;
    },
    counts: () => ({ ...counts }),
  };
}

/** The items of one request: how many, and the way to tell the listeners. */
interface Batch {
  readonly items: number;
  tell(request: ExportRequest): void;
}

function subscribe<T>(listeners: Set<Listener<T>>, listener: Listener<T>): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function toScript(reply: Awaited<ReturnType<ReplyHandler>>): ScriptedReply {
  return reply === 'hang' || reply === 'reset' ? { end: reply } : (reply ?? {});
}

function checkHead(request: IncomingMessage, encoding: Encoding | undefined): Encoding {
  if (request.method !== 'POST') throw new Refusal(405, 'OTLP wants POST', { allow: 'POST' });
  if (encoding !== undefined) return encoding;
  const given = request.headers['content-type'] ?? 'none';
  throw new Refusal(415, `Content-Type: expected application/json or application/x-protobuf, got ${given}`, {
    accept: 'application/json, application/x-protobuf',
  });
}

function answerElsewhere(request: IncomingMessage, response: ServerResponse): void {
  if (request.url !== '/') throw new Refusal(404, `nothing here; OTLP goes to ${[...SIGNALS.keys()].join(', ')}`);
  if (request.method !== 'GET') throw new Refusal(405, 'this page can only be read', { allow: 'GET' });
  response.writeHead(200, { 'content-type': 'text/plain' }).end('logspan-viewer: an OTLP/HTTP receiver\n');
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof MalformedError) return new Refusal(400, error.message);
  return new Refusal(500, String(error));
}

/** A URL that a sender on this machine can use, also when the host means "all addresses". */
function urlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

function warn(error: unknown): void {
  process.emitWarning(`a listener of the OTLP receiver threw: ${String(error)}`);
}
