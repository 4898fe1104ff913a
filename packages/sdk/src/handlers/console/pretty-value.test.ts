import { describe, expect, test } from '@jest/globals';
import { prettyKey, prettyValue } from './pretty-value.ts';

describe('prettyValue', () => {
  test.each<[unknown, string]>([
    ['alice', 'alice'],
    ['/api/v1/orders/:id', '/api/v1/orders/:id'],
    ['C:\\temp', 'C:\\temp'],
    ['10.0.0.1', '10.0.0.1'],
    ['日本', '日本'],
    [42, '42'],
    [Number.NaN, 'NaN'],
    [12n, '12'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'undefined'],
  ])('%p is written %s', (value, expected) => {
    expect(prettyValue(value)).toBe(expected);
  });

  test.each([
    ['', '""'],
    ['two words', '"two words"'],
    ['a=b', '"a=b"'],
    ['say "hi" \\o/', '"say \\"hi\\" \\\\o/"'],
    ['42', '"42"'],
    ['0x2a', '"0x2a"'],
    ['-Infinity', '"-Infinity"'],
    ['true', '"true"'],
    ['null', '"null"'],
    ['NaN', '"NaN"'],
    ['{a:1}', '"{a:1}"'],
    ['[1]', '"[1]"'],
    ['a\nb', '"a\\x0ab"'],
    ['no\u00a0break', '"no\u00a0break"'],
    ['\ud800', '"\\u{d800}"'],
    ['abc\u200fdef', '"abc\\u{200f}def"'],
  ])('the string %p is quoted, as it could be misread', (value, expected) => {
    expect(prettyValue(value)).toBe(expected);
  });

  test('objects and lists are compact', () => {
    const value = { a: 1, 'b c': ['x', { d: null }], 'e.f': true, '\n': '\x1b', g: () => 1, h: Symbol('s') };
    expect(prettyValue(value)).toBe('{a:1,"b c":["x",{d:null}],e.f:true,"\\x0a":"\\x1b",g:[function],h:[symbol]}');
  });

  test('bytes are hexadecimal, and only the first 32 are shown', () => {
    expect(prettyValue(new Uint8Array([0, 1, 255]))).toBe('0x0001ff');
    expect(prettyValue(Buffer.from('abc').subarray(1))).toBe('0x6263');
    expect(prettyValue(new Uint8Array(33))).toBe(`0x${'00'.repeat(32)}…(33 bytes)`);
  });

  test('a cycle throws instead of overflowing the stack', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle, cycle);
    expect(() => prettyValue(cycle)).toThrow('too deep');
  });
});

test('a key is quoted only if it could be misread', () => {
  expect(['http.route', 'größe', '', 'a b', 'a=b', 'x\n1', '{'].map(prettyKey)).toEqual([
    'http.route',
    'größe',
    '""',
    '"a b"',
    '"a=b"',
    '"x\\x0a1"',
    '"{"',
  ]);
});
