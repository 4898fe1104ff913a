const EVENT_NAME = /^[A-Za-z][A-Za-z0-9_]*(?:[.\-:/][A-Za-z0-9_]+)*$/;
const LONGEST = 128;

/**
 * True for text that names a kind of event (`user_login`, `order.created`, `http/retry`), false for a message meant to
 * be read. At most 128 characters, one word without spaces, starting with a letter. OTel wants event names of low
 * cardinality: put what varies into attributes.
 */
export function isEventName(text: string): boolean {
  return text.length <= LONGEST && EVENT_NAME.test(text);
}

/** Remembers the answer for the first {@link capacity} distinct texts, because most calls repeat a literal. */
export class EventNames {
  readonly capacity: number;
  readonly #known = new Map<string, boolean>();

  constructor(capacity = 1_000) {
    this.capacity = capacity;
  }

  /** As {@link isEventName}, at the cost of a look-up for a text seen before. */
  has(text: string): boolean {
    // Neither hashed nor kept: a thousand long messages are a lot of memory.
    if (text.length > LONGEST) return false;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const answer = isEventName(text);
    if (this.#known.size < this.capacity) this.#known.set(text, answer);
    return answer;
  }
}
