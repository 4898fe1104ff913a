import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange, ExchangeSettings } from './exchange.ts';
import { follow } from './node-http.ts';

/** Goes on to the next middleware, or to the one for errors. */
export type ExpressNext = (error?: unknown) => void;
export type ExpressMiddleware = (request: IncomingMessage, response: ServerResponse, next: ExpressNext) => void;
export type ExpressErrorMiddleware = (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: ExpressNext,
) => void;

/** Of an Express request, what says the route: the path of the router that was mounted, and that of its route. */
interface Routed {
  readonly baseUrl?: string;
  readonly route?: { readonly path?: unknown };
}

/** The middleware that goes first, and the one that goes last, for errors. */
export function expressMiddleware(settings: ExchangeSettings): [ExpressMiddleware, ExpressErrorMiddleware] {
  const exchanges = new WeakMap<ServerResponse, Exchange>();
  return [
    (request, response, next) => {
      const exchange = follow(settings, request, response, request, () => routeOf(request as Routed));
      exchanges.set(response, exchange);
      exchange.run(next);
    },
    // Express knows by the four parameters that this is for errors.
    (error, _request, response, next) => {
      exchanges.get(response)?.threw(error);
      next(error);
    },
  ];
}

function routeOf({ baseUrl = '', route }: Routed): string | undefined {
  return typeof route?.path === 'string' ? `${baseUrl}${route.path}` : undefined;
}
