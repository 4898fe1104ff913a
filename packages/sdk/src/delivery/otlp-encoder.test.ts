import { deepStrictEqual } from 'node:assert';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { type HrTime, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import fc from 'fast-check';
import official from 'otlp-official-schema/build/src/generated/root.js';
import type { InstrumentationScope, LogRecord, Resource } from '../pipeline/stage.ts';
import type { Batch } from './batch.ts';
import { OtlpEncoder, varintLength } from './otlp-encoder.ts';
import { OpenOtlpBatch } from './otlp-request.ts';

/** So many runs; a failure is made smaller for some seconds, not for minutes. */
const runs = (numRuns: number) => ({ numRuns, interruptAfterTimeLimit: 15_000 });

/** The official schema; its own types are those of another file. */
const Request = (
  official as unknown as {
    opentelemetry: { proto: { collector: { logs: { v1: { ExportLogsServiceRequest: Codec } } } } };
  }
).opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
interface Codec {
  decode(bytes: Uint8Array): unknown;
  toObject(message: unknown, options: object): Decoded;
}
const MIB = 1_048_576;

interface DecodedRecord {
  timeUnixNano: string;
  observedTimeUnixNano: string;
  severityNumber: number;
  severityText: string;
  eventName: string;
  body: Record<string, unknown> | null;
  attributes: { key: string; value: Record<string, unknown> }[];
  droppedAttributesCount: number;
}
interface Decoded {
  resourceLogs: {
    resource: { attributes: unknown[] };
    schemaUrl: string;
    scopeLogs: {
      scope: { name: string; version: string; attributes: unknown[]; droppedAttributesCount: number };
      schemaUrl: string;
      logRecords: DecodedRecord[];
    }[];
  }[];
}

/** What the official schema reads; absent fields have their default value, bytes are base64, 64-bit integers text. */
const decode = (bytes: Uint8Array): Decoded =>
  Request.toObject(Request.decode(bytes), { defaults: true, longs: String, bytes: String });

const recordsOf = (bytes: Uint8Array): DecodedRecord[] =>
  decode(bytes).resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));

const officially = (records: readonly LogRecord[]): Uint8Array =>
  ProtobufLogsSerializer.serializeRequest(records as unknown as ReadableLogRecord[]) as Uint8Array;

function sealed(records: readonly LogRecord[], batch = new OpenOtlpBatch(64 * MIB)): Batch {
  for (const record of records) batch.append(record);
  return batch.seal();
}

const oneResource: Resource = { attributes: { 'service.name': 'checkout' } };
const oneScope: InstrumentationScope = { name: 'shop' };

function recordWith(fields: Partial<LogRecord>): LogRecord {
  return {
    hrTime: [1_700_000_000, 123_456_789],
    hrTimeObserved: [1_700_000_001, 5],
    resource: oneResource,
    instrumentationScope: oneScope,
    attributes: {},
    droppedAttributesCount: 0,
    setAttribute: () => undefined,
    ...fields,
  };
}

const encodedValue = (value: unknown): Record<string, unknown> => {
  const [record] = recordsOf(sealed([recordWith({ attributes: { value } })]).body);
  return record?.attributes[0]?.value as Record<string, unknown>;
};

// --- the wire, by the .proto files ---

