import {
  type AttributeValue,
  DEFAULT_VALUE_LIMITS,
  describeThrown,
  keyLength,
  PlainCopy,
  plainNodes,
  setOwn,
  type ValueLimits,
} from './attribute-value.ts';
import { exceptionAttributes, isError } from './exception.ts';
import { computed } from './lazy.ts';
import { isStreamKey } from './stream-state.ts';

/** What a caller may pass as attributes: any values under any keys. See {@link settleAttributes} for what becomes of them. */
export type Attributes = Readonly<Record<string, unknown>>;

/** Attributes, an Error to promote, or a function that makes attributes if the record is kept. */
export type AttributesArgument = Attributes | Error | (() => Attributes | undefined) | undefined;

/** Limits on the attributes of one record. OTel logs SDK, "LogRecord Limits". */
export interface AttributeLimits extends ValueLimits {
  /** Attributes of one record; further ones are dropped and counted. */
  readonly attributeCount: number;
}

export const DEFAULT_ATTRIBUTE_LIMITS: AttributeLimits = Object.freeze({
  ...DEFAULT_VALUE_LIMITS,
  attributeCount: 128,
});

/** Attributes as plain data. */
export interface SettledAttributes {
  readonly attributes: Record<string, AttributeValue>;
  /** True if `attributes` is a fresh object that may be edited; false if it is the caller's own. */
  readonly owned: boolean;
  /** Attributes that were left out or cut because of a limit. */
  readonly dropped: number;
}

const EMPTY: Record<string, AttributeValue> = Object.freeze({});
const hasOwn = Object.prototype.hasOwnProperty;
const { toString: tagOf } = Object.prototype;

/** The keys under which an Error is promoted to the `exception.*` attributes. */
export const ERROR_KEYS: readonly string[] = ['error', 'err', 'exception'];
/** Says what is wrong where attributes could not be read as a whole. */
const UNREADABLE = 'logspan.attributes';

/**
 * Turns what a log call was given into plain data.
 *
 * The common case, an object of plain values within the limits, is answered with that very object, after one walk and
 * without a copy. Everything else is copied with care: lazy values and a function in place of the attributes are
 * computed, exotic values made plain, an Error under `error`, `err` or `exception` (or in place of the attributes)
 * becomes the `exception.*` attributes unless those are set; a second Error stays under its key. `bound` are the
 * attributes of the logger and of the context: the caller's win, except where undefined, which is no attribute. What only
 * the events of a stream have, `logspan.stream.*`, is dropped and counted. Never throws.
 */
export function settleAttributes(
  argument: unknown,
  bound?: Attributes,
  exception?: unknown,
  limits: AttributeLimits = DEFAULT_ATTRIBUTE_LIMITS,
): SettledAttributes {
  try {
    if (exception === undefined) {
      if (bound === undefined) {
        if (argument === undefined) return { attributes: EMPTY, owned: false, dropped: 0 };
        if (isSettled(argument, limits)) {
          return { attributes: argument, owned: false, dropped: 0 };
        }
      } else if (argument === undefined || isRecord(argument)) {
        const merged: Record<string, AttributeValue> = {};
        merge(merged, bound);
        if (argument !== undefined) merge(merged, argument);
        if (isSettled(merged, limits)) return { attributes: merged, owned: true, dropped: 0 };
      }
    }
  } catch {
    // A getter or proxy threw: the careful way contains it.
  }
  try {
    return settleCarefully(argument, bound, exception, limits);
  } catch (error) {
    return { attributes: { [UNREADABLE]: describeThrown(error) }, owned: true, dropped: 1 };
  }
}

function isRecord(value: unknown): value is Record<string, AttributeValue> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function merge(into: Record<string, unknown>, from: Readonly<Record<string, unknown>>): void {
  for (const key in from) {
    if (!hasOwn.call(from, key)) continue;
    const value = from[key];
    if (value !== undefined) setOwn(into, key, value);
  }
}

