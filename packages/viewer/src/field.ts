import type { Message } from './otlp-schema.ts';

/** The body of a request is not the OTLP message that it should be. Its message names the field and what belongs there. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

/** 64-bit integers as protobufjs gives them: two 32-bit halves. */
interface Halves {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/*
 * Each function below reads one field of a decoded message, whichever encoding it came in: protobuf (bytes, Long) or
 * OTLP/JSON (hex ids, base64 bytes, 64-bit integers as strings or numbers). An absent field and a JSON null give the
 * protobuf default; a value of another type throws a MalformedError.
 */

/** The field as it came, or undefined: nothing inherited, so that no default of a prototype passes for a value. */
export function own(message: Message, field: string): unknown {
  return Object.hasOwn(message, field) ? (message[field] ?? undefined) : undefined;
}

export function text(message: Message, field: string): string {
  const value = own(message, field) ?? '';
  return typeof value === 'string' ? value : malformed(field, 'a string');
}

export function flag(message: Message, field: string): boolean {
  const value = own(message, field) ?? false;
  return typeof value === 'boolean' ? value : malformed(field, 'a boolean');
}

export function messageAt(message: Message, field: string): Message | undefined {
  const value = own(message, field);
  return value === undefined ? undefined : asMessage(value, field);
}

export function messagesAt(message: Message, field: string): readonly Message[] {
  const list = listAt(message, field);
  for (const item of list) asMessage(item, field);
  return list as readonly Message[];
}

export function listAt(message: Message, field: string): readonly unknown[] {
  const value = own(message, field) ?? [];
  return Array.isArray(value) ? value : malformed(field, 'a list');
}

export function asMessage(value: unknown, field: string): Message {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Message;
  return malformed(field, 'an object');
}

/** A 32-bit integer, signed or not. */
export function int32(message: Message, field: string): number {
  const value = own(message, field) ?? 0;
  const int = typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : value;
  const fits = Number.isInteger(int) && (int as number) >= -(2 ** 31) && (int as number) < 2 ** 32;
  return fits ? (int as number) : malformed(field, 'a 32-bit integer');
}

export function uint64(message: Message, field: string): bigint {
  return toUint64(own(message, field) ?? 0, field);
}

export function toUint64(value: unknown, field: string): bigint {
  const int = toBigInt(value);
  return int !== undefined && int >= 0n && int < 1n << 64n ? int : malformed(field, 'an unsigned 64-bit integer');
}

/** Exact: a number where a double can hold the integer, a bigint where it cannot. */
export function toInt64(value: unknown, field: string): number | bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  const int = toBigInt(value);
  if (int === undefined || BigInt.asIntN(64, int) !== int) return malformed(field, 'a 64-bit integer');
  const rounded = Number(int);
  return Number.isSafeInteger(rounded) ? rounded : int;
}

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined;
  if (typeof value === 'string') return /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
  if (typeof value !== 'object' || value === null || !('high' in value)) return undefined;
  const { low, high, unsigned } = value as Halves;
  return (BigInt(unsigned ? high >>> 0 : high) << 32n) | BigInt(low >>> 0);
}

export function toDouble(value: unknown, field: string): number {
  if (typeof value === 'number') return value;
  const isText = typeof value === 'string' && /^(NaN|-?Infinity|-?\d+(\.\d+)?([eE][-+]?\d+)?)$/.test(value);
  return isText ? Number(value) : malformed(field, 'a number');
}

/** An optional double: undefined when the sender left it out. */
export function double(message: Message, field: string): number | undefined {
  const value = own(message, field);
  return value === undefined ? undefined : toDouble(value, field);
}

/** A copy, so that a held record does not hold the whole request. */
export function toBytes(value: unknown, field: string): Uint8Array {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  const isBase64 = typeof value === 'string' && /^[\w+/-]*={0,2}$/.test(value);
  return isBase64 ? new Uint8Array(Buffer.from(value, 'base64')) : malformed(field, 'base64');
}

/** An id in lower-case hex; '' when it is absent, or all zeros, which W3C Trace Context calls invalid. */
export function hexId(message: Message, field: string, byteLength: 8 | 16): string {
  const value = own(message, field) ?? '';
  const hex = value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
  if (typeof hex !== 'string' || (hex !== '' && (hex.length !== 2 * byteLength || !/^[\da-f]+$/i.test(hex)))) {
    return malformed(field, `an id of ${byteLength} bytes (in JSON: ${2 * byteLength} hex digits)`);
  }
  return /^0*$/.test(hex) ? '' : hex.toLowerCase();
}

export function malformed(field: string, expected: string): never {
  throw new MalformedError(`${field}: expected ${expected}`);
}
