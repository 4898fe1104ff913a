import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { partialSuccess as protobuf } from '../../../../test/delivery/official-schema.ts';
import { readAnswer } from './otlp-answer.ts';

const NOW = 1_700_000_000_000;
const NOTHING = new Uint8Array();

const json = (value: unknown) => ({
  status: 200,
  contentType: 'application/json; charset=utf-8',
  body: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
});

const TAKEN = { kind: 'delivered', rejected: 0, message: '' };

describe('the status decides', () => {
  test.each([200, 201, 202, 204, 299])('%i: taken', (status) => {
    expect(readAnswer({ status, body: NOTHING }, NOW)).toEqual(TAKEN);
  });

  test.each([429, 502, 503, 504])('%i: not now', (status) => {
    expect(readAnswer({ status, body: NOTHING, retryAfter: '5' }, NOW)).toEqual({
      kind: 'retry',
      waitMillis: 5_000,
      cause: `HTTP status ${status}`,
    });
  });

  test('413: too large', () => {
    expect(readAnswer({ status: 413, body: NOTHING }, NOW)).toEqual({ kind: 'split' });
  });

  test('every other status is final, whatever Retry-After says', () => {
    const retryable = [429, 502, 503, 504, 413];
    for (let status = 0; status < 1_000; status++) {
      if (retryable.includes(status) || (status >= 200 && status < 300)) continue;
      expect(readAnswer({ status, body: NOTHING, retryAfter: '5' }, NOW)).toEqual({
        kind: 'rejected',
        cause: `HTTP status ${status}`,
      });
    }
  });

  test.each([
    [200, 'unreadable'],
    [400, 'unreadable'],
    [413, 'split'],
    [503, 'retry'],
  ])('of an oversized answer with %i only the status is read, if that says enough', (status, kind) => {
    expect(readAnswer({ status, body: NOTHING, oversized: true }, NOW).kind).toBe(kind);
  });
});

describe('a partial success', () => {
  test.each([
    ['in protobuf', { status: 200, contentType: 'application/x-protobuf', body: protobuf(3, 'too old') }],
    ['without a content type', { status: 200, body: protobuf(3, 'too old') }],
    ['in JSON', json({ partialSuccess: { rejectedLogRecords: '3', errorMessage: 'too old' } })],
    ['in JSON with a number', json({ partialSuccess: { rejectedLogRecords: 3, errorMessage: 'too old' } })],
  ])('%s', (_, answer) => {
    expect(readAnswer(answer, NOW)).toEqual({ kind: 'delivered', rejected: 3, message: 'too old' });
  });

  test('may be a warning only', () => {
    expect(readAnswer({ status: 200, body: protobuf(0, 'slow down') }, NOW)).toEqual({
      ...TAKEN,
      message: 'slow down',
    });
  });

  test('is found among fields of a later version', () => {
    const unknown = Buffer.from([0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4, 0x72, 2, 9, 9]);
    const answer = { status: 200, body: Buffer.concat([unknown, protobuf(2)]) };
    expect(readAnswer(answer, NOW)).toEqual({ ...TAKEN, rejected: 2 });
  });

  test('cannot write on a terminal, nor endlessly', () => {
    const message = `a\nFATAL forged\r\u001b[2J\u0007\u0085\u2028\u202e${'x'.repeat(10_000)}`;
    const outcome = readAnswer({ status: 200, body: protobuf(1, message) }, NOW);
    expect(outcome).toMatchObject({ message: 'a FATAL forged …' });
  });

  test('is told without what may be a secret', () => {
    const message = 'invalid key Bearer hunter2';
    for (const body of [
      protobuf(1, message),
      Buffer.from(JSON.stringify({ partialSuccess: { errorMessage: message } })),
    ]) {
      const contentType = body[0] === 123 ? 'application/json' : undefined;
      expect(readAnswer({ status: 200, contentType, body }, NOW)).toMatchObject({ message: 'invalid key …' });
    }
  });

  test.each([
    ['no JSON', json('<html>502</html>')],
    ['half of it', json('{"partialSuccess":{"rejectedLogRecords":"3"')],
    ['null', json(null)],
    ['an array', json([])],
    ['a negative number', json({ partialSuccess: { rejectedLogRecords: -5 } })],
    ['a fraction', json({ partialSuccess: { rejectedLogRecords: 1.5 } })],
    ['an object', json({ partialSuccess: { rejectedLogRecords: {}, errorMessage: {} } })],
    ['a negative int64', { status: 200, body: protobuf(-1) }],
    ['half a message', { status: 200, body: protobuf(300, 'cut').subarray(0, 5) }],
    ['text', { status: 200, contentType: 'text/plain', body: Buffer.from('OK') }],
  ])('that cannot be understood (%s) is none', (_, answer) => {
    expect(readAnswer(answer, NOW)).toEqual(TAKEN);
  });
});

test('never throws, whatever was answered', () => {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.tuple(fc.nat(300), fc.string(), fc.nat(20)).map(([n, text, cut]) => protobuf(n, text).subarray(0, cut)),
    fc.uint8Array({ min: 0x80, max: 0xff, maxLength: 500 }),
  );
  fc.assert(
    fc.property(
      fc.record({
        status: fc.oneof(fc.nat(999), fc.constant(200)),
        body,
        contentType: fc.option(fc.constantFrom('application/json', 'application/x-protobuf', ''), { nil: undefined }),
        retryAfter: fc.option(fc.string(), { nil: undefined }),
      }),
      (answer) => {
        const outcome = readAnswer(answer, NOW);
        expect(['delivered', 'retry', 'split', 'rejected']).toContain(outcome.kind);
        if (outcome.kind !== 'delivered') return;
        expect(Number.isSafeInteger(outcome.rejected) && outcome.rejected >= 0).toBe(true);
        expect(typeof outcome.message).toBe('string');
      },
    ),
    { numRuns: 500 },
  );
});
