import type { LogRecord } from './stage.ts';

/**
 * A copy of a record, ours or a stock SDK's, that can be edited without the original noticing. Attribute values are
 * shared: stages replace values, they do not write into them. OTel logs SDK specification, "clone".
 */
export function copyRecord(record: LogRecord): LogRecord {
  const attributes: Record<string, unknown> = { ...record.attributes };
  const copy: LogRecord & { attributes: Record<string, unknown>; removeAttribute(key: string): void } = {
    hrTime: record.hrTime,
    hrTimeObserved: record.hrTimeObserved,
    ...(record.spanContext === undefined ? {} : { spanContext: record.spanContext }),
    resource: record.resource,
    instrumentationScope: record.instrumentationScope,
    droppedAttributesCount: record.droppedAttributesCount,
    severityNumber: record.severityNumber,
    severityText: record.severityText,
    body: record.body,
    eventName: record.eventName,
    attributes,
    setAttribute(key: string, value?: unknown) {
      if (value !== undefined) attributes[key] = value;
      return copy;
    },
    removeAttribute(key: string) {
      delete attributes[key];
    },
  };
  return copy;
}
