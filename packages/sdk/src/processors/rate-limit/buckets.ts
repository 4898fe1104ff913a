import type { LeftOut } from '../../pipeline/left-out.ts';

/** A token bucket, as the one number that it takes: when it will be full again. */
export interface Bucket {
  /** On the clock that never goes back, in milliseconds. In the past: it is full. */
  fullAt: number;
  /** What was dropped since the last summary. */
  leftOut: LeftOut | undefined;
}

/** A full bucket is worth no more than its absence; so much of a token is arithmetic. */
const ROUNDING = 1e-6;
/** How many buckets are looked at to make room for a new one. */
const LOOKED_AT = 8;

/**
 * A token bucket for each key, and one for all keys beyond the limit. Taking is O(1).
 *
 * To make room only a bucket goes that is full and has nothing to tell: it would come back as it was. So whoever makes up
 * keys can neither take a bucket from another nor have his own filled faster.
 */
export class Buckets {
  readonly shared: Bucket = newBucket();
  readonly #tokenMillis: number;
  readonly #burstMillis: number;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, Bucket>();
  #hand: MapIterator<[string, Bucket]> | undefined;

  constructor(perSecond: number, burst: number, maxKeys: number) {
    this.#tokenMillis = 1_000 / perSecond;
    this.#burstMillis = (burst - 1 + ROUNDING) * this.#tokenMillis;
    this.#maxKeys = maxKeys;
  }

  /** The bucket of a key, which may be the shared one. */
  of(key: string, now: number): Bucket {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#maxKeys && !this.#makeRoom(now)) return this.shared;
      bucket = newBucket();
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  /** Takes a token: false if there is none. The theoretical arrival time of GCRA, which is a token bucket, exactly. */
  take(bucket: Bucket, now: number): boolean {
    const fullAt = Math.max(bucket.fullAt, now);
    if (fullAt - now > this.#burstMillis) return false;
    bucket.fullAt = fullAt + this.#tokenMillis;
    return true;
  }

  #makeRoom(now: number): boolean {
    for (let looks = 0; looks < LOOKED_AT; looks++) {
      this.#hand ??= this.#buckets.entries();
      const { value, done } = this.#hand.next();
      if (done === true) {
        this.#hand = undefined;
        continue;
      }
      const [key, { fullAt, leftOut }] = value;
      if (fullAt > now || leftOut !== undefined) continue;
      this.#buckets.delete(key);
      return true;
    }
    return false;
  }
}

function newBucket(): Bucket {
  return { fullAt: Number.NEGATIVE_INFINITY, leftOut: undefined };
}
