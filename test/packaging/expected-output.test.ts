import { expect, test } from '@jest/globals';
import { firstMissingLine } from '../../scripts/expected-output.mjs';

test('every expected line must appear, in order, with … for any text', () => {
  const actual = 'start 17:04\nnoise\norder 12 (paid)\nend\n';
  expect(firstMissingLine('start …\n\norder … (paid)\nend', actual)).toBeUndefined();
  expect(firstMissingLine('order … (paid)\nstart …', actual)).toEqual({ number: 2, line: 'start …' });
  expect(firstMissingLine('start', actual)).toEqual({ number: 1, line: 'start' });
  expect(firstMissingLine('end\nend', actual)).toEqual({ number: 2, line: 'end' });
  expect(firstMissingLine('order 12 .paid.', actual)).toEqual({ number: 1, line: 'order 12 .paid.' });
});
