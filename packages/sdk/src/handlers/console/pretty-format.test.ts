import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LogRecord } from '../../pipeline/stage.ts';
import { prettyFormat } from './pretty-format.ts';
import { CONTINUATION } from './wrapped-text.ts';

const spanContext = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 };

/** 13:04:05.067 local time, wherever the test runs. */
const hrTime: [number, number] = [new Date(2024, 0, 2, 13, 4, 5).getTime() / 1000, 67_890_123];

function record(fields: Partial<LogRecord>): LogRecord {
  return {
    hrTime,
    hrTimeObserved: hrTime,
    resource: { attributes: {} },
    instrumentationScope: { name: 'shop' },
    attributes: {},
    droppedAttributesCount: 0,
    severityNumber: 9,
    severityText: 'INFO',
    setAttribute: () => undefined,
    ...fields,
  };
}

const plain = (fields: Partial<LogRecord>) => prettyFormat({ colors: false })(record(fields));

describe('prettyFormat', () => {
  test('time, level, scope, event, attributes, and the trace id cut to 8', () => {
    const attributes = { username: 'alice', attempts: 3, agent: 'two words', gone: undefined };
    expect(plain({ eventName: 'user_login', body: 'user_login', attributes, spanContext })).toBe(
      '13:04:05.067 INFO  shop user_login username=alice attempts=3 agent="two words" trace=4bf92f35',
    );
  });

  test.each<[string, Partial<LogRecord>, string]>([
    ['a message', { body: 'it rains' }, '13:04:05.067 INFO  shop it rains'],
    ['an event with a message', { eventName: 'rain', body: 'it rains' }, '13:04:05.067 INFO  shop rain it rains'],
    ['a structured body', { body: { mm: 3 } }, '13:04:05.067 INFO  shop {mm:3}'],
    ['an event without a body', { eventName: 'rain' }, '13:04:05.067 INFO  shop rain'],
    ['neither', { body: null, attributes: { a: 1 } }, '13:04:05.067 INFO  shop a=1'],
    ['no scope', { instrumentationScope: { name: '' }, body: 'x' }, '13:04:05.067 INFO  x'],
    ['no severity text', { severityNumber: 21, severityText: undefined, body: 'x' }, '13:04:05.067 FATAL shop x'],
    ['a severity in lower case', { severityText: 'warning', body: 'x' }, '13:04:05.067 WARNING shop x'],
    ['no severity', { severityNumber: undefined, severityText: undefined, body: 'x' }, '13:04:05.067       shop x'],
    [
      'an invalid span context',
      { body: 'x', spanContext: { ...spanContext, traceId: '\n'.repeat(32) } },
      '13:04:05.067 INFO  shop x',
    ],
  ])('%s', (_what, fields, line) => {
    expect(plain(fields)).toBe(line);
  });

  test('scopes are aligned to the widest so far, up to a limit', () => {
    const format = prettyFormat({ colors: false });
    const names = ['db', 'checkout', 'db', 'a.scope.with.a.very.long.name', 'db'];
    expect(names.map((name) => format(record({ instrumentationScope: { name }, body: '<' })).slice(19))).toEqual([
      'db <',
      'checkout <',
      'db       <',
      'a.scope.with.a.very.long.name <',
      'db                   <',
    ]);
  });

  test('wide characters in scopes are aligned by the cells that they take', () => {
    const format = prettyFormat({ colors: false });
    const names = ['注文', 'db', 'shop'];
    expect(names.map((name) => format(record({ instrumentationScope: { name }, body: '<' })).slice(19))).toEqual([
      '注文 <',
      'db   <',
      'shop <',
    ]);
  });

  test('an exception follows, line by line behind the mark, and not among the attributes', () => {
    const attributes = {
      'exception.type': 'TypeError',
      'exception.message': 'x is not a function',
      'exception.stacktrace': 'TypeError: x is not a function\n    at pay (/app/pay.js:1:1)\nCaused by: Error: why',
      'error.type': 'TypeError',
      orderId: 'o-1',
    };
    expect(plain({ eventName: 'failed', body: 'failed', attributes }).split('\n')).toEqual([
      '13:04:05.067 INFO  shop failed orderId=o-1',
      '    | TypeError: x is not a function',
      '    |     at pay (/app/pay.js:1:1)',
      '    |   Caused by: Error: why',
    ]);
  });

  test('wraps at the width of the moment', () => {
    let columns = 40;
    const format = prettyFormat({ colors: false, columns: () => columns });
    const wide = record({ body: 'msg', attributes: { first: 'x'.repeat(10), second: 'y'.repeat(10) } });
    expect(format(wide)).toBe('13:04:05.067 INFO  shop msg\n    | first=xxxxxxxxxx second=yyyyyyyyyy');
    columns = 80;
    expect(format(wide)).toBe('13:04:05.067 INFO  shop msg first=xxxxxxxxxx second=yyyyyyyyyy');
  });

  test('colours', () => {
    const format = prettyFormat({ colors: true });
    expect(format(record({ body: 'msg', attributes: { a: 1 }, spanContext }))).toBe(
      '\x1b[2m13:04:05.067\x1b[0m \x1b[32mINFO\x1b[0m  \x1b[2mshop\x1b[0m \x1b[1mmsg\x1b[0m \x1b[2ma=\x1b[0m1 \x1b[2mtrace=4bf92f35\x1b[0m',
    );
    const levels = [undefined, 1, 5, 9, 13, 17, 21, 99].map((severityNumber) =>
      format(record({ severityNumber, severityText: 'L' }))
        .slice(21)
        .replace(/L.*/s, ''),
    );
    expect(levels).toEqual(['', '\x1b[90m', '\x1b[36m', '\x1b[32m', '\x1b[33m', '\x1b[31m', '\x1b[1;31m', '']);
  });
});

