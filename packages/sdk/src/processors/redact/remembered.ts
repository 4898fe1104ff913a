/** Answers of one generation; a full generation becomes the older one, and the one before it is forgotten. */
const MOST_OF_A_GENERATION = 2_048;
/** Longer keys are answered anew each time: a memory of them could grow large. */
const LONGEST = 256;

/**
 * Answers by key, bounded: what is asked often stays, and keys that somebody invents push out each other, not those.
 * Holds at most 4 096 keys of 256 characters.
 */
export class Remembered<T> {
  #recent = new Map<string, T>();
  #older = new Map<string, T>();

  get(key: string): T | undefined {
    const recent = this.#recent.get(key);
    if (recent !== undefined) return recent;
    const older = this.#older.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: string, answer: T): void {
    if (key.length > LONGEST) return;
    if (this.#recent.size >= MOST_OF_A_GENERATION) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(flat(key), answer);
  }
}

/** A key that was cut out of a text holds all of that text in memory; what is parsed is a string of its own. */
function flat(key: string): string {
  return JSON.parse(JSON.stringify(key));
}
