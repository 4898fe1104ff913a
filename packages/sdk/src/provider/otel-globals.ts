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
 * The OTel API has one context manager, one propagator, one MeterProvider and one diag logger per process, and setting a
 * second one fails loudly. Whether one is set can be told only from the global that all versions of the API share.
 */
function globalOf(member: 'context' | 'propagation' | 'diag' | 'metrics'): unknown {
  const global = globalThis as { [key: symbol]: Record<string, unknown> | undefined };
  return global[Symbol.for('opentelemetry.js.api.1')]?.[member];
}

/** Whether the process has a MeterProvider, whoever set it. */
export function hasMeterProvider(): boolean {
  return globalOf('metrics') !== undefined;
}

/** Sets a context manager over AsyncLocalStorage, if none is set: without it no context survives an await. */
export function ensureContextManager(): void {
  if (globalOf('context') === undefined)
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
}

/** On a propagator that was set here: another `register()` may set another one in its place. */
const OURS = Symbol.for('logspan.propagator');

/**
 * Sets the propagators that the environment asks for, W3C trace context and baggage by default, and behind them `more`,
 * unless somebody else has set one: then `more` has no effect, which is told.
 */
export function ensurePropagator(environment: Environment, more: readonly TextMapPropagator[] = []): void {
  const current = globalOf('propagation');
  if (current !== undefined && (current as { [OURS]?: true })[OURS] !== true) {
    if (more.length === 0) return;
    diag.warn(
      'logspan: propagators: another propagator was set first, and stays: give these to the SDK that has set it, or call register() first',
    );
    return;
  }
  const make: Readonly<Record<Propagator, () => TextMapPropagator>> = {
    tracecontext: () => new W3CTraceContextPropagator(),
    baggage: () => new W3CBaggagePropagator(),
  };
  const named = (environment.propagators ?? ['tracecontext', 'baggage']).map((name) => make[name]());
  const propagators = [...named, ...more];
  if (current !== undefined) propagation.disable();
  if (propagators.length === 0) return;
  propagation.setGlobalPropagator(Object.assign(new CompositePropagator({ propagators }), { [OURS]: true }));
}

/**
 * Lets OTel's diagnostics be seen on the console, if nobody listens yet: warnings and errors, or what `OTEL_LOG_LEVEL`
 * says. A logger that loses records may not do so in silence.
 */
export function ensureDiagLogger(level: DiagLogLevel = DiagLogLevel.WARN): void {
  if (globalOf('diag') === undefined) diag.setLogger(new DiagConsoleLogger(), level);
}
