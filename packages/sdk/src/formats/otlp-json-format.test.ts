import { describe, expect, test } from '@jest/globals';
import { JsonLogsSerializer } from '@opentelemetry/otlp-transformer';
import { detectResources } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import fc from 'fast-check';
import official from 'otlp-official-schema/build/src/generated/root.js';
import type { LogRecord } from '../pipeline/stage.ts';
import { otlpJsonFormat } from './otlp-json-format.ts';

const spanContext = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 };

function recordWith(fields: Partial<LogRecord>): LogRecord {
  return {
    hrTime: [1_700_000_000, 5],
    hrTimeObserved: [1_700_000_001, 123_456_789],
    resource: { attributes: { 'service.name': 'shop' } },
    instrumentationScope: { name: 'orders' },
    attributes: {},
    droppedAttributesCount: 0,
    setAttribute: () => undefined,
    ...fields,
  };
}

const line = (fields: Partial<LogRecord>): string => otlpJsonFormat()(recordWith(fields));

/** What the official serialiser writes, in OTLP's own form: 64-bit integers as text, no field at its default. */
function officially(record: LogRecord): unknown {
  const bytes = JsonLogsSerializer.serializeRequest([record as unknown as ReadableLogRecord]) as Uint8Array;
  return JSON.parse(Buffer.from(bytes).toString(), function (this: unknown, key, value) {
    if (key === 'intValue') return String(BigInt(value));
    if ((key === 'attributes' && value.length === 0) || (key === 'droppedAttributesCount' && value === 0)) return;
    if ((key === 'severityText' || key === 'eventName' || key === 'version') && value === '') return;
    return value;
  });
}

test('every field', () => {
  expect(
    line({
      severityNumber: 9,
      severityText: 'INFO',
      eventName: 'order_placed',
      body: 'placed',
      attributes: { id: 7, total: 48.5, items: ['cup', null], gift: true, to: { city: 'Bern' } },
      droppedAttributesCount: 2,
      spanContext,
      resource: { attributes: { 'service.name': 'shop' }, schemaUrl: 'https://a' },
      instrumentationScope: { name: 'orders', version: '2', attributes: { a: 'b' }, schemaUrl: 'https://b' },
    }),
  ).toBe(
    '{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":' +
      '[{"scope":{"name":"orders","version":"2","attributes":[{"key":"a","value":{"stringValue":"b"}}]},"logRecords":' +
      '[{"timeUnixNano":"1700000000000000005","observedTimeUnixNano":"1700000001123456789","severityNumber":9,' +
      '"severityText":"INFO","eventName":"order_placed","body":{"stringValue":"placed"},"attributes":[' +
      '{"key":"id","value":{"intValue":"7"}},{"key":"total","value":{"doubleValue":48.5}},' +
      '{"key":"items","value":{"arrayValue":{"values":[{"stringValue":"cup"},{}]}}},' +
      '{"key":"gift","value":{"boolValue":true}},' +
      '{"key":"to","value":{"kvlistValue":{"values":[{"key":"city","value":{"stringValue":"Bern"}}]}}}],' +
      '"droppedAttributesCount":2,"flags":1,"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"}],' +
      '"schemaUrl":"https://b"}],"schemaUrl":"https://a"}]}',
  );
});

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const attributeValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
    fc.maxSafeInteger(),
    // The official serialiser calls any whole number an integer, also beyond 64 bits, and cannot write NaN.
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => Math.abs(n) < 2 ** 63 && !Object.is(n, -0)),
    fc.uint8Array({ maxLength: 8 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3 }),
  ),
})).value;
const record = fc.record({
  hrTime: fc.tuple(fc.nat({ max: 4_000_000_000 }), fc.nat({ max: 999_999_999 })),
  severityNumber: fc.option(fc.integer({ min: 1, max: 24 }), { nil: undefined }),
  severityText: text,
  eventName: text,
  body: attributeValue,
  attributes: fc.dictionary(text, attributeValue, { maxKeys: 5 }),
  droppedAttributesCount: fc.nat({ max: 9 }),
  spanContext: fc.option(fc.constant(spanContext), { nil: undefined }),
});

