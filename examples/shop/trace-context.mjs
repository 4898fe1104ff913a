// Puts every request of a Fastify service into a W3C trace context, without any tracer: the caller's, if it sent one,
// else a fresh one. Whatever is logged while the request is served carries it, and so does what the service calls.
import { randomBytes } from 'node:crypto';
import { context, propagation, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';

/** @param {import('fastify').FastifyInstance} app */
export function joinTraces(app) {
  // preHandler, because the context would not survive the parsing of the body.
  app.addHook('preHandler', (request, _reply, done) => {
    const incoming = propagation.extract(ROOT_CONTEXT, request.headers);
    context.with(trace.getSpanContext(incoming) === undefined ? freshTrace() : incoming, done);
  });
}

/** Headers for a call to another service: these, and the trace context of the request being served. */
export function traceHeaders(headers = {}) {
  propagation.inject(context.active(), headers);
  return headers;
}

function freshTrace() {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    // Sampled, so that a service with a tracer keeps its spans of this trace.
    traceFlags: TraceFlags.SAMPLED,
  });
}
