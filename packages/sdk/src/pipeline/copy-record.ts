import { type AttributeValue, isStreamKey, PlainCopy } from '@logspan/logger/internal';
import type { Sealable } from './seal-record.ts';
import type { LogRecord } from './stage.ts';
import { streamNumbersOf } from './stream-numbers.ts';
import { thrownOf } from './thrown.ts';

/**
 * A copy of a record, ours or a stock SDK's, that can be edited without the original noticing. Attribute values are
 * shared: stages replace values, they do not write into them. What is under symbols stays behind. OTel logs SDK
 * specification, "clone".
 */
export function copyRecord(record: LogRecord): LogRecord {
  const attributes: Record<string | symbol, unknown> = { ...record.attributes };
  // No attribute, judged by nothing; but an exporter that inspects its records would show it.
  for (const symbol of Object.getOwnPropertySymbols(attributes)) delete attributes[symbol];
  const thrown = thrownOf(record);
  const stream = streamNumbersOf(record);
  let isSealed = false;
  let onEdit: (() => void) | undefined;
  const isClosed = (): boolean => {
    if (isSealed) onEdit?.();
    return isSealed;
  };
  const copy: LogRecord & Sealable & { attributes: Record<string, unknown>; removeAttribute(key: string): void } = {
    hrTime: record.hrTime,
    hrTimeObserved: record.hrTimeObserved,
    ...(record.spanContext === undefined ? {} : { spanContext: record.spanContext }),
    resource: record.resource,
    instrumentationScope: record.instrumentationScope,
    droppedAttributesCount: record.droppedAttributesCount,
    attributeValueLengthLimit: valueLengthLimit(record),
    ...(record.writtenByStage === true ? { writtenByStage: true } : {}),
    ...(thrown === undefined ? {} : { thrown: () => thrown }),
    ...(stream === undefined ? {} : { streamNumbers: () => stream }),
    severityNumber: record.severityNumber,
    severityText: record.severityText,
    body: record.body,
    eventName: record.eventName,
    attributes,
    setAttribute(key: string, value?: unknown) {
      if (value !== undefined && !isClosed() && !isStreamKey(key)) attributes[key] = value;
      return copy;
    },
    removeAttribute(key: string) {
      if (!isClosed()) delete attributes[key];
    },
    seal(tell) {
      isSealed = true;
      onEdit ??= tell;
    },
  };
  return copy;
}

/** How many characters the values of a record were cut to, one of ours or of a stock SDK; Infinity if that is not known. */
export function valueLengthLimit(record: LogRecord): number {
  const stock = record as { _logRecordLimits?: { attributeValueLengthLimit?: unknown } };
  const limit = record.attributeValueLengthLimit ?? stock._logRecordLimits?.attributeValueLengthLimit;
  return typeof limit === 'number' ? limit : Number.POSITIVE_INFINITY;
}

/** Above what the pipeline lets pass, so that nothing more is cut, and low enough that no value can take for ever. */
const LIMITS = Object.freeze({
  stringLength: Number.MAX_SAFE_INTEGER,
  depth: 64,
  keys: 20_000,
  items: 20_000,
  nodes: 20_000,
});

/** A copy of any value as plain data: shares nothing with the original. Never throws. */
export function plainValue(value: unknown): AttributeValue {
  return new PlainCopy(LIMITS).of(value);
}

/**
 * A copy of a record that nothing the application does later can change, for whoever holds records: the attributes of a
 * record may be the caller's own object. Costs a walk through all values.
 */
export function keepRecord(record: LogRecord): LogRecord {
  const kept = copyRecord(record);
  for (const [key, value] of Object.entries(kept.attributes)) {
    if (typeof value === 'object' && value !== null) kept.setAttribute(key, plainValue(value));
  }
  if (typeof kept.body === 'object' && kept.body !== null) kept.body = plainValue(kept.body);
  return kept;
}
