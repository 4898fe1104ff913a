import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { InstrumentationScope, LogRecord, Resource } from '../pipeline/stage.ts';
import type { Batch } from './batch.ts';
import { readRequest } from './otlp-reader.ts';
import { OpenOtlpBatch } from './otlp-request.ts';

const MIB = 1_048_576;

function sealed(records: readonly LogRecord[]): Batch {
  const open = new OpenOtlpBatch(64 * MIB);
  for (const record of records) open.append(record);
  return open.seal();
}

const resource: Resource = { attributes: { 'service.name': 'shop' } };
const scope: InstrumentationScope = { name: 'orders' };

function recordWith(fields: Partial<LogRecord>): LogRecord {
  return {
    hrTime: [1_700_000_000, 123_456_789],
    hrTimeObserved: [1_700_000_001, 5],
    resource,
    instrumentationScope: scope,
    attributes: {},
    droppedAttributesCount: 0,
    setAttribute: () => undefined,
    ...fields,
  };
}

const readOne = (record: LogRecord): LogRecord => [...readRequest(sealed([record]).body)][0] as LogRecord;

/** What the encoding makes of a value: the few things that it cannot tell apart. */
function asEncoded(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return Buffer.from(value).toString();
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(asEncoded);
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'object') {
    return fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));
  }
  return value;
}

/** As `Object.fromEntries`, keys and values as encoded. */
function fromEntries(entries: readonly [string, unknown][]): object {
  return Object.fromEntries(entries.map(([key, value]) => [Buffer.from(key).toString(), asEncoded(value)]));
}

const text = fc.string({ unit: 'binary', maxLength: 200 });
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.double(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.constantFrom(0, -0, -1, 2 ** 31, 2 ** 32, 2 ** 49, 2 ** 53, -(2 ** 53), 2 ** 62, -(2 ** 63), 2 ** 63, 1e300),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null, undefined, true, false),
    fc.uint8Array({ maxLength: 200 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
})).value as fc.Arbitrary<unknown>;
const attributes = fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'a'.repeat(70))), value, {
  maxKeys: 6,
}) as fc.Arbitrary<Record<string, unknown>>;
const hrTime = fc.tuple(fc.integer({ min: 0, max: 18_446_744_072 }), fc.integer({ min: 0, max: 999_999_999 }));
const hex = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('hex'));
const schemaUrl = fc.constantFrom(undefined, 'https://opentelemetry.io/schemas/1.36.0');

const resources = fc
  .array(fc.record({ attributes, schemaUrl }), { minLength: 1, maxLength: 2 })
  .map((all) => all.map(withoutUndefined) as unknown as Resource[]);
const scopes = fc
  .array(fc.record({ name: text, version: fc.option(text, { nil: undefined }), schemaUrl, attributes }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((all) => all.map(withoutUndefined) as unknown as InstrumentationScope[]);

function withoutUndefined(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, inner]) => inner !== undefined));
}

const fields = fc.record({
  hrTime,
  hrTimeObserved: hrTime,
  attributes,
  body: value,
  severityNumber: fc.option(fc.integer({ min: 1, max: 24 }), { nil: undefined }),
  severityText: fc.option(text, { nil: undefined }),
  eventName: fc.option(text, { nil: undefined }),
  droppedAttributesCount: fc.nat(),
  spanContext: fc.option(fc.record({ traceId: hex(16), spanId: hex(8), traceFlags: fc.nat(255) }), { nil: undefined }),
  resource: fc.nat(1),
  scope: fc.nat(2),
});

describe('the reader is the inverse of the encoder', () => {
  test('for every field of every record', () => {
    fc.assert(
      fc.property(fields, (given) => {
        const { spanContext, resource: _, scope: __, ...plain } = given;
        const read = readOne(recordWith({ ...plain, ...(spanContext === undefined ? {} : { spanContext }) }));
        expect(read.hrTime).toEqual(plain.hrTime);
        expect(read.hrTimeObserved).toEqual(plain.hrTimeObserved);
        expect(read.attributes).toEqual(asEncoded(plain.attributes));
        expect(Object.keys(read.attributes)).toEqual(Object.keys(asEncoded(plain.attributes) as object));
        expect(read.body).toEqual(plain.body === undefined ? undefined : asEncoded(plain.body));
        expect(read.severityNumber).toBe(plain.severityNumber);
        expect(read.severityText ?? '').toBe(Buffer.from(plain.severityText ?? '').toString());
        expect(read.eventName ?? '').toBe(Buffer.from(plain.eventName ?? '').toString());
        expect(read.droppedAttributesCount).toBe(plain.droppedAttributesCount);
        expect(read.spanContext).toEqual(spanContext);
        expect(read.resource).toEqual(resource);
        expect(read.instrumentationScope).toEqual(scope);
      }),
      { numRuns: 300 },
    );
  });

  test('to the byte: what was read is encoded as it was, whatever resources and scopes it came from', () => {
    fc.assert(
      fc.property(resources, scopes, fc.array(fields, { maxLength: 8 }), (from, by, all) => {
        const records = all.map(({ resource: r, scope: s, spanContext, ...plain }) =>
          recordWith({
            ...plain,
            ...(spanContext === undefined ? {} : { spanContext }),
            resource: from[r % from.length] as Resource,
            instrumentationScope: by[s % by.length] as InstrumentationScope,
          }),
        );
        const { body } = sealed(records);
        expect(Buffer.compare(sealed([...readRequest(body)]).body, body)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test('for what was selected from a batch', () => {
    const batch = sealed(['a', 'b', 'c'].map((id) => recordWith({ attributes: { id } })));
    const some = batch.select((index) => index !== 1) as Batch;
    expect([...readRequest(some.body)].map(({ attributes: { id } }) => id)).toEqual(['a', 'c']);
  });
});

test('a record that was read can be edited, and shares nothing with the request', () => {
  const { body } = sealed([recordWith({ attributes: { kept: 1, bytes: new Uint8Array([1, 2]) } })]);
  const [record] = [...readRequest(body)] as [LogRecord & { removeAttribute(key: string): unknown }];
  body.fill(0);
  record.setAttribute('__proto__', 'harmless');
  record.setAttribute('nothing', undefined);
  record.removeAttribute('kept');
  expect(Object.entries(record.attributes)).toEqual([
    ['bytes', new Uint8Array([1, 2])],
    ['__proto__', 'harmless'],
  ]);
});

test('a scope of a stock SDK keeps how many attributes it has lost', () => {
  const cut = { ...scope, droppedAttributesCount: 3 };
  expect(readOne(recordWith({ instrumentationScope: cut })).instrumentationScope).toEqual(cut);
});

test('bytes that end anywhere too early throw, and nothing hangs', () => {
  const body = Buffer.from(
    sealed([recordWith({ attributes: { a: [1, 'two', { three: 3.5 }] }, body: 'text', severityNumber: 9 })]).body,
  );
  for (let length = 1; length < body.length; length++) {
    expect(() => [...readRequest(body.subarray(0, length))]).toThrow(RangeError);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        for (const record of readRequest(bytes)) expect(record.attributes).toBeDefined();
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});
