import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange, ExchangeSettings } from './exchange.ts';
import { follow } from './node-http.ts';

/** A Fastify plugin, as `app.register()` takes it. */
export type FastifyPlugin = (
  instance: { readonly addHook: (...hook: never[]) => unknown },
  options: unknown,
  done: () => void,
) => void;

interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly routeOptions?: { readonly url?: string };
}
interface FastifyReply {
  readonly raw: ServerResponse;
}
interface FastifyHooks {
  addHook(on: 'onRequest', hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void): void;
  addHook(
    on: 'onError',
    hook: (request: FastifyRequest, reply: FastifyReply, error: unknown, done: () => void) => void,
  ): void;
}

export function fastifyPlugin(settings: ExchangeSettings): FastifyPlugin {
  const plugin: FastifyPlugin = (instance, _options, done) => {
    const app = instance as unknown as FastifyHooks;
    const exchanges = new WeakMap<ServerResponse, Exchange>();
    app.addHook('onRequest', (request, reply, next) => {
      const exchange = follow(settings, request.raw, reply.raw, request, () => request.routeOptions?.url);
      exchanges.set(reply.raw, exchange);
      exchange.run(next);
    });
    app.addHook('onError', (_request, reply, error, next) => {
      exchanges.get(reply.raw)?.threw(error);
      next();
    });
    done();
  };
  // For all routes of the application, not only for those of the plugin: what the package fastify-plugin does.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'logspan-request-logging',
  });
}
