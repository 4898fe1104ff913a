import { type AttributeValue, setOwn } from '@logspan/logger/internal';
import { plainValue } from '../../pipeline/copy-record.ts';
import { isAlphanumeric, isLetter } from './character.ts';
import { type PathState, segmentsOf } from './path-rules.ts';
import { Remembered } from './remembered.ts';
import type { Rule } from './rule.ts';
import type { Rules } from './rules.ts';
import { fold } from './secret-keys.ts';
import { TextScanner } from './text-scanner.ts';

/** Values looked at in one record before it counts as hostile and is withheld whole. */
const MOST_VALUES = 20_000;
/** Characters of one record, likewise. */
const MOST_CHARACTERS = 4 * 1_024 * 1_024;
const DEEPEST = 64;
/** So long a text may have been cut by a limit, in the middle of a secret: at 1 024, or before half a character. */
const CUT_LENGTH = 1_023;
/** Where something is known to have been cut, it was no shorter than this. */
const SHORTEST_LIMIT = 32;
/** What marks the message or the stack of an error that was cut. */
const ELLIPSIS = 0x2026;
/** The same in the middle of the stack of an error with causes: texts of errors are longer than this where they are cut. */
const CUT_BEFORE_CAUSE = '…\nCaused by: ';
const hasOwn = Object.prototype.hasOwnProperty;

/** What is known of a key. */
interface KeyFacts {
  readonly rule: Rule | undefined;
  /** True if the key itself holds a secret. */
  readonly dirty: boolean;
  /** True for `value` and its like, beside which a `name` or `key` may say what it is. */
  readonly labelled: boolean;
  /** True for `name` and its like. */
  readonly label: boolean;
  /** The segments of paths that it is, if there are paths. */
  readonly segments: readonly string[] | undefined;
}

const PLAIN: KeyFacts = Object.freeze({
  rule: undefined,
  dirty: false,
  labelled: false,
  label: false,
  segments: undefined,
});

/**
 * Keys that are known to be plain, each at the place where it was seen last: records of one event mostly have the same keys
 * in the same order, and a comparison costs less than a look-up.
 */
export type Shape = (string | undefined)[];

const LARGEST_SHAPE = 32;

/** What names the value beside it: in HTTP archives, templates of clouds, lists of headers, validation errors. */
const LABELS: ReadonlySet<string> = new Set([
  'name',
  'key',
  'header',
  'headername',
  'field',
  'fieldname',
  'path',
  'param',
  'instancepath',
  'id',
  'k',
  'parameter',
  'parametername',
  'parameterkey',
  'property',
  'attribute',
  'label',
  'variable',
]);

/** What stands beside a label, as validators call what they were given: `{ path: 'password', received: '…' }`. */
const LABELLED: ReadonlySet<string> = new Set(['input', 'received', 'got', 'given', 'actual', 'data', 'val', 'v']);

/**
 * Makes copies of values without what is secret in them. Everything is read once, and what was read is judged and kept:
 * an object that answers differently the second time shows nothing by it. Throws for what is too deep or too large.
 */
export class Walk {
  /** Secrets taken out since {@link begin}. */
  replaced = 0;
  /** Is told of each of them: the path and the rule. */
  onHit: ((path: string, rule: Rule) => void) | undefined;
  readonly counts: Map<string, number> = new Map();
  readonly #rules: Rules;
  readonly #scanner: TextScanner;
  readonly #facts = new Remembered<KeyFacts>();
  readonly #path: string[] = [];
  #values = 0;
  #characters = 0;
  #isCut = false;
  #limit = Number.POSITIVE_INFINITY;
  /** A pattern of the user may be of one word. */
  readonly #skipsWords: boolean;

  constructor(rules: Rules) {
    this.#rules = rules;
    this.#skipsWords = rules.patterns.length === 0;
    this.#scanner = new TextScanner(rules, (rule) => this.#hit(rule));
  }

