import {
  type Attributes,
  type Context,
  createContextKey,
  isSpanContextValid,
  type Span,
  type SpanContext,
  type SpanOptions,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import { report } from '../pipeline/report.ts';

/** A piece of work that has ids. */
export interface OpenSpan {
  /** In which the work is to be done. Always holds a valid span. */
  readonly context: Context;
  /** The span to be ended with {@link endSpan}, if the process has a tracer. */
  readonly span: Span | undefined;
}

/** In a context whose ids were made here, without a tracer: the span that carries them. */
const MADE_HERE = createContextKey('logspan.made-here');

/**
 * Begins a piece of work below what `parent` holds. With a tracer this is a span like any other. Without one:
 *
 * - ids that came from another process stay as they are, which is what the OTel API does: nobody records a span here, so
 *   a new id would be one that the traces of the others refer to and never find;
 * - otherwise nobody has recorded anything yet, and it gets a span id of its own, in the trace of the parent or a fresh
 *   one.
 *
 * A fresh trace is marked as sampled: a service further on that does trace keeps its spans, where the other choice would
 * switch tracing off for all of them. Never throws.
 */
export function openSpan(name: string, options: SpanOptions, parent: Context): OpenSpan {
  const above = validSpanContext(parent);
  const span = startSpan(name, options, parent);
  const own = span?.spanContext();
  if (own !== undefined && isSpanContextValid(own) && own.spanId !== above?.spanId) {
    return { context: trace.setSpan(parent, span as Span), span };
  }
  if (above?.isRemote) return { context: parent, span: undefined };
  const made = trace.wrapSpanContext({
    traceId: above?.traceId ?? randomHex(16),
    spanId: randomHex(8),
    traceFlags: above?.traceFlags ?? TraceFlags.SAMPLED,
    ...(above?.traceState === undefined ? {} : { traceState: above.traceState }),
  });
  return { context: trace.setSpan(parent, made).setValue(MADE_HERE, made), span: undefined };
}

/**
 * The span of a tracer that is still under way in this context, whoever started it. Of one that does not record nobody can
 * tell whether it has ended, or is left over from the start of the service: it counts only in the trace of an HTTP request
 * that an instrumentation has told of.
 */
export function spanUnderWay(from: Context): Span | undefined {
  const span = trace.getSpan(from);
  if (span === undefined || from.getValue(MADE_HERE) === span) return undefined;
  const { isRemote, ...ids } = span.spanContext();
  if (isRemote || !isSpanContextValid(ids)) return undefined;
  if (span.isRecording()) return span;
  // The SDK's spans say whether they have ended.
  if ((span as { ended?: unknown }).ended === true) return undefined;
  return getRPCMetadata(from)?.span?.spanContext().traceId === ids.traceId ? span : undefined;
}

/** How a piece of work ended. */
export interface SpanEnd {
  /** What kind of error, if it failed. */
  readonly errorType?: string | undefined;
  readonly attributes?: Attributes;
  /** A better name, known only now. */
  readonly name?: string | undefined;
}

/** Ends a span, if there is one. Never throws. */
export function endSpan(span: Span | undefined, { errorType, attributes = {}, name }: SpanEnd = {}): void {
  if (span === undefined) return;
  try {
    span.setAttributes(attributes);
    if (name !== undefined) span.updateName(name);
    if (errorType !== undefined) {
      span.setAttribute('error.type', errorType);
      // Of what was thrown only the kind: its message may hold anything, and no redaction sees spans.
      span.setStatus({ code: SpanStatusCode.ERROR, message: errorType });
    }
    span.end();
  } catch (error) {
    report('a span could not be ended', error);
  }
}

/** The ids of a context, if they are valid. */
export function validSpanContext(from: Context): SpanContext | undefined {
  const span = trace.getSpanContext(from);
  return span !== undefined && isSpanContextValid(span) ? span : undefined;
}

function startSpan(name: string, options: SpanOptions, parent: Context): Span | undefined {
  try {
    return trace.getTracer('@logspan/sdk').startSpan(name, options, parent);
  } catch (error) {
    report('a span could not be started', error);
    return undefined;
  }
}

/**
 * Random hexadecimal digits, eight at a time. By `Math.random`, as the OTel SDK makes ids: they need not be secret, and
 * `node:crypto` takes longer than all else. No UUID: samplers compare the number that an id is, and a UUID has fixed
 * bits.
 */
export function randomHex(bytes: number): string {
  let hex = '';
  while (hex.length < bytes * 2) {
    hex += Math.floor(Math.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  }
  // All zeros are no valid id.
  return /[^0]/.test(hex) ? hex : randomHex(bytes);
}
