import { afterEach, describe, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { type LevelDirective, minimumOf, overlaid, scopeLevel, setDestination } from '@logspan/logger/internal';
import fc from 'fast-check';
import { ManualTime } from '../../../../test/delivery/manual-time.ts';
import { ConfigError } from './config-error.ts';
import { Levels, levelOption } from './levels.ts';

const directive = (text: string): LevelDirective => levelOption('level', text);
const SCOPES = ['shop', 'db', 'db.pool', 'http'];

let levels: Levels | undefined;
afterEach(() => {
  levels?.end();
  setDestination(undefined);
});

/** Levels whose time passes when a test says so. */
function running(configured: string): { levels: Levels; time: ManualTime; minimums: () => string } {
  const time = new ManualTime();
  levels = new Levels(directive(configured), time);
  const minimums = () => ['shop', 'db', 'db.pool'].map((scope) => scopeLevel(scope).minimum).join(' ');
  return { levels, time, minimums };
}

test('reach loggers that exist, children and filtered ones too, at once and when the time is up', async () => {
  const { levels, time } = running('info');
  setDestination({ getWriter: () => ({ emit: () => undefined, write: () => undefined }) });
  const logger = getLogger('db');
  const all = [logger, logger.child({ a: 1 }), getLogger('shop').named('db.pool'), logger.filter(() => true)];
  const enabled = () => all.map((one) => one.isEnabled('debug'));
  expect(enabled()).toEqual([false, false, false, false]);
  levels.set(directive('db=debug'), { ttlMillis: 1_000 });
  expect(enabled()).toEqual([true, true, true, true]);
  await time.pass(999);
  expect(enabled()).toEqual([true, true, true, true]);
  await time.pass(1);
  expect(enabled()).toEqual([false, false, false, false]);
});

describe('a change that stays', () => {
  test('adds to what is there if it has no default, and else replaces it', () => {
    const { levels, minimums } = running('warn,db.pool=off');
    expect(minimums()).toBe('13 13 25');
    levels.set(directive('db=debug'));
    expect(minimums()).toBe('13 5 25');
    levels.set(directive('db.pool=trace'));
    expect(minimums()).toBe('13 5 1');
    levels.set(directive('error'));
    expect(minimums()).toBe('17 17 17');
    levels.set(directive(''));
    expect(minimums()).toBe('17 17 17');
  });

  test('ends the temporary ones that it hides, and their timers', async () => {
    const { levels, time, minimums } = running('info');
    levels.set(directive('debug'), { ttlMillis: 100 });
    levels.set(directive('warn'));
    expect([minimums(), time.timers]).toEqual(['13 13 13', 0]);
  });

  test('outlasts a temporary one below it', async () => {
    const { levels, time, minimums } = running('info');
    levels.set(directive('debug'), { ttlMillis: 100 });
    levels.set(directive('db=trace'));
    expect(minimums()).toBe('5 1 1');
    await time.pass(100);
    expect(minimums()).toBe('9 1 1');
  });
});

describe('temporary changes', () => {
  test('the latest wins, and what it hid is there again after it', async () => {
    const { levels, time, minimums } = running('info');
    levels.set(directive('debug'), { ttlMillis: 1_000 });
    levels.set(directive('error'), { ttlMillis: 100 });
    expect(minimums()).toBe('17 17 17');
    await time.pass(100);
    expect(minimums()).toBe('5 5 5');
    await time.pass(900);
    expect(minimums()).toBe('9 9 9');
  });

  test('one that ends below another changes nothing until that ends', async () => {
    const { levels, time, minimums } = running('info');
    levels.set(directive('debug'), { ttlMillis: 100 });
    levels.set(directive('error'), { ttlMillis: 1_000 });
    await time.pass(100);
    expect(minimums()).toBe('17 17 17');
    await time.pass(900);
    expect(minimums()).toBe('9 9 9');
  });

  test('of one owner there is one at a time, and it can be taken back', async () => {
    const { levels, time, minimums } = running('info');
    levels.set(directive('debug'), { ttlMillis: 100, owner: 'me' });
    await time.pass(50);
    levels.set(directive('trace'), { ttlMillis: 100, owner: 'me' });
    expect(time.timers).toBe(1);
    await time.pass(99);
    expect(minimums()).toBe('1 1 1');
    expect([levels.takeBack('you'), levels.takeBack('me'), levels.takeBack('me')]).toEqual([false, true, false]);
    expect([minimums(), time.timers]).toEqual(['9 9 9', 0]);
  });

  test('do not keep the process alive', () => {
    const { levels, time } = running('info');
    levels.set(directive('debug'), { ttlMillis: 100 });
    expect([time.timers, time.keepingAlive]).toEqual([1, 0]);
  });
});

test('after the end nothing changes any more, and what was temporary is gone', async () => {
  const { levels, time, minimums } = running('info');
  levels.set(directive('db=warn'));
  levels.set(directive('debug'), { ttlMillis: 100 });
  levels.set(directive('trace'), { owner: 'file' });
  levels.end();
  expect([minimums(), time.timers]).toEqual(['9 13 13', 0]);
  levels.set(directive('fatal'));
  levels.set(directive('fatal'), { ttlMillis: 1 });
  expect(levels.takeBack('file')).toBe(false);
  expect([minimums(), time.timers]).toEqual(['9 13 13', 0]);
  const next = new Levels(directive('error'), time);
  levels.end();
  expect(minimums()).toBe('17 17 17');
  next.end();
});

describe('limits', () => {
  test('more than 100 changes that have not ended are refused, and change nothing', async () => {
    const { levels, time, minimums } = running('info');
    for (let i = 0; i < 100; i++) levels.set(directive('db=debug'), { ttlMillis: 100 });
    expect(() => levels.set(directive('trace'), { ttlMillis: 1 })).toThrow(ConfigError);
    expect([minimums(), time.timers]).toEqual(['9 5 5', 100]);
    await time.pass(100);
    levels.set(directive('trace'), { ttlMillis: 1 });
    expect(minimums()).toBe('1 1 1');
  });

  test('a name made for each call does not grow the levels for ever', () => {
    const { levels, minimums } = running('info');
    for (let i = 0; i < 1_000; i++) levels.set(directive(`request-${i}=debug`));
    expect(() => levels.set(directive('db=debug'))).toThrow('level: names more than 1000 scopes');
    expect(minimums()).toBe('9 9 9');
    levels.set(directive('request-7=trace'));
    levels.set(directive('info,db=debug'));
    expect(minimums()).toBe('9 5 5');
  });
});

test('agree with a list of all changes, read from its beginning, whatever happens', async () => {
  const text = fc.constantFrom('trace', 'warn,db=off', 'db=debug', 'db.*=error', 'http=fatal,*=info', '');
  const change = fc.record({
    text,
    ttlMillis: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
    owner: fc.option(fc.constantFrom('file', 'signal'), { nil: undefined }),
  });
  const event = fc.oneof(change, fc.constantFrom('file', 'signal'), fc.integer({ min: 1, max: 30 }));
  await fc.assert(
    fc.asyncProperty(text, fc.array(event, { maxLength: 20 }), async (configured, events) => {
      const time = new ManualTime();
      const levels = new Levels(directive(configured), time);
      let changes: { directive: LevelDirective; until: number; owner: string | undefined }[] = [];
      for (const event of events) {
        if (typeof event === 'number') {
          await time.pass(event);
        } else if (typeof event === 'string') {
          levels.takeBack(event);
          changes = changes.filter(({ owner }) => owner !== event);
        } else {
          const { text, ttlMillis, owner } = event;
          levels.set(directive(text), { ttlMillis, owner });
          if (owner !== undefined) changes = changes.filter((other) => other.owner !== owner);
          changes.push({ directive: directive(text), until: time.millis + (ttlMillis ?? Infinity), owner });
        }
        changes = changes.filter(({ until }) => until > time.millis);
        const expected = minimumOf(
          changes.reduce((under, one) => overlaid(under, one.directive), directive(configured)),
        );
        expect(SCOPES.map((scope) => scopeLevel(scope).minimum)).toEqual(SCOPES.map(expected));
        expect(time.timers).toBeLessThanOrEqual(changes.filter(({ until }) => until !== Infinity).length);
      }
      levels.end();
      expect(time.timers).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['loud', 'level: "loud" is not a level; a directive is a level (trace, debug,'],
  ['info,db=loud', 'level: "loud" is not a level'],
  ['=debug', 'level: before a = must stand the name of a scope'],
  ['db=Bearer abc', 'level: a string of 10 characters is not a level'],
])('the directive %j is refused, and nothing of it told but a word', (text, message) => {
  expect(() => directive(text)).toThrow(message);
});