type Kind = 'varint' | 'fixed32' | 'fixed64' | 'text' | 'bytes' | keyof typeof MESSAGES;
const MESSAGES = {
  request: { 1: 'resourceLogs' },
  resourceLogs: { 1: 'resource', 2: 'scopeLogs', 3: 'text' },
  resource: { 1: 'keyValue', 2: 'varint' },
  scopeLogs: { 1: 'scope', 2: 'logRecord', 3: 'text' },
  scope: { 1: 'text', 2: 'text', 3: 'keyValue', 4: 'varint' },
  logRecord: {
    1: 'fixed64',
    2: 'varint',
    3: 'text',
    5: 'anyValue',
    6: 'keyValue',
    7: 'varint',
    8: 'fixed32',
    9: 'bytes',
    10: 'bytes',
    11: 'fixed64',
    12: 'text',
  },
  keyValue: { 1: 'text', 2: 'anyValue' },
  anyValue: { 1: 'text', 2: 'varint', 3: 'varint', 4: 'fixed64', 5: 'arrayValue', 6: 'kvlist', 7: 'bytes' },
  arrayValue: { 1: 'anyValue' },
  kvlist: { 1: 'keyValue' },
} as const;
const WIRE_TYPES: Partial<Record<Kind, number>> = { varint: 0, fixed64: 1, fixed32: 5 };
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads every byte: only known fields of the right wire type, every varint as short as it can be, text in UTF-8. */
function checkWire(bytes: Uint8Array, kind: keyof typeof MESSAGES = 'request'): void {
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error(`${kind}: a varint is cut off`);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0n) throw new Error(`${kind}: a varint is longer than it need be`);
      if (value >= 1n << 64n) throw new Error(`${kind}: a varint is longer than 64 bits`);
      return Number(value);
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field: Kind | undefined = (MESSAGES[kind] as Record<number, Kind>)[tag >>> 3];
    if (field === undefined) throw new Error(`${kind}: unknown field ${tag >>> 3}`);
    if ((tag & 7) !== (WIRE_TYPES[field] ?? 2)) throw new Error(`${kind}: wrong wire type of field ${tag >>> 3}`);
    if (field === 'varint') varint();
    else if (field === 'fixed64') at += 8;
    else if (field === 'fixed32') at += 4;
    else {
      const length = varint();
      const content = bytes.subarray(at, at + length);
      if (content.length < length) throw new Error(`${kind}: field ${tag >>> 3} is cut off`);
      at += length;
      if (field === 'text') utf8.decode(content);
      else if (field !== 'bytes') checkWire(content, field);
    }
  }
  if (at !== bytes.length) throw new Error(`${kind}: cut off`);
}

// --- what is generated ---

/** Lengths at which something changes: loops for short text, lengths of one, two and three bytes. */
const LENGTHS = [
  0, 1, 22, 23, 24, 25, 46, 47, 48, 49, 50, 62, 63, 64, 65, 66, 110, 118, 123, 124, 125, 126, 127, 128, 129,
];
const LONG_LENGTHS = [4_095, 5_461, 8_190, 8_192, 16_376, 16_379, 16_380, 16_381, 16_382, 16_383, 16_384, 16_385];
const ofLength = (lengths: readonly number[]) =>
  fc
    .tuple(
      fc.constantFrom('a', '\u0000', '\u007f', '\u0080', 'é', '€', '😀', '\ud800', '\udc00'),
      fc.constantFrom(...lengths),
    )
    .map(([unit, length]) => unit.repeat(length));
const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 60 }) },
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  // Any UTF-16 units: halves of surrogate pairs, alone and in the wrong order.
  {
    weight: 4,
    arbitrary: fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
      .map((units) => String.fromCharCode(...units)),
  },
  { weight: 6, arbitrary: ofLength(LENGTHS) },
  { weight: 1, arbitrary: ofLength(LONG_LENGTHS) },
);
const key = fc.oneof(
  fc.constantFrom('a', 'http.status', 'user.id', '__proto__', 'constructor', '0', 'schlüssel', '\ud83d'),
  fc.string({ maxLength: 8 }),
  ofLength(LENGTHS),
);
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc
    .integer({ min: 0, max: 63 })
    .chain((power) => fc.constantFrom(2 ** power, 2 ** power - 1, -(2 ** power), 1 - 2 ** power)),
  fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, -1e300, 5e-324, 0.1),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: 'small' },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 200 }),
    fc.array(fc.oneof(tie('value'), fc.constant(undefined)), { maxLength: 6 }),
    fc.dictionary(key, tie('value'), { maxKeys: 6 }),
  ),
}));
const attributes = fc.dictionary(key, value, { maxKeys: 12 });
/** Nowhere a key `__proto__`: copying it, sdk-logs sets the prototype of its copy. */
const withoutProto = fc
  .dictionary(key, value, { maxKeys: 150 })
  .filter((given) => !/"__proto__"/.test(JSON.stringify(given, (_, item) => (item === undefined ? null : item))));

