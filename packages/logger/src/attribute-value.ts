import { describeError, type ErrorTexts, errorTexts, isError } from './exception.ts';
import { computed, lazyCompute } from './lazy.ts';

/** What an attribute becomes: plain data that every exporter of either OTel line can encode. OTel spec, "AnyValue". */
export type AttributeValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | Uint8Array
  | AttributeValue[]
  | { [key: string]: AttributeValue };

/** Bounds on one value. What is beyond them is cut, marked where it was cut, and counted. */
export interface ValueLimits {
  /** UTF-16 units of one string; bytes of one byte array. */
  readonly stringLength: number;
  /** Levels of nesting below an attribute. */
  readonly depth: number;
  /** Keys of one object. */
  readonly keys: number;
  /** Items of one array, Map or Set. */
  readonly items: number;
  /** Values in one record, counted through all levels. */
  readonly nodes: number;
}

export const DEFAULT_VALUE_LIMITS: ValueLimits = Object.freeze({
  stringLength: 32_768,
  depth: 8,
  keys: 128,
  items: 256,
  nodes: 1_000,
});

const hasOwn = Object.prototype.hasOwnProperty;
const { toString: tagOf } = Object.prototype;
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const dataView = DataView.prototype as object;

/**
 * True if the value is already plain data within the limits, so that it can be read in place. Costs one walk and
 * allocates nothing. A cycle is found as too much depth. May throw what a getter or a proxy throws.
 */
export function isPlain(value: unknown, limits: ValueLimits): boolean {
  return plainNodes(value, limits, 0) <= limits.nodes;
}

/** Characters of a key: as many as of a value, but never fewer than any sensible key has. */
export function keyLength(limits: ValueLimits): number {
  return Math.max(limits.stringLength, 256);
}

/** Counts the values of plain data, or answers Infinity as soon as something is not plain or not within the limits. */
export function plainNodes(value: unknown, limits: ValueLimits, depth: number): number {
  switch (typeof value) {
    case 'string':
      return value.length <= limits.stringLength ? 1 : Number.POSITIVE_INFINITY;
    case 'number':
    case 'boolean':
    case 'undefined':
      return 1;
    case 'object':
      break;
    default:
      return Number.POSITIVE_INFINITY;
  }
  if (value === null) return 1;
  if (depth >= limits.depth) return Number.POSITIVE_INFINITY;
  let nodes = 1;
  if (Array.isArray(value)) {
    if (value.length > limits.items) return Number.POSITIVE_INFINITY;
    for (let i = 0; i < value.length; i++) {
      nodes += plainNodes(value[i], limits, depth + 1);
      if (nodes > limits.nodes) return Number.POSITIVE_INFINITY;
    }
    return nodes;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return byteLength(value) <= limits.stringLength ? 1 : Number.POSITIVE_INFINITY;
  }
  if (lazyCompute(value) !== undefined) return Number.POSITIVE_INFINITY;
  let keys = 0;
  for (const key in value) {
    if (!hasOwn.call(value, key)) continue;
    if (++keys > limits.keys || key.length > keyLength(limits)) return Number.POSITIVE_INFINITY;
    nodes += plainNodes((value as Record<string, unknown>)[key], limits, depth + 1);
    if (nodes > limits.nodes) return Number.POSITIVE_INFINITY;
  }
  return nodes;
}

/**
 * Makes plain data of anything, in one record: Error, Date, Map, Set, bigint, class instance, Buffer, symbol, function,
 * cycle, throwing getter, revoked proxy, a string of any length, any depth. Never throws, never runs longer than the
 * limits allow, calls foreign code only where there is no other way to the value (getters, `toJSON` of class
 * instances, iterators of Map-like objects) and contains what that throws. {@link cut} tells whether anything is gone.
 */
export class PlainCopy {
  readonly #limits: ValueLimits;
  readonly #ancestors: object[] = [];
  #nodes = 0;
  #errorTexts: ErrorTexts | undefined;
  /** True once something was cut because of a limit. Reset it to watch the next value. */
  cut = false;

  constructor(limits: ValueLimits = DEFAULT_VALUE_LIMITS) {
    this.#limits = limits;
  }

  /** The plain form of one value. Undefined stays undefined: no attribute. */
  of(value: unknown): AttributeValue {
    try {
      return this.#value(value);
    } catch (error) {
      return describeThrown(error);
    }
  }

  /** What all errors of the record share. */
  get errorTexts(): ErrorTexts {
    this.#errorTexts ??= errorTexts();
    return this.#errorTexts;
  }

  /** At most the allowed number of characters, never half of a surrogate pair. */
  text(text: string): string {
    return this.#cutTo(text, this.#limits.stringLength);
  }

  /** A key, cut at a length of its own: the limit on values must not hide what a key says from a redactor. */
  key(key: string): string {
    return this.#cutTo(key, keyLength(this.#limits));
  }

