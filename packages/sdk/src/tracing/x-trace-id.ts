import {
  type Context,
  isSpanContextValid,
  isValidTraceId,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { randomHex } from './open-span.ts';

const HEADER = 'x-trace-id';

/**
 * Reads and writes the trace id as the header `X-Trace-Id`, for services that do not know W3C Trace Context.
 *
 * Reads it where no other propagator has found a trace, and only if it is a valid trace id: 32 hexadecimal digits, not
 * all zero. Anything else is ignored, a UUID with dashes too. The span id, which the header lacks, is random, and the
 * trace counts as sampled. Opt-in, `register({ propagators: [new XTraceIdPropagator()] })`, because whoever can set the
 * header chooses the trace: let your own gateway set or remove it.
 */
export class XTraceIdPropagator implements TextMapPropagator {
  inject(from: Context, carrier: unknown, setter: TextMapSetter): void {
    const span = trace.getSpanContext(from);
    if (span === undefined || !isSpanContextValid(span) || isTracingSuppressed(from)) return;
    setter.set(carrier, HEADER, span.traceId);
  }

  extract(base: Context, carrier: unknown, getter: TextMapGetter): Context {
    const found = trace.getSpanContext(base);
    if (found !== undefined && isSpanContextValid(found)) return base;
    const header = getter.get(carrier, HEADER);
    // A header that came twice is none.
    const value: unknown = Array.isArray(header) && header.length === 1 ? header[0] : header;
    const traceId = typeof value === 'string' ? value.trim().toLowerCase() : '';
    if (!isValidTraceId(traceId)) return base;
    const spanId = randomHex(8);
    return trace.setSpanContext(base, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
  }

  fields(): string[] {
    return [HEADER];
  }
}
