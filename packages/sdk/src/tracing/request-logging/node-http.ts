import type { IncomingMessage, ServerResponse } from 'node:http';
import { types } from 'node:util';
import { context } from '@opentelemetry/api';
import { Exchange, type ExchangeSettings, exchangeAround } from './exchange.ts';

/** What a listener of `node:http` is given, and servers built on it pass on. */
export type NodeListener<Request, Response> = (request: Request, response: Response) => unknown;

const SWITCHING_PROTOCOLS = 101;

/** A listener that serves each request in its context, and writes its records. */
export function loggedListener<Request extends IncomingMessage, Response extends ServerResponse>(
  settings: ExchangeSettings,
  listener: NodeListener<Request, Response>,
): NodeListener<Request, Response> {
  return function (this: unknown, request, response) {
    const exchange = follow(settings, request, response);
    // Nobody answers for a listener that throws: the response may never end, nor the process live on.
    const failed = (error: unknown): never => {
      exchange.threw(error);
      exchange.failed(sentStatus(response));
      throw error;
    };
    let result: unknown;
    try {
      // Not through the listener's own methods: an Express application has a `bind` for the HTTP method of that name.
      result = exchange.run(() => Reflect.apply(listener, this, [request, response]));
    } catch (error) {
      return failed(error);
    }
    return types.isPromise(result) ? result.catch(failed) : result;
  };
}

/**
 * The exchange of a Node request and its response, which ends with the response. If request logging stands before this one
 * as well, it is the same exchange.
 */
export function follow(
  settings: ExchangeSettings,
  request: IncomingMessage,
  response: ServerResponse,
  native: unknown = request,
  route?: () => unknown,
  headersAsWell?: () => unknown,
): Exchange {
  const around = exchangeAround(request);
  if (around !== undefined) {
    if (route !== undefined) around.routedBy(route);
    return around;
  }
  const exchange = new Exchange(settings, {
    message: request,
    method: request.method ?? '',
    // Routers shorten `url` for the routes below them.
    target: (request as { originalUrl?: string }).originalUrl ?? request.url ?? '',
    headers: request.headers,
    headersAsWell,
    host: request.headers.host ?? (request.headers[':authority'] as string | undefined),
    native,
    route,
  });
  // Their events come from the connection, which knows nothing of the request. What emits is
  // bound, once, which costs less than to bind each listener.
  request.emit = context.bind(exchange.context, request.emit);
  response.emit = context.bind(exchange.context, response.emit);
  response.once('finish', () => {
    if (isWhole(response)) exchange.completed(response.statusCode);
  });
  if ((request as { upgrade?: boolean }).upgrade === true) {
    // A framework that runs upgrades through its handlers. The response is never sent: the connection is somebody else's.
    request.socket.once('close', () => exchange.completed(SWITCHING_PROTOCOLS));
    return exchange;
  }
  const closed = (): void => {
    if (response.errored) exchange.threw(response.errored);
    if (isClientGone(request)) exchange.aborted(sentStatus(response));
    else exchange.failed(sentStatus(response));
  };
  response.once('close', closed);
  // The connection is still that of a response before this one.
  if (response.socket === null && request.httpVersionMajor === 1 && request.socket) {
    settings.queued.watch(request.socket, response, closed);
  }
  return exchange;
}

/** False for a response of HTTP/2 that was cut off: it says that it is finished, whatever has happened. */
function isWhole(response: ServerResponse): boolean {
  const { stream } = response as { stream?: { readonly writableFinished: boolean } };
  return stream === undefined || (response.writableEnded && stream.writableFinished);
}

/** True if it was the client that ended the connection; of HTTP/2 connections, which carry many requests, this is assumed. */
function isClientGone({ httpVersionMajor, socket }: IncomingMessage): boolean {
  return httpVersionMajor > 1 || socket?.readableEnded === true || Boolean(socket?.errored);
}

/** The status that the client got, if it got one. */
function sentStatus(response: ServerResponse): number | undefined {
  // Of one that waits for its turn the head is ready, no more.
  return response.headersSent && response.socket !== null ? response.statusCode : undefined;
}
