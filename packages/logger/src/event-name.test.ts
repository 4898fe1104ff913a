import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EventNames, isEventName } from './event-name.ts';

describe('an event name', () => {
  test.each([
    'user_login',
    'x',
    'UserLogin',
    'order.created',
    'http.client.request.exception',
    'http/retry',
    'cache-miss',
    'db:query',
    'a1',
    'a._b',
    'a.1',
    'user_123_login',
    'a'.repeat(128),
  ])('%s', (text) => {
    expect(isEventName(text)).toBe(true);
  });
});

describe('a message', () => {
  test.each([
    '',
    'user logged in',
    'done!',
    '1st',
    '_private',
    '.hidden',
    'trailing.',
    'two..dots',
    'mixed.-separators',
    'größe',
    'user_login\n',
    '\nuser_login',
    ' user_login',
    'café',
    'a=b',
    'a@b',
    '😀',
    'a\u0000b',
    'a'.repeat(129),
  ])('%j', (text) => {
    expect(isEventName(text)).toBe(false);
  });
});

describe('EventNames', () => {
  test('answers as isEventName, however often it is asked and whatever it remembers', () => {
    const names = new EventNames(3);
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('a', 'B', '1', '_', '.', '-', ':', '/', ' '), maxLength: 12 }),
    );
    fc.assert(
      fc.property(fc.array(text), (texts) => {
        for (const one of [...texts, ...texts]) expect(names.has(one)).toBe(isEventName(one));
      }),
    );
  });

  /** How many look-ups the regular expression had to answer. */
  function tested(names: EventNames, texts: readonly string[]): number {
    const { test: original } = RegExp.prototype;
    let count = 0;
    RegExp.prototype.test = function (this: RegExp, text: string): boolean {
      count++;
      return original.call(this, text);
    };
    try {
      for (const text of texts) names.has(text);
    } finally {
      RegExp.prototype.test = original;
    }
    return count;
  }
  const distinct = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => prefix + i);

  test('remembers the first 1 000 texts, and no more of names without end', () => {
    const names = new EventNames();
    expect(names.capacity).toBe(1_000);
    expect(tested(names, distinct(1_000, 'user_'))).toBe(1_000);
    expect(tested(names, distinct(1_000, 'user_'))).toBe(0);
    // Each time again: nothing of these is kept.
    for (const _ of [1, 2]) expect(tested(names, distinct(5_000, 'endless_'))).toBe(5_000);
    expect(tested(names, distinct(1_000, 'user_'))).toBe(0);
  });

  test('keeps no long texts: they are messages, and a thousand of them would be a lot of memory', () => {
    const names = new EventNames(1);
    expect(tested(names, ['x'.repeat(1_000_000)])).toBe(0);
    expect(names.has('x'.repeat(1_000_000))).toBe(false);
    expect(tested(names, ['still_room', 'still_room'])).toBe(1);
  });
});
