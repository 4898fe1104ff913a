import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatRecord, type LineOptions, useColors } from './format-record.ts';
import type { LogRecord } from './log-record.ts';
import { textWidth } from './terminal-text.ts';

const base: LogRecord = {
  timeUnixNano: 1_700_000_000_123_456_789n,
  observedTimeUnixNano: 0n,
  severityNumber: 9,
  severityText: 'INFO',
  service: 'checkout',
  eventName: '',
  body: null,
  attributes: {},
  droppedAttributesCount: 0,
  traceId: '',
  spanId: '',
  flags: 0,
  resource: { attributes: {}, schemaUrl: '' },
  scope: { name: '', version: '', attributes: {}, schemaUrl: '' },
};

function format(fields: Partial<LogRecord>, options: LineOptions = {}): string {
  return formatRecord({ ...base, ...fields }, { timeZone: 'utc', ...options });
}

describe('one record is one line', () => {
  test('time, level, service, event, attributes, short trace id', () => {
    expect(
      format({
        eventName: 'user_login',
        body: 'user_login',
        attributes: { user: 'ada', tries: 3, ok: true, ratio: 0.5, 'http.route': '/a/:id' },
        traceId: '0af7651916cd43dd8448eb211c80319c',
      }),
    ).toBe(
      '22:13:20.123 INFO  checkout user_login user=ada tries=3 ok=true ratio=0.5 http.route=/a/:id trace=0af76519',
    );
  });

  test('a message, and an event with a message of its own', () => {
    expect(format({ body: 'two words' })).toBe('22:13:20.123 INFO  checkout two words');
    expect(format({ eventName: 'paid', body: 'two words' })).toBe('22:13:20.123 INFO  checkout paid two words');
    expect(format({ body: { a: [1, null], b: { c: 'x y' } } })).toBe(
      '22:13:20.123 INFO  checkout {a: [1, null], b: {c: "x y"}}',
    );
  });

  test.each([
    [0, '-    '],
    [1, 'TRACE'],
    [5, 'DEBUG'],
    [9, 'INFO '],
    [12, 'INFO '],
    [13, 'WARN '],
    [17, 'ERROR'],
    [24, 'FATAL'],
    [25, '-    '],
  ])('severity %i is %s', (severityNumber, level) => {
    expect(format({ severityNumber, body: 'x' })).toBe(`22:13:20.123 ${level} checkout x`);
  });

  test('text that could be taken for something else is quoted', () => {
    const attributes = {
      number: '7',
      literal: 'true',
      empty: '',
      pair: 'a b=c',
      quote: 'a"b\\c',
      'odd key': 1,
      bytes: new Uint8Array(3),
      int: 2n ** 60n,
    };
    expect(format({ attributes })).toBe(
      '22:13:20.123 INFO  checkout number="7" literal="true" empty="" pair="a b=c" quote="a\\"b\\\\c" "odd key"=1 bytes=<3 bytes> int=1152921504606846976',
    );
  });

  test('attributes that the sender dropped are told', () => {
    expect(format({ droppedAttributesCount: 2 })).toBe('22:13:20.123 INFO  checkout (2 attributes dropped)');
  });

  test('the observed time stands in, and no time is shown as none', () => {
    expect(format({ timeUnixNano: 0n, observedTimeUnixNano: 61_000_000_000n })).toMatch(/^00:01:01\.000 /);
    expect(format({ timeUnixNano: 0n })).toMatch(/^--:--:--\.--- /);
    expect(format({ timeUnixNano: 2n ** 64n - 1n })).toMatch(/^\d\d:\d\d:\d\d\.\d{3} /);
  });

  test('the local time of day by default', () => {
    const date = new Date(1_700_000_000_123);
    expect(formatRecord(base).slice(0, 8)).toBe(date.toTimeString().slice(0, 8));
  });
});

describe('long and large', () => {
  test('a long line is cut to the terminal, and keeps its trace id', () => {
    const line = format({ body: 'x'.repeat(500), traceId: 'ab'.repeat(16) }, { columns: 80 });
    expect(line).toHaveLength(80);
    expect(line).toMatch(/x… trace=abababab$/);
    expect(format({ body: 'x'.repeat(500), traceId: 'ab'.repeat(16) }, { columns: 30 })).toBe(
      '22:13:20.123 INFO  checkout x…',
    );
  });

  test('without a terminal values have a limit all the same', () => {
    const deep = { a: [{ a: [{ a: [{ a: [{ a: [{ a: 1 }] }] }] }] }] };
    const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`key${n}`, n]));
    const line = format({
      body: 'x'.repeat(1_000_000),
      attributes: { text: 'y'.repeat(1_000_000), many, list: Array(50_000).fill('z'), deep, ...many },
    });
    expect(line.length).toBeLessThan(60_000);
    expect(line).toMatch(/ …$/);
    expect(format({ attributes: { deep } })).toContain('{a: [{a: [{a: [{a: [{…}]}]}]}]}');
  });
});