  /** Before each record. `isCut`: something of it was cut by a limit; `limit`: values of this length may have been. */
  begin(isCut: boolean, limit: number = Number.POSITIVE_INFINITY): void {
    this.replaced = 0;
    this.#values = 0;
    this.#characters = 0;
    this.#isCut = isCut;
    this.#limit = limit;
    if (this.#path.length > 1) this.#path.length = 0;
  }

  text(text: string, at?: string): string {
    if (at !== undefined) this.#path[0] = at;
    this.#characters += text.length;
    if (this.#characters > MOST_CHARACTERS) throw new RangeError('too large');
    const { length } = text;
    if (length <= LONGEST_WORD && this.#skipsWords && isWord(text)) return text;
    if (length >= CUT_LENGTH && text.includes(CUT_BEFORE_CAUSE)) return this.#chain(text);
    return this.#text(text);
  }

  #text(text: string): string {
    const { length } = text;
    if (text.charCodeAt(length - 1) === ELLIPSIS) return `${this.#scanner.clean(text.slice(0, -1), true)}…`;
    return this.#scanner.clean(text, length >= SHORTEST_LIMIT && this.#mayBeCut(length));
  }

  /** The stacks of an error and of its causes, each of which may have been cut. */
  #chain(text: string): string {
    const cause = CUT_BEFORE_CAUSE.slice(1);
    return text
      .split(CUT_BEFORE_CAUSE)
      .map((part, i, parts) => this.#text(i < parts.length - 1 ? `${part}…` : part))
      .join(cause);
  }

  #mayBeCut(length: number): boolean {
    // One less than the limit if the last character would have been half of one.
    return this.#isCut || length >= CUT_LENGTH || length === this.#limit || length === this.#limit - 1;
  }

  /** A copy of attributes, and of all that is in them. `shape`: see {@link Shape}. */
  attributes(
    given: Readonly<Record<string, unknown>>,
    at = 'attributes',
    shape?: Shape,
  ): Record<string, AttributeValue> {
    this.#path[0] = at;
    return this.#object(given, 1, this.#rules.paths?.start, shape) as Record<string, AttributeValue>;
  }

  /** A copy of any value, such as a body. */
  value(value: unknown, at: string): unknown {
    this.#path[0] = at;
    return this.#clean(value, 1, this.#rules.paths?.start);
  }

  #hit(rule: Rule): void {
    this.replaced++;
    this.counts.set(rule.name, (this.counts.get(rule.name) ?? 0) + 1);
    this.onHit?.(this.#path.join('.'), rule);
  }

  #clean(value: unknown, depth: number, state: PathState | undefined): unknown {
    switch (typeof value) {
      case 'string':
        return this.text(value);
      case 'number':
      case 'boolean':
      case 'undefined':
        return value;
      case 'object':
        return value === null ? null : this.#inside(value, depth, state);
      default:
        // Nothing that a record should hold; what it says of itself is text.
        return this.#clean(plainValue(value), depth, state);
    }
  }

  #inside(value: object, depth: number, state: PathState | undefined): unknown {
    if (depth > DEEPEST) throw new RangeError('too deep');
    if (Array.isArray(value)) return this.#list(value, depth, state);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#object(value, depth, state);
    // What a processor put there past `setAttribute`, such as a Map: what it holds shows only in its plain form.
    const plain = plainValue(value);
    return plain instanceof Uint8Array ? this.#bytes(plain) : this.#clean(plain, depth + 1, state);
  }

  #object(value: object, depth: number, state: PathState | undefined, shape?: Shape): Record<string, unknown> {
    this.#count();
    const copy = { ...value } as Record<string, unknown>;
    let renamed: [string, unknown][] | undefined;
    let labels: string[] | undefined;
    let n = 0;
    for (const key in copy) {
      // What somebody put on Object.prototype is no attribute.
      if (!hasOwn.call(copy, key)) continue;
      const entry = copy[key];
      const facts = shape === undefined ? this.#factsOf(key) : this.#factsAt(key, n++, shape);
      if (facts === PLAIN && state === undefined && this.onHit === undefined) {
        // The common case.
        const kind = typeof entry;
        if (kind === 'number' || kind === 'boolean') continue;
        const clean = kind === 'string' ? this.text(entry as string) : this.#clean(entry, depth + 1, undefined);
        if (clean !== entry) setOwn(copy, key, clean);
        continue;
      }
      const name = facts.dirty ? this.text(key) : key;
      if (this.onHit !== undefined) this.#path.push(name);
      const below = state === undefined ? undefined : this.#below(state, key, facts);
      if (facts.labelled) labels ??= labelsOf(copy);
      const rule = first(
        facts.labelled ? first(facts.rule, this.#ruleOf(labels)) : facts.rule,
        below && this.#rules.paths?.ruleAt(below),
      );
      const clean = this.#entry(entry, rule, depth, below);
      if (this.onHit !== undefined) this.#path.pop();
      // What it is called is read before that is replaced.
      if (facts.label && clean !== entry) labels ??= labelsOf(copy);
      if (facts.dirty || (clean === undefined && entry !== undefined)) {
        delete copy[key];
        renamed ??= [];
        if (clean !== undefined) renamed.push([name, clean]);
      } else if (clean !== entry) setOwn(copy, key, clean);
    }
    if (renamed !== undefined) addRenamed(copy, renamed);
    return copy;
  }

  #entry(entry: unknown, rule: Rule | undefined, depth: number, state: PathState | undefined): unknown {
    if (rule === undefined) return this.#clean(entry, depth + 1, state);
    // Nothing, or what another redaction has left.
    if (entry === undefined || entry === null || entry === this.#rules.replacement) return entry;
    this.#hit(rule);
    return rule.action.value(entry);
  }

  #list(items: readonly unknown[], depth: number, state: PathState | undefined): unknown[] {
    const { length } = items;
    this.#count(length);
    const copy: unknown[] = [];
    let label: Rule | undefined;
    for (let i = 0; i < length; i++) {
      const item = items[i];
      const below = state === undefined ? undefined : this.#rules.paths?.step(state, [String(i)]);
      if (this.onHit !== undefined) this.#path.push(String(i));
      copy.push(
        this.#entry(item, first(label, below && this.#rules.paths?.ruleAt(below)), depth, below) ?? emptied(item),
      );
      if (this.onHit !== undefined) this.#path.pop();
      // A pair, ['authorization', 'Bearer …'], or a flat list of names and values, such as Node's rawHeaders; and the
      // arguments of a command: ['--password', '…'].
      const isName = label === undefined && i < length - 1 && isLabel(item, i);
      label = isName ? this.#rules.keys.decide(item) : undefined;
    }
    return copy;
  }

  /** Bytes may be text: if that has a secret all of them go. */
  #bytes(bytes: Uint8Array): string | Uint8Array {
    this.#count();
    const before = this.replaced;
    this.text(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
    return this.replaced > before ? this.#rules.replacement : bytes;
  }

  /** Of `{ name: 'authorization', value: '…' }`. */
  #ruleOf(labels: readonly string[] = []): Rule | undefined {
    let rule: Rule | undefined;
    for (const label of labels) rule = first(rule, this.#rules.keys.decide(label));
    return rule;
  }

  #below(state: PathState, key: string, { segments }: KeyFacts): PathState | undefined {
    return this.#rules.paths?.step(state, segments ?? segmentsOf(key));
  }

  #factsAt(key: string, place: number, shape: Shape): KeyFacts {
    if (shape[place] === key) return PLAIN;
    const facts = this.#factsOf(key);
    if (facts === PLAIN && place < LARGEST_SHAPE) shape[place] = key;
    return facts;
  }

  #factsOf(key: string): KeyFacts {
    const known = this.#facts.get(key);
    if (known !== undefined) return known;
    const rule = this.#rules.keys.decide(key);
    const dirty = this.#scanner.finds(key, key.length >= CUT_LENGTH);
    const folded = fold(key);
    const label = LABELS.has(folded);
    const labelled = folded.endsWith('value') || folded.endsWith('values') || LABELLED.has(folded);
    const segments = this.#rules.paths === undefined ? undefined : segmentsOf(key);
    const isPlain = rule === undefined && !dirty && !label && !labelled && segments === undefined;
    const facts = isPlain ? PLAIN : { rule, dirty, labelled, label, segments };
    // A secret is not kept in memory, not even as a key.
    if (!dirty) this.#facts.set(key, facts);
    return facts;
  }

  #count(items = 0): void {
    this.#values += 1 + items;
    if (this.#values > MOST_VALUES) throw new RangeError('too large');
  }
}

