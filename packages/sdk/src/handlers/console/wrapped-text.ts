/** Begins every line of a record after its first: what a record contains can never start at the left edge. */
export const CONTINUATION = '    | ';

/** Narrower than this, breaking lines helps nobody. */
const NARROWEST = 20;

/** Colours a piece of text, or returns it as it is. */
export type Paint = (text: string) => string;

/**
 * Lays out one record in the width of a terminal. What does not fit goes on, behind {@link CONTINUATION}, on the next
 * line: cut would be lost, and left to the terminal it would go on at the left edge, where a padded value could pass
 * for a record of its own. Takes printable text only.
 */
export class WrappedText {
  readonly #columns: number;
  #room: number;
  #text = '';
  #lineIsEmpty = true;

  /** @param columns the width; undefined or below 20 never wraps. */
  constructor(columns: number | undefined) {
    this.#columns = columns !== undefined && columns >= NARROWEST ? columns : Number.POSITIVE_INFINITY;
    this.#room = this.#columns;
  }

  /** Begins a word of this text: after a space, or on a new line if it fits only there. Write it with `put`. */
  word(text: string): this {
    if (this.#lineIsEmpty) return this;
    if (this.#columns !== Number.POSITIVE_INFINITY) {
      const width = cells(text);
      if (this.#room < 1 || (width >= this.#room && width <= this.#columns - CONTINUATION.length)) return this.line();
    }
    this.#text += ' ';
    this.#room -= 1;
    return this;
  }

  /** Writes text, broken at a space where there is one, into as many lines as it needs. */
  put(text: string, paint: Paint = plain): this {
    let rest = text;
    if (this.#columns !== Number.POSITIVE_INFINITY) {
      let head = firstCells(rest, this.#room);
      while (head.length < rest.length) {
        const cut = head.lastIndexOf(' ') + 1 || head.length;
        this.#text += paint(rest.slice(0, cut));
        this.line();
        rest = rest.slice(cut);
        head = firstCells(rest, this.#room);
      }
      this.#room -= cells(rest);
    }
    this.#text += paint(rest);
    if (rest !== '') this.#lineIsEmpty = false;
    return this;
  }

  /** Begins a new line of the same record. */
  line(): this {
    this.#text += `\n${CONTINUATION}`;
    this.#room = this.#columns - CONTINUATION.length;
    this.#lineIsEmpty = true;
    return this;
  }

  toString(): string {
    return this.#text;
  }
}

const plain: Paint = (text) => text;

/** Characters that may be two cells wide: CJK and much else, rather too many than too few. */
const WIDE = /[\u1100-\ud7ff\ue000-\uffff]/;

/** The cells that a text takes at most. The two halves of a surrogate pair, an emoji, are one each. */
export function cells(text: string): number {
  if (!WIDE.test(text)) return text.length;
  let width = text.length;
  for (let i = 0; i < text.length; i++) if (WIDE.test(text.charAt(i))) width++;
  return width;
}

/** The first characters that fit into this many cells; never half a surrogate pair. */
function firstCells(text: string, room: number): string {
  if (text.length <= room && !WIDE.test(text)) return text;
  let width = 0;
  let end = 0;
  for (const character of text) {
    width += cells(character);
    if (width > room) break;
    end += character.length;
  }
  return text.slice(0, end);
}