const resources: Resource[] = [
  oneResource,
  { attributes: {}, schemaUrl: 'https://opentelemetry.io/schemas/1.44.0' },
  { attributes: { 'service.name': 'ü'.repeat(200), 'process.command_args': ['node', 'app.js'], 'process.pid': 1 } },
];
const scopes: InstrumentationScope[] = [
  oneScope,
  { name: '' },
  { name: 'db', version: '1.2.3', schemaUrl: 'https://opentelemetry.io/schemas/1.0.0' },
  { name: 'x'.repeat(300), version: '2', attributes: { pool: 7, tags: ['a'], nothing: null } },
];
const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), minLength: length, maxLength: length });
const span: fc.Arbitrary<SpanContext> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  traceFlags: fc.integer({ min: 0, max: 255 }),
});
const spans: SpanContext[] = fc.sample(span, { seed: 1, numRuns: 2 });
const hrTime: fc.Arbitrary<HrTime> = fc.tuple(
  fc.oneof(fc.constantFrom(0, 1, 2 ** 31, 18_446_744_072), fc.integer({ min: 1_600_000_000, max: 1_600_000_003 })),
  fc.oneof(fc.constantFrom(0, 1, 999_999, 1_000_000, 999_999_999), fc.integer({ min: 0, max: 999_999_999 })),
);
const EVENTS = ['user_login', 'order.created', '', 'größe', 'e'.repeat(200)];

const record: fc.Arbitrary<LogRecord> = fc
  .record({
    lean: fc.boolean(),
    hrTime,
    hrTimeObserved: hrTime,
    spanContext: fc.option(fc.oneof(fc.constantFrom(...spans), span), { nil: undefined }),
    resource: fc.constantFrom(...resources),
    instrumentationScope: fc.constantFrom(...scopes),
    attributes,
    droppedAttributesCount: fc.oneof(fc.constantFrom(0, 0, 1, 127, 128, 2 ** 32 - 1), fc.nat()),
    severityNumber: fc.option(fc.integer({ min: 0, max: 24 }), { nil: undefined }),
    severityText: fc.option(fc.constantFrom('INFO', 'WARN', '', 'größer'), { nil: undefined }),
    eventName: fc.option(fc.constantFrom(...EVENTS), { nil: undefined }),
    body: fc.option(value, { nil: undefined }),
    bodyIsEvent: fc.boolean(),
  })
  .map(({ lean, bodyIsEvent, spanContext, body, ...fields }) => {
    const made = recordWith({
      ...fields,
      ...(spanContext === undefined ? {} : { spanContext }),
      body: bodyIsEvent ? fields.eventName : body,
    });
    const split = ([seconds, nanos]: HrTime): [number, number] => [
      seconds * 1_000 + Math.floor(nanos / 1_000_000),
      nanos % 1_000_000,
    ];
    if (!lean) return made;
    const [timeMillis, timeNanos] = split(made.hrTime);
    const [observedMillis, observedNanos] = split(made.hrTimeObserved);
    return Object.assign(made, { timeMillis, timeNanos, observedMillis, observedNanos });
  });
const records = fc.array(record, { minLength: 1, maxLength: 10 });

