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
    const digits = randomnessOf(span);
    const high = Number.parseInt(digits.slice(0, 7), 16);
    if (high !== this.#high) return high > this.#high || (Number.isNaN(high) && random() >= 1 - this.ratio);
    return Number.parseInt(digits.slice(7), 16) >= this.#low;
  }
}

/** 14 hexadecimal digits: what the trace state says (`rv`), else the end of the trace id. */
function randomnessOf(span: SpanContext): string {
  return (span.traceState && field(span, 'rv', /^[0-9a-f]{14}$/)) ?? span.traceId.slice(-14);
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
