import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backoffMillis, retryAfterMillis } from './retry.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const HOUR = 3_600_000;

describe('backoff', () => {
  test('grows from 1 s by 1.5 to 30 s', () => {
    const longest = [1, 2, 3, 4, 9, 10, 100, 100_000].map((failures) => backoffMillis(failures, () => 1));
    expect(longest).toEqual([1_000, 1_500, 2_250, 3_375, 25_628.90625, 30_000, 30_000, 30_000]);
  });

  test('is full jitter, but always a wait', () => {
    expect(backoffMillis(1, () => 0)).toBe(10);
    expect(backoffMillis(50, () => 0)).toBe(300);
    expect(backoffMillis(1, () => 0.25)).toBe(250);
  });

  test('stays within its bounds for any number of failures', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
        const wait = backoffMillis(failures, () => chance);
        expect(wait).toBeGreaterThanOrEqual(10);
        expect(wait).toBeLessThanOrEqual(30_000);
      }),
    );
  });
});

describe('Retry-After', () => {
  test.each([
    ['seconds', '120', 120_000],
    ['seconds among spaces', ' 7 ', 7_000],
    ['at most an hour', '1000000000', HOUR],
    ['more digits than a number has', '9'.repeat(400), HOUR],
    ['an HTTP date', 'Thu, 01 Jan 2026 12:01:30 GMT', 90_000],
    ['a date of RFC 850', 'Thursday, 01-Jan-26 12:01:30 GMT', 90_000],
    ['a date of asctime', 'Thu Jan  1 12:01:30 2026', 90_000],
    ['a date a year away', 'Fri, 01 Jan 2027 12:00:00 GMT', HOUR],
  ])('%s', (_, header, wait) => {
    expect(retryAfterMillis(header, NOW)).toBe(wait);
  });

  test.each([
    undefined,
    '',
    '0',
    '-1',
    '1e9',
    '30.5',
    '0x10',
    '30s',
    'soon',
    'NaN',
    'Infinity',
    '٣',
    'x 2099',
    'Thu 2099',
    'Thu, 99 Foo 2099 12:00:00 GMT',
    '2099-01-01T00:00:00Z',
    'Thu, 01 Jan 2026 11:59:59 GMT',
    'Thu, 01 Jan 1970 00:00:00 GMT',
  ])('%j asks for nothing', (header) => {
    expect(retryAfterMillis(header, NOW)).toBeUndefined();
  });

  test('whatever it says: undefined, or a wait of at most an hour', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.date().map((date) => `${date}`),
          fc.double().map(String),
        ),
        (header) => {
          const wait = retryAfterMillis(header, NOW) ?? 1;
          expect(wait).toBeGreaterThan(0);
          expect(wait).toBeLessThanOrEqual(HOUR);
        },
      ),
    );
  });
});
