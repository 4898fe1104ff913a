import {
  context,
  DiagConsoleLogger,
  DiagLogLevel,
  diag,
  propagation,
  type TextMapPropagator,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import type { Environment, Propagator } from './environment.ts';

/*
 * The OTel API has one context manager, one propagator and one diag logger per process, and setting a second one fails
 * loudly. Whether one is set can be told only from the global that all versions of the API share.
 */
function isSet(member: 'context' | 'propagation' | 'diag'): boolean {
  const global = globalThis as { [key: symbol]: Record<string, unknown> | undefined };
  return global[Symbol.for('opentelemetry.js.api.1')]?.[member] !== undefined;
}

/** Sets a context manager over AsyncLocalStorage, if none is set: without it no context survives an await. */
export function ensureContextManager(): void {
  if (!isSet('context')) context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
}

/** Sets the propagators that the environment asks for, W3C trace context and baggage by default, if none is set. */
export function ensurePropagator(environment: Environment): void {
  if (isSet('propagation')) return;
  const make: Readonly<Record<Propagator, () => TextMapPropagator>> = {
    tracecontext: () => new W3CTraceContextPropagator(),
    baggage: () => new W3CBaggagePropagator(),
  };
  const propagators = (environment.propagators ?? ['tracecontext', 'baggage']).map((name) => make[name]());
  if (propagators.length > 0) propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
}

/**
 * Lets OTel's diagnostics be seen on the console, if nobody listens yet: warnings and errors, or what `OTEL_LOG_LEVEL`
 * says. A logger that loses records may not do so in silence.
 */
export function ensureDiagLogger(level: DiagLogLevel = DiagLogLevel.WARN): void {
  if (!isSet('diag')) diag.setLogger(new DiagConsoleLogger(), level);
}