describe('what is encoded', () => {
  test('any records are read from our bytes as from those of the official serialiser, and the bytes are canonical', () => {
    // One for all runs: caches and what an earlier batch left in the buffer must not show.
    const batch = new OpenOtlpBatch(64 * MIB);
    fc.assert(
      fc.property(records, (generated) => {
        const { body, records: count } = sealed(generated, batch);
        expect(count).toBe(generated.length);
        checkWire(body);
        deepStrictEqual(decode(body), decode(officially(generated)));
      }),
      runs(150),
    );
  });

  test('records that a stock LoggerProvider made, exceptions included', () => {
    const exporter = new InMemoryLogRecordExporter();
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop' }),
      processors: [new SimpleLogRecordProcessor({ exporter })],
    });
    const loggers = [
      provider.getLogger('a', '1.0', {
        schemaUrl: 'https://example.com/1',
        attributes: { x: 1, bad: (() => 1) as never },
      }),
      provider.getLogger('b'),
    ];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(1), withoutProto, fc.boolean(), span), {
          minLength: 1,
          maxLength: 6,
        }),
        (calls) => {
          exporter.reset();
          for (const [logger, given, fails, spanContext] of calls) {
            loggers[logger]?.emit({
              eventName: 'e',
              severityNumber: 17,
              body: given as never,
              attributes: given as never,
              ...(fails ? { exception: new TypeError('no', { cause: 'because' }) } : {}),
              context: trace.setSpanContext(ROOT_CONTEXT, spanContext),
            });
          }
          const made = exporter.getFinishedLogRecords() as unknown as LogRecord[];
          const { body } = sealed(made);
          checkWire(body);
          deepStrictEqual(decode(body), decode(officially(made)));
        },
      ),
      runs(60),
    );
  });

  test('records of several resources and scopes in turn are grouped, and keep their order in each scope', () => {
    const other: Resource = { attributes: {}, schemaUrl: 'r' };
    const db: InstrumentationScope = { name: 'db', schemaUrl: 's' };
    const line = (resource: Resource, instrumentationScope: InstrumentationScope, body: string) =>
      recordWith({ resource, instrumentationScope, body });
    const { body } = sealed([
      line(oneResource, oneScope, '1'),
      line(other, oneScope, '2'),
      line(oneResource, db, '3'),
      line(oneResource, oneScope, '4'),
      line(other, oneScope, '5'),
      line(oneResource, db, '6'),
    ]);
    const groups = decode(body).resourceLogs.map(({ schemaUrl, scopeLogs }) => ({
      schemaUrl,
      scopes: scopeLogs.map((logs) => [
        logs.scope.name,
        logs.schemaUrl,
        logs.logRecords.map((r) => r.body?.stringValue),
      ]),
    }));
    expect(groups).toEqual([
      {
        schemaUrl: '',
        scopes: [
          ['shop', '', ['1', '4']],
          ['db', 's', ['3', '6']],
        ],
      },
      { schemaUrl: 'r', scopes: [['shop', '', ['2', '5']]] },
    ]);
  });

  test.each([
    ['text', 'ä', { stringValue: 'ä' }],
    ['half a surrogate pair, which becomes U+FFFD', 'a\ud800b', { stringValue: 'a\ufffdb' }],
    ['true', true, { boolValue: true }],
    ['a negative integer', -1, { intValue: '-1' }],
    ['2^31', 2 ** 31, { intValue: '2147483648' }],
    ['-2^31-1', -(2 ** 31) - 1, { intValue: '-2147483649' }],
    ['2^53', 2 ** 53, { intValue: '9007199254740992' }],
    ['-2^63', -(2 ** 63), { intValue: '-9223372036854775808' }],
    ['2^63, which is no int64', 2 ** 63, { doubleValue: 2 ** 63 }],
    ['1e300', 1e300, { doubleValue: 1e300 }],
    ['-0', -0, { intValue: '0' }],
    ['NaN', Number.NaN, { doubleValue: Number.NaN }],
    ['-Infinity', Number.NEGATIVE_INFINITY, { doubleValue: Number.NEGATIVE_INFINITY }],
    ['null', null, {}],
    ['bytes', Uint8Array.of(0, 255), { bytesValue: 'AP8=' }],
    ['no bytes', new Uint8Array(0), { bytesValue: '' }],
    ['bytes of another realm', runInNewContext('Uint8Array.of(1, 2)'), { bytesValue: 'AQI=' }],
    ['an empty array', [], { arrayValue: { values: [] } }],
    ['an empty object', {}, { kvlistValue: { values: [] } }],
    ['an array with a hole', [1, undefined], { arrayValue: { values: [{ intValue: '1' }, {}] } }],
    ['undefined in an object, which is no entry', { a: undefined }, { kvlistValue: { values: [] } }],
  ])('%s', (_, given, expected) => {
    deepStrictEqual(encodedValue(given), expected);
  });

  test('is nested as deep as a body may be, and far deeper', () => {
    let deep: unknown = 'bottom';
    for (let level = 0; level < 64; level++) deep = level % 2 === 0 ? [deep, 'x'.repeat(level)] : { deep };
    const made = [recordWith({ body: deep, attributes: { deep: [] } })];
    const { body } = sealed(made);
    checkWire(body);
    deepStrictEqual(decode(body), decode(officially(made)));
    expect(() => sealed([recordWith({ body: [deep] })])).toThrow(RangeError);
  });

  test('bytes that lie about their length', () => {
    for (const length of [0, 1, 1_000_000_000]) {
      const bytes = Object.defineProperty(Uint8Array.of(1, 2, 3), 'length', { value: length });
      expect(encodedValue(bytes)).toEqual({ bytesValue: 'AQID' });
    }
  });

  test('the time of a record: exact, and 0, which is unknown, for what is none', () => {
    const timeOf = (fields: object): string => recordsOf(sealed([recordWith(fields)]).body)[0]?.timeUnixNano as string;
    expect(timeOf({ hrTime: [18_446_744_072, 999_999_999] })).toBe('18446744072999999999');
    expect(timeOf({ hrTime: [1_700_000_000, 4] })).toBe('1700000000000000004');
    for (const millis of [Number.NaN, Number.POSITIVE_INFINITY, -1, -1_500, 1e15, 1e300]) {
      expect(timeOf({ timeMillis: millis, timeNanos: 0, observedMillis: 0, observedNanos: 0 })).toBe('0');
    }
    for (const hrTime of [
      [Number.NaN, 0],
      [0, Number.NaN],
      [-5, 0],
      [1e12, 0],
    ])
      expect(timeOf({ hrTime })).toBe('0');
    // A time that was none leaves nothing behind for the next one.
    const two = sealed([recordWith({ hrTime: [-5, 0] }), recordWith({ hrTime: [5, 6] })]);
    expect(recordsOf(two.body).map((r) => r.timeUnixNano)).toEqual(['0', '5000000006']);
  });

  test('garbage in the fields of a record costs the field, not the record', () => {
    const severityOf = (severityNumber: unknown) =>
      recordsOf(sealed([recordWith({ severityNumber: severityNumber as number, body: 'b' })]).body)[0]?.severityNumber;
    const invalid = [-1, 25, 1e300, Number.NaN, Number.POSITIVE_INFINITY, '9', 9n, Symbol('s'), {}, null, () => 9];
    expect(invalid.map(severityOf)).toEqual(invalid.map(() => 0));
    expect([1, 24, 16.5].map(severityOf)).toEqual([1, 24, 16]);
    for (const bad of [42, {}, null, Symbol('s'), 1n, ['a'], true]) {
      const { body } = sealed([recordWith({ severityText: bad as never, eventName: bad as never, body: 'kept' })]);
      checkWire(body);
      expect(recordsOf(body)[0]).toMatchObject({ severityText: '', eventName: '', body: { stringValue: 'kept' } });
    }
  });

  test('garbage in a resource or scope does not cost the records that carry it', () => {
    const hostile = {
      when: new Date(0),
      big: 10n ** 30n,
      get secret(): string {
        throw new Error('no');
      },
      fn: () => 1,
      undefined: undefined,
    };
    const expected = [
      { key: 'when', value: { stringValue: '1970-01-01T00:00:00.000Z' } },
      { key: 'big', value: { stringValue: (10n ** 30n).toString() } },
      { key: 'secret', value: { stringValue: '[Throws: Error]' } },
      { key: 'fn', value: { stringValue: '[Function: fn]' } },
    ];
    const scope = { name: 42, version: {}, schemaUrl: 7, attributes: hostile, droppedAttributesCount: 3 };
    const { body } = sealed([
      recordWith({ instrumentationScope: scope as never, resource: { attributes: hostile, schemaUrl: [] as never } }),
      recordWith({ instrumentationScope: { name: 'n', attributes: null as never }, resource: {} as never }),
    ]);
    checkWire(body);
    const [first, second] = decode(body).resourceLogs;
    expect(first?.resource.attributes).toEqual(expected);
    expect(first?.scopeLogs[0]).toMatchObject({
      scope: { name: '', version: '', attributes: expected, droppedAttributesCount: 3 },
      schemaUrl: '',
    });
    expect(second).toMatchObject({
      resource: { attributes: [] },
      scopeLogs: [{ scope: { name: 'n', attributes: [] } }],
    });
  });
});

