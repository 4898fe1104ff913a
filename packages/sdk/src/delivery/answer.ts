import { retryAfterMillis } from './retry.ts';

/** What a destination answered, with the body cut at 4 MiB. */
export interface Answer {
  readonly status: number;
  readonly retryAfter?: string | undefined;
  readonly contentType?: string | undefined;
  readonly body: Uint8Array;
  /** True if the body was longer than the limit of the OTLP specification. */
  readonly oversized?: boolean | undefined;
  /** Why there is none: the code of the error. Nothing else of it counts then. */
  readonly missing?: string | undefined;
}

/** What an answer means for the batch. */
export type Outcome =
  /** Taken, but for `rejected` records. */
  | { readonly kind: 'delivered'; readonly rejected: number; readonly message: string }
  /** Not now. `waitMillis` is what the destination asked for, if it did. */
  | { readonly kind: 'retry'; readonly waitMillis?: number | undefined; readonly cause: string }
  /** Too large as one request. */
  | { readonly kind: 'split' }
  /** Refused for good. */
  | { readonly kind: 'rejected'; readonly cause: string }
  /** An answer that may not be read. */
  | { readonly kind: 'unreadable' };

/** The statuses that the OTLP specification calls retryable; all other failures must not be retried. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** What the status alone says; undefined for 2xx, and for a refusal, whatever comes with it: {@link refused}. */
export function readStatus({ status, retryAfter, missing }: Answer, nowMillis: number): Outcome | undefined {
  if (missing !== undefined) return { kind: 'retry', cause: missing };
  if (RETRYABLE.has(status)) {
    return { kind: 'retry', waitMillis: retryAfterMillis(retryAfter, nowMillis), cause: `HTTP status ${status}` };
  }
  return status === 413 ? { kind: 'split' } : undefined;
}

export function refused({ status }: Answer): Outcome {
  return { kind: 'rejected', cause: `HTTP status ${status}` };
}

export function isSuccess({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}
