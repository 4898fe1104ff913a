import { types } from 'node:util';
import {
  type Context,
  context,
  createContextKey,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  trace,
} from '@opentelemetry/api';
import { errorType } from './error-type.ts';
import { endSpan, type OpenSpan, openSpan, spanUnderWay, validSpanContext } from './open-span.ts';
import { areHeaders, extractContext, type RequestHeaders } from './propagation.ts';

/** The request that a context belongs to: who has the same headers is the same request. */
const REQUEST = createContextKey('logspan.request');

interface KnownRequest {
  readonly headers: unknown;
  /** The same headers as another object, which a framework has made of them. */
  readonly asWell: (() => unknown) | undefined;
  /** That was started for it. */
  readonly span: Span | undefined;
}

/**
 * Runs `fn` in the trace that the headers name, so that every record written inside, through awaits, timers and
 * promises, carries its ids, and `callService` hands them on. For requests and for messages of a queue.
 *
 * - A span under way (of an instrumentation, say) is used as it is. One that is not sampled counts as under way only in
 *   an HTTP request that an instrumentation has told of.
 * - Otherwise the context is read from the headers by the process's propagator; what is not valid there is ignored.
 * - If they hold none, a fresh trace is begun: random ids, marked as sampled, so that services further on that trace
 *   keep their spans.
 * - With a tracer a span `request` of kind SERVER is started, and ended when `fn` returns or its `Promise` is settled
 *   (another thenable is not asked: that may run it).
 *   Without one the ids that came in are used unchanged.
 *
 * Inside another request, with other headers, nothing of that one stays, `withAttributes` and baggage neither; with the
 * same headers object it is the same request. Needs a context manager, and a propagator to read headers: `register()`
 * sets both.
 *
 * @returns what `fn` returns; if a span was started for a promise, one that is settled as that one. What `fn` throws passes
 * through. Throws nothing of its own, whatever `headers` is.
 */
export function withRequest<T>(headers: RequestHeaders | null | undefined, fn: () => T): T {
  const { context: entered, span } = enterRequest(headers, 'request', { kind: SpanKind.SERVER });
  if (span === undefined) return context.with(entered, fn);
  let result: T;
  try {
    result = context.with(entered, fn);
  } catch (error) {
    endSpan(span, { errorType: errorType(error) });
    throw error;
  }
  if (!types.isPromise(result)) {
    endSpan(span);
    return result;
  }
  return result.then(
    (value) => {
      endSpan(span);
      return value;
    },
    (error: unknown) => {
      endSpan(span, { errorType: errorType(error) });
      throw error;
    },
  ) as T;
}

/** The context of a request; its span if one had to be started. Never throws. */
export function enterRequest(headers: unknown, name: string, options: SpanOptions, asWell?: () => unknown): OpenSpan {
  const active = context.active();
  const around = active.getValue(REQUEST) as KnownRequest | undefined;
  if (around !== undefined && areHeaders(headers) && hasHeaders(around, headers))
    return { context: active, span: undefined };
  // A span here may be that of another request, and then so is everything else: a connection or timer that was
  // made while one was served hands its context to all that come after.
  const parent = extractContext(headers, trace.getSpan(active) === undefined ? active : ROOT_CONTEXT);
  if (isThisRequest(active, parent, around)) return { context: active, span: undefined };
  const { context: entered, span } = openSpan(name, options, parent);
  const known: KnownRequest = { headers, asWell, span };
  return { context: entered.setValue(REQUEST, known), span };
}

function hasHeaders(request: KnownRequest, headers: unknown): boolean {
  return request.headers === headers || request.asWell?.() === headers;
}

/** True if a tracer is at work on this request already. */
function isThisRequest(active: Context, fromHeaders: Context, around: KnownRequest | undefined): boolean {
  const span = spanUnderWay(active);
  if (span === undefined) return false;
  const named = validSpanContext(fromHeaders);
  const inItsTrace = named?.traceId === span.spanContext().traceId;
  // Within another request, the span is taken for that one's, unless the headers say otherwise.
  if (around !== undefined) return inItsTrace && span !== around.span;
  // One that records knows better than the headers: it may have begun a new trace.
  return span.isRecording() || named === undefined || inItsTrace;
}