describe('whatever is logged', () => {
  const OUR_CODES = new RegExp(`${'\x1b'}\\[(?:0|1|2|32|33|36|90|31|1;31)m`, 'g');
  /** DEL and C1, line and paragraph separator, bidi controls, lone surrogates. */
  const UNSAFE = [
    [0x7f, 0x9f],
    [0x2028, 0x202e],
    [0x2066, 0x2069],
    [0xd800, 0xdfff],
  ] as const;
  /** Any UTF-16, lone surrogates included, with the dangerous characters and line starts much more often than by chance. */
  const text = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '\n',
          '\r\n',
          '\x1b[2K',
          '\x1b]0;',
          '\x07',
          '\x7f',
          '\x85',
          '\x9b',
          '\u2028',
          '\u202e',
          '\ud800',
        ),
        fc.constantFrom(
          'Caused by: ',
          '13:04:05.067 INFO  shop forged',
          '    at x',
          '    | ',
          ' ',
          '"',
          '=',
          '{',
          '日',
        ),
        fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
        fc.string({ unit: 'binary', maxLength: 4 }),
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(''));
  const value = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 3 }, text, fc.double(), fc.boolean(), fc.constant(null), fc.uint8Array(), tie('many')),
    many: fc.oneof(fc.array(tie('node'), { maxLength: 3 }), fc.dictionary(text, tie('node'), { maxKeys: 3 })),
  })).node;
  const exception = fc.record(
    {
      'exception.type': text,
      'exception.message': text,
      'exception.stacktrace': text,
      'logspan.exception.cause': fc.oneof(text, fc.record({ type: text, message: text })),
      'logspan.exception.errors': fc.array(fc.record({ type: text, message: text }), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
  const anyRecord = fc
    .record({
      eventName: fc.option(text, { nil: undefined }),
      body: fc.oneof(text, value),
      scope: text,
      severityText: text,
      severityNumber: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
      attributes: fc.dictionary(text, value, { maxKeys: 4 }),
      exception,
    })
    .map(({ scope, attributes, exception, ...fields }) =>
      record({ ...fields, instrumentationScope: { name: scope }, attributes: { ...attributes, ...exception } }),
    );

  test('a record starts one line and holds no control character but our line ends', () => {
    fc.assert(
      fc.property(anyRecord, fc.constantFrom(undefined, 20, 80), (any, columns) => {
        const [first, ...more] = prettyFormat({ colors: false, columns: () => columns })(any).split('\n');
        expect(first).toMatch(/^13:04:05\.067 /);
        for (const line of more) expect(line.startsWith(CONTINUATION)).toBe(true);
        for (const line of [first, ...more]) {
          const unsafe = Array.from(line ?? '').filter((character) => {
            const code = character.codePointAt(0) as number;
            return code < 0x20 || UNSAFE.some(([first, last]) => code >= first && code <= last);
          });
          expect(unsafe).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a record without an exception is exactly one line', () => {
    fc.assert(
      fc.property(anyRecord, (any) => {
        const attributes = Object.fromEntries(
          Object.entries(any.attributes).filter(([key]) => !key.includes('exception')),
        );
        expect(prettyFormat({ colors: false })({ ...any, attributes })).not.toContain('\n');
      }),
    );
  });

  test('colours add our codes and nothing else', () => {
    fc.assert(
      fc.property(anyRecord, fc.constantFrom(undefined, 30), (any, columns) => {
        const coloured = prettyFormat({ colors: true, columns: () => columns })(any);
        expect(coloured.replace(OUR_CODES, '')).toBe(prettyFormat({ colors: false, columns: () => columns })(any));
      }),
    );
  });
});
