import { context } from '@opentelemetry/api';
import { type AttributeValue, setOwn } from './attribute-value.ts';
import { type AttributesArgument, settleAttributes } from './attributes.ts';
import { contain, facadeState } from './facade-state.ts';
import { registeredLogger } from './otel-logs-api.ts';
import { STREAM, type StreamCount, streamCount, streamCounts, withStreamMark } from './stream-state.ts';

/** Options of {@link eventStream}. */
export interface EventStreamOptions {
  /**
   * A name that stays the same when the process is started again, such as `checkout-1`; 1 to 256 characters. Default: an
   * id made at random for this process.
   */
  readonly producer?: string;
}

/** An event as it was given out. Frozen, with all that is in it. */
export interface StreamEvent {
  /** Of this event alone: `stream/producer/epoch/sequence`. */
  readonly id: string;
  readonly stream: string;
  readonly producer: string;
  /** This run of the process: a UUID that sorts by time (version 7, RFC 9562). */
  readonly epoch: string;
  /** From 1, one more with each event of this stream, producer and epoch. */
  readonly sequence: number;
  readonly type: string;
  /** ISO 8601, in UTC. */
  readonly timestamp: string;
  /** A copy, as plain data. Not redacted. */
  readonly data: Readonly<Record<string, AttributeValue>>;
}

/** Emits numbered events: {@link eventStream}. */
export interface EventStream {
  readonly name: string;
  readonly producer: string;
  readonly epoch: string;
  /** Writes an event, at level info whatever the level of the scope, and answers it. Never throws. */
  emit(type: string, data?: AttributesArgument): StreamEvent;
  /**
   * Writes the end mark, which tells consumers the last number, unless it was the last thing written. What
   * `@logspan/sdk` does for all streams when the process ends in an orderly way. An event after it goes on counting.
   */
  end(): void;
}

const LONGEST_NAME = 256;
const INFO = 9;
const END = 'stream_ended';

/**
 * A stream of events that its consumers can check for gaps: each event has the next number of its stream, producer and
 * epoch (a run of the process), from 1, without gaps and without repetitions. All who ask for the same stream and
 * producer in a process count together, and a process that is started again begins a new epoch.
 *
 * `eventStream('orders').emit('order_created', { orderId })` writes a log record: the type is its event name, the data its
 * attributes, redacted like any other, and `logspan.stream.name`, `.producer`, `.epoch` and `.sequence` say which it is. No
 * level, sampler or limit leaves it out. What a filter stops, an overflow drops, or nobody takes because `register()` was
 * not called, has its number all the same: consumers see a gap.
 *
 * @throws TypeError for a name or producer that is no text of 1 to 256 characters, and for other options than `producer`.
 */
export function eventStream(name: string, options: EventStreamOptions = {}): EventStream {
  checkOptions(options);
  const { producer } = options;
  checkName('the name', name);
  if (producer !== undefined) checkName('the producer', producer);
  const count = streamCount(name, producer);
  return Object.freeze({
    name,
    producer: count.producer,
    epoch: count.epoch,
    emit: (type: string, data?: AttributesArgument) => emit(count, nameOf(type), data),
    end: () => end(count),
  });
}

/** Writes the end mark of every stream of this process that has none as its last record. Never throws. */
export function endStreams(): void {
  for (const count of streamCounts()) end(count);
}

function emit(count: StreamCount, type: string, given: AttributesArgument): StreamEvent {
  // First: a lazy value may emit an event itself.
  const data = dataOf(given);
  const { stream, producer, epoch } = count;
  count.ended = false;
  const sequence = ++count.last;
  write(count, type, data);
  return Object.freeze({
    id: `${stream}/${producer}/${epoch}/${sequence}`,
    stream,
    producer,
    epoch,
    sequence,
    type,
    timestamp: new Date().toISOString(),
    data,
  });
}

function end(count: StreamCount): void {
  if (count.last === 0 || count.ended) return;
  count.last++;
  count.ended = true;
  write(count, END, {}, true);
}

/** The record with the number that was given out last. */
function write(count: StreamCount, type: string, data: StreamEvent['data'], isEnd = false): void {
  try {
    const numbers = {
      [STREAM.name]: count.stream,
      [STREAM.producer]: count.producer,
      [STREAM.epoch]: count.epoch,
      [STREAM.sequence]: count.last,
      ...(isEnd ? { [STREAM.end]: true } : {}),
    };
    const writer = facadeState().destination?.getWriter(count.stream, undefined);
    const logger = writer ?? registeredLogger(count.stream).logger;
    // Our own provider takes the numbers from the mark. First in the attributes of another one, which cuts the last.
    const attributes = writer === undefined ? { ...numbers, ...data } : data;
    logger.emit({
      severityNumber: INFO,
      severityText: 'INFO',
      eventName: type,
      body: type,
      attributes,
      context: withStreamMark(context.active(), { numbers, attributes }),
    });
  } catch (error) {
    contain(error);
  }
}

function dataOf(given: AttributesArgument): StreamEvent['data'] {
  try {
    return frozen(settleAttributes(given).attributes) as StreamEvent['data'];
  } catch (error) {
    // A proxy that answers once and then throws.
    contain(error);
    return Object.freeze({});
  }
}

/** A copy of plain data that nobody can change. */
function frozen(value: AttributeValue): AttributeValue {
  if (typeof value !== 'object' || value === null) return value;
  // Bytes cannot be frozen: whoever has the event shares them with nobody else at least.
  if (ArrayBuffer.isView(value)) return value.slice();
  if (Array.isArray(value)) return Object.freeze(value.map(frozen)) as AttributeValue;
  const copy: Record<string, AttributeValue> = {};
  for (const key of Object.keys(value)) setOwn(copy, key, frozen((value as Record<string, AttributeValue>)[key]));
  return Object.freeze(copy);
}

/** Whatever was passed for a type. */
function nameOf(type: unknown): string {
  return typeof type === 'string' && type !== '' ? type : 'unknown';
}

function checkOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError("eventStream: the options must be an object such as { producer: 'checkout-1' }");
  }
  for (const key of Object.keys(options)) {
    if (key !== 'producer')
      throw new TypeError(`eventStream: there is no option ${JSON.stringify(key)}, only producer`);
  }
}

function checkName(what: string, name: unknown): void {
  if (typeof name === 'string' && name !== '' && name.length <= LONGEST_NAME) return;
  throw new TypeError(`eventStream: ${what} must be a text of 1 to ${LONGEST_NAME} characters`);
}
