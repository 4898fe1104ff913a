import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { STREAM } from '@logspan/logger/internal';
import fc from 'fast-check';
import { jsonFormat } from '../formats/json-format.ts';
import { otlpJsonFormat } from '../formats/otlp-json-format.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { ConfigError } from '../provider/config-error.ts';
import { type EpochReport, findGaps, type GapFinderOptions, StreamGapFinder } from './gap-finder.ts';
import { NumberRanges } from './number-ranges.ts';

interface Told {
  readonly stream: string;
  readonly producer: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly end?: boolean;
}

const resource = { attributes: { 'service.name': 'shop' } };
const scope = { name: 'orders' };

function record({ stream, producer, epoch, sequence, end = false }: Told): LogRecord {
  return {
    hrTime: [1_704_200_645, 0],
    hrTimeObserved: [1_704_200_645, 0],
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    severityNumber: 9,
    eventName: 'order_created',
    body: 'order_created',
    attributes: {
      [STREAM.name]: stream,
      [STREAM.producer]: producer,
      [STREAM.epoch]: epoch,
      [STREAM.sequence]: sequence,
      ...(end ? { [STREAM.end]: true } : {}),
      items: [1, 2],
    },
    setAttribute: () => undefined,
  };
}

const one = (sequence: number, more: Partial<Told> = {}): Told => ({
  stream: 'orders',
  producer: 'p',
  epoch: 'e1',
  sequence,
  ...more,
});

function reportOf(told: readonly Told[], options?: GapFinderOptions) {
  const finder = new StreamGapFinder(options);
  for (const it of told) finder.add(record(it));
  return finder.report();
}

const gapsOf = (numbers: readonly number[], options?: GapFinderOptions) =>
  reportOf(
    numbers.map((n) => one(n)),
    options,
  ).epochs[0]?.gaps;

describe('what is missing', () => {
  test('a gap in the middle, at the beginning, and what fills it', () => {
    expect(gapsOf([1, 2, 3])).toEqual([]);
    expect(gapsOf([1, 5, 2])).toEqual([{ from: 3, to: 4 }]);
    expect(gapsOf([4, 7])).toEqual([
      { from: 1, to: 3 },
      { from: 5, to: 6 },
    ]);
    expect(gapsOf([4, 7], { fromFirstSeen: true })).toEqual([{ from: 5, to: 6 }]);
    expect(gapsOf([3, 1, 2])).toEqual([]);
  });

  test('what comes twice is counted, and hides no gap', () => {
    expect(reportOf([one(1), one(1), one(3), one(3), one(3)]).epochs).toMatchObject([
      { received: 2, duplicates: 3, missing: 1, gaps: [{ from: 2, to: 2 }] },
    ]);
  });

  test('a process that broke off: where it ended, that nobody knows how much is missing, and what came next', () => {
    const report = reportOf([one(1), one(2), one(1, { epoch: 'e2' }), one(2, { epoch: 'e2', end: true })]);
    expect(report.epochs).toEqual([
      {
        stream: 'orders',
        producer: 'p',
        epoch: 'e1',
        received: 2,
        duplicates: 0,
        last: 2,
        gaps: [],
        missing: 0,
        ended: false,
        followedBy: 'e2',
      },
      expect.objectContaining({ epoch: 'e2', last: 2, ended: true }),
    ]);
    expect(report.complete).toBe(false);
  });

  test('a tail that is missing shows by the end mark', () => {
    expect(reportOf([one(1), one(5, { end: true })])).toMatchObject({
      missing: 3,
      complete: false,
      epochs: [{ ended: true, gaps: [{ from: 2, to: 4 }] }],
    });
    expect(reportOf([one(2, { end: true }), one(1)]).complete).toBe(true);
  });

  test('a process that goes on after its end mark has not ended', () => {
    expect(reportOf([one(1), one(2, { end: true }), one(3)]).epochs).toMatchObject([{ ended: false }]);
    expect(reportOf([one(4, { end: true }), one(3), one(2, { end: true }), one(1)]).complete).toBe(true);
  });

  test('streams and producers do not follow each other', () => {
    const report = reportOf([
      one(1),
      one(1, { stream: 'parcels', epoch: 'e2' }),
      one(1, { producer: 'q', epoch: 'e3' }),
    ]);
    expect(report.epochs.map(({ followedBy }) => followedBy)).toEqual([undefined, undefined, undefined]);
  });
});

