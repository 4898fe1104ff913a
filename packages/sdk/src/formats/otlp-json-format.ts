import { isSpanContextValid } from '@opentelemetry/api';
import { encodedSeverity } from '../delivery/otlp-encoder.ts';
import { plainValue } from '../pipeline/copy-record.ts';
import type { InstrumentationScope, LogRecord, Resource } from '../pipeline/stage.ts';
import { oneLine } from './one-line.ts';

/** Deeper than any normalised value; a cycle ends here instead of in a stack overflow. */
const MAX_DEPTH = 64;

/**
 * Makes a formatter that turns a record into one line of OTLP JSON (no line end): an ExportLogsServiceRequest with this
 * one record, as the OTel specifications "OTLP File Exporter" and "OTLP JSON Encoding" have it: keys in lowerCamelCase,
 * trace ids in hexadecimal, 64-bit integers as strings of digits, enums as numbers, bytes as base64, NaN and the
 * infinities as strings. Fields that have their default value are left out.
 *
 * Resource and scope are rendered when they change, which they hardly ever do. Throws for a record that is deeper than
 * 64 or cyclic.
 */
export function otlpJsonFormat(): (record: LogRecord) => string {
  let resource: Resource | undefined;
  let scope: InstrumentationScope | undefined;
  let before = '';
  let after = '';
  const time = unixNano();

  return (record) => {
    if (record.resource !== resource || record.instrumentationScope !== scope) {
      resource = record.resource;
      scope = record.instrumentationScope;
      before = `{"resourceLogs":[{"resource":{${attributesField(plainValue(resource.attributes))}},"scopeLogs":[{"scope":${scopeOf(scope)},"logRecords":[{`;
      after = `}]${schemaUrl(scope.schemaUrl)}}]${schemaUrl(resource.schemaUrl)}}]}`;
      // A stock SDK's resource may still be waiting for a detector: what it says now is not its last word.
      if ((resource as { asyncAttributesPending?: boolean }).asyncAttributesPending === true) resource = undefined;
    }
    const { severityText, eventName, droppedAttributesCount, spanContext: span } = record;
    const severity = encodedSeverity(record.severityNumber);
    let text = `${before}"timeUnixNano":"${time(record.hrTime)}","observedTimeUnixNano":"${time(record.hrTimeObserved)}"`;
    if (severity !== 0) text += `,"severityNumber":${severity}`;
    if (isText(severityText)) text += `,"severityText":${JSON.stringify(severityText)}`;
    if (isText(eventName)) text += `,"eventName":${JSON.stringify(eventName)}`;
    if (record.body !== undefined) text += `,"body":${anyValue(record.body, 0)}`;
    const attributes = attributesField(record.attributes);
    if (attributes !== '') text += `,${attributes}`;
    if (droppedAttributesCount > 0) text += `,"droppedAttributesCount":${droppedAttributesCount}`;
    if (span !== undefined && isSpanContextValid(span)) {
      text += `,"flags":${span.traceFlags & 0xff},"traceId":"${span.traceId}","spanId":"${span.spanId}"`;
    }
    return oneLine(text + after);
  };
}

/** Nanoseconds since the epoch, beyond what one number holds. Most records share their second with the one before. */
function unixNano(): (time: LogRecord['hrTime']) => string {
  let second = Number.NaN;
  let text = '';
  return ([seconds, nanos]) => {
    if (!(seconds > 0)) return seconds === 0 ? String(nanos) : '0';
    if (seconds !== second) {
      second = seconds;
      text = String(seconds);
    }
    return text + String(nanos).padStart(9, '0');
  };
}

function scopeOf(scope: InstrumentationScope): string {
  const fields: string[] = [];
  if (isText(scope.name)) fields.push(`"name":${JSON.stringify(scope.name)}`);
  if (isText(scope.version)) fields.push(`"version":${JSON.stringify(scope.version)}`);
  const attributes = attributesField(plainValue(scope.attributes));
  if (attributes !== '') fields.push(attributes);
  // A stock SDK limits the attributes of its scopes and counts what it cut.
  const { droppedAttributesCount: dropped = 0 } = scope as { droppedAttributesCount?: number };
  if (dropped > 0) fields.push(`"droppedAttributesCount":${dropped}`);
  return `{${fields.join(',')}}`;
}

function schemaUrl(url: string | undefined): string {
  return isText(url) ? `,"schemaUrl":${JSON.stringify(url)}` : '';
}

function attributesField(attributes: unknown): string {
  const list = typeof attributes === 'object' && attributes !== null ? keyValues(attributes, 0) : '';
  return list === '' ? '' : `"attributes":[${list}]`;
}

function keyValues(object: object, depth: number): string {
  let list = '';
  for (const key in object) {
    const value = (object as Record<string, unknown>)[key];
    if (value === undefined || !Object.hasOwn(object, key)) continue;
    list += `${list === '' ? '' : ','}{"key":${JSON.stringify(key)},"value":${anyValue(value, depth)}}`;
  }
  return list;
}

function anyValue(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return `{"stringValue":${JSON.stringify(value)}}`;
    case 'number':
      if (Number.isSafeInteger(value)) return `{"intValue":"${value}"}`;
      // String() would round it, perhaps beyond 64 bits.
      if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) return `{"intValue":"${BigInt(value)}"}`;
      return `{"doubleValue":${Number.isFinite(value) ? value : `"${value}"`}}`;
    case 'boolean':
      return `{"boolValue":${value}}`;
    case 'undefined':
      return '{}';
    case 'object': {
      if (value === null) return '{}';
      if (depth > MAX_DEPTH) throw new RangeError('the value is too deep');
      if (Array.isArray(value)) {
        let list = '';
        for (let i = 0; i < value.length; i++) list += (i === 0 ? '' : ',') + anyValue(value[i], depth + 1);
        return `{"arrayValue":{"values":[${list}]}}`;
      }
      if (value instanceof Uint8Array) {
        return `{"bytesValue":"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"}`;
      }
      const prototype = Object.getPrototypeOf(value);
      if (prototype === Object.prototype || prototype === null) {
        return `{"kvlistValue":{"values":[${keyValues(value, depth + 1)}]}}`;
      }
    }
  }
  // Not plain data: it came through a stock SDK, or from a processor that wrote into the attributes object.
  return anyValue(plainValue(value), depth + 1);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
