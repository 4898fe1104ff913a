import { describeError, isError } from '@logspan/logger/internal';

/**
 * The kind of an error as the attribute `error.type` wants it: its code, else that of its cause (`fetch` says
 * `TypeError` and hides `ECONNREFUSED` there), else its class. Never throws.
 */
export function errorType(error: unknown): string {
  if (!isError(error)) return '_OTHER';
  const { type, code, cause } = describeError(error);
  const named = code ?? (typeof cause === 'object' ? cause.code : undefined);
  // A number says nothing: it is the 20 that all AbortErrors have.
  return named === undefined || /^\d+$/.test(named) ? type : named;
}
