/** The traces that pass, the one that was quiet for longest first. */
export class ActiveTraces {
  readonly #maxKeys: number;
  readonly #idleMillis: number;
  readonly #idleAt = new Map<string, number>();

  constructor(maxKeys: number, idleMillis: number) {
    this.#maxKeys = maxKeys;
    this.#idleMillis = idleMillis;
  }

  has(key: string, now: number): boolean {
    return (this.#idleAt.get(key) ?? Number.NEGATIVE_INFINITY) > now;
  }

  add(key: string, now: number): void {
    this.#idleAt.delete(key);
    this.#idleAt.set(key, now + this.#idleMillis);
    if (this.#idleAt.size > this.#maxKeys) for (const [oldest] of this.#idleAt) return void this.#idleAt.delete(oldest);
  }

  delete(key: string): void {
    this.#idleAt.delete(key);
  }
}
