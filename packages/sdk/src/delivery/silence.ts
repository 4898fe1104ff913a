import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { suppressLogging } from '../pipeline/guard.ts';

/** What a Sentry SDK lets other copies of itself find of it, as far as it is used. */
interface SentryCarrier {
  readonly acs?: { withScope?(callback: (scope: SentryScope) => void): unknown };
}

interface SentryScope {
  setSDKProcessingMetadata(metadata: object): unknown;
}

/**
 * Runs the code that delivers records: what an instrumentation of HTTP would trace or log of it would come back to us. The
 * context is OTel's root, with tracing and logging suppressed. Sentry from 11 on patches HTTP without OTel, and has a mark
 * of its own in its scopes: it would send release, environment and key of the application along with each request, and
 * keep a breadcrumb and a span of it. There is no public way to set it without the application's Sentry in hand, so what
 * Sentry shares by its global is used, and done without where it looks different.
 */
export function silently<T>(call: () => T): T {
  return context.with(suppressLogging(suppressTracing(ROOT_CONTEXT)), () => withoutSentry(sentries(), call));
}

function withoutSentry<T>([sentry, ...others]: readonly SentryCarrier[], call: () => T): T {
  if (sentry === undefined) return call();
  const once = new Once(() => withoutSentry(others, call));
  try {
    sentry.acs?.withScope?.((scope) => {
      suppress(scope);
      once.run();
    });
  } catch {
    // It is told below if it was the call that threw.
  }
  return once.result();
}

function suppress(scope: SentryScope): void {
  try {
    scope.setSDKProcessingMetadata({ __SENTRY_SUPPRESS_TRACING__: true });
  } catch {
    // Then Sentry sees the request.
  }
}

/** One for each version of Sentry in the process. */
function sentries(): readonly SentryCarrier[] {
  const carriers: unknown = (globalThis as { __SENTRY__?: unknown }).__SENTRY__;
  if (typeof carriers !== 'object' || carriers === null) return [];
  return Object.values(carriers).filter(
    (carrier) => typeof carrier === 'object' && carrier !== null && typeof carrier.acs?.withScope === 'function',
  );
}

/** Runs a call once, by whom and how often ever it is asked for. */
class Once<T> {
  readonly #call: () => T;
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined;

  constructor(call: () => T) {
    this.#call = call;
  }

  run(): { readonly value: T } | { readonly error: unknown } {
    if (this.#outcome === undefined) {
      try {
        this.#outcome = { value: this.#call() };
      } catch (error) {
        this.#outcome = { error };
      }
    }
    return this.#outcome;
  }

  /** Throws what the call has thrown. */
  result(): T {
    const outcome = this.run();
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }
}
