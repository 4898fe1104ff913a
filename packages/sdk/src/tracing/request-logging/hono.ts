import type { IncomingMessage, ServerResponse } from 'node:http';
import { Exchange, type ExchangeSettings, exchangeAround } from './exchange.ts';
import { follow } from './node-http.ts';

/** Of a Hono context, what is needed here. */
export interface HonoContext {
  readonly req: { readonly raw: { readonly method: string; readonly url: string; readonly headers: object } };
  readonly res: { readonly status: number };
  readonly error?: Error | undefined;
  readonly env: unknown;
}
export type HonoMiddleware = (c: HonoContext, next: () => Promise<void>) => Promise<void>;

/** What `@hono/node-server` puts into the environment. */
interface NodeEnvironment {
  readonly incoming?: IncomingMessage;
  readonly outgoing?: ServerResponse;
}

export function honoMiddleware(settings: ExchangeSettings): HonoMiddleware {
  return async (c, next) => {
    const { incoming, outgoing } = (c.env ?? {}) as NodeEnvironment;
    const onNode = incoming !== undefined && outgoing !== undefined;
    const around = onNode ? undefined : exchangeAround(c);
    const exchange = onNode
      ? follow(
          settings,
          incoming,
          outgoing,
          c,
          () => routeOf(c),
          // Made of those of Node when somebody looks at them.
          () => c.req.raw.headers,
        )
      : (around ?? new Exchange(settings, incomingOf(c)));
    // Where there is no Node response, nothing says when the last byte has gone out.
    const endsHere = !onNode && around === undefined;
    try {
      await exchange.run(next);
    } catch (error) {
      // Hono hands errors to `onError`; what is no Error comes through.
      exchange.threw(error);
      if (endsHere) exchange.failed(undefined);
      throw error;
    }
    if (c.error !== undefined) exchange.threw(c.error);
    if (endsHere) exchange.completed(c.res.status);
  };
}

function incomingOf(c: HonoContext) {
  const { method, url, headers } = c.req.raw;
  const host = /^[a-z][\w+.-]*:\/\/(?:[^/?#@]*@)?([^/?#]*)/i.exec(url)?.[1];
  return { message: c, method, target: url, headers, host, native: c, route: () => routeOf(c) };
}

/** The path of the last handler that ran: middleware has patterns such as `*`, which are no route. */
function routeOf(c: HonoContext): string | undefined {
  const { matchedRoutes, routeIndex } = c.req as {
    matchedRoutes?: readonly { readonly path?: unknown }[];
    routeIndex?: number;
  };
  const path = matchedRoutes?.[routeIndex ?? 0]?.path;
  return typeof path === 'string' && !path.endsWith('*') ? path : undefined;
}
