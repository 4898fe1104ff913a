import type { SpanContext } from '@opentelemetry/api';

/** Half of the 56 bits of randomness, each of which a number holds exactly. */
const HALF = 2 ** 28;

/**
 * What a share of all traces is by OTel's consistent probability sampling: a trace is kept if its randomness, 56 bits, is
 * at or above `2^56 - ratio * 2^56`. Whoever decides by this rule at the same ratio decides the same, in any service and
 * language, and what a lower ratio keeps a higher one keeps too.
 *
 * Specification: "TraceState: Probability Sampling". The threshold is not rounded to fewer digits, as the specification
 * allows it for `th`: nothing is propagated here.
 */
export class Threshold {
  readonly ratio: number;
  readonly #high: number;
  readonly #low: number;

  /** A ratio below 2^-57 is none. */
  constructor(ratio: number) {
    this.ratio = ratio;
    // Exact: a scaling by a power of two, and a whole number of at most 53 significant bits.
    const kept = Math.round(ratio * HALF * HALF);
    const low = kept % HALF;
    this.#high = HALF - Math.floor(kept / HALF) - (low === 0 ? 0 : 1);
    this.#low = low === 0 ? 0 : HALF - low;
  }

  /** True if a trace is kept; a trace id that is none is decided by chance. */
  keeps(span: SpanContext | undefined, random: () => number): boolean {
    if (span === undefined) return random() >= 1 - this.ratio;
    const explicit = span.traceState === undefined ? undefined : field(span, 'rv', /^[0-9a-f]{14}$/);
    // 14 hexadecimal digits: the end of the trace id, or what the trace state says in its place.
    const digits = explicit ?? span.traceId;
    const high = half(digits, digits.length - 14);
    if (high !== this.#high) return high > this.#high || (Number.isNaN(high) && random() >= 1 - this.ratio);
    return half(digits, digits.length - 7) >= this.#low;
  }
}

/** Seven hexadecimal digits; NaN if they are none. By hand: a text cut out and parsed would cost ten times as much. */
function half(text: string, from: number): number {
  let value = 0;
  for (let i = from; i < from + 7; i++) {
    const code = text.charCodeAt(i);
    const isDecimal = code <= 0x39;
    const digit = isDecimal ? code - 0x30 : (code | 0x20) - 0x57;
    if (digit < (isDecimal ? 0 : 10) || digit > 15) return Number.NaN;
    value = value * 16 + digit;
  }
  return value;
}

/** The share of traces that the tracer keeps, if it says so in the trace state (`th`). */
export function tracedRatio(span: SpanContext): number | undefined {
  const th = span.traceState && field(span, 'th', /^[0-9a-f]{1,14}$/);
  return th === undefined ? undefined : 1 - Number.parseInt(th, 16) / 16 ** th.length;
}

/** A field of OTel's own entry in the trace state: `ot=th:c;rv:…`. */
function field({ traceState }: SpanContext, name: string, valid: RegExp): string | undefined {
  for (const part of traceState?.get('ot')?.split(';') ?? []) {
    if (!part.startsWith(`${name}:`)) continue;
    const value = part.slice(name.length + 1);
    return valid.test(value) ? value : undefined;
  }
  return undefined;
}
