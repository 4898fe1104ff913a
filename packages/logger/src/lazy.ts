const LAZY: unique symbol = Symbol.for('logspan.lazy') as never;

/** An attribute value that is computed only if the record is kept. */
export interface Lazy<T = unknown> {
  readonly [LAZY]: () => T;
}

/**
 * Defers an expensive attribute: `logger.debug('cache_state', { dump: lazy(() => dumpCache()) })`.
 *
 * `compute` runs at most once per record for each attribute it stands in, in the log call, and only when the record has
 * passed its level, filters and sampling. If it throws, the attribute becomes `[Throws: …]` and the record goes on. It
 * must not be async: nobody waits for it. To defer all attributes, pass a function in their place. A plain function as
 * an attribute value is not called: it may not be meant to be.
 */
export function lazy<T>(compute: () => T): Lazy<T> {
  return { [LAZY]: compute };
}

/** The function behind a lazy value, or undefined if the value is not lazy. */
export function lazyCompute(value: object): (() => unknown) | undefined {
  const compute = (value as Partial<Lazy>)[LAZY];
  return typeof compute === 'function' ? compute : undefined;
}

/** What a deferred computation makes. A promise that it started is ours: its rejection must not end the process. */
export function computed(compute: () => unknown): unknown {
  const value = compute();
  if (value instanceof Promise) value.catch(() => undefined);
  return value;
}