/** True if attributes are plain data within the limits, so that they can be read in place. May throw what a getter throws. */
export function isSettled(argument: unknown, limits: AttributeLimits): argument is Record<string, AttributeValue> {
  if (!isRecord(argument)) return false;
  const { attributeCount, stringLength } = limits;
  const longestKey = keyLength(limits);
  let count = 0;
  let nodes = 0;
  for (const key in argument) {
    if (!hasOwn.call(argument, key)) continue;
    if (++count > attributeCount || key.length > longestKey || isStreamKey(key)) return false;
    const value: unknown = argument[key];
    switch (typeof value) {
      case 'number':
      case 'boolean':
      case 'undefined':
        break;
      case 'string':
        if (value.length > stringLength) return false;
        break;
      case 'object':
        if (value === null) break;
        nodes += plainNodes(value, limits, 0);
        if (nodes > limits.nodes) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

function settleCarefully(
  argument: unknown,
  bound: Attributes | undefined,
  exception: unknown,
  limits: AttributeLimits,
): SettledAttributes {
  const given = new Map<string, unknown>();
  let promoted = exception;
  let dropped = 0;
  try {
    const value = typeof argument === 'function' ? computed(argument as () => unknown) : argument;
    if (!isError(value)) dropped = readArgument(given, value, limits.attributeCount);
    else if (promoted === undefined) promoted = value;
    else given.set('error', value);
  } catch (error) {
    given.set(UNREADABLE, describeThrown(error));
    dropped = 1;
  }
  if (promoted === undefined) promoted = errorIn(given);
  let merged = given;
  if (bound !== undefined) {
    merged = new Map();
    dropped += readOwn(merged, bound, limits.attributeCount);
    for (const [key, value] of given) merged.set(key, value);
    if (promoted === undefined) promoted = errorIn(merged);
  }

  const copy = new PlainCopy(limits);
  // First, since it says most, of the texts that all errors share.
  const described = promoted === undefined ? {} : exceptionAttributes(promoted, copy.errorTexts);
  const attributes: Record<string, AttributeValue> = {};
  let count = 0;
  const set = (key: string, value: unknown): void => {
    const name = copy.key(key);
    if (isStreamKey(name)) {
      dropped++;
      return;
    }
    const known = hasOwn.call(attributes, name);
    if (!known && count >= limits.attributeCount) {
      dropped++;
      return;
    }
    copy.cut = name !== key;
    const plain = copy.of(value);
    if (copy.cut) dropped++;
    if (plain === undefined) return;
    if (!known) count++;
    setOwn(attributes, name, plain);
  };
  for (const [key, value] of merged) {
    // What is promoted need not be told twice; an Error that is not promoted stays.
    if (value !== promoted || typeof value !== 'object' || !ERROR_KEYS.includes(key)) set(key, value);
  }
  for (const key of Object.keys(described)) if (!hasOwn.call(attributes, key)) set(key, described[key]);
  return { attributes, owned: true, dropped };
}

/** Reads what stands in place of the attributes; answers how many were left out. May throw. */
function readArgument(into: Map<string, unknown>, argument: unknown, limit: number): number {
  if (argument === undefined || argument === null) return 0;
  if (isRecord(argument)) return readOwn(into, argument, limit);
  const tag = tagOf.call(argument);
  if (tag === '[object Map]') {
    const size = mapSize(argument);
    if (size === undefined) {
      into.set('value', argument);
      return 0;
    }
    const named = new Map<string, unknown>();
    let kept = 0;
    for (const [key, value] of Map.prototype.entries.call(argument)) {
      if (kept === limit) break;
      kept++;
      if (typeof key !== 'string' && typeof key !== 'number') {
        // No name for an attribute: the Map is a value.
        into.set('value', argument);
        return 0;
      }
      if (value !== undefined) named.set(String(key), value);
    }
    for (const [key, value] of named) into.set(key, value);
    return size - kept;
  }
  if (typeof argument === 'object' && tag === '[object Object]') return readOwn(into, argument, limit);
  into.set('value', argument);
  return 0;
}

/**
 * Reads own enumerable properties; answers how many were left out. One that throws says so and harms nothing else.
 * Undefined is no attribute.
 */
function readOwn(into: Map<string, unknown>, from: object, limit: number): number {
  const keys = Object.keys(from);
  // The rest is not even read.
  const left = Math.max(keys.length - limit, 0);
  if (left > 0) keys.length = limit;
  for (const key of keys) {
    let value: unknown;
    try {
      value = (from as Record<string, unknown>)[key];
    } catch (error) {
      value = describeThrown(error);
    }
    if (value !== undefined) into.set(key, value);
  }
  return left;
}

/** The size of a Map of any realm; undefined for what only calls itself one. */
function mapSize(value: unknown): number | undefined {
  try {
    return Reflect.get(Map.prototype, 'size', value);
  } catch {
    return undefined;
  }
}

function errorIn(attributes: ReadonlyMap<string, unknown>): unknown {
  for (const key of ERROR_KEYS) {
    const value = attributes.get(key);
    if (typeof value === 'object' && isError(value)) return value;
  }
  return undefined;
}

/** Attributes over outer ones, read now and frozen, for all records to come. Never throws. */
export function bindAttributes(outer: Attributes | undefined, attributes: Attributes): Attributes {
  const read = new Map<string, unknown>();
  try {
    if (typeof attributes === 'object' && attributes !== null) readOwn(read, attributes, Number.POSITIVE_INFINITY);
  } catch (error) {
    read.set(UNREADABLE, describeThrown(error));
  }
  const bound: Record<string, unknown> = {};
  if (outer !== undefined) merge(bound, outer);
  for (const [key, value] of read) setOwn(bound, key, value);
  return Object.freeze(bound);
}
