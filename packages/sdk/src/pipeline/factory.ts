const FACTORY: unique symbol = Symbol.for('logspan.factory.v1') as never;

/**
 * Marks functions that make steps or handlers: where one stands itself, in place of what it makes, its call was forgotten.
 * `processors: [redact]` would otherwise be a function that keeps every record and redacts none.
 */
export function factory(...makers: readonly object[]): void {
  for (const maker of makers) Object.defineProperty(maker, FACTORY, { value: true });
}

/** How the call would be written, if this is a marked function: `redact()`. */
export function forgottenCall(value: unknown): string | undefined {
  return typeof value === 'function' && Object.hasOwn(value, FACTORY) ? `${value.name}()` : undefined;
}