  #cutTo(text: string, longest: number): string {
    if (text.length <= longest) return text;
    this.cut = true;
    const last = text.charCodeAt(longest - 1);
    return text.slice(0, last >= 0xd800 && last <= 0xdbff ? longest - 1 : longest);
  }

  #value(given: unknown): AttributeValue {
    if (++this.#nodes > this.#limits.nodes) {
      this.cut = true;
      return '[Truncated]';
    }
    const value = typeof given === 'object' && given !== null ? this.#computed(given) : given;
    switch (typeof value) {
      case 'string':
        return this.text(value);
      case 'number':
      case 'boolean':
      case 'undefined':
        return value;
      case 'bigint': {
        const plain = plainInteger(value);
        return typeof plain === 'number' ? plain : this.text(plain);
      }
      case 'symbol':
        return this.text(value.toString());
      case 'function':
        return this.text(`[Function: ${ownString(value, 'name') ?? ''}]`);
      default:
        return value === null ? null : this.#object(value as object);
    }
  }

  /** What a lazy value stands for, without a level of its own; anything else is itself. */
  #computed(given: object): unknown {
    try {
      let value: unknown = given;
      for (let left = this.#limits.depth; typeof value === 'object' && value !== null; left--) {
        const lazy = lazyCompute(value);
        if (lazy === undefined) return value;
        if (left === 0) {
          this.cut = true;
          return '[Object]';
        }
        value = computed(lazy);
      }
      return value;
    } catch (error) {
      return describeThrown(error);
    }
  }

  #object(value: object): AttributeValue {
    if (this.#ancestors.includes(value)) return '[Circular]';
    if (this.#ancestors.length >= this.#limits.depth) {
      this.cut = true;
      return Array.isArray(value) ? '[Array]' : '[Object]';
    }
    this.#ancestors.push(value);
    try {
      return this.#inside(value);
    } catch (error) {
      return describeThrown(error);
    } finally {
      this.#ancestors.pop();
    }
  }

  #inside(value: object): AttributeValue {
    if (Array.isArray(value)) return this.#list(this.#byIndex(value), value.length);
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) return this.#entries(value);
    if (isError(value)) return this.#error(value);
    if (ArrayBuffer.isView(value)) return this.#view(value);
    if (prototype === null) return this.#entries(value);
    try {
      const known = this.#builtIn(value, tagOf.call(value));
      if (known !== undefined) return known;
    } catch {
      // A class may call itself Date or Map, by Symbol.toStringTag, and be none: its properties tell more.
    }
    const toJSON = (value as { toJSON?: unknown }).toJSON;
    if (typeof toJSON === 'function') {
      const json = computed(() => toJSON.call(value, ''));
      if (json !== value) return this.#value(json);
    }
    return this.#entries(value);
  }

  #error(error: Error): AttributeValue {
    if (this.errorTexts.left > 0) return this.#value(describeError(error, this.errorTexts));
    this.cut = true;
    return '[Truncated]';
  }

  #builtIn(value: object, tag: string): AttributeValue {
    switch (tag) {
      case '[object Date]': {
        const time = Date.prototype.getTime.call(value);
        return Number.isNaN(time) ? null : new Date(time).toISOString();
      }
      case '[object RegExp]':
        return this.text(String(value));
      case '[object Map]':
        return this.#pairs(Map.prototype.entries.call(value), Reflect.get(Map.prototype, 'size', value));
      case '[object Set]': {
        const size: number = Reflect.get(Set.prototype, 'size', value);
        return this.#list(this.#inTurn(Set.prototype.values.call(value)), size);
      }
      case '[object Headers]':
      case '[object URLSearchParams]':
      case '[object FormData]':
        return this.#pairs((value as Iterable<[unknown, unknown]>)[Symbol.iterator](), Number.NaN);
      case '[object ArrayBuffer]':
      case '[object SharedArrayBuffer]': {
        const { prototype } = tag === '[object ArrayBuffer]' ? ArrayBuffer : SharedArrayBuffer;
        const length: number = Reflect.get(prototype, 'byteLength', value);
        return this.#bytes(length === 0 ? new Uint8Array(0) : new Uint8Array(value as ArrayBuffer));
      }
      case '[object Number]':
      case '[object String]':
      case '[object Boolean]':
      case '[object BigInt]':
      case '[object Symbol]': {
        const inner = (value as { valueOf(): unknown }).valueOf();
        return typeof inner === 'object' ? undefined : this.#value(inner);
      }
      case '[object Promise]':
      case '[object WeakMap]':
      case '[object WeakSet]':
      case '[object WeakRef]':
        return tag.replace('object ', '');
      default:
        return undefined;
    }
  }

  #entries(value: object): AttributeValue {
    const keys = Object.keys(value);
    const copy: Record<string, AttributeValue> = {};
    let kept = 0;
    for (const key of keys) {
      if (kept === this.#limits.keys) break;
      kept++;
      let entry: AttributeValue;
      try {
        entry = this.#value((value as Record<string, unknown>)[key]);
      } catch (error) {
        entry = describeThrown(error);
      }
      if (entry !== undefined) setOwn(copy, this.key(key), entry);
    }
    if (kept < keys.length) {
      this.cut = true;
      copy['…'] = `[${keys.length - kept} more]`;
    }
    return copy;
  }

  /** Map entries: an object if every key is text or a number, pairs otherwise. */
  #pairs(entries: Iterator<[unknown, unknown]>, size: number): AttributeValue {
    const { items, ended } = this.#inTurn(entries);
    if (!items.every(([key]) => typeof key === 'string' || typeof key === 'number')) {
      return this.#list({ items, ended }, size);
    }
    const copy: Record<string, AttributeValue> = {};
    for (const [key, value] of items) {
      const entry = this.#value(value);
      if (entry !== undefined) setOwn(copy, this.key(String(key)), entry);
    }
    if (!ended) {
      this.cut = true;
      copy['…'] = `[${rest(size, items.length)}]`;
    }
    return copy;
  }

  #list({ items, ended }: Taken<unknown>, size: number): AttributeValue {
    // What is undefined in a list keeps its place.
    const copy = items.map((item) => this.#value(item) ?? null);
    if (!ended) {
      this.cut = true;
      copy.push(`[… ${rest(size, items.length)}]`);
    }
    return copy;
  }

  #inTurn<T>(source: Iterator<T>): Taken<T> {
    const items: T[] = [];
    for (let step = source.next(); !step.done; step = source.next()) {
      if (items.length === this.#limits.items) return { items, ended: false };
      items.push(step.value);
    }
    return { items, ended: true };
  }

  /** By index and bounded: a sparse array may claim 2^32 items. */
  #byIndex(source: ArrayLike<unknown>): Taken<unknown> {
    const items: unknown[] = [];
    const end = Math.min(source.length, this.#limits.items);
    for (let i = 0; i < end; i++) {
      try {
        items.push(source[i]);
      } catch (error) {
        items.push(describeThrown(error));
      }
    }
    return { items, ended: !(source.length > end) };
  }

  #view(view: ArrayBufferView): AttributeValue {
    // Asked of the prototypes: the view itself may answer anything.
    const name: unknown = Reflect.get(typedArray, Symbol.toStringTag, view);
    if (name !== undefined && name !== 'Uint8Array') {
      const numbers = view as unknown as ArrayLike<number>;
      return this.#list(this.#byIndex(numbers), numbers.length);
    }
    const of = name === undefined ? dataView : typedArray;
    const length: number = Reflect.get(of, 'byteLength', view);
    // A buffer that was transferred away is empty and cannot even be looked at.
    if (length === 0) return new Uint8Array(0);
    return this.#bytes(new Uint8Array(Reflect.get(of, 'buffer', view), Reflect.get(of, 'byteOffset', view), length));
  }

  #bytes(bytes: Uint8Array): Uint8Array {
    if (bytes.length > this.#limits.stringLength) this.cut = true;
    // A copy: a Buffer is often reused by whoever owns it.
    return bytes.slice(0, this.#limits.stringLength);
  }
}