describe('what it reads', () => {
  const told = [one(1), one(3, { end: true })];
  const expected = expect.objectContaining({
    received: 2,
    missing: 1,
    epochs: [expect.objectContaining({ ended: true })],
  });
  const inOtlp = otlpJsonFormat();
  const inJson = jsonFormat();
  const request = { resourceLogs: told.flatMap((it) => JSON.parse(inOtlp(record(it))).resourceLogs) };
  const asIntegers = JSON.stringify(request).replaceAll(/"intValue":"(\d+)"/g, '"intValue":$1');
  test.each<[string, readonly unknown[]]>([
    ['records', told.map(record)],
    ['lines of our JSON', told.map((it) => inJson(record(it)))],
    ['lines of OTLP JSON', told.map((it) => inOtlp(record(it)))],
    ['one request of OTLP JSON', [request]],
    ['OTLP JSON with integers as numbers', [asIntegers]],
    ['a request of httpBatch', [`{"logs":[${told.map((it) => inJson(record(it))).join(',')}]}`]],
  ])('%s', async (_, source) => {
    expect(new Set(told.map(({ sequence }) => sequence)).size).toBe(2);
    await expect(findGaps(source)).resolves.toEqual(expected);
  });

  test('events as they were given out', async () => {
    const events = [1, 4].map((sequence) => ({ ...one(sequence), id: 'x', type: 't', timestamp: '', data: {} }));
    await expect(findGaps(events)).resolves.toMatchObject({ received: 2, missing: 2 });
  });

  test('lines that come one at a time', async () => {
    async function* lines() {
      for (const it of told) yield `${inJson(record(it))}\n`;
      yield '';
    }
    await expect(findGaps(lines())).resolves.toEqual(expected);
  });

  const text = told.map((it) => `${inJson({ ...record(it), body: 'ü€😀' })}\n`).join('');
  const pieces = (size: number) =>
    Array.from({ length: Math.ceil(Buffer.byteLength(text) / size) }, (_, i) =>
      Buffer.from(text).subarray(i * size, (i + 1) * size),
    );
  test.each<[string, () => Parameters<typeof findGaps>[0]]>([
    ['a text', () => text],
    ['the bytes of a text', () => Buffer.from(text)],
    ['a text among others', () => [text]],
    ['bytes of lines', () => text.split('\n').map((line) => Buffer.from(line))],
    ['lines with \\r', () => text.replaceAll('\n', '\r\n').split('\n')],
    ['a stream of bytes', () => Readable.from(pieces(7), { objectMode: false })],
    ['a stream of text', () => Readable.from(pieces(11), { objectMode: false }).setEncoding('utf8')],
    ['a stream of lines', () => Readable.from(text.split('\n'))],
    ['a stream of the web', () => new Blob([text]).stream() as unknown as AsyncIterable<unknown>],
    ['one piece of a line at a time', () => Readable.from(pieces(1), { objectMode: false })],
  ])('%s', async (_, source) => {
    await expect(findGaps(source())).resolves.toEqual(expected);
    await expect(findGaps(source())).resolves.toMatchObject({ unreadable: 0, others: 0, complete: false });
  });

  test.each([[undefined], [null], [7], [{}], [() => []]])('but not %j, which is a ConfigError', async (source) => {
    await expect(findGaps(source as never)).rejects.toThrow(ConfigError);
    await expect(findGaps(source as never)).rejects.toThrow(/findGaps/);
  });

  test('who has seen nothing, or could not read all of it, does not know that all is there', async () => {
    const whole = [one(1), one(2, { end: true })].map((it) => inJson(record(it)));
    await expect(findGaps(whole)).resolves.toMatchObject({ complete: true });
    for (const source of [[], [''], [{}], [...whole, whole[0]?.slice(0, 80)], [...whole, [record(one(4))]]]) {
      await expect(findGaps(source)).resolves.toMatchObject({ complete: false });
    }
  });

  test('what is of no stream, and what cannot be read, is counted and harms nothing', async () => {
    const torn = inJson(record(one(2))).slice(0, 80);
    const throws = {
      get attributes() {
        throw new Error('no');
      },
    };
    const bad = { ...record(one(1)), attributes: { ...record(one(1)).attributes, [STREAM.sequence]: 1.5 } };
    const noStream = { ...record(one(1)), attributes: {} };
    const [zero, below] = [0, -1].map((sequence) => record(one(sequence)));
    const long = record(one(1, { epoch: 'x'.repeat(2_000) }));
    const hostile = [
      zero,
      below,
      long,
      torn,
      throws,
      null,
      7,
      '7',
      '[]',
      bad,
      noStream,
      { resourceLogs: [null, { scopeLogs: 7 }] },
      '{}',
    ];
    await expect(findGaps([...hostile, record(one(1))])).resolves.toMatchObject({
      received: 1,
      missing: 0,
      unreadable: 6,
      others: 6,
      complete: false,
    });
  });
});

describe('bounds', () => {
  test('epochs beyond the limit are counted, not kept', () => {
    const told = [one(1), one(1, { epoch: 'e2' }), one(1, { epoch: 'e3' }), one(2)];
    const report = reportOf(told, { maxEpochs: 2 });
    expect(report).toMatchObject({ untracked: 1, received: 3, complete: false });
    expect(report.epochs.map(({ epoch }) => epoch)).toEqual(['e1', 'e2']);
  });

  test('gaps beyond the limit stay counted as missing', () => {
    const every = Array.from({ length: 1_000 }, (_, index) => one(2 * index + 1));
    const report = reportOf(every, { maxGaps: 10 });
    expect(report).toMatchObject({ received: 1_000, missing: 999 });
    expect(report.epochs[0]?.gaps).toHaveLength(10);
    expect(report.epochs[0]?.gaps.at(-1)).toEqual({ from: 1_998, to: 1_998 });
  });

  test('a million events in order take the room of one run', () => {
    const numbers = new NumberRanges();
    for (let n = 1; n <= 1_000_000; n++) numbers.add(n);
    expect(numbers.runs).toBe(1);
  });

  test('in any order there are as many runs as gaps, and one', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (told) => {
        const numbers = new NumberRanges();
        for (const n of told) numbers.add(n);
        expect(numbers.runs).toBe(numbers.gaps(true).length + 1);
      }),
    );
  });

  test.each([[{ maxGaps: 0 }], [{ maxEpochs: 1.5 }], [{ fromFirstSeen: 1 }], [{ gaps: 1 }], [null]])(
    '%j is a ConfigError',
    (options) => {
      expect(() => new StreamGapFinder(options as never)).toThrow(/gapFinder/);
    },
  );
});