describe('the buffer', () => {
  test('grows at any place in a record', () => {
    const tricky = recordWith({
      severityNumber: 9,
      severityText: 'INFO',
      eventName: 'a_new_name',
      body: { nested: [{ deep: ['é'.repeat(70), Uint8Array.of(1, 2, 3), -1, 0.5, null, {}] }, 'x'.repeat(130)] },
      attributes: {
        a: 'plain',
        ['k'.repeat(70)]: 'é',
        ['m'.repeat(62)]: 'v'.repeat(48),
        ['n'.repeat(61)]: 0.5,
        b: true,
        c: 1.5,
        d: 2 ** 40,
        e: 'y'.repeat(200),
        f: [[[[]]]],
      },
      droppedAttributesCount: 300,
      spanContext: { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 },
    });
    const alone = new OtlpEncoder();
    alone.append(tricky);
    // Again, now that the keys are known: another road through the encoder.
    const again = alone.length;
    alone.append(tricky);
    const expected = alone.slice(again, alone.length);
    expect(alone.slice(0, again)).toEqual(expected);

    const known = new OtlpEncoder();
    known.append(tricky);
    for (let left = 0; left <= expected.length + 160; left += 1) {
      known.truncate(0);
      known.reset(65_536);
      const filling = 65_536 - left - 40;
      known.append(recordWith({ body: 'f'.repeat(filling) }));
      const start = known.length;
      known.append(tricky);
      if (!Buffer.from(expected).equals(known.slice(start, known.length))) expect(`broken with ${left} left`).toBe('');
    }
  });

  test('batches far larger than the first capacity', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(record, ofLength([3_000, 9_000, 30_000])), { minLength: 8, maxLength: 20 }),
        (pairs) => {
          const generated = pairs.map(([made, long]) => ({ ...made, attributes: { ...made.attributes, long } }));
          const { body } = sealed(generated);
          expect(body.length).toBeGreaterThan(24_000);
          checkWire(body);
          deepStrictEqual(decode(body), decode(officially(generated)));
        },
      ),
      runs(15),
    );
  });

  test('is given back after an unusually large batch, and works on', () => {
    const batch = new OpenOtlpBatch(64 * MIB);
    const small = recordWith({ attributes: { a: 1 }, eventName: 'e', body: 'e' });
    const before = sealed([small], batch).body;
    sealed([recordWith({ body: 'x'.repeat(3 * MIB) })], batch);
    expect(sealed([small], batch).body).toEqual(before);
  });
});

