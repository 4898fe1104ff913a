import { describe, expect, test } from '@jest/globals';
import { lazy } from '@logspan/logger';
import fc from 'fast-check';
import { providers, Recorder, toldDuring } from '../../../../test/pipeline/recorder.ts';
import { attributesKey, eventKey, functionKey, keyPart, shownAttributes } from './record-key.ts';
import type { LogRecord } from './stage.ts';

const values = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.integer(),
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom('-', 's1:a', 'number:1;', '', '1', 'true'),
);

test('no two lists of values make one key', () => {
  const keyOf = (list: readonly unknown[]) => list.map(keyPart).join('');
  fc.assert(
    fc.property(fc.array(values, { maxLength: 4 }), fc.array(values, { maxLength: 4 }), (one, other) => {
      const same = one.length === other.length && one.every((value, i) => value === other[i]);
      if (one.length === other.length) expect(keyOf(one) === keyOf(other)).toBe(same);
    }),
    { numRuns: 2_000 },
  );
  expect(keyOf(['a', 'b'])).not.toBe(keyOf(['as1:', 'b']));
  expect(keyOf(['as', 'b'])).not.toBe(keyOf(['a', 'sb']));
  expect(keyOf(['1'])).not.toBe(keyOf([1]));
});

test('no two values of one attribute make one key', () => {
  const odd = fc.constantFrom('\0-', '\0s1:a', '\0number:1;', '\0\0s1:a', undefined);
  const keyOf = (value: unknown) => attributesKey(['a'])({ attributes: { a: value } } as never);
  fc.assert(
    fc.property(fc.oneof(values, odd), fc.oneof(values, odd), (one, other) => {
      expect(keyOf(one) === keyOf(other)).toBe(one === other);
    }),
    { numRuns: 2_000 },
  );
});

test('a long text is not held, and its end counts', () => {
  const long = 'x'.repeat(100_000);
  expect(keyPart(long).length).toBeLessThan(100);
  expect(keyPart(`${long}a`)).not.toBe(keyPart(`${long}b`));
});

describe.each(providers)('records of %s', (_, emitTo) => {
  const record = (input: object): LogRecord => {
    const end = new Recorder();
    emitTo(end)(input as never);
    return end.records[0] as LogRecord;
  };

  test('are told apart by event name, or without one by scope', () => {
    expect(eventKey(record({ eventName: 'a' }))).toBe('a');
    expect(eventKey(record({ body: 'a' }))).toBe(eventKey(record({ body: 'b' })));
    expect(eventKey(record({ eventName: 'test' }))).not.toBe(eventKey(record({ body: 'a' })));
  });

  test('are told apart by attributes, and a long one is not shown', () => {
    const key = attributesKey(['tenant', 'n']);
    expect(key(record({ attributes: { tenant: 'a', n: 1 } }))).toBe(key(record({ attributes: { n: 1, tenant: 'a' } })));
    expect(key(record({ attributes: { tenant: 'a', n: 2 } }))).not.toBe(key(record({ attributes: { tenant: 'a' } })));
    const shown = shownAttributes(record({ attributes: { tenant: 'a'.repeat(1_000), n: 1, o: {}, other: 1 } }), [
      'tenant',
      'n',
    ]);
    expect(shown).toEqual({ n: 1 });
  });
});

test('a lazy attribute is not computed for a key', () => {
  const end = new Recorder();
  const [, emitTo] = providers[0] as (typeof providers)[0];
  let computed = 0;
  emitTo(end)({ attributes: { a: lazy(() => ++computed) } as never });
  attributesKey(['a'])(end.records[0] as LogRecord);
  expect(computed).toBe(0);
});

test('a function that throws, or answers no text, makes no key', async () => {
  const explode = () => {
    throw new Error('hunter2');
  };
  const told = await toldDuring(async () => {
    expect(functionKey(explode, 'x.key')({} as LogRecord)).toBeUndefined();
    expect(functionKey(() => 1 as never, 'x.key')({} as LogRecord)).toBeUndefined();
    expect(functionKey((async () => explode()) as never, 'x.key')({} as LogRecord)).toBeUndefined();
    await Promise.resolve();
    await Promise.resolve();
  });
  expect(told).toEqual(['logspan: x.key failed 1 time(s) Error', 'logspan: x.key failed 1 time(s) Error']);
});
