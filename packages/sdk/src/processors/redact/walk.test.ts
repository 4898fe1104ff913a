import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { through } from '../../../../../test/pipeline/recorder.ts';
import { redact } from '../redact.ts';
import { DETECTORS } from './detector.ts';
import { rulesOf } from './rules.ts';
import { TextScanner } from './text-scanner.ts';
import { isWord, LONGEST_WORD } from './walk.ts';

const rules = rulesOf({ detect: DETECTORS, keys: ['pin', 'a'] }, () => 0);
const finds = (text: string) => new TextScanner(rules, () => undefined).finds(text, false);

test('a word that is not searched holds nothing that a search would find', () => {
  const parts = ['ghp_', 'github_pat_', 'xoxb-', 'xapp-', 'eyJ', 'AKIA', 'ASIA', 'Bearer', 'basic', 'password', 'pin'];
  const numbers = ['4111', '1111', '371449635398431', '4222222222222', 'NO9386011117947', 'DE89', 'BE68539007547034'];
  const signs = ['-', '.', '/', '_', '--', '-p', '//', ' ', '=', ':', '@', 'b', 'x', 'J', 'I', '0', 'Z'];
  const part = fc.oneof(fc.constantFrom(...parts, ...numbers, ...signs), fc.string({ maxLength: 3 }));
  const text = fc.array(part, { maxLength: 8 }).map((all) => all.join('').slice(0, LONGEST_WORD));
  let words = 0;
  fc.assert(
    fc.property(text, (word) => {
      if (!isWord(word)) return;
      words++;
      expect([word, finds(word)]).toEqual([word, false]);
    }),
    { numRuns: 20_000 },
  );
  expect(words).toBeGreaterThan(2_000);
});

test.each([
  ['GET', true],
  ['eu-west-1', true],
  ['/api/v1.2/a_b', true],
  ['', true],
  ['customer-1023', true],
  ['4222222222222', false],
  ['-p', false],
  ['a/-p', false],
  ['a b', false],
  ['a=b', false],
  ['a:b', false],
  ['a@b.c', false],
  ['ü', false],
])('%j is a word: %s', (text, expected) => {
  expect(isWord(text)).toBe(expected);
});

test('a short card number and a pattern of one word are found all the same', () => {
  const { end, emit } = through(redact({ rules: [{ pattern: /EMP\d{4}/, name: 'staff' }], replacement: '#' }));
  emit({ attributes: { card: 'x', a: '30569309025904', b: 'EMP1234', c: 'eu-west-1' } });
  emit({ attributes: { n: 'BE68539007547034' } });
  expect(end.attributes).toEqual([{ card: 'x', a: '#', b: '#', c: 'eu-west-1' }, { n: '#' }]);
});

test('keys are known at their place, whatever came before in records of the same event', () => {
  const shapes: Record<string, unknown>[] = [
    { a: 1, b: 's', c: { password: 'hunter2' } },
    { b: 's', password: 'hunter2', a: 1 },
    { a: 1, password: 'hunter2', c: 2 },
    { password: 'hunter2', b: 1 },
    Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, i]).concat([['token', 'hunter2' as never]])),
  ];
  for (const eventName of ['e', undefined]) {
    const { end, emit, account } = through(redact());
    for (const i of [0, 1, 2, 3, 4, 2, 0, 3, 1, 4])
      emit({ body: 'x', eventName: eventName as string, attributes: shapes[i] as never });
    expect(JSON.stringify(end.attributes)).not.toContain('hunter2');
    expect(account().redacted).toBe(10);
  }
});