describe('the cached head of an event', () => {
  test('is not used for another severity, severity text or body', () => {
    const variants: Partial<LogRecord>[] = [
      { severityNumber: 9, severityText: 'INFO', body: 'login' },
      { severityNumber: 9, severityText: 'INFO', body: 'login' },
      { severityNumber: 17, severityText: 'ERROR', body: 'login' },
      { severityNumber: 9, severityText: 'notice', body: 'login' },
      { severityNumber: 9, body: 'login' },
      { severityNumber: 9, severityText: 'INFO', body: 'another text' },
      { severityNumber: 9, severityText: 'INFO', body: undefined },
      { severityNumber: 9, severityText: 'INFO', body: 'login' },
    ];
    const made = variants.map((fields) => recordWith({ ...fields, eventName: 'login' }));
    deepStrictEqual(decode(sealed(made).body), decode(officially(made)));
  });

  test('is forgotten for names without end, at no cost to what is written', () => {
    const made = Array.from({ length: 2_500 }, (_, i) => {
      const eventName = `user_${i}_login`;
      return recordWith({ eventName, body: eventName, attributes: { [`key_${i}`]: i } });
    });
    deepStrictEqual(decode(sealed(made).body), decode(officially(made)));
  });
});

describe('a record that cannot be encoded', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const poisons: unknown[] = [
    Symbol('s'),
    () => 1,
    1n,
    new Map(),
    new Date(),
    new Float64Array(3),
    new DataView(new ArrayBuffer(4)),
    new Proxy(Uint8Array.of(1), { get: (target, name) => Reflect.get(target, name) }),
    cycle,
    {
      get a() {
        throw new Error('no');
      },
    },
    (() => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    })(),
  ];

  test('throws and leaves no trace', () => {
    for (const poison of poisons) {
      expect(() => new OpenOtlpBatch(MIB).append(recordWith({ body: poison }))).toThrow();
    }
    const position = fc.tuple(fc.nat(poisons.length - 1), fc.nat(3), attributes);
    fc.assert(
      fc.property(fc.array(fc.oneof(record, position), { maxLength: 10 }), (mixed) => {
        const batch = new OpenOtlpBatch(MIB);
        const good: LogRecord[] = [];
        for (const item of mixed) {
          if (!Array.isArray(item)) {
            good.push(item);
            batch.append(item);
            continue;
          }
          const [which, place, others] = item;
          const poison = poisons[which];
          const inside = [poison, [1, poison], { a: { b: poison } }, { ['k'.repeat(200)]: ['x'.repeat(200), poison] }][
            place
          ];
          const bad = recordWith({ attributes: { ...others, last: inside }, resource: { attributes: {} } });
          expect(() => batch.append(bad)).toThrow();
        }
        const { body, records: count } = batch.seal();
        expect(count).toBe(good.length);
        deepStrictEqual(decode(body), decode(officially(good)));
      }),
      runs(80),
    );
  });

  test('one that is too large loses its attributes, which are counted, or is refused as if it had never come', () => {
    const batch = new OpenOtlpBatch(1_000);
    expect(batch.append(recordWith({ body: 'first' }))).toBe(true);
    const large = {
      body: 'large',
      attributes: { a: 'x'.repeat(2_000), b: 1 },
      droppedAttributesCount: 5,
      severityNumber: 17,
    };
    expect(batch.append(recordWith(large))).toBe(true);
    expect(batch.append(recordWith({ body: 'x'.repeat(2_000) }))).toBe(false);
    expect(batch.append(recordWith({ body: 'last' }))).toBe(true);
    const { body, records: count, errors } = batch.seal();
    expect({ count, errors }).toEqual({ count: 3, errors: 1 });
    expect(recordsOf(body).map((r) => [r.body?.stringValue, r.attributes.length, r.droppedAttributesCount])).toEqual([
      ['first', 0, 0],
      ['large', 0, 7],
      ['last', 0, 0],
    ]);
  });
});

