import { afterScheme, email, urlCredentials } from './addresses.ts';
import { isDigit, isUpper } from './character.ts';
import { CommandFlags } from './command-flags.ts';
import { labelledValue } from './labelled-value.ts';
import { listedValues } from './named-value.ts';
import { card, iban, mayHoldNumber } from './payment-numbers.ts';
import { percentEncoded } from './percent-encoded.ts';
import type { Hit, Rule, Span } from './rule.ts';
import type { Rules } from './rules.ts';
import { awsAccessKey, basic, bearer, githubToken, jwt, privateKey, slackToken, slackWebhook } from './token-shapes.ts';
import { xmlElement } from './xml-element.ts';

/**
 * Every secret in a text has one of these: the `J` of `eyJ`, the `I` of `AKIA` and `BEGIN`, the `_` of `ghp_`, the dash of
 * a flag, the `<` of an element, the `[` of a list of texts, the `%` of an encoded
 * `:`, `=`, `@`, `_`, `-` or `%`, … What stands beside it is looked at here already: a search that goes on costs less than one
 * that begins anew.
 */
const ANY_MARK =
  /[=:@\uff1a\uff1d]|[Bb](?=[AaEe])|x(?=ox|app)|_(?<=gh[pousr]_|hub_)|J(?<=eyJ)|I(?<=[KSG]I)|<(?=[A-Za-z])|\[(?=\s{0,8}(?:\W\[\d{1,2}m)?\\{0,7}["'`])|%(?=25|3[ADad]|40|5[BbFf]|2[Dd])|(?<![A-Za-z0-9])-(?=[-A-Za-z])/;
const MARKS = new RegExp(ANY_MARK, 'g');

/** The next mark from a place on; -1 if there is none. */
export type FindMark = (text: string, from: number) => number;

export const findMark: FindMark = (text, from) => {
  MARKS.lastIndex = from;
  return MARKS.test(text) ? MARKS.lastIndex - 1 : -1;
};

/**
 * Finds secrets in texts of any length, all of it, in time linear in the length, whatever is in it: one search for the
 * marks that secrets have, and at each of them a scanner that looks at every character at most a fixed number of times.
 * No regular expression but those of the user can backtrack.
 */
export class TextScanner {
  readonly #rules: Rules;
  readonly #onHit: (rule: Rule) => void;
  readonly #hits: Hit[] = [];

  constructor(rules: Rules, onHit: (rule: Rule) => void) {
    this.#rules = rules;
    this.#onHit = onHit;
  }

  /** True if {@link clean} would answer with another text. Counts nothing. */
  finds(text: string, isCut: boolean): boolean {
    return this.#search(text, isCut).length > 0;
  }

  /** The text without its secrets. `isCut`: its end may be the middle of a secret. */
  clean(text: string, isCut: boolean): string {
    // The common case, ahead of everything else.
    if (!isCut && !ANY_MARK.test(text) && !mayHoldNumber(text) && this.#rules.patterns.length === 0) return text;
    const hits = this.#search(text, isCut);
    return hits.length === 0 ? text : this.#without(text, hits);
  }

  #search(text: string, isCut: boolean): Hit[] {
    const hits = this.#hits;
    if (hits.length > 0) hits.length = 0;
    scan(text, this.#rules, isCut, hits);
    for (const pattern of this.#rules.patterns) pattern.find(text, hits);
    return hits;
  }

  #without(text: string, hits: Hit[]): string {
    hits.sort((a, b) => a.start - b.start);
    let clean = '';
    let done = 0;
    for (let i = 0; i < hits.length; ) {
      const { start } = hits[i] as Hit;
      let { end, rule } = hits[i] as Hit;
      let isMixed = false;
      for (i++; i < hits.length && (hits[i] as Hit).start < end; i++) {
        const next = hits[i] as Hit;
        isMixed ||= next.rule !== rule && (next.start !== start || next.end !== end);
        end = Math.max(end, next.end);
        if (next.rule.order < rule.order) rule = next.rule;
      }
      const secret = text.slice(start, end);
      // It was here before.
      if (secret === this.#rules.replacement) continue;
      if (isMixed) rule = replacing(rule, this.#rules.replacement);
      clean += text.slice(done, start) + rule.action.text(secret);
      done = end;
      this.#onHit(rule);
    }
    return clean + text.slice(done);
  }
}

/** Of several secrets that overlap a mask would show the end of another one than it is meant for: all of them goes. */
function replacing(rule: Rule, replacement: string): Rule {
  const { name } = rule.action;
  if (name !== 'mask' && name !== 'pseudonym') return rule;
  return { ...rule, action: { name: 'replace', text: () => replacement, value: () => replacement } };
}

/** What was encoded as often as this is looked into: a URL in a query, in a URL in a query. */
const MOST_ENCODINGS = 3;

/** Adds what the detectors find. `encodings`: how often the text was decoded. */
export function scan(
  text: string,
  rules: Rules,
  isCut: boolean,
  hits: Hit[],
  find: FindMark = findMark,
  encodings = 0,
): void {
  const mark = find(text, 0);
  if (mark >= 0) scanMarks(text, rules, isCut, mark, hits, find, encodings);
  if (rules.numbers && (isCut || mayHoldNumber(text))) scanNumbers(text, rules, isCut, hits);
}

function scanMarks(
  text: string,
  rules: Rules,
  isCut: boolean,
  first: number,
  hits: Hit[],
  find: FindMark,
  encodings: number,
): void {
  const { detectors } = rules;
  // All of a run of characters without a token has been seen up to here.
  let noJwtBefore = 0;
  // The same of a URL without an `@`, and of what is encoded.
  let noAtBefore = 0;
  let decodedBefore = 0;
  let flags: CommandFlags | undefined;
  for (let at = first; at >= 0; ) {
    let hit: Hit | undefined;
    switch (text.charCodeAt(at)) {
      case COLON: {
        if (isInTime(text, at)) break;
        const url = afterScheme(text, at);
        if (url === undefined) {
          hit = hitAt(text, at, rules, isCut);
          break;
        }
        hit = detectors.slack && hitOf(detectors.slack, slackWebhook(text, url));
        if (hit === undefined && detectors.url_credentials !== undefined) {
          const credentials = urlCredentials(text, url, noAtBefore, isCut);
          if (typeof credentials === 'number') noAtBefore = credentials;
          else hit = hitOf(detectors.url_credentials, credentials);
        }
        break;
      }
      case J:
        if (detectors.jwt !== undefined && at - 2 >= noJwtBefore && text.startsWith('ey', at - 2)) {
          const token = jwt(text, at - 2);
          if (typeof token === 'number') noJwtBefore = token;
          else hit = hitOf(detectors.jwt, token);
        }
        break;
      case DASH:
        if (detectors.pairs === undefined) break;
        flags ??= new CommandFlags(text, rules.keys);
        hit = flags.valueAt(at);
        break;
      case BRACKET:
        if (detectors.pairs !== undefined) listedValues(text, at, rules.keys, hits);
        break;
      case PERCENT:
        if (at >= decodedBefore && encodings < MOST_ENCODINGS) {
          decodedBefore = scanEncoded(text, at, decodedBefore, rules, isCut, hits, encodings);
        }
        break;
      default:
        hit = hitAt(text, at, rules, isCut);
    }
    if (hit !== undefined) hits.push(hit);
    at = find(text, Math.max(hit?.end ?? 0, at + 1));
  }
}

/** The second colon of `10:20:30`: digits alone are no key. */
const isInTime = (text: string, at: number): boolean =>
  text.charCodeAt(at - 3) === COLON && isDigit(text.charCodeAt(at - 2)) && isDigit(text.charCodeAt(at - 1));

/** Adds what is found in the encoded part of a text around the `%` at `at`. Answers where that ends. */
function scanEncoded(
  text: string,
  at: number,
  from: number,
  rules: Rules,
  isCut: boolean,
  hits: Hit[],
  encodings: number,
): number {
  const part = percentEncoded(text, at, from);
  if (part === undefined) return from;
  const found: Hit[] = [];
  scan(part.text, rules, isCut && part.end === text.length, found, findMark, encodings + 1);
  for (const { start, end, rule } of found) hits.push({ start: part.placeOf(start), end: part.placeOf(end), rule });
  return part.end;
}

const DASH = 45;
const BRACKET = 91;
const PERCENT = 37;
const J = 74;
const COLON = 58;

/** The secret that a mark belongs to. Nothing is searched for that is not wanted: it would be searched again and again. */
function hitAt(text: string, at: number, { detectors, keys }: Rules, isCut: boolean): Hit | undefined {
  switch (text.charCodeAt(at)) {
    case 61: // =
    case COLON:
    case 0xff1a: // the wide :
    case 0xff1d: // the wide =
      if (detectors.pairs === undefined && detectors.url_query === undefined) return undefined;
      return labelledValue(text, at, keys, detectors);
    case 60: // <
      return detectors.pairs && xmlElement(text, at, keys);
    case 64: // @
      return detectors.email && hitOf(detectors.email, email(text, at, isCut));
    case 73: // I
      return (
        (detectors.aws && hitOf(detectors.aws, awsAccessKey(text, at - 2))) ??
        (detectors.private_key && hitOf(detectors.private_key, privateKey(text, at - 8)))
      );
    case 95: // _
      return detectors.github && hitOf(detectors.github, githubToken(text, at));
    case 120: // x
      return detectors.slack && hitOf(detectors.slack, slackToken(text, at));
    default: // B, b
      switch (text.charCodeAt(at + 1) | 32) {
        case 101:
          return detectors.bearer && hitOf(detectors.bearer, bearer(text, at));
        case 97:
          return detectors.basic && hitOf(detectors.basic, basic(text, at));
      }
      return undefined;
  }
}

function hitOf(rule: Rule, span: Span | undefined): Hit | undefined {
  return span === undefined ? undefined : { start: span.start, end: span.end, rule };
}

function scanNumbers(text: string, { detectors }: Rules, isCut: boolean, hits: Hit[]): void {
  for (let i = 0; i < text.length; i++) {
    if (!isDigit(text.charCodeAt(i))) continue;
    let span: Span | undefined;
    if (detectors.iban !== undefined && isUpper(text.charCodeAt(i - 1)) && isUpper(text.charCodeAt(i - 2))) {
      span = iban(text, i - 2, isCut);
      if (span !== undefined) hits.push({ ...span, rule: detectors.iban });
    }
    if (span === undefined && detectors.card !== undefined) {
      span = card(text, i, isCut);
      if (span !== undefined) hits.push({ ...span, rule: detectors.card });
    }
    // To the end of the run of digits.
    i = span === undefined ? i : span.end - 1;
    while (isDigit(text.charCodeAt(i + 1))) i++;
  }
}