/** What is found by its shape is longer, or has other signs, or is a number. */
export const LONGEST_WORD = 16;
const MOST_DIGITS = 12;

/**
 * True for a short text of letters and digits, with dashes, dots, slashes and underscores within: `GET`, `eu-west-1`,
 * `/cart`, `in_progress`. Not where that could be the dash of a flag
 * or of `xoxb-`, the underscore of `ghp_`, the `I` of `AKIA`, or the `J` of `eyJ`.
 */
export function isWord(text: string): boolean {
  let digits = 0;
  let hasX = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 97 && unit <= 122) {
      if (unit === 120) hasX = true;
    } else if (unit >= 48 && unit <= 57) digits++;
    else if (unit === 45) {
      if (hasX || !isAlphanumeric(text.charCodeAt(i - 1))) return false;
    } else if (unit === 95) {
      if (text.charCodeAt(i - 2) === 104 || text.charCodeAt(i - 1) === 98) return false;
    } else if (unit === 73 || unit === 74) {
      if (i >= 2) return false;
    } else if (unit !== 46 && unit !== 47 && !isLetter(unit)) return false;
  }
  return digits <= MOST_DIGITS;
}

/** Longer ones are texts. */
const LONGEST_LABEL = 128;

/** What stands under the names of {@link LABELS}. */
function labelsOf(object: Readonly<Record<string, unknown>>): string[] {
  const labels: string[] = [];
  for (const key of Object.keys(object)) {
    const entry = object[key];
    // The path of a value is a list, too: ['user', 'password'].
    const label: unknown = Array.isArray(entry) ? entry[entry.length - 1] : entry;
    if (typeof label === 'string' && label.length <= LONGEST_LABEL && LABELS.has(fold(key))) labels.push(label);
  }
  return labels;
}

function isLabel(item: unknown, index: number): item is string {
  return typeof item === 'string' && item.length <= LONGEST_LABEL && (index % 2 === 0 || item.startsWith('-'));
}

function first(one: Rule | undefined, other: Rule | undefined): Rule | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.order <= other.order ? one : other;
}

/** What is left in a list of what was removed: its place. */
function emptied(item: unknown): unknown {
  return item === undefined ? undefined : item === null ? null : '';
}

/** Under names that are not taken: two keys may be replaced alike. */
function addRenamed(copy: Record<string, unknown>, renamed: readonly (readonly [string, unknown])[]): void {
  const next = new Map<string, number>();
  for (const [name, entry] of renamed) {
    let unique = name;
    let n = next.get(name) ?? 2;
    while (hasOwn.call(copy, unique)) unique = `${name}#${n++}`;
    next.set(name, n);
    setOwn(copy, unique, entry);
  }
}
