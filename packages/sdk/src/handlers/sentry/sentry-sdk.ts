/**
 * What the handler uses of a Sentry SDK, structurally: that of `@sentry/node` 8 to 11, and of the other SDKs made of
 * `@sentry/core`. Public API of theirs, all of it.
 */
export interface SentryNamespace {
  getClient(): SentryClient | undefined;
  withScope<T>(callback: (scope: SentryScope) => T): T;
  captureEvent(event: object, hint?: object): string;
  addBreadcrumb(breadcrumb: object): void;
}

/** The part of a Sentry client that is used. */
export interface SentryClient {
  // biome-ignore lint/suspicious/noExplicitAny: the four majors type their hooks differently
  on(hook: any, callback: (...args: any[]) => void): unknown;
  flush(timeoutMillis?: number): PromiseLike<boolean>;
  getOptions(): {
    readonly stackParser?: (stack: string, skipFirstLines?: number) => unknown[];
    readonly debug?: boolean;
  };
}

/** The part of a Sentry scope that is used. */
export interface SentryScope {
  // biome-ignore lint/suspicious/noExplicitAny: Sentry's own union of names
  setLevel(level: any): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: takes and gives Sentry's own event
  addEventProcessor(processor: (event: any) => any): unknown;
  getPropagationContext(): { readonly traceId: string };
  // biome-ignore lint/suspicious/noExplicitAny: the four majors have different fields in it
  setPropagationContext(context: any): unknown;
}

export interface SentryException {
  readonly type: string;
  readonly value: string;
  readonly stacktrace?: { readonly frames: unknown[] };
  readonly mechanism: { readonly type: string; readonly handled: boolean };
}

/** The fields of a Sentry event that the handler fills: https://develop.sentry.dev/sdk/data-model/event-payloads/ */
export interface SentryEvent {
  readonly event_id: string;
  /** Seconds. */
  readonly timestamp: number;
  readonly level: SentryLevel;
  readonly logger: string;
  readonly message?: string;
  readonly exception?: { readonly values: SentryException[] };
  readonly fingerprint?: string[];
  readonly tags: Record<string, string>;
  readonly contexts: Record<string, Record<string, unknown>>;
}

export type SentryLevel = 'debug' | 'info' | 'warning' | 'error' | 'fatal';
