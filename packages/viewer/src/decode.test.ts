import { deepStrictEqual } from 'node:assert';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { ROOT_CONTEXT, type SpanContext, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import official from 'otlp-official-schema/build/src/generated/root.js';
import type { Value } from './any-value.ts';
import { decodeLogs, decodeMetrics, decodeSpans } from './decode.ts';
import { MalformedError } from './field.ts';

const resource = resourceFromAttributes({ 'service.name': 'checkout', 'host.name': 'h1' });
const spanContext: SpanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
};
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** A request with one log record of these fields. */
const logRequest = (record: object): Uint8Array => json({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });

describe('what the official serialisers write is read the same from both encodings', () => {
  test('logs', () => {
    const exporter = new InMemoryLogRecordExporter();
    const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] });
    provider.getLogger('shop', '1.2.3', { schemaUrl: 'https://opentelemetry.io/schemas/1.30.0' }).emit({
      timestamp: 1_700_000_000_123,
      observedTimestamp: 1_700_000_000_456,
      severityNumber: 17,
      severityText: 'ERROR',
      eventName: 'payment_failed',
      body: { text: 'no funds', list: [1, 'two', { three: 3 }] },
      attributes: {
        text: 'grüße ☃ 🎉',
        int: 42,
        negative: -7,
        large: Number.MAX_SAFE_INTEGER,
        double: 0.25,
        yes: true,
        bytes: new Uint8Array([0, 1, 254, 255]),
        list: ['a', 'b'],
        nested: { deep: { deeper: [true] } },
      },
      context: trace.setSpanContext(ROOT_CONTEXT, spanContext),
    });
    const records = exporter.getFinishedLogRecords();
    const fromProtobuf = decodeLogs(ProtobufLogsSerializer.serializeRequest(records) as Uint8Array, 'protobuf');
    const fromJson = decodeLogs(JsonLogsSerializer.serializeRequest(records) as Uint8Array, 'json');

    expect(fromProtobuf).toEqual([
      {
        timeUnixNano: 1_700_000_000_123_000_000n,
        observedTimeUnixNano: 1_700_000_000_456_000_000n,
        severityNumber: 17,
        severityText: 'ERROR',
        service: 'checkout',
        eventName: 'payment_failed',
        body: { text: 'no funds', list: [1, 'two', { three: 3 }] },
        attributes: {
          text: 'grüße ☃ 🎉',
          int: 42,
          negative: -7,
          large: Number.MAX_SAFE_INTEGER,
          double: 0.25,
          yes: true,
          bytes: new Uint8Array([0, 1, 254, 255]),
          list: ['a', 'b'],
          nested: { deep: { deeper: [true] } },
        },
        droppedAttributesCount: 0,
        traceId: spanContext.traceId,
        spanId: spanContext.spanId,
        flags: expect.any(Number),
        resource: { attributes: { 'service.name': 'checkout', 'host.name': 'h1' }, schemaUrl: '' },
        scope: {
          name: 'shop',
          version: '1.2.3',
          attributes: {},
          schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
        },
      },
    ]);
    expect((fromProtobuf[0]?.flags ?? 0) & 1).toBe(1);
    expect(fromJson).toEqual(fromProtobuf);
  });

  test('spans', () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] });
    const context = trace.setSpanContext(ROOT_CONTEXT, spanContext);
    const options = {
      kind: SpanKind.CLIENT,
      startTime: 1_700_000_000_000,
      attributes: { 'http.method': 'GET' },
      links: [{ context: spanContext, attributes: { why: 'batch' } }],
    };
    const span = provider.getTracer('shop').startSpan('GET /', options, context);
    span.addEvent('retry', { attempt: 2 }, 1_700_000_000_100).setStatus({ code: 2, message: 'boom' });
    span.end(1_700_000_000_250);
    const spans = exporter.getFinishedSpans();
    const fromProtobuf = decodeSpans(ProtobufTraceSerializer.serializeRequest(spans) as Uint8Array, 'protobuf');

    expect(fromProtobuf).toMatchObject([
      {
        traceId: spanContext.traceId,
        spanId: span.spanContext().spanId,
        parentSpanId: spanContext.spanId,
        service: 'checkout',
        name: 'GET /',
        kind: 3,
        startTimeUnixNano: 1_700_000_000_000_000_000n,
        endTimeUnixNano: 1_700_000_000_250_000_000n,
        attributes: { 'http.method': 'GET' },
        events: [{ timeUnixNano: 1_700_000_000_100_000_000n, name: 'retry', attributes: { attempt: 2 } }],
        links: [{ traceId: spanContext.traceId, spanId: spanContext.spanId, attributes: { why: 'batch' } }],
        status: { code: 2, message: 'boom' },
      },
    ]);
    expect(decodeSpans(JsonTraceSerializer.serializeRequest(spans) as Uint8Array, 'json')).toEqual(fromProtobuf);
  });

  test('metrics', async () => {
    class ManualReader extends MetricReader {
      protected override async onForceFlush(): Promise<void> {}
      protected override async onShutdown(): Promise<void> {}
    }
    const reader = new ManualReader();
    const meter = new MeterProvider({ resource, readers: [reader] }).getMeter('shop');
    meter.createCounter('orders', { unit: '1', description: 'orders placed' }).add(3, { kind: 'book' });
    meter.createHistogram('latency', { advice: { explicitBucketBoundaries: [10, 100] } }).record(42);
    meter.createObservableGauge('queue').addCallback((result) => result.observe(0.5));
    const { resourceMetrics } = await reader.collect();
    const fromProtobuf = decodeMetrics(
      ProtobufMetricsSerializer.serializeRequest(resourceMetrics) as Uint8Array,
      'protobuf',
    );

    expect(fromProtobuf).toMatchObject([
      {
        service: 'checkout',
        name: 'orders',
        description: 'orders placed',
        unit: '1',
        attributes: { kind: 'book' },
        data: { type: 'sum', value: 3, monotonic: true, temporality: 2 },
      },
      {
        name: 'latency',
        data: {
          type: 'histogram',
          count: 1n,
          sum: 42,
          min: 42,
          max: 42,
          bucketCounts: [0n, 1n, 0n],
          explicitBounds: [10, 100],
        },
      },
      { name: 'queue', data: { type: 'gauge', value: 0.5 } },
    ]);
    expect(decodeMetrics(JsonMetricsSerializer.serializeRequest(resourceMetrics) as Uint8Array, 'json')).toEqual(
      fromProtobuf,
    );
  });
});

