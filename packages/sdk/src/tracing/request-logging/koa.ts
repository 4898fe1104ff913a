import type { IncomingMessage, ServerResponse } from 'node:http';
import { context } from '@opentelemetry/api';
import type { ExchangeSettings } from './exchange.ts';
import { follow } from './node-http.ts';

/** Of a Koa context, what is needed here; `_matchedRoute` is set by `@koa/router`. */
export interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}
export type KoaMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => Promise<void>;

export function koaMiddleware(settings: ExchangeSettings): KoaMiddleware {
  return async (ctx, next) => {
    const route = (): unknown => (ctx as { _matchedRoute?: unknown })._matchedRoute;
    const exchange = follow(settings, ctx.req, ctx.res, ctx, route);
    try {
      await context.with(exchange.context, next);
    } catch (error) {
      exchange.threw(error);
      throw error;
    }
  };
}
