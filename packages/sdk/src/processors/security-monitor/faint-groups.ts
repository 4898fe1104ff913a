import type { KeyedHash } from './keyed-hash.ts';

/** How many places a group can be in. */
const WAYS = 16;
const MOST = 255;

/**
 * What little is remembered of groups for which there is no room: how much was seen of each, and when the oldest of it
 * was; 13 bytes each, in a table of fixed size. Who has it full forgets those of whom least was seen, and of these the
 * oldest. That two groups are taken for one is as likely as two equal hashes of 32 bits among 16, and nobody who does not
 * know the secret of the hash can bring it about.
 */
export class FaintGroups {
  /** What {@link take} has found. */
  amount = 0;
  atMillis = 0;
  /** When something was noted last. */
  notedMillis = 0;
  readonly #hash: KeyedHash;
  readonly #windowMillis: number;
  readonly #sets: number;
  readonly #marks: Uint32Array;
  readonly #times: Float64Array;
  /** 0: the place is free. */
  readonly #amounts: Uint8Array;

  constructor(size: number, windowMillis: number, hash: KeyedHash) {
    this.#hash = hash;
    this.#windowMillis = windowMillis;
    this.#sets = Math.ceil(size / WAYS);
    this.#marks = new Uint32Array(this.#sets * WAYS);
    this.#times = new Float64Array(this.#sets * WAYS);
    this.#amounts = new Uint8Array(this.#sets * WAYS);
  }

  /** Takes a group out, into {@link amount} and {@link atMillis}; false if nothing of it is known within the window. */
  take(key: string, nowMillis: number): boolean {
    const at = this.#find(key);
    if (at < 0) return false;
    this.amount = this.#amounts[at] as number;
    this.atMillis = this.#times[at] as number;
    this.#amounts[at] = 0;
    return nowMillis - this.atMillis < this.#windowMillis;
  }

  /** Remembers a group that is not in the table. */
  note(key: string, amount: number, atMillis: number, nowMillis: number): void {
    this.#hash.of(key);
    this.notedMillis = nowMillis;
    const first = (this.#hash.low % this.#sets) * WAYS;
    let place = first;
    for (let at = first; at < first + WAYS; at++) {
      if (this.#worth(at, nowMillis) < this.#worth(place, nowMillis)) place = at;
      else if (this.#worth(at, nowMillis) > this.#worth(place, nowMillis)) continue;
      else if ((this.#times[at] as number) < (this.#times[place] as number)) place = at;
    }
    this.#marks[place] = this.#hash.high;
    this.#times[place] = atMillis;
    this.#amounts[place] = Math.min(amount, MOST);
  }

  #worth(at: number, nowMillis: number): number {
    return nowMillis - (this.#times[at] as number) < this.#windowMillis ? (this.#amounts[at] as number) : 0;
  }

  #find(key: string): number {
    this.#hash.of(key);
    const first = (this.#hash.low % this.#sets) * WAYS;
    for (let at = first; at < first + WAYS; at++) {
      if (this.#marks[at] === this.#hash.high && this.#amounts[at] !== 0) return at;
    }
    return -1;
  }
}