test('says what the official serialiser says, and what the official schema reads', () => {
  const { ExportLogsServiceRequest } = (
    official as unknown as {
      opentelemetry: { proto: { collector: { logs: { v1: { ExportLogsServiceRequest: Codec } } } } };
    }
  ).opentelemetry.proto.collector.logs.v1;
  interface Codec {
    verify(message: object): string | null;
    fromObject(object: object): object;
  }
  fc.assert(
    fc.property(record, (fields) => {
      const given = recordWith(fields as Partial<LogRecord>);
      const written = otlpJsonFormat()(given);
      expect(JSON.parse(written)).toEqual(officially(given));
      expect(ExportLogsServiceRequest.verify(ExportLogsServiceRequest.fromObject(JSON.parse(written)))).toBeNull();
    }),
    { numRuns: 300 },
  );
});

describe('values that JSON or OTLP has no words for', () => {
  const written = (value: unknown): unknown =>
    JSON.parse(line({ attributes: { value } })).resourceLogs[0].scopeLogs[0].logRecords[0].attributes[0].value;

  test.each<[unknown, object]>([
    [Number.NaN, { doubleValue: 'NaN' }],
    [Number.NEGATIVE_INFINITY, { doubleValue: '-Infinity' }],
    [2 ** 63, { doubleValue: 2 ** 63 }],
    [-(2 ** 63), { intValue: '-9223372036854775808' }],
    [-0, { intValue: '0' }],
    [10n, { intValue: '10' }],
    [new Date(0), { stringValue: '1970-01-01T00:00:00.000Z' }],
    [new Map([['a', 1]]), { kvlistValue: { values: [{ key: 'a', value: { intValue: '1' } }] } }],
  ])('%p', (value, expected) => {
    expect(written(value)).toEqual(expected);
  });

  test('a key __proto__ is a key like any other', () => {
    expect(written(JSON.parse('{"__proto__":1}'))).toEqual({
      kvlistValue: { values: [{ key: '__proto__', value: { intValue: '1' } }] },
    });
  });

  test('a cycle throws, and the next record is written', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const format = otlpJsonFormat();
    expect(() => format(recordWith({ body: cycle }))).toThrow(RangeError);
    expect(format(recordWith({ body: 'next' }))).toContain('{"stringValue":"next"}');
  });
});

test('each record has its own resource, scope and time', () => {
  const format = otlpJsonFormat();
  const first = recordWith({});
  const other = recordWith({ instrumentationScope: { name: 'other' }, resource: { attributes: {} } });
  expect(format(first)).toContain('"name":"orders"');
  expect(format(other)).toMatch(/^\{"resourceLogs":\[\{"resource":\{\},"scopeLogs":\[\{"scope":\{"name":"other"\}/);
  expect(format(first)).toContain('{"stringValue":"shop"}');
  const timeOf = (hrTime: [number, number]) => /"timeUnixNano":"(\d+)"/.exec(format(recordWith({ hrTime })))?.[1];
  expect([timeOf([0, 7]), timeOf([1, 7]), timeOf([1, 8]), timeOf([2, 8]), timeOf([-1, 8])]).toEqual([
    '7',
    '1000000007',
    '1000000008',
    '2000000008',
    '0',
  ]);
});

test('a resource whose detectors are not done yet is looked at again', async () => {
  let detected: (host: string) => void = () => undefined;
  const host = new Promise<string>((resolve) => (detected = resolve));
  const resource = detectResources({
    detectors: [{ detect: () => ({ attributes: { 'service.name': 'shop', 'host.name': host } }) }],
  });
  const format = otlpJsonFormat();
  const hostIn = (text: string) => text.includes('{"key":"host.name","value":{"stringValue":"a1"}}');
  const instrumentationScope = { name: 'orders' };
  expect(hostIn(format(recordWith({ resource, instrumentationScope })))).toBe(false);
  detected('a1');
  await resource.waitForAsyncAttributes?.();
  expect(hostIn(format(recordWith({ resource, instrumentationScope })))).toBe(true);
});

test('no text is a line end for anyone', () => {
  const written = line({ body: 'a\n\u2028\u0085b', attributes: { '\r\u202e': '\u2029' } });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones
  expect(written).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/);
  expect(JSON.parse(written).resourceLogs[0].scopeLogs[0].logRecords[0].body).toEqual({
    stringValue: 'a\n\u2028\u0085b',
  });
});
