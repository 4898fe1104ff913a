import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RotatedNames } from './rotated-name.ts';

const names = new RotatedNames('/log/app.log');

test('names', () => {
  const stamp = Date.UTC(2024, 0, 2, 3, 4, 5, 678);
  expect(names.plain(stamp)).toBe('/log/app.2024-01-02T03-04-05-678Z.log');
  expect(names.gzip(stamp)).toBe('/log/app.2024-01-02T03-04-05-678Z.log.gz');
  expect(names.unfinished(stamp, 0.5)).toBe('/log/app.2024-01-02T03-04-05-678Z.log.gz.i0000000.tmp');
  expect(new RotatedNames('/log/app').plain(stamp)).toBe('/log/app.2024-01-02T03-04-05-678Z');
  expect(new RotatedNames('/log/.app').plain(stamp)).toBe('/log/.app.2024-01-02T03-04-05-678Z');
  expect(new RotatedNames('/a.b/c.d.jsonl').plain(stamp)).toBe('/a.b/c.d.2024-01-02T03-04-05-678Z.jsonl');
});

test('names sort by time, are read back, and stay in their folder', () => {
  const time = fc.oneof(fc.nat({ max: 253_402_300_799_999 }), fc.constantFrom(Number.NaN, -1, Infinity, 0.5, 1e300));
  fc.assert(
    fc.property(time, time, fc.constantFrom('/log/app.log', '/log/app', '/log/.x', '/log/a b.c.d'), (a, b, path) => {
      const of = new RotatedNames(path);
      const [first, second] = [of.plain(a), of.plain(b)];
      const read = of.read(first.slice('/log/'.length));
      expect(read).toMatchObject({ path: first, kind: 'plain' });
      expect(of.plain(read?.stampMillis ?? -1)).toBe(first);
      expect(of.read(of.gzip(a).slice('/log/'.length))?.kind).toBe('gzip');
      expect(of.read(of.unfinished(a, 0.999_999_999_999).slice('/log/'.length))?.kind).toBe('unfinished');
      if (a < b) expect(first <= second).toBe(true);
    }),
  );
});

test.each([
  'app.log',
  'app.log.1',
  'app.2024-01-02.log',
  'app.2024-01-02T03-04-05-678Z',
  'app.2024-01-02T03-04-05-678Z.log.bak',
  'app.2024-01-02T03-04-05-678Z.log.gz.tmp',
  'app.2024-01-02T03-04-05-678Z.log.gz.ABCDEFGH.tmp',
  'app.2024-13-02T03-04-05-678Z.log',
  'app2024-01-02T03-04-05-678Z.log',
  'xapp.2024-01-02T03-04-05-678Z.log',
  'app.error.2024-01-02T03-04-05-678Z.log',
  'app.2024-01-02T03-04-05-678Z.log\n',
])('%p is somebody else’s', (name) => {
  expect(names.read(name)).toBeUndefined();
});
