import { diag } from '@opentelemetry/api';
import { ConfigError } from '../../provider/config-error.ts';
import { repeatsInARow } from './adjacent-repeats.ts';
import { quantifierAt } from './quantifier.ts';
import type { Hit, Rule } from './rule.ts';

/** In place of a text for which a pattern took too long. */
const TIMED_OUT = '[REDACTION-TIMEOUT]';
/** A pattern is shown this much of a text at once, the next part overlapping the one before. */
const WINDOW = 8_192;
const OVERLAP = 1_024;
/** Slower than this on the same part of a text twice: too slow. */
const MOST_MILLIS = 5;
/** After so many slow texts, only texts half as long as before are searched, the first time of 4 096 characters … */
const SLOW_TEXTS = 4;
/** … and after so many that were searched in time, twice as long ones again. */
const QUICK_TEXTS = 1_000;
const SHORTEST_LIMIT = 64;

/**
 * A regular expression of the user, held to a budget. It sees at most 8 192 characters at once; matches of up to 1 024 are
 * found wherever they stand. A part that takes it more than 5 ms is tried again, since a pause of the process looks the
 * same; if it is slow twice, that text counts as secret as a whole. Whoever sends such texts on purpose must not pay less
 * than the process: each 4 of them halve the length of texts that are searched, from 8 192 to 64 characters; longer ones
 * are secret as a whole without a search. Each 1 000 texts that were searched in time double it again.
 */
export class UserPattern {
  readonly #pattern: RegExp;
  readonly #rule: Rule;
  readonly #tooSlow: Rule;
  readonly #now: () => number;
  /** Texts longer than this are not searched. */
  #longest = Number.POSITIVE_INFINITY;
  #slow = 0;
  #quick = 0;
  #lowestReported = Number.NaN;

  constructor(pattern: RegExp, rule: Rule, now: () => number) {
    this.#pattern = new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`);
    this.#rule = rule;
    // Before every other rule: nothing of the text must be shown.
    const timedOut = () => TIMED_OUT;
    this.#tooSlow = { name: rule.name, action: { name: 'replace', text: timedOut, value: timedOut }, order: -1 };
    this.#now = now;
  }

  /** The same pattern, that knows nothing of slow texts. */
  fresh(): UserPattern {
    return new UserPattern(this.#pattern, this.#rule, this.#now);
  }

  /** Adds what it finds in a text, or all of the text. */
  find(text: string, hits: Hit[]): void {
    if (text.length > this.#longest || !this.#search(text, hits)) {
      hits.push({ start: 0, end: text.length, rule: this.#tooSlow });
    }
  }

  /** False if that took too long. */
  #search(text: string, hits: Hit[]): boolean {
    for (let from = 0; ; from += WINDOW - OVERLAP) {
      const part = text.length <= WINDOW ? text : text.slice(from, from + WINDOW);
      // What is found twice counts once.
      if (!this.#inTime(part, from, hits) && !this.#inTime(part, from, hits)) {
        this.#wasSlow();
        return false;
      }
      if (from + WINDOW >= text.length) break;
    }
    if ((this.#slow > 0 || this.#longest < Number.POSITIVE_INFINITY) && ++this.#quick >= QUICK_TEXTS) {
      this.#quick = 0;
      this.#slow = 0;
      this.#longest = this.#longest * 2 >= WINDOW ? Number.POSITIVE_INFINITY : this.#longest * 2;
    }
    return true;
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

  #wasSlow(): void {
    this.#quick = 0;
    if (++this.#slow >= SLOW_TEXTS) {
      this.#slow = 0;
      this.#longest = Math.max(Math.min(this.#longest, WINDOW) / 2, SHORTEST_LIMIT);
    }
    // Once for each step down.
    if (this.#longest >= this.#lowestReported) return;
    this.#lowestReported = this.#longest;
    const limit =
      this.#longest === Number.POSITIVE_INFINITY
        ? ''
        : `, and so is every text of more than ${this.#longest} characters`;
    try {
      diag.error(
        `logspan: redact: pattern ${this.#rule.name} took more than ${MOST_MILLIS} ms twice for a text: it is withheld${limit}`,
      );
    } catch {
      // The diag logger of the application throws: there is nobody left to tell.
    }
  }
}

/** Throws a ConfigError unless this is a regular expression that cannot explode in the best known ways. */
export function checkPattern(option: string, pattern: unknown): asserts pattern is RegExp {
  if (!(pattern instanceof RegExp))
    throw new ConfigError(option, `must be a RegExp, not of type ${pattern === null ? 'null' : typeof pattern}`);
  if (new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test('')) {
    throw new ConfigError(option, 'must not match the empty text');
  }
  if (repeatsChoice(pattern.source)) {
    throw new ConfigError(
      option,
      'repeats a group that can match in several ways, such as (a+)+, (a|b)* or (ab?){9,}: time can double with each character; take a set instead of alternatives, [ab]*, and repeat what varies a fixed, small number of times, (?:ab?){3}',
    );
  }
  if (repeatsInARow(pattern)) {
    throw new ConfigError(
      option,
      'has three or more open repeats in a row of what can be the same characters, such as \\w*\\w*\\w*x or .*.*.*=: time grows with a high power of the length; repeat once, or bound what is repeated, \\w{1,10}',
    );
  }
}

/** So many ways, two to this power at least, are too many. */
const MOST_REPEATS = 10;

/**
 * True for a quantifier of a large or open count on a group that has a choice: an alternative, or a quantifier of variable
 * count. Then there may be a number of ways to match a text that is exponential in its length.
 */
function repeatsChoice(source: string): boolean {
  // For each open group: how often a choice in it is made at most; 0 if there is none.
  const groups: number[] = [0];
  /** Of the group that has just closed. */
  let closed = 0;
  const choose = (times: number): void => {
    groups.push(Math.max(groups.pop() ?? 0, times));
  };
  for (let i = 0; i < source.length; i++) {
    const character = source[i];
    let justClosed = 0;
    if (character === '\\') i++;
    else if (character === '[') {
      for (i++; i < source.length && source[i] !== ']'; i++) if (source[i] === '\\') i++;
    } else if (character === '(') {
      groups.push(0);
      // Of (?: and its kin.
      if (source[i + 1] === '?') i++;
    } else if (character === ')') {
      justClosed = groups.pop() ?? 0;
      choose(justClosed);
    } else if (character === '|') choose(1);
    else {
      const quantifier = quantifierAt(source, i);
      if (quantifier !== undefined) {
        const times = closed === 0 ? 0 : closed * quantifier.most;
        if (times >= MOST_REPEATS) return true;
        choose(Math.max(times, quantifier.varies ? 1 : 0));
        i += quantifier.length - 1;
      }
    }
    closed = justClosed;
  }
  return false;
}
