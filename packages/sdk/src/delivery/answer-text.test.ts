import { expect, test } from '@jest/globals';
import { tellable, withoutWordsOf } from './answer-text.ts';

test.each([
  ['too old', 'too old'],
  ['entry too far behind, it is 7 days old (limit: 1)', 'entry too far behind, it is 7 days old (limit: 1)'],
  ["field 'x' can't be well-formed.", "field 'x' can't be well-formed."],
  ['invalid api key Bearer hunter2', 'invalid api key …'],
  ['invalid api key swordfish', 'invalid api key …'],
  ['the token: "swordfish" is not valid', 'the token: … is not valid'],
  ['Authorization: swordfish', 'Authorization: …'],
  ['x-api-key: swordfish', 'x-api-key: …'],
  ['cannot reach postgres://ann:hunter2@db/shop now', 'cannot reach … now'],
  ['card 4111 1111 1111 1111', 'card …'],
  ['order 1234 of hunter2, swordfishswordfishswordfish', 'order … of …'],
  ['  two  \t blanks ', 'two blanks'],
  ['', ''],
])('of %j is told %j', (text, told) => {
  expect(tellable(text)).toBe(told);
});

test('it cannot write on a terminal, nor endlessly', () => {
  expect(tellable(`a\nFATAL forged\r\u001b[2J\u0007\u0085\u2028\u202e${'x'.repeat(10_000)}`)).toBe('a FATAL forged …');
  expect(tellable('word '.repeat(100_000)).length).toBeLessThanOrEqual(1_024);
});

test('the words of a header are not told', () => {
  const tell = withoutWordsOf(['Bearer swordfish', 'my-team', 'a b']);
  expect(tell('partial: swordfish of my team, Bearer a, swordfishes')).toBe('partial: … of my …, … a, swordfishes');
  expect(withoutWordsOf([])('as it is')).toBe('as it is');
});
