import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LogRecord } from '../pipeline/stage.ts';
import { jsonFormat } from './json-format.ts';

const spanContext = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 };

function record(fields: Partial<LogRecord>): LogRecord {
  return {
    hrTime: [1_704_200_645, 67_890_123],
    hrTimeObserved: [0, 0],
    resource: { attributes: {} },
    instrumentationScope: { name: 'shop' },
    attributes: {},
    droppedAttributesCount: 0,
    setAttribute: () => undefined,
    ...fields,
  };
}

const line = (fields: Partial<LogRecord>) => jsonFormat()(record(fields));
const attributesOf = (attributes: Record<string, unknown>) => JSON.parse(line({ attributes })).attributes;

describe('jsonFormat', () => {
  test('all fields', () => {
    expect(
      line({
        severityText: 'INFO',
        severityNumber: 9,
        eventName: 'user_login',
        body: 'Alice is in',
        attributes: { username: 'alice', tags: ['a'], plan: { name: 'pro' } },
        spanContext,
        resource: { attributes: { 'service.name': 'shop', 'host.name': 'left out' } },
        droppedAttributesCount: 2,
      }),
    ).toBe(
      '{"timestamp":"2024-01-02T13:04:05.067890123Z","severity_text":"INFO","severity_number":9,' +
        '"otel.event.name":"user_login","body":"Alice is in",' +
        '"attributes":{"username":"alice","tags":["a"],"plan":{"name":"pro"}},' +
        '"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":"01",' +
        '"otel.scope.name":"shop","service.name":"shop","dropped_attributes_count":2}',
    );
  });

  test('what is not set is left out', () => {
    expect(line({ spanContext: { ...spanContext, spanId: '0000000000000000' } })).toBe(
      '{"timestamp":"2024-01-02T13:04:05.067890123Z","attributes":{},"otel.scope.name":"shop"}',
    );
  });

  test('each record has its own time, in the same second and in others', () => {
    const format = jsonFormat();
    const times: [number, number][] = [
      [0, 0],
      [0, 1],
      [1_704_200_645, 999_999_999],
      [0, 2],
      [1_704_200_645, 0],
      [253_402_300_800, 0],
    ];
    expect(times.map((hrTime) => JSON.parse(format(record({ hrTime }))).timestamp)).toEqual([
      '1970-01-01T00:00:00.000000000Z',
      '1970-01-01T00:00:00.000000001Z',
      '2024-01-02T13:04:05.999999999Z',
      '1970-01-01T00:00:00.000000002Z',
      '2024-01-02T13:04:05.000000000Z',
      '+010000-01-01T00:00:00.000000000Z',
    ]);
  });

  test('what JSON cannot say is text', () => {
    const bytes = Buffer.from('xabc').subarray(1);
    const values = [Number.NaN, Infinity, -Infinity, bytes, 2n ** 70n, () => 1, Symbol('s'), undefined, null, -1.5];
    const said = [
      'NaN',
      'Infinity',
      '-Infinity',
      'YWJj',
      '1180591620717411303424',
      '[function]',
      '[symbol]',
      null,
      null,
      -1.5,
    ];
    expect(attributesOf({ values }).values).toEqual(said);
    expect(attributesOf({ deep: { values }, nan: Number.NaN, gone: undefined })).toEqual({
      deep: { values: said },
      nan: 'NaN',
    });
    expect(JSON.parse(line({ body: { x: Number.NaN } })).body).toEqual({ x: 'NaN' });
  });

  test('the logged objects are not changed', () => {
    const attributes = { list: [Number.NaN], object: { nan: Number.NaN } };
    line({ attributes });
    expect(attributes).toEqual({ list: [Number.NaN], object: { nan: Number.NaN } });
  });

  test('no toJSON is called, and a key __proto__ is a key', () => {
    class Sneaky {
      kept = 1;
      toJSON() {
        throw new Error('called');
      }
    }
    expect(attributesOf({ sneaky: new Sneaky(), own: { toJSON: () => 'x', a: 1 } })).toEqual({
      sneaky: { kept: 1 },
      own: { toJSON: '[function]', a: 1 },
    });
    const parsed = attributesOf(JSON.parse('{"__proto__":{"polluted":true},"nan":0}'));
    expect(Object.keys(parsed)).toEqual(['__proto__', 'nan']);
    const copied = line({
      attributes: Object.assign(JSON.parse('{"__proto__":{"polluted":true}}'), { nan: Number.NaN }),
    });
    expect(copied).toContain('"attributes":{"__proto__":{"polluted":true},"nan":"NaN"}');
  });

  test('what is inherited is not written', () => {
    const inherited = Object.create({ secret: Number.NaN });
    inherited.own = 1;
    expect(attributesOf({ inherited })).toEqual({ inherited: { own: 1 } });
  });

  test('a line has no DEL, C1, separator or bidi character, and no lone surrogate', () => {
    expect(line({ body: '\x7f\x9b\u2028\u202e\u2069\u061c\u200e\u200f\ud800\\\u2029' })).toContain(
      '"body":"\\u007f\\u009b\\u2028\\u202e\\u2069\\u061c\\u200e\\u200f\\ud800\\\\\\u2029"',
    );
  });

  test('a cycle or an impossible time throws', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => line({ attributes: { cycle } })).toThrow('too deep');
    expect(() => line({ hrTime: [Number.NaN, 0] })).toThrow(RangeError);
  });
});

test('whatever is logged: one line, printable, and JSON.parse gives it back', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom(
        '\n',
        '\r',
        '\x1b',
        '\x7f',
        '\x85',
        '\x9b',
        '\u2028',
        '\u2029',
        '\u202e',
        '\\',
        '"',
        '}',
        '\ud800',
      ),
      fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
  });
  // JSON has no negative zero.
  const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  const value = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 3 }, text, number, fc.boolean(), fc.constant(null), tie('many')),
    many: fc.oneof(fc.array(tie('node')), fc.dictionary(text, tie('node'))),
  })).node;
  fc.assert(
    fc.property(
      text,
      text,
      text,
      value,
      fc.dictionary(text, value),
      (eventName, scope, severityText, body, attributes) => {
        const written = line({ eventName, instrumentationScope: { name: scope }, severityText, body, attributes });
        const unsafe = Array.from(written).filter((character) => {
          const code = character.codePointAt(0) as number;
          return (
            code < 0x20 ||
            (code >= 0x7f && code <= 0x9f) ||
            (code >= 0x2028 && code <= 0x202e) ||
            /\p{Cs}/u.test(character)
          );
        });
        expect(unsafe).toEqual([]);
        expect(JSON.parse(written)).toEqual({
          timestamp: '2024-01-02T13:04:05.067890123Z',
          severity_text: severityText,
          'otel.event.name': eventName,
          body,
          attributes,
          'otel.scope.name': scope,
        });
      },
    ),
    { numRuns: 500 },
  );
});