/** The slow and obvious way. */
function reference(
  told: readonly Told[],
): Pick<EpochReport, 'epoch' | 'received' | 'duplicates' | 'last' | 'missing' | 'ended'>[] {
  const keys = [...new Set(told.map(({ stream, producer, epoch }) => JSON.stringify([stream, producer, epoch])))];
  return keys
    .map((key) => {
      const [stream, producer, epoch] = JSON.parse(key);
      const own = told.filter((it) => it.stream === stream && it.producer === producer && it.epoch === epoch);
      const seen = new Set(own.map(({ sequence }) => sequence));
      const last = Math.max(...seen);
      const absent = Array.from({ length: last }, (_, index) => index + 1).filter((n) => !seen.has(n));
      const gaps = absent
        .filter((n) => !absent.includes(n - 1))
        .map((from) => {
          let to = from;
          while (absent.includes(to + 1)) to++;
          return { from, to };
        });
      const later = [
        ...new Set(
          told
            .filter((it) => it.stream === stream && it.producer === producer && it.epoch > epoch)
            .map((it) => it.epoch),
        ),
      ].sort();
      return {
        stream,
        producer,
        epoch,
        received: seen.size,
        duplicates: own.length - seen.size,
        last,
        gaps,
        missing: absent.length,
        ended: own.some(({ sequence, end }) => sequence === last && end === true),
        ...(later[0] === undefined ? {} : { followedBy: later[0] }),
      };
    })
    .sort((a, b) =>
      JSON.stringify([a.stream, a.producer, a.epoch]) < JSON.stringify([b.stream, b.producer, b.epoch]) ? -1 : 1,
    );
}

/** Runs of producers of two streams, each of which emits some events and ends with a mark or not; lost, repeated, shuffled. */
const arrivals = fc
  .array(
    fc.record({
      stream: fc.constantFrom('orders', 'parcels'),
      producer: fc.constantFrom('p', 'q'),
      epoch: fc.constantFrom('e1', 'e2', 'e3'),
      count: fc.integer({ min: 1, max: 25 }),
      ends: fc.boolean(),
    }),
    { maxLength: 6 },
  )
  .map((runs) => [...new Map(runs.map((run) => [run.stream + run.producer + run.epoch, run])).values()])
  .chain((runs) => {
    const emitted = runs.flatMap(({ stream, producer, epoch, count, ends }) =>
      Array.from({ length: count }, (_, index) => ({
        stream,
        producer,
        epoch,
        sequence: index + 1,
        end: ends && index === count - 1,
      })),
    );
    const times = fc.array(fc.constantFrom(1, 1, 1, 1, 0, 2, 3), {
      minLength: emitted.length,
      maxLength: emitted.length,
    });
    return times.chain((counts) => {
      const arrived = emitted.flatMap((it, index) => Array<Told>(counts[index] ?? 0).fill(it));
      return fc.shuffledSubarray(arrived, { minLength: arrived.length });
    });
  });

test('any loss, repetition, order and interleaving: exactly what the slow way finds', () => {
  fc.assert(
    fc.property(arrivals, (told) => {
      const report = reportOf(told);
      expect(report.epochs).toEqual(reference(told));
      const sum = (figure: 'received' | 'duplicates' | 'missing') =>
        report.epochs.reduce((total, epoch) => total + epoch[figure], 0);
      expect(report).toMatchObject({
        received: sum('received'),
        duplicates: sum('duplicates'),
        missing: sum('missing'),
        complete: report.epochs.length > 0 && report.epochs.every(({ ended, missing }) => ended && missing === 0),
      });
    }),
    { numRuns: 300 },
  );
});

test('with a limit on gaps what was received and what is missing are exact, and memory is bounded', () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(Array.from({ length: 60 }, (_, index) => index + 1)),
      fc.integer({ min: 1, max: 5 }),
      (numbers, maxGaps) => {
        fc.pre(numbers.length > 0);
        const [epoch] = reportOf(
          [...numbers].sort((a, b) => a - b).map((n) => one(n)),
          { maxGaps },
        ).epochs;
        expect(epoch?.received).toBe(numbers.length);
        expect(epoch?.missing).toBe(Math.max(...numbers) - numbers.length);
        // And the one before the first run.
        expect(epoch?.gaps.length).toBeLessThanOrEqual(maxGaps + 1);
      },
    ),
  );
});