describe('a request with some of the records', () => {
  /** The same on decoded data: what is left empty goes. */
  function filtered(decoded: Decoded, keep: (index: number) => boolean): Decoded {
    let index = 0;
    const resourceLogs = decoded.resourceLogs
      .map((logs) => ({
        ...logs,
        scopeLogs: logs.scopeLogs
          .map((scopeLogs) => ({ ...scopeLogs, logRecords: scopeLogs.logRecords.filter(() => keep(index++)) }))
          .filter(({ logRecords }) => logRecords.length > 0),
      }))
      .filter(({ scopeLogs }) => scopeLogs.length > 0);
    return { ...decoded, resourceLogs };
  }

  test('keeps exactly the chosen records, and knows which are errors', () => {
    fc.assert(
      fc.property(records, fc.infiniteStream(fc.boolean()), (generated, choices) => {
        const batch = sealed(generated);
        const all = recordsOf(batch.body);
        const chosen = all.map(() => choices.next().value as boolean);
        const asked: boolean[] = [];
        const kept = batch.select((index, isError) => {
          expect(index).toBe(asked.length);
          asked.push(isError);
          return chosen[index] as boolean;
        });
        const errors = all.map(({ severityNumber }) => severityNumber >= 17);
        expect(asked).toEqual(errors);
        expect(batch.errors).toBe(errors.filter(Boolean).length);
        if (!chosen.includes(true)) {
          expect(kept).toBeUndefined();
          return;
        }
        checkWire(kept?.body as Uint8Array);
        deepStrictEqual(
          decode(kept?.body as Uint8Array),
          filtered(decode(batch.body), (index) => chosen[index] as boolean),
        );
        expect(kept?.records).toBe(chosen.filter(Boolean).length);
        expect(kept?.errors).toBe(errors.filter((isError, index) => isError && chosen[index]).length);
      }),
      runs(150),
    );
  });

  test('all of them are the same bytes, and two halves are the whole', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 2, maxLength: 12 }), (generated) => {
        const batch = sealed(generated);
        expect(Buffer.from(batch.body).equals(batch.select(() => true)?.body as Uint8Array)).toBe(true);
        const middle = batch.records >> 1;
        const first = batch.select((index) => index < middle) as Batch;
        const second = batch.select((index) => index >= middle) as Batch;
        expect(first.records + second.records).toBe(batch.records);
        expect(first.errors + second.errors).toBe(batch.errors);
        deepStrictEqual([...recordsOf(first.body), ...recordsOf(second.body)], recordsOf(batch.body));
      }),
      runs(60),
    );
  });
});

test('varintLength is the length of the shortest varint', () => {
  for (const [length, bytes] of [
    [0, 1],
    [127, 1],
    [128, 2],
    [16_383, 2],
    [16_384, 3],
    [2_097_151, 3],
    [2_097_152, 4],
    [268_435_455, 4],
    [268_435_456, 5],
  ] as const) {
    expect(varintLength(length)).toBe(bytes);
  }
});
