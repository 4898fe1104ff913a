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
  readonly params?: unknown;
  route?: { readonly path?: unknown } | undefined;
}

/** The middleware that goes first, and the one that goes last, for errors. */
export function expressMiddleware(settings: ExchangeSettings): [ExpressMiddleware, ExpressErrorMiddleware] {
  const exchanges = new WeakMap<ServerResponse, Exchange>();
  return [
    (request, response, next) => {
      const matched = new MatchedRoute(request as Routed);
      const exchange = follow(settings, request, response, request, () => {
        return matched.hasMissed(response.statusCode) && !exchange.hasThrown ? undefined : matched.path;
      });
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

/**
 * The route that was matched last. Express forgets where a router was mounted as soon as it leaves it, with an error for
 * example, and keeps a route that has passed the request on: what it says of both is looked at when the route is set.
 */
class MatchedRoute {
  path: string | undefined;
  readonly #request: Routed;
  #params: unknown;

  constructor(request: Routed) {
    this.#request = request;
    let current = request.route;
    Object.defineProperty(request, 'route', {
      configurable: true,
      enumerable: true,
      get: () => current,
      set: (route: Routed['route']) => {
        current = route;
        this.#matched(route?.path);
      },
    });
  }

  /** True if nothing was found, and it was not the route that said so: parameters are new for whatever comes after it. */
  hasMissed(status: number): boolean {
    return status === 404 && this.#request.params !== this.#params;
  }

  #matched(path: unknown): void {
    const { baseUrl = '', params } = this.#request;
    this.path = typeof path === 'string' ? `${baseUrl}${path}` : undefined;
    this.#params = params;
  }
}
