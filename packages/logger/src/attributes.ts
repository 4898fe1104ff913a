import {
  type AttributeValue,
  DEFAULT_VALUE_LIMITS,
  describeThrown,
  PlainCopy,
  plainNodes,
  setOwn,
  type ValueLimits,
} from './attribute-value.ts';
import { exceptionAttributes, isError } from './exception.ts';

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

/** The keys under which an Error is promoted to the `exception.*` attributes. */
const isErrorKey = (key: string): boolean => key === 'error' || key === 'err' || key === 'exception';

/**
 * Turns what a log call was given into plain data.
 *
 * The common case, an object of plain values within the limits, is answered with that very object, after one walk and
 * without a copy. Everything else is copied with care: lazy values and a function in place of the attributes are
 * computed, exotic values made plain, an Error under `error`, `err` or `exception` (or in place of the attributes)
 * becomes the `exception.*` attributes unless those are set. `bound` are the attributes of the logger and of the
 * context: the caller's win. Never throws.
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
          return { attributes: argument as Record<string, AttributeValue>, owned: false, dropped: 0 };
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
    // Only what cannot even be looked at (a revoked proxy in place of the attributes) comes here.
    return { attributes: { 'logspan.attributes': describeThrown(error) }, owned: true, dropped: 1 };
  }
}

function isRecord(value: unknown): value is Record<string, AttributeValue> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function merge(into: Record<string, unknown>, from: Readonly<Record<string, unknown>>): void {
  for (const key in from) if (hasOwn.call(from, key)) setOwn(into, key, from[key]);
}

function isSettled(argument: unknown, limits: AttributeLimits): boolean {
  if (!isRecord(argument)) return false;
  let count = 0;
  let nodes = 0;
  for (const key in argument) {
    if (!hasOwn.call(argument, key)) continue;
    const value: unknown = argument[key];
    count++;
    switch (typeof value) {
      case 'number':
      case 'boolean':
      case 'undefined':
        break;
      case 'string':
        if (value.length > limits.stringLength) return false;
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
  return count <= limits.attributeCount;
}

function settleCarefully(
  argument: unknown,
  bound: Attributes | undefined,
  exception: unknown,
  limits: AttributeLimits,
): SettledAttributes {
  const copy = new PlainCopy(limits);
  const attributes: Record<string, AttributeValue> = {};
  let count = 0;
  let dropped = 0;

  const set = (key: string, value: unknown, wins: boolean): void => {
    if (hasOwn.call(attributes, key)) {
      if (!wins) return;
    } else if (count >= limits.attributeCount) {
      dropped++;
      return;
    }
    copy.cut = false;
    const name = copy.text(key);
    const plain = copy.of(value);
    if (copy.cut) dropped++;
    if (plain === undefined) return;
    if (!hasOwn.call(attributes, name)) count++;
    setOwn(attributes, name, plain);
  };

  /** Own enumerable properties; a key that cannot be listed or read says so and harms nothing else. */
  const setAll = (source: object, wins: boolean): void => {
    let keys: string[];
    try {
      keys = Object.keys(source);
    } catch {
      dropped++;
      return;
    }
    if (keys.length > limits.attributeCount) {
      // The rest is not even read.
      dropped += keys.length - limits.attributeCount;
      keys.length = limits.attributeCount;
    }
    for (const key of keys) {
      let value: unknown;
      try {
        value = (source as Record<string, unknown>)[key];
      } catch (error) {
        value = describeThrown(error);
      }
      if (isErrorKey(key) && isError(value)) exception ??= value;
      else set(key, value, wins);
    }
  };

  if (bound !== undefined) setAll(bound, true);
  let given = argument;
  if (typeof given === 'function') {
    const compute = given as () => unknown;
    given = undefined;
    try {
      given = compute();
    } catch (error) {
      set('logspan.attributes', describeThrown(error), true);
    }
  }
  if (isError(given)) exception ??= given;
  else if (given instanceof Map) setAll(Object.fromEntries(entriesOf(given, limits)), true);
  else if (typeof given === 'object' && given !== null && !Array.isArray(given)) setAll(given, true);
  else if (given !== undefined && given !== null) set('value', given, true);

  if (exception !== undefined) {
    const own = exceptionAttributes(exception);
    for (const key in own) set(key, own[key], false);
  }
  return { attributes, owned: true, dropped };
}

function entriesOf(map: Map<unknown, unknown>, limits: AttributeLimits): [string, unknown][] {
  const entries: [string, unknown][] = [];
  for (const [key, value] of Map.prototype.entries.call(map)) {
    if (entries.length > limits.attributeCount) break;
    entries.push([typeof key === 'symbol' ? key.toString() : String(key), value]);
  }
  return entries;
}
