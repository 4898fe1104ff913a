import { asMessage, flag, malformed, messageAt, messagesAt, text, toBytes, toDouble, toInt64 } from './field.ts';
import { decodeProtobuf, type Message } from './otlp-schema.ts';

/**
 * An OTLP AnyValue as a JavaScript value. Integers are numbers where that is exact and bigints where it is not; bytes
 * are a Uint8Array; a key-value list is an object without a prototype, so that no key can mean more than a key; a value
 * that the sender left empty is null.
 */
export type Value = string | number | bigint | boolean | null | Uint8Array | readonly Value[] | Attributes;

/** Attributes by key; an object without a prototype. Of a key sent twice the last value stands. */
export interface Attributes {
  readonly [key: string]: Value;
}

/** How deeply lists and maps may be nested: twice what OTel SDKs send by default. Deeper requests are malformed. */
const MAX_DEPTH = 128;

export function attributesAt(message: Message, field: string, depth = 0): Attributes {
  return toAttributes(messagesAt(message, field), depth);
}

function toAttributes(pairs: readonly Message[], depth: number): Attributes {
  const attributes: Record<string, Value> = Object.create(null);
  for (const pair of pairs) attributes[text(pair, 'key')] = valueAt(pair, 'value', depth);
  return attributes;
}

/** The value of a field of type AnyValue; null when it is absent or empty, which senders use for the same. */
export function valueAt(message: Message, field: string, depth = 0): Value {
  const any = messageAt(message, field);
  return any === undefined ? null : toValue(any, depth);
}

function toValue(any: Message, depth: number): Value {
  if (depth > MAX_DEPTH) return malformed('value', `at most ${MAX_DEPTH} nested lists and maps`);
  for (const kind of Object.keys(any)) {
    const given = any[kind];
    if (given === null || given === undefined) continue;
    switch (kind) {
      case 'stringValue':
        return text(any, kind);
      case 'boolValue':
        return flag(any, kind);
      case 'intValue':
        return toInt64(given, kind);
      case 'doubleValue':
        return toDouble(given, kind);
      case 'bytesValue':
        return toBytes(given, kind);
      case 'arrayValue':
        return messagesAt(nested('ArrayValue', given), 'values').map((item) => toValue(item, depth + 1));
      case 'kvlistValue':
        return attributesAt(nested('KeyValueList', given), 'values', depth + 1);
    }
  }
  return null;
}

/** Protobuf bodies give nested values as bytes (otlp-schema.ts says why), JSON bodies as objects. */
function nested(name: 'ArrayValue' | 'KeyValueList', given: unknown): Message {
  return given instanceof Uint8Array ? decodeProtobuf(name, given) : asMessage(given, name);
}