describe('exceptions', () => {
  const stack = 'TypeError: no\n    at pay (pay.js:1:2)\r\n    at main.js:3:4\nCaused by: Error: deep';

  test('the stack follows, each line behind a fixed prefix', () => {
    const attributes = {
      order: 7,
      'exception.type': 'TypeError',
      'exception.message': 'no',
      'exception.stacktrace': stack,
    };
    expect(format({ eventName: 'payment_failed', attributes }).split('\n')).toEqual([
      '22:13:20.123 INFO  checkout payment_failed order=7',
      '    │ TypeError: no',
      '    │     at pay (pay.js:1:2)',
      '    │     at main.js:3:4',
      '    │ Caused by: Error: deep',
    ]);
  });

  test('type and message stand in for a stack, or above one that lacks them', () => {
    expect(format({ attributes: { 'exception.type': 'E', 'exception.message': 'm' } })).toMatch(/\n {4}│ E: m$/);
    expect(
      format({ attributes: { 'exception.type': 'E', 'exception.message': 'm', 'exception.stacktrace': 'at x' } }),
    ).toMatch(/\n {4}│ E: m\n {4}│ at x$/);
  });

  test('a long stack is cut, and says by how much', () => {
    const attributes = { 'exception.stacktrace': Array.from({ length: 40 }, (_, n) => `at ${n}`).join('\n') };
    const lines = format({ attributes }, { columns: 20 }).split('\n');
    expect(lines).toHaveLength(32);
    expect(lines.at(-1)).toBe('    │ … 10 more lin…');
  });
});

describe('no record can forge a line or move the cursor', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(
        fc.constantFrom(
          '\n22:13:20.123 FATAL bank forged',
          '\r',
          '\x1b[2K\x1b[1A',
          '\x9b2J',
          '\x1b]0;title\x07',
          '\u202e',
          '\u2066',
          '\u2028',
          '\u2029',
          '\x85',
          '\ud83d',
          '\udc00',
          '\b',
          '\v',
          '\f',
          '\x7f',
          '\u{e0041}',
          '日',
          'e\u0301',
          ' a=b "',
          '\\',
        ),
      )
      .map((parts) => parts.join('')),
  );
  const record = fc.record({
    severityNumber: fc.nat(30),
    severityText: hostile,
    service: hostile,
    eventName: hostile,
    body: fc.oneof(hostile, fc.dictionary(hostile, hostile), fc.array(hostile)),
    attributes: fc
      .tuple(
        fc.dictionary(hostile, fc.oneof(hostile, fc.array(hostile), fc.dictionary(hostile, hostile))),
        fc.record(
          { 'exception.type': hostile, 'exception.message': hostile, 'exception.stacktrace': hostile },
          { requiredKeys: [] },
        ),
      )
      .map(([some, exception]) => ({ ...some, ...exception })),
    traceId: fc.constantFrom('', 'ab'.repeat(16)),
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  const dangerous = /[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Cs}/u;

  test('whatever its fields hold', () => {
    fc.assert(
      fc.property(record, fc.constantFrom(undefined, 20, 80), fc.boolean(), (fields, columns, colors) => {
        const output = format(fields, { columns, colors });
        // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours
        const lines = output.replace(/\x1b\[[\d;]+m/g, '').split('\n');
        if (!colors) expect(output).not.toContain('\x1b');
        expect(lines[0]).toMatch(/^22:13:20\.123 /);
        for (const line of lines.slice(1)) expect(line.startsWith('    │ ')).toBe(true);
        for (const line of lines) {
          expect(line).not.toMatch(dangerous);
          if (columns !== undefined) expect(textWidth(line)).toBeLessThanOrEqual(columns);
        }
        const hasException = Object.keys(fields.attributes).some((key) => key.startsWith('exception.'));
        if (!hasException) expect(lines).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });
});

test.each([
  [true, {}, true],
  [false, {}, false],
  [undefined, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
])('colours with isTTY %s and %j: %s', (isTTY, env, expected) => {
  expect(useColors(isTTY === undefined ? {} : { isTTY }, env)).toBe(expected);
});
