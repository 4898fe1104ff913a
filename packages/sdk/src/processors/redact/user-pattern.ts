import { diag } from '@opentelemetry/api';
import { ConfigError } from '../../provider/config-error.ts';
import type { Hit, Rule } from './rule.ts';

/** A pattern is shown this much of a text at once, the next part overlapping the one before. */
const WINDOW = 8_192;
const OVERLAP = 1_024;
/** Slower than this on the same part of a text twice: too slow. */
const MOST_MILLIS = 5;

/**
 * A regular expression of the user, held to a budget. It sees at most 8 192 characters at once; matches of up to 1 024 are
 * found wherever they stand. A part that takes it more than 5 ms is tried again, since a pause of the process looks the
 * same; if it is slow twice the pattern is out of use for good, reported on OTel's diag, and {@link isOut} says so: what it
 * should have looked at must not be shown.
 */
export class UserPattern {
  readonly #pattern: RegExp;
  readonly #rule: Rule;
  readonly #now: () => number;
  isOut = false;

  constructor(pattern: RegExp, rule: Rule, now: () => number) {
    this.#pattern = new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`);
    this.#rule = rule;
    this.#now = now;
  }

  find(text: string, hits: Hit[]): void {
    for (let from = 0; !this.isOut; from += WINDOW - OVERLAP) {
      const part = text.length <= WINDOW ? text : text.slice(from, from + WINDOW);
      // What is found twice counts once.
      if (!this.#inTime(part, from, hits) && !this.#inTime(part, from, hits)) this.#giveUp();
      if (from + WINDOW >= text.length) return;
    }
  }

  #inTime(part: string, offset: number, hits: Hit[]): boolean {
    const begun = this.#now();
    this.#pattern.lastIndex = 0;
    for (let match = this.#pattern.exec(part); match !== null; match = this.#pattern.exec(part)) {
      const length = match[0].length;
      if (length > 0) hits.push({ start: offset + match.index, end: offset + match.index + length, rule: this.#rule });
      else this.#pattern.lastIndex++;
    }
    return this.#now() - begun <= MOST_MILLIS;
  }

  #giveUp(): void {
    this.isOut = true;
    try {
      diag.error(
        `logspan: redact: pattern ${this.#rule.name} took more than ${MOST_MILLIS} ms twice and is out of use: every text is withheld until the process starts with another one`,
      );
    } catch {
      // The diag logger of the application throws: there is nobody left to tell.
    }
  }
}

/** Throws a ConfigError unless this is a regular expression that cannot explode in the best known way. */
export function checkPattern(option: string, pattern: unknown): asserts pattern is RegExp {
  if (!(pattern instanceof RegExp))
    throw new ConfigError(option, `must be a RegExp, not of type ${pattern === null ? 'null' : typeof pattern}`);
  if (new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test('')) {
    throw new ConfigError(option, 'must not match the empty text');
  }
  if (repeatsRepetition(pattern.source)) {
    throw new ConfigError(
      option,
      'repeats a group that repeats something itself, such as (a+)+: time can double with each character; give the inner or the outer one a fixed count',
    );
  }
}

const OPEN_ENDED = 10;

/** True for a quantifier of variable, large count on a group that holds such a quantifier. */
function repeatsRepetition(source: string): boolean {
  // For each open group: whether something in it repeats.
  const groups: boolean[] = [false];
  let closed = false;
  for (let i = 0; i < source.length; i++) {
    const character = source[i];
    let repeatable = false;
    if (character === '\\') i++;
    else if (character === '[') {
      for (i++; i < source.length && source[i] !== ']'; i++) if (source[i] === '\\') i++;
    } else if (character === '(') groups.push(false);
    else if (character === ')') {
      repeatable = groups.pop() ?? false;
      groups[groups.length - 1] ||= repeatable;
    } else {
      const length = quantifierAt(source, i);
      if (length > 0) {
        if (closed) return true;
        groups[groups.length - 1] = true;
        i += length - 1;
      }
    }
    closed = repeatable;
  }
  return false;
}

/** The length of a quantifier of variable, large count; 0 if there is none. */
function quantifierAt(source: string, at: number): number {
  const character = source[at];
  if (character === '*' || character === '+') return 1;
  const counts = character === '{' ? /^\{(\d+),(\d*)\}/.exec(source.slice(at, at + 16)) : null;
  if (counts === null) return 0;
  const [all, least, most] = counts;
  return most === '' || Number(most) - Number(least) >= OPEN_ENDED ? all.length : 0;
}
