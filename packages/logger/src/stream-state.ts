import { type Context, createContextKey } from '@opentelemetry/api';

/** The attributes that make a record one of a stream. */
export const STREAM: {
  readonly name: 'logspan.stream.name';
  readonly producer: 'logspan.stream.producer';
  readonly epoch: 'logspan.stream.epoch';
  readonly sequence: 'logspan.stream.sequence';
  /** True on the last record of an epoch. */
  readonly end: 'logspan.stream.end';
} = Object.freeze({
  name: 'logspan.stream.name',
  producer: 'logspan.stream.producer',
  epoch: 'logspan.stream.epoch',
  sequence: 'logspan.stream.sequence',
  end: 'logspan.stream.end',
});

/** What `eventStream` alone may say of a record: attributes of these names are dropped wherever else they come from. */
const RESERVED = 'logspan.stream.';

/** True for the name of an attribute that only the events of a stream have. */
export function isStreamKey(key: string): boolean {
  return key.length > RESERVED.length && key.charCodeAt(8) === 0x73 && key.startsWith(RESERVED);
}

/** Which event of which stream a record is, as its attributes. */
export type StreamNumbers = Readonly<Record<string, string | number | boolean>>;

/** What `eventStream` says of the record that it emits, in the context of the call: no data can say it. */
export interface StreamMark {
  readonly numbers: StreamNumbers;
  /** The attributes of the call: another record of the same context is no event. */
  readonly attributes: object;
}

// The same key for all copies of this package.
const MARK = createContextKey('logspan.stream.v1');

export function withStreamMark(context: Context, mark: StreamMark): Context {
  return context.setValue(MARK, mark);
}

export function streamMarkOf(context: Context): StreamMark | undefined {
  return context.getValue(MARK) as StreamMark | undefined;
}

/** The count of one stream of one producer in this process. */
export interface StreamCount {
  readonly stream: string;
  readonly producer: string;
  readonly epoch: string;
  /** The number that was given out last; 0 before the first. */
  last: number;
  /** True if that was the end mark. */
  ended: boolean;
}

/** What all copies of this package in one process share about streams. */
interface StreamState {
  readonly producer: string;
  readonly epoch: string;
  readonly counts: Map<string, StreamCount>;
}

const STATE: unique symbol = Symbol.for('logspan.streams.v1') as never;
/** Beyond this many streams new ones are not shared: a name made per request must not grow memory for ever. */
const MOST_STREAMS = 10_000;

function streamState(): StreamState {
  const holder = globalThis as { [STATE]?: StreamState };
  holder[STATE] ??= { producer: uuid(), epoch: uuid(), counts: new Map() };
  return holder[STATE];
}

/**
 * The count of a stream, the same one for all who ask for the same stream and producer in this process. Beyond 10 000
 * each has one of its own, in an epoch of its own, so that no number is given out twice.
 */
export function streamCount(stream: string, producer: string = streamState().producer): StreamCount {
  const { counts, epoch } = streamState();
  const key = JSON.stringify([stream, producer]);
  const known = counts.get(key);
  if (known !== undefined) return known;
  const isShared = counts.size < MOST_STREAMS;
  const count = { stream, producer, epoch: isShared ? epoch : uuid(), last: 0, ended: false };
  if (isShared) counts.set(key, count);
  return count;
}

/** All counts of this process. */
export function streamCounts(): Iterable<StreamCount> {
  return streamState().counts.values();
}

/** A UUID of version 7 (RFC 9562): its text sorts by the time when it was made, to the millisecond. */
function uuid(): string {
  const bytes = new Uint8Array(10);
  if (typeof globalThis.crypto?.getRandomValues === 'function') globalThis.crypto.getRandomValues(bytes);
  else for (const index of bytes.keys()) bytes[index] = Math.random() * 256;
  const time = Date.now().toString(16).padStart(12, '0');
  const random = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const variant = (0x8 | (Number.parseInt(random.charAt(3), 16) & 0x3)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`;
}