describe('against the official schema, what the JS SDK does not send', () => {
  const { collector } = (official as unknown as OfficialRoot).opentelemetry.proto;

  test('exponential histogram, summary, exemplar and integer points', () => {
    const bytes = collector.metrics.v1.ExportMetricsServiceRequest.encode({
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                {
                  name: 'e',
                  exponentialHistogram: {
                    aggregationTemporality: 1,
                    dataPoints: [
                      {
                        count: 7,
                        sum: 1.5,
                        scale: -3,
                        zeroCount: 2,
                        zeroThreshold: 0.1,
                        positive: { offset: -4, bucketCounts: [1, 2] },
                        negative: { offset: 5, bucketCounts: [3] },
                        min: -1,
                        max: 9,
                        exemplars: [
                          { asInt: -5, timeUnixNano: 8, traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2) },
                        ],
                      },
                    ],
                  },
                },
                {
                  name: 's',
                  summary: { dataPoints: [{ count: 2, sum: 3, quantileValues: [{ quantile: 0.5, value: 1 }] }] },
                },
                { name: 'g', gauge: { dataPoints: [{ asInt: -12, startTimeUnixNano: 1, timeUnixNano: 2, flags: 1 }] } },
              ],
            },
          ],
        },
      ],
    }).finish();
    expect(decodeMetrics(bytes, 'protobuf')).toMatchObject([
      {
        name: 'e',
        data: {
          type: 'exponentialHistogram',
          temporality: 1,
          count: 7n,
          sum: 1.5,
          min: -1,
          max: 9,
          scale: -3,
          zeroCount: 2n,
          zeroThreshold: 0.1,
          positive: { offset: -4, bucketCounts: [1n, 2n] },
          negative: { offset: 5, bucketCounts: [3n] },
        },
        exemplars: [{ value: -5, timeUnixNano: 8n, traceId: '01'.repeat(16), spanId: '02'.repeat(8) }],
      },
      { name: 's', data: { type: 'summary', count: 2n, sum: 3, quantiles: [{ quantile: 0.5, value: 1 }] } },
      { name: 'g', data: { type: 'gauge', value: -12 }, startTimeUnixNano: 1n, timeUnixNano: 2n, flags: 1 },
    ]);
  });

  test('any value, from both encodings', () => {
    const bigints = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const { value: anyValue } = fc.letrec<{ value: Sample }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc
          .string({ unit: 'binary' })
          .map((text): Sample => ({ wire: { stringValue: text }, json: { stringValue: text }, value: text })),
        fc.boolean().map((bool): Sample => ({ wire: { boolValue: bool }, json: { boolValue: bool }, value: bool })),
        fc.double().map(
          (double): Sample => ({
            wire: { doubleValue: double },
            json: { doubleValue: Number.isFinite(double) ? double : String(double) },
            value: double,
          }),
        ),
        bigints.map(
          (int): Sample => ({
            wire: { intValue: long(int) },
            json: { intValue: String(int) },
            value: Number.isSafeInteger(Number(int)) ? Number(int) : int,
          }),
        ),
        fc.uint8Array().map(
          (bytes): Sample => ({
            wire: { bytesValue: bytes },
            json: { bytesValue: Buffer.from(bytes).toString('base64') },
            value: bytes,
          }),
        ),
        fc.constant<Sample>({ wire: {}, json: {}, value: null }),
        fc.array(tie('value'), { maxLength: 3 }).map(
          (items): Sample => ({
            wire: { arrayValue: { values: items.map((item) => item.wire) } },
            json: { arrayValue: { values: items.map((item) => item.json) } },
            value: items.map((item) => item.value),
          }),
        ),
        fc
          .dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString')), tie('value'), {
            maxKeys: 3,
          })
          .map(
            (entries): Sample => ({
              wire: {
                kvlistValue: { values: Object.entries(entries).map(([key, item]) => ({ key, value: item.wire })) },
              },
              json: {
                kvlistValue: { values: Object.entries(entries).map(([key, item]) => ({ key, value: item.json })) },
              },
              value: Object.assign(
                Object.create(null),
                Object.fromEntries(Object.entries(entries).map(([key, item]) => [key, item.value])),
              ),
            }),
          ),
      ),
    }));
    fc.assert(
      fc.property(anyValue, ({ wire, json: inJson, value }) => {
        const request = {
          resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes: [{ key: 'k', value: wire }] }] }] }],
        };
        const bytes = collector.logs.v1.ExportLogsServiceRequest.encode(request).finish();
        const text = logRequest({ attributes: [{ key: 'k', value: inJson }] });
        for (const [record] of [decodeLogs(bytes, 'protobuf'), decodeLogs(text, 'json')]) {
          const attributes = record?.attributes ?? {};
          expect(Object.keys(attributes)).toEqual(['k']);
          // JSON has no -0 and cannot say it.
          deepStrictEqual(withoutNegativeZero(attributes.k), withoutNegativeZero(value));
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('OTLP/JSON as other senders write it', () => {
  test('64-bit integers as strings or numbers, ids in either case, nulls and unknown fields', () => {
    const [record] = decodeLogs(
      logRequest({
        timeUnixNano: '18446744073709551615',
        observedTimeUnixNano: 5,
        severityNumber: '9',
        severityText: null,
        traceId: '0AF7651916CD43DD8448EB211C80319C',
        spanId: '',
        attributes: [
          { key: 'exact', value: { intValue: '9007199254740993' } },
          { key: 'empty', value: null },
          { key: 'nan', value: { doubleValue: 'NaN' } },
        ],
        somethingNew: { a: 1 },
      }),
      'json',
    );
    expect(record).toMatchObject({
      timeUnixNano: 2n ** 64n - 1n,
      observedTimeUnixNano: 5n,
      severityNumber: 9,
      severityText: '',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: '',
      body: null,
      service: 'unknown_service',
      attributes: { exact: 9007199254740993n, empty: null, nan: Number.NaN },
    });
  });

  test('an id of zeros is no id', () => {
    expect(decodeLogs(logRequest({ traceId: '0'.repeat(32), spanId: '0'.repeat(16) }), 'json')).toMatchObject([
      { traceId: '', spanId: '' },
    ]);
  });

  test.each<[string, object]>([
    ['timeUnixNano', { timeUnixNano: -1 }],
    ['timeUnixNano', { timeUnixNano: '18446744073709551616' }],
    ['timeUnixNano', { timeUnixNano: 1.5 }],
    ['severityNumber', { severityNumber: 'SEVERITY_NUMBER_INFO' }],
    ['severityText', { severityText: 7 }],
    ['traceId', { traceId: 'abc' }],
    ['traceId', { traceId: 'z'.repeat(32) }],
    ['spanId', { spanId: 5 }],
    ['attributes', { attributes: { a: 1 } }],
    ['attributes', { attributes: ['a'] }],
    ['intValue', { body: { intValue: '9223372036854775808' } }],
    ['doubleValue', { body: { doubleValue: 'many' } }],
    ['bytesValue', { body: { bytesValue: '§' } }],
    ['boolValue', { body: { boolValue: 'true' } }],
    ['body', { body: 'text' }],
  ])('a wrong %s is malformed, by name', (field, record) => {
    expect(() => decodeLogs(logRequest(record), 'json')).toThrow(MalformedError);
    expect(() => decodeLogs(logRequest(record), 'json')).toThrow(field);
  });
});

describe('malformed bodies', () => {
  test.each([
    ['json', Buffer.from('')],
    ['json', Buffer.from('{')],
    ['json', Buffer.from('[]')],
    ['json', Buffer.from('"text"')],
    ['json', Buffer.from('{"resourceLogs":5}')],
    ['json', Buffer.from([0x7b, 0xff, 0x7d])],
    ['protobuf', Buffer.from('{"resourceLogs":[]}')],
    ['protobuf', gzipSync('{}')],
  ] as const)('%s %j', (encoding, body) => {
    expect(() => decodeLogs(body, encoding)).toThrow(MalformedError);
  });

  test('an id of the wrong length in protobuf', () => {
    const bytes = (
      official as unknown as OfficialRoot
    ).opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest.encode({
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ traceId: Buffer.alloc(15, 1) }] }] }],
    }).finish();
    expect(() => decodeLogs(bytes, 'protobuf')).toThrow('traceId: expected an id of 16 bytes');
  });

  test('values nested 64 deep are read, 200 and 100 000 deep are malformed, in both encodings', () => {
    for (const depth of [64, 200, 100_000]) {
      const text = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${'{"arrayValue":{"values":['.repeat(depth)}{"intValue":1}${']}}'.repeat(depth)}}]}]}]}`;
      const bodies = [
        [Buffer.from(text), 'json'],
        [deepProtobuf(depth), 'protobuf'],
      ] as const;
      for (const [body, encoding] of bodies) {
        if (depth === 64) {
          expect(JSON.stringify(decodeLogs(body, encoding)[0]?.body)).toBe(`${'['.repeat(64)}1${']'.repeat(64)}`);
        } else expect(() => decodeLogs(body, encoding)).toThrow(MalformedError);
      }
    }
  });
});

/** A log record whose body is `depth` lists in one another, written from the inside out. */
function deepProtobuf(depth: number): Uint8Array {
  const field = (number: number, content: Buffer[]): Buffer[] => {
    const length = content.reduce((sum, part) => sum + part.length, 0);
    return [Buffer.from([(number << 3) | 2, ...varint(length)]), ...content];
  };
  // Each level is ArrayValue.values (1) in AnyValue.array_value (5); prefixes are collected, not copied.
  const prefixes: Buffer[] = [Buffer.from([3 << 3, 1])];
  let length = 2;
  for (let level = 0; level < depth; level++) {
    for (const number of [1, 5]) {
      const prefix = Buffer.from([(number << 3) | 2, ...varint(length)]);
      prefixes.push(prefix);
      length += prefix.length;
    }
  }
  const body = Buffer.concat(prefixes.reverse());
  return Buffer.concat(field(1, field(2, field(2, field(5, [body])))));
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

function long(int: bigint): object {
  return { low: Number(BigInt.asIntN(32, int)), high: Number(BigInt.asIntN(32, int >> 32n)), unsigned: false };
}

function withoutNegativeZero(value: unknown): unknown {
  if (typeof value === 'number') return value + 0;
  if (Array.isArray(value)) return value.map(withoutNegativeZero);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const copy = Object.create(null);
  for (const [key, item] of Object.entries(value)) copy[key] = withoutNegativeZero(item);
  return copy;
}

interface Sample {
  readonly wire: object;
  readonly json: object;
  readonly value: Value;
}

interface OfficialRoot {
  readonly opentelemetry: {
    readonly proto: {
      readonly collector: {
        readonly logs: { readonly v1: { readonly ExportLogsServiceRequest: OfficialType } };
        readonly metrics: { readonly v1: { readonly ExportMetricsServiceRequest: OfficialType } };
      };
    };
  };
}

interface OfficialType {
  encode(message: object): { finish(): Uint8Array };
}
