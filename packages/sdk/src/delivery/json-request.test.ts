import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonFormat } from '../formats/json-format.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import type { Batch } from './batch.ts';
import { JSON_ENVELOPE_BYTES, JSON_LOGS } from './json-request.ts';

const resource = { attributes: { 'service.name': 'shop', 'host.name': 'one' } };
const scope = { name: 'orders', version: '2' };
const spanContext = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 };

function record(fields: Partial<LogRecord> = {}): LogRecord {
  return {
    hrTime: [1_704_200_645, 67_890_123],
    hrTimeObserved: [1_704_200_645, 67_890_123],
    resource,
    instrumentationScope: scope,
    attributes: {},
    droppedAttributesCount: 0,
    severityNumber: 9,
    severityText: 'INFO',
    setAttribute: () => undefined,
    ...fields,
  };
}

function sealed(records: readonly LogRecord[], maxRecordBytes = 1_048_576): Batch {
  const open = JSON_LOGS.open(maxRecordBytes);
  for (const one of records) expect(open.append(one)).toBe(true);
  return open.seal();
}

const textOf = ({ body }: Batch): string => Buffer.from(body).toString();
const logsIn = (batch: Batch) => JSON.parse(textOf(batch)).logs;
const dataOf = ({ setAttribute: _, ...rest }: LogRecord) => JSON.parse(JSON.stringify(rest));

const anyRecord = fc
  .record({
    hrTime: fc.tuple(fc.integer({ min: -6e10, max: 4e11 }), fc.nat(999_999_999)),
    attributes: fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('__proto__', '"]},{', 'logs')),
      fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>,
    ),
    severityNumber: fc.constantFrom(1, 9, 16, 17, 21),
    body: fc.string({ unit: 'binary' }),
    eventName: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
    spanContext: fc.option(fc.constant(spanContext), { nil: undefined }),
    droppedAttributesCount: fc.nat(3),
  })
  .map(({ spanContext: span, ...fields }) =>
    record({ ...fields, ...(span === undefined ? {} : { spanContext: span }), hrTimeObserved: fields.hrTime }),
  );

describe('a request', () => {
  test('is one JSON object with the lines of the readable format', () => {
    const records = [record({ eventName: 'order_placed' }), record({ severityNumber: 17 })];
    const batch = sealed(records);
    const format = jsonFormat();
    expect(textOf(batch)).toBe(`{"logs":[${records.map((one) => format(one)).join(',')}]}`);
    expect(batch).toMatchObject({ records: 2, errors: 1 });
  });

  test('an open batch is empty after it was sealed', () => {
    const open = JSON_LOGS.open(1_000);
    open.append(record({ body: 'ä' }));
    expect(open).toMatchObject({
      records: 1,
      bytes: Buffer.byteLength(jsonFormat()(record({ body: 'ä' }))) + JSON_ENVELOPE_BYTES,
    });
    expect(open.seal().records).toBe(1);
    expect(open).toMatchObject({ records: 0, bytes: 0 });
    open.append(record({ body: 'second' }));
    expect(logsIn(open.seal())).toMatchObject([{ body: 'second' }]);
  });

  test('a record that is too large loses its attributes, and is refused if that is not enough', () => {
    const open = JSON_LOGS.open(1_000);
    const large = record({ attributes: { a: 'x'.repeat(1_000), b: 1 }, droppedAttributesCount: 1, body: 'kept' });
    expect(open.append(large)).toBe(true);
    expect(open.append(record({ body: 'x'.repeat(1_000) }))).toBe(false);
    expect(open.records).toBe(1);
    expect(logsIn(open.seal())).toMatchObject([{ attributes: {}, body: 'kept', dropped_attributes_count: 3 }]);
  });

  test('a record that cannot be written leaves the batch as it was', () => {
    const open = JSON_LOGS.open(10_000);
    open.append(record({ body: 'before' }));
    let deep: unknown[] = [];
    for (let depth = 0; depth < 100; depth++) deep = [deep];
    expect(() => open.append(record({ body: deep }))).toThrow();
    open.append(record({ body: 'after' }));
    expect(logsIn(open.seal())).toMatchObject([{ body: 'before' }, { body: 'after' }]);
  });

  test('of any records: what is selected is the bytes as they were written, and is read back as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyRecord, fc.boolean()), { minLength: 1, maxLength: 12 }), (told) => {
        const batch = sealed(told.map(([one]) => one));
        const kept = told.filter(([, keep]) => keep).map(([one]) => one);
        const asked: boolean[] = [];
        const some = batch.select((index, isError) => {
          asked[index] = isError;
          return told[index]?.[1] === true;
        });
        expect(asked).toEqual(told.map(([{ severityNumber = 0 }]) => severityNumber >= 17));
        if (kept.length === 0) {
          expect(some).toBeUndefined();
          return;
        }
        expect(textOf(some as Batch)).toBe(textOf(sealed(kept)));
        expect(some).toMatchObject({
          records: kept.length,
          errors: kept.filter((r) => (r.severityNumber ?? 0) >= 17).length,
        });
        expect([...(some as Batch).read()].map(dataOf)).toEqual(
          kept.map((one) => ({ attributeValueLengthLimit: null, ...dataOf(one) })),
        );
      }),
    );
  });
});

describe('an answer', () => {
  const answer = (status: number, more: object = {}) =>
    JSON_LOGS.readAnswer({ status, body: new Uint8Array(), ...more }, 0);

  test('2xx has taken all, whatever its body says', () => {
    const body = Buffer.from('{"partialSuccess":{"rejectedLogRecords":"3"},"errors":true}');
    for (const more of [{}, { body, contentType: 'application/json' }, { oversized: true }]) {
      expect(answer(202, more)).toEqual({ kind: 'delivered', rejected: 0, message: '' });
    }
  });

  test('says when it may be asked again, that it is too large, or that it is refused', () => {
    for (const status of [429, 502, 503, 504]) {
      expect(answer(status, { retryAfter: '2' })).toMatchObject({ kind: 'retry', waitMillis: 2_000 });
    }
    expect(answer(413)).toEqual({ kind: 'split' });
    for (const status of [100, 301, 307, 400, 401, 404, 500, 501]) {
      expect(answer(status, { oversized: true })).toEqual({ kind: 'rejected', cause: `HTTP status ${status}` });
    }
  });
});
