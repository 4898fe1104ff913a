import type { IncomingMessage, ServerResponse } from 'node:http';
import { getLogger, type Logger } from '@logspan/logger';
import { Failures } from '../pipeline/report.ts';
import { checkOptions, checkType } from '../provider/check-options.ts';
import { checkLogger, type OutcomeLevels, outcomeLevels, shownParameters } from './outcome.ts';
import type { ExchangeSettings } from './request-logging/exchange.ts';
import { type ExpressErrorMiddleware, type ExpressMiddleware, expressMiddleware } from './request-logging/express.ts';
import { type FastifyPlugin, fastifyPlugin } from './request-logging/fastify.ts';
import { type HonoMiddleware, honoMiddleware } from './request-logging/hono.ts';
import { type KoaMiddleware, koaMiddleware } from './request-logging/koa.ts';
import { loggedListener, type NodeListener } from './request-logging/node-http.ts';
import { QueuedResponses } from './request-logging/queued-responses.ts';

export type { ExpressErrorMiddleware, ExpressMiddleware, ExpressNext } from './request-logging/express.ts';
export type { FastifyPlugin } from './request-logging/fastify.ts';
export type { HonoContext, HonoMiddleware } from './request-logging/hono.ts';
export type { KoaContext, KoaMiddleware } from './request-logging/koa.ts';
export type { NodeListener } from './request-logging/node-http.ts';

/**
 * Options of {@link requestLogging}. `Request` is the request of the framework: Express's, Fastify's, the `ctx` of Koa,
 * the `c` of Hono.
 */
export interface RequestLoggingOptions<Request = IncomingMessage> {
  /** Who writes. Default: the logger `http.server`. */
  readonly logger?: Logger;
  /**
   * At which level, or `off`. Default: `request_started` debug, `request_completed` info, `request_aborted` warn,
   * `request_failed` error.
   */
  readonly levels?: Partial<OutcomeLevels>;
  /**
   * Requests without records, such as health checks: those for which the answer is truthy. A promise is none. They are still
   * served in their context. Default: none.
   */
  readonly ignore?: (request: Request) => boolean;
  /** Further attributes of a request's records, asked when it begins; not async. Those of {@link requestLogging} win over them. Default: none. */
  readonly attributes?: (request: Request) => Readonly<Record<string, unknown>> | undefined;
  /** The query parameters that may be logged, as `url.query`. Default: none. */
  readonly query?: readonly string[];
  /** A clock that never goes back, in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/** The same request logging, for whichever server there is. */
export interface RequestLogging {
  /** Around a listener of `node:http`: `createServer(requests.listener((request, response) => …))`. */
  listener<Request extends IncomingMessage = IncomingMessage, Response extends ServerResponse = ServerResponse>(
    listener: NodeListener<Request, Response>,
  ): NodeListener<Request, Response>;
  /** Express 4 and 5, and other servers of such middleware; before all that is to be logged: `app.use(requests.express)`. */
  readonly express: ExpressMiddleware;
  /** Behind all routes, so that what they throw is in the record: `app.use(requests.expressErrors)`. */
  readonly expressErrors: ExpressErrorMiddleware;
  /** Fastify 5: `app.register(requests.fastify)`, before the routes. */
  readonly fastify: FastifyPlugin;
  /** Koa 3: `app.use(requests.koa)`, first. */
  readonly koa: KoaMiddleware;
  /** Hono 4: `app.use(requests.hono)`, first. */
  readonly hono: HonoMiddleware;
}

/**
 * Serves each request in the context of its trace, as {@link withRequest} does, and writes what becomes of it:
 * `request_started`; then exactly one of `request_completed`, `request_failed` (an error was thrown, or the status is
 * 500 or above) and `request_aborted` (the client did not wait for the whole response).
 *
 * The attributes are those of the OTel semantic conventions (`http.request.method`, `url.path`, `http.route`,
 * `http.response.status_code`, `server.address`, `server.port`, `error.type`, `exception.*`), and `duration_ms` until
 * the last byte was handed to the operating system. Of a URL the path alone is logged. What a handler throws is in the
 * record, and thrown on.
 *
 * Events of the request and the response come in its context as well. Costs a context and one or two records a request:
 * some tens of microseconds. Never throws into the server.
 *
 * @throws ConfigError for a mistake in the options.
 */
export function requestLogging<Request = IncomingMessage>(
  options: RequestLoggingOptions<Request> = {},
): RequestLogging {
  checkOptions('requestLogging', options, ['logger', 'levels', 'ignore', 'attributes', 'query', 'now']);
  const { logger, levels, ignore, attributes, query, now = () => performance.now() } = options;
  checkLogger('requestLogging.logger', logger);
  checkType('requestLogging.ignore', ignore, 'function');
  checkType('requestLogging.attributes', attributes, 'function');
  checkType('requestLogging.now', now, 'function');
  const settings: ExchangeSettings = {
    logger: logger ?? getLogger('http.server'),
    levels: outcomeLevels('requestLogging.levels', levels),
    // Each adapter hands over the request that the user's functions are for.
    ignore: ignore as ExchangeSettings['ignore'],
    attributes: attributes as ExchangeSettings['attributes'],
    query: shownParameters('requestLogging.query', query),
    now,
    failures: new Failures('a function of requestLogging'),
    queued: new QueuedResponses(),
  };
  const [express, expressErrors] = expressMiddleware(settings);
  return {
    listener: (listener) => {
      checkType('requestLogging.listener', listener ?? null, 'function');
      return loggedListener(settings, listener);
    },
    express,
    expressErrors,
    fastify: fastifyPlugin(settings),
    koa: koaMiddleware(settings),
    hono: honoMiddleware(settings),
  };
}
