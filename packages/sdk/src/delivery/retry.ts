const FIRST_MILLIS = 1_000;
const FACTOR = 1.5;
const LONGEST_MILLIS = 30_000;
/** A destination may ask for patience, not for ever. */
const LONGEST_RETRY_AFTER_MILLIS = 3_600_000;

/**
 * How long to wait before the next try after `failures` failures in a row: exponential from 1 s by 1.5 up to 30 s, with
 * full jitter, which the OTLP specification demands. Never less than a hundredth of the step, so that it is a wait.
 */
export function backoffMillis(failures: number, random: () => number): number {
  const step = Math.min(FIRST_MILLIS * FACTOR ** Math.max(0, failures - 1), LONGEST_MILLIS);
  return Math.max(step * random(), step / 100);
}

/**
 * The wait that a `Retry-After` header asks for, in milliseconds: seconds or an HTTP date (RFC 9110, 10.2.3), at most an
 * hour. Undefined for no header and for what cannot be understood or lies in the past.
 */
export function retryAfterMillis(header: string | undefined, nowMillis: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const wait = /^\d+$/.test(text)
    ? Number(text) * 1_000
    : /^\d|^-/.test(text)
      ? Number.NaN
      : Date.parse(text) - nowMillis;
  return wait > 0 ? Math.min(wait, LONGEST_RETRY_AFTER_MILLIS) : undefined;
}
