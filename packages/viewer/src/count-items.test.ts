import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countItems } from './count-items.ts';
import { decodeLogs, decodeMetrics, decodeSpans } from './decode.ts';
import { MalformedError } from './field.ts';
import { encodeProtobuf, type Message, type MessageName } from './otlp-schema.ts';

const name = fc.string({ maxLength: 200 });
const layer = (field: string, items: fc.Arbitrary<Message>): fc.Arbitrary<Message> =>
  fc.array(items, { maxLength: 3 }).map((list) => ({ [field]: list }));

const logs = layer('resourceLogs', layer('scopeLogs', layer('logRecords', fc.record({ eventName: name }))));
const traces = layer('resourceSpans', layer('scopeSpans', layer('spans', fc.record({ name }))));
const points = layer('dataPoints', fc.record({ flags: fc.nat() }));
const metric = fc.oneof(
  ...['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'].map((kind) =>
    fc.record({ name, data: points }).map(({ name, data }) => ({ name, [kind]: data })),
  ),
);
const metrics = layer('resourceMetrics', layer('scopeMetrics', layer('metrics', metric)));

describe('counting agrees with decoding', () => {
  test.each([
    ['logs', 'LogsRequest', logs, decodeLogs],
    ['traces', 'TracesRequest', traces, decodeSpans],
    ['metrics', 'MetricsRequest', metrics, decodeMetrics],
  ] as const)('%s', (signal, message: MessageName, requests, decode) => {
    fc.assert(
      fc.property(requests, (request) => {
        const bytes = encodeProtobuf(message, request);
        const text = Buffer.from(JSON.stringify(request));
        expect(countItems(signal, bytes, 'protobuf')).toBe(decode(bytes, 'protobuf').length);
        expect(countItems(signal, text, 'json')).toBe(decode(text, 'json').length);
      }),
    );
  });
});

test('a request that is cut off in a frame is malformed', () => {
  const bytes = encodeProtobuf('LogsRequest', {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: 'abc' }] }] }],
  });
  for (let length = 1; length < bytes.length; length++) {
    expect(() => countItems('logs', bytes.subarray(0, length), 'protobuf')).toThrow(MalformedError);
  }
});

test('unknown fields of every wire type are skipped', () => {
  const unknown = [0x78, 0x96, 0x01, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4, 0x7a, 2, 9, 9];
  const record = encodeProtobuf('LogsRequest', { resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] });
  expect(countItems('logs', new Uint8Array([...unknown, ...record, ...unknown]), 'protobuf')).toBe(1);
});

test.each([
  ['an endless varint', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ['a fixed field that is cut off', [0x79, 1, 2]],
  ['a wire type that does not exist', [0x7f, 1]],
  ['a length of 2^60', [0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]],
])('%s is malformed', (_name, bytes) => {
  expect(() => countItems('logs', new Uint8Array(bytes), 'protobuf')).toThrow(MalformedError);
});

test.each([
  '',
  '[]',
  '{"resourceLogs":{}}',
  '{"resourceLogs":[{"scopeLogs":[7]}]}',
  '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":7}]}]}]}',
])('JSON %s is malformed', (text) => {
  const signal = text.includes('Metrics') ? 'metrics' : 'logs';
  expect(() => countItems(signal, Buffer.from(text), 'json')).toThrow(MalformedError);
});
