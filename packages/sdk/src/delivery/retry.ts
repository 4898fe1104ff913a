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

/** The three forms of an HTTP date (RFC 9110, 5.6.7): `Date.parse` alone would take `x 2099` for one. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\w -]+ \d\d:\d\d:\d\d(?: GMT| \d{4})$/;

/**
 * The wait that a `Retry-After` header asks for, in milliseconds: seconds or an HTTP date (RFC 9110, 10.2.3), at most an
 * hour. Undefined for no header and for what cannot be understood or lies in the past.
 */
export function retryAfterMillis(header: string | undefined, nowMillis: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  let wait = Number.NaN;
  if (/^\d+$/.test(text)) wait = Number(text) * 1_000;
  else if (HTTP_DATE.test(text)) wait = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`) - nowMillis;
  return wait > 0 ? Math.min(wait, LONGEST_RETRY_AFTER_MILLIS) : undefined;
}
