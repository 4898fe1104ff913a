import { type Context, context, createContextKey } from '@opentelemetry/api';
import { type Attributes, bindAttributes } from './attributes.ts';

// createContextKey is Symbol.for: the ESM and the CommonJS copy of this file share the key.
const ATTRIBUTES_KEY = createContextKey('logspan.attributes');

/**
 * Runs `fn` with attributes that every record written inside it carries, through awaits, timers and callbacks: they are
 * bound to the OTel context. Inner scopes add to outer ones and win over them; the attributes of a child logger and of
 * the call win over both. Needs a context manager, which `register()` sets: without one `fn` runs without the attributes.
 *
 * @returns what `fn` returns; what it throws passes through.
 */
export function withAttributes<T>(attributes: Attributes, fn: () => T): T {
  const active = context.active();
  const bound = bindAttributes(attributesOf(active), attributes);
  return context.with(active.setValue(ATTRIBUTES_KEY, bound), fn);
}

/** The attributes that {@link withAttributes} bound to a context. */
export function attributesOf(from: Context): Attributes | undefined {
  return from.getValue(ATTRIBUTES_KEY) as Attributes | undefined;
}
