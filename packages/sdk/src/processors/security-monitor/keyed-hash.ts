/**
 * HalfSipHash-2-4 with 64 bits (Aumasson and Bernstein) of the UTF-16 code units of a text: a hash for tables whose keys an attacker
 * chooses. Without the secret nobody can find texts that fall on each other. The result is left in {@link high} and
 * {@link low}, because one number cannot hold it and an object per hash costs more than the hash.
 */
export class KeyedHash {
  high = 0;
  low = 0;
  readonly #k0: number;
  readonly #k1: number;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  /** The secret: two numbers of 32 bits, from a source that cannot be guessed. */
  constructor(k0: number, k1: number) {
    this.#k0 = k0;
    this.#k1 = k1;
  }

  of(text: string): void {
    const { length } = text;
    this.#v0 = this.#k0;
    this.#v1 = this.#k1 ^ 0xee;
    this.#v2 = 0x6c796765 ^ this.#k0;
    this.#v3 = 0x74656462 ^ this.#k1;
    for (let at = 0; at + 1 < length; at += 2) this.#absorb(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
    this.#absorb(((length * 2) << 24) | (length % 2 === 1 ? text.charCodeAt(length - 1) : 0));
    this.#v2 ^= 0xee;
    this.#rounds(4);
    this.low = (this.#v1 ^ this.#v3) >>> 0;
    this.#v1 ^= 0xdd;
    this.#rounds(4);
    this.high = (this.#v1 ^ this.#v3) >>> 0;
  }

  #absorb(word: number): void {
    this.#v3 ^= word;
    this.#rounds(2);
    this.#v0 ^= word;
  }

  #rounds(count: number): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    for (let round = 0; round < count; round++) {
      v0 = (v0 + v1) | 0;
      v2 = (v2 + v3) | 0;
      v1 = rotate(v1, 5) ^ v0;
      v3 = rotate(v3, 8) ^ v2;
      v0 = (rotate(v0, 16) + v3) | 0;
      v2 = (v2 + v1) | 0;
      v3 = rotate(v3, 7) ^ v0;
      v1 = rotate(v1, 13) ^ v2;
      v2 = rotate(v2, 16);
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
