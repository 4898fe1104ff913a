import { type Context, createContextKey } from '@opentelemetry/api';

const HANDED_OVER = createContextKey('logspan.handed-over');

/** The context of a record that comes from a handler that could not deliver it, and not from a log call. */
export function handOver(from: Context): Context {
  return from.setValue(HANDED_OVER, true);
}

/** True for such a record. Nobody may wait for it: it comes between other work, and at the end of the process. */
export function isHandedOver(from: Context | undefined): boolean {
  return from?.getValue(HANDED_OVER) !== undefined;
}
