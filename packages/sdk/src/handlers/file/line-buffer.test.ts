import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Ledger } from '../../delivery/ledger.ts';
import { LineBuffer } from './line-buffer.ts';

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString());

test('whole lines, as many as may be, but at least one', () => {
  const buffer = new LineBuffer(1_024, new Ledger());
  for (const line of ['one', 'two', 'three']) buffer.push(line, false);
  expect(buffer.head(100)).toBeUndefined();
  buffer.seal();
  expect(text(buffer.head(100))).toBe('one\ntwo\nthree\n');
  expect(text(buffer.head(13))).toBe('one\ntwo\n');
  expect(text(buffer.head(8))).toBe('one\ntwo\n');
  expect(text(buffer.head(7))).toBe('one\n');
  expect(text(buffer.head(-1))).toBe('one\n');
});

test('from where the last write stopped, or from the beginning of its line', () => {
  const buffer = new LineBuffer(1_024, new Ledger());
  for (const line of ['one', 'two', 'three']) buffer.push(line, false);
  buffer.seal();
  buffer.head(100);
  expect(buffer.advance(5)).toBe(1);
  expect([text(buffer.head(100)), text(buffer.head(1)), buffer.nextLineBytes]).toEqual(['wo\nthree\n', 'wo\n', 3]);
  buffer.rewind();
  expect([text(buffer.head(100)), buffer.nextLineBytes, buffer.records]).toEqual(['two\nthree\n', 4, 2]);
  expect(buffer.advance(10)).toBe(2);
  expect([buffer.head(100), buffer.records, buffer.bytes, buffer.oldest]).toEqual([undefined, 0, 0, Infinity]);
});

test('the oldest lines below error go first, errors push out only what is as old', () => {
  const ledger = new Ledger();
  const buffer = new LineBuffer(40, ledger);
  const drain = () => {
    buffer.seal();
    let all = '';
    for (let bytes = buffer.head(99); bytes !== undefined; bytes = buffer.head(99)) {
      all += text(bytes);
      buffer.advance(bytes.length);
    }
    return all;
  };
  buffer.push('error 1', true);
  for (let i = 0; i < 8; i++) buffer.push(`info ${i}`, false);
  for (let i = 2; i < 5; i++) buffer.push(`error ${i}`, true);
  expect(drain()).toBe('error 1\ninfo 7\nerror 2\nerror 3\nerror 4\n');
  for (let i = 1; i < 9; i++) buffer.push(`error ${i}`, true);
  buffer.push('infos', false);
  expect(drain()).toBe('error 4\nerror 5\nerror 6\nerror 7\nerror 8\n');
  expect(ledger.account(0).dropped).toEqual({ queue_full: 11 });
});

test('a few errors among much else, while nothing can be written, take no more memory than they need', () => {
  const maxBytes = 4 * 1_048_576;
  const ledger = new Ledger();
  const buffer = new LineBuffer(maxBytes, ledger);
  let most = 0;
  for (let i = 0; i < 400_000; i++) {
    buffer.push(`${i} ${'x'.repeat(90)}`, i % 1_000 === 0);
    if (i % 5 === 0) most = Math.max(most, buffer.heldBytes);
  }
  expect(most).toBeLessThan(maxBytes * 1.25);
  buffer.seal();
  const written: string[] = [];
  for (let bytes = buffer.head(1e9); bytes !== undefined; bytes = buffer.head(1e9)) {
    written.push(...Buffer.from(bytes).toString().split('\n').slice(0, -1));
    buffer.advance(bytes.length);
  }
  const numbers = written.map((line) => Number.parseInt(line, 10));
  expect(numbers.filter((number) => number % 1_000 === 0)).toHaveLength(400);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(written.length + (ledger.account(0).dropped.queue_full ?? 0)).toBe(400_000);
});

test('a flush for every line, while nothing can be written, takes no chunk for every line', () => {
  const buffer = new LineBuffer(1_048_576, new Ledger());
  for (let i = 0; i < 20_000; i++) {
    buffer.push('x'.repeat(90), false);
    buffer.seal();
  }
  expect(buffer.heldBytes).toBeLessThan(1_048_576 * 1.5);
});

/** What a test does: a line, a seal, a write of at most so many bytes, of which some are written. */
type Step =
  | { readonly line: string; readonly isError: boolean }
  | { readonly most: number; readonly share: number; readonly rewind: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ line: fc.string({ unit: 'grapheme', maxLength: 60 }), isError: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      most: fc.nat({ max: 200 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      rewind: fc.boolean(),
    }),
  },
);

test('every line is written once and in order, or counted; memory is bounded', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 64, max: 600 }), (steps, maxBytes) => {
      const ledger = new Ledger();
      const buffer = new LineBuffer(maxBytes, ledger);
      const pushed: string[] = [];
      // The size of a chunk, or of a line that is larger.
      let longest = Math.ceil(maxBytes / 4);
      let written = '';
      let lines = 0;
      const write = (most: number, share: number, rewind: boolean) => {
        buffer.seal();
        const bytes = buffer.head(most);
        if (bytes === undefined) return false;
        const some = Math.ceil(bytes.length * share);
        // What does not end a line is taken back by a rewind.
        lines += buffer.advance(some);
        written += Buffer.from(bytes.subarray(0, some)).toString('latin1');
        if (rewind && !written.endsWith('\n')) {
          written = written.slice(0, written.lastIndexOf('\n') + 1);
          buffer.rewind();
        }
        return true;
      };
      for (const each of steps) {
        if ('line' in each) {
          // Each line is unlike the others, and is one line.
          const line = `${pushed.length}:${each.line.replaceAll('\n', '')}`;
          pushed.push(line);
          longest = Math.max(longest, Buffer.byteLength(line) + 1);
          buffer.push(line, each.isError);
        } else {
          write(each.most, each.share, each.rewind);
        }
        expect(buffer.bytes).toBeLessThanOrEqual(maxBytes);
        expect(buffer.heldBytes).toBeLessThanOrEqual((buffer.bytes * 8) / 7 + 3 * longest);
        const { dropped } = ledger.account(0);
        expect(lines + buffer.records + (dropped.queue_full ?? 0) + (dropped.too_large ?? 0)).toBe(pushed.length);
      }
      while (write(1_000, 1, false));
      const kept = Buffer.from(written, 'latin1').toString().split('\n').slice(0, -1);
      expect(kept).toHaveLength(lines);
      // In order, none twice, each as it was given.
      expect(pushed.filter((line) => kept.includes(line))).toHaveLength(kept.length);
      expect(kept.map((line) => Number.parseInt(line, 10))).toEqual(
        [...new Set(kept.map((line) => Number.parseInt(line, 10)))].sort((a, b) => a - b),
      );
      expect([buffer.records, buffer.bytes]).toEqual([0, 0]);
    }),
    { numRuns: 300 },
  );
});
