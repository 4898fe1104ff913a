import { setOwn } from '@logspan/logger/internal';
import { type Attributes, type Context, context as contexts, isSpanContextValid, trace } from '@opentelemetry/api';
import { plainValue } from '../pipeline/copy-record.ts';
import { factory } from '../pipeline/factory.ts';
import { Failures } from '../pipeline/report.ts';
import { forwardTo, type LogRecord, type Stage, stage } from '../pipeline/stage.ts';

/**
 * Shows events on the span they happened in: for trace back ends that get no logs. OTel logs SDK specification, "Event to
 * span event bridge" (Development).
 *
 * A record becomes exactly one span event if it has an event name and valid ids, and the span of its context is recording
 * and has those ids. Otherwise nothing happens; in both cases the record goes on unchanged. The span event has the
 * record's event name, time (else the observed time) and all attributes; it has no place for body and severity.
 *
 * Stands behind `redact`: spans leave the process as well. A value that a span cannot hold becomes text, as the
 * specification has it outside of OTLP: objects and mixed lists JSON, bytes base64, null the empty text. How many events
 * and attributes a span keeps is up to its tracer (128 each). Drops nothing, never throws. Costs a comparison where there
 * is no event name or trace; else a copy of the attributes.
 */
export function eventToSpanEventBridge(): Stage {
  return stage('eventToSpanEventBridge', 'render', (next) => {
    const failures = new Failures('an event could not be added to its span, which');
    return forwardTo(next, {
      onEmit(record, from) {
        try {
          addToSpan(record, from);
        } catch (error) {
          failures.count(error);
        }
        next.onEmit(record, from);
      },
    });
  });
}

factory(eventToSpanEventBridge);

function addToSpan(record: LogRecord, from: Context = contexts.active()): void {
  const { eventName, spanContext: ids } = record;
  if (typeof eventName !== 'string' || eventName === '' || ids === undefined) return;
  const span = trace.getSpan(from);
  if (span === undefined || !span.isRecording()) return;
  const { traceId, spanId } = span.spanContext();
  if (ids.spanId !== spanId || ids.traceId !== traceId || !isSpanContextValid(ids)) return;
  const [seconds, nanos] = record.hrTime;
  const hasTime = seconds !== 0 || nanos !== 0;
  span.addEvent(eventName, spanAttributes(record.attributes), hasTime ? record.hrTime : record.hrTimeObserved);
}

/** A copy that the tracer may keep: the attributes of a record may be the caller's own object. */
function spanAttributes(attributes: Readonly<Record<string, unknown>>): Attributes {
  const copy: Attributes = {};
  for (const [key, value] of Object.entries(attributes)) {
    const shown = spanAttribute(value);
    if (shown !== undefined) setOwn(copy, key, shown);
  }
  return copy;
}

/** The value as a span can hold it; undefined if it is none. */
function spanAttribute(value: unknown): Attributes[string] {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value;
  }
  const plain = plainValue(value);
  if (plain === null) return '';
  if (typeof plain !== 'object' || isOfOneKind(plain)) return plain;
  return plain instanceof Uint8Array ? base64(plain) : JSON.stringify(plain, jsonItem);
}

/** What a span takes as a list: items of one kind, and nulls. */
function isOfOneKind(value: unknown): value is string[] | number[] | boolean[] {
  if (!Array.isArray(value)) return false;
  const kinds = new Set(value.map((item) => (item === null ? 'null' : typeof item)));
  kinds.delete('null');
  const [kind = 'string'] = kinds;
  return kinds.size < 2 && ['string', 'number', 'boolean'].includes(kind);
}

/** What JSON cannot say: bytes, and numbers that are none. */
function jsonItem(_key: string, item: unknown): unknown {
  if (item instanceof Uint8Array) return base64(item);
  return typeof item === 'number' && !Number.isFinite(item) ? String(item) : item;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