/** The first items of something, and whether these are all. */
interface Taken<T> {
  readonly items: readonly T[];
  readonly ended: boolean;
}

function rest(size: number, taken: number): string {
  return size > taken ? `${size - taken} more` : 'more';
}

/** A bigint as a number, or as text beyond 2^53, where a number would be another number. */
export function plainInteger(value: bigint): number | string {
  return BigInt.asIntN(54, value) === value ? Number(value) : value.toString();
}

/** The length of a byte array, of any realm, whatever it says of itself; NaN for everything else. */
function byteLength(value: object): number {
  const isBytes = Reflect.get(typedArray, Symbol.toStringTag, value) === 'Uint8Array';
  return isBytes ? Reflect.get(typedArray, 'byteLength', value) : Number.NaN;
}

/** Sets a property even when it is called `__proto__`. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}

/** A string property, without letting a hostile getter throw. */
function ownString(value: object, key: string): string | undefined {
  try {
    const text: unknown = (value as Record<string, unknown>)[key];
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

/** How a value that could not be read appears: by the kind of what was thrown, never by its message, which may hold data. */
export function describeThrown(error: unknown): string {
  let name = 'unknown';
  try {
    if (typeof error === 'object' && error !== null) name = ownString(error, 'name')?.slice(0, 64) ?? 'object';
    else name = typeof error;
  } catch {
    // A revoked proxy was thrown: nothing more can be said.
  }
  return `[Throws: ${name}]`;
}
