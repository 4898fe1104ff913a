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
 * example, and keeps a route that has passed the request on: what it says of both is looked at when it says it. Of a
 * mounted router it says only the text that was matched: what stands for a parameter there gets its name back.
 */
class MatchedRoute {
  path: string | undefined;
  readonly #request: Routed;
  #params: unknown;
  /** What was mounted under each text, and above. */
  readonly #mounted = new Map([['', '']]);

  constructor(request: Routed) {
    this.#request = request;
    onSet(request, 'route', (route) => this.#matched(route?.path));
    onSet(request, 'baseUrl', (baseUrl) => this.#entered(baseUrl));
    this.#entered(request.baseUrl);
  }

  /** True if nothing was found, and it was not the route that said so: parameters are new for whatever comes after it. */
  hasMissed(status: number): boolean {
    return status === 404 && this.#request.params !== this.#params;
  }

  #matched(path: unknown): void {
    const { baseUrl = '', params } = this.#request;
    this.path = typeof path === 'string' ? `${this.#mounted.get(baseUrl) ?? ''}${path}` : undefined;
    this.#params = params;
  }

  #entered(baseUrl: unknown): void {
    if (typeof baseUrl !== 'string' || this.#mounted.has(baseUrl)) return;
    let above = '';
    for (const known of this.#mounted.keys()) {
      if (known.length > above.length && baseUrl.startsWith(known)) above = known;
    }
    const path = withNames(baseUrl.slice(above.length), this.#request.params);
    this.#mounted.set(baseUrl, `${this.#mounted.get(above)}${path}`);
  }
}

/** Calls `then` with each value that a property is given from now on. */
function onSet<Name extends keyof Routed>(request: Routed, name: Name, then: (value: Routed[Name]) => void): void {
  let current = request[name];
  Object.defineProperty(request, name, {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (value: Routed[Name]) => {
      current = value;
      then(value);
    },
  });
}

/**
 * The names of parameters in place of the parts of a path that hold their values: `/reset/:token`. A part that only
 * contains one goes whole: rather a name too many than a value in a route.
 */
function withNames(path: string, params: unknown): string {
  const parts = path.split('/').map((text) => ({ text, value: decoded(text) }));
  for (const [name, value] of Object.entries(params ?? {})) {
    // A wildcard has a value for each part of the path.
    for (const wanted of [value].flat()) {
      if (typeof wanted !== 'string' || wanted === '') continue;
      const equal = parts.filter((part) => part.value === wanted);
      const holding = equal.length > 0 ? equal : parts.filter((part) => part.value?.includes(wanted));
      for (const part of holding) Object.assign(part, { text: `:${name}`, value: undefined });
    }
  }
  return parts.map(({ text }) => text).join('/');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
