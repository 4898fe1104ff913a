import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { context } from '@opentelemetry/api';
import type { ExchangeSettings } from './exchange.ts';
import { follow } from './node-http.ts';

/** Of a Koa context, what is needed here; `_matchedRoute` is set by `@koa/router`. */
export interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly body?: unknown;
}
export type KoaMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => Promise<void>;

export function koaMiddleware(settings: ExchangeSettings): KoaMiddleware {
  return async (ctx, next) => {
    const route = (): unknown => (ctx as { _matchedRoute?: unknown })._matchedRoute;
    const exchange = follow(settings, ctx.req, ctx.res, ctx, route);
    try {
      await exchange.run(next);
      // Koa sends it when all middleware is done, and then nothing would be left of the request while it is read.
      if (ctx.body instanceof Readable) {
        ctx.body._read = context.bind(exchange.context, ctx.body._read);
        ctx.body.once('error', (error) => exchange.threw(error));
      }
    } catch (error) {
      exchange.threw(error);
      throw error;
    }
  };
}
