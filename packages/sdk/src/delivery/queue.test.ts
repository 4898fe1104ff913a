import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { batchOf, idsIn, type Told } from '../../../../test/delivery/otlp-batches.ts';
import type { Batch } from './batch.ts';
import { Ledger } from './ledger.ts';
import { BatchQueue, type Overflow } from './queue.ts';

const sizeOf = (records: readonly Told[]): number => (records.length === 0 ? 0 : batchOf(records).body.length);
const info = (id: string, bytes = 0): Told => ({ id, bytes });
const error = (id: string, bytes = 0): Told => ({ id, bytes, error: true });

function queueOf(maxBytes: number, overflow?: Overflow) {
  const ledger = new Ledger();
  /** The ids of the records that were given up, as who takes them over reads them. */
  const takenOver: string[] = [];
  ledger.onLost = ({ count, records }) => {
    const ids = [...records].map(({ attributes }) => String(attributes.id));
    expect(ids).toHaveLength(count);
    takenOver.push(...ids);
  };
  const queue = new BatchQueue(maxBytes, ledger, overflow === undefined ? {} : { overflow });
  return { queue, ledger, takenOver, lost: () => ledger.account(0).dropped };
}

/** What is left, in the order in which it would be sent. */
function drained(queue: BatchQueue): string[][] {
  const all: string[][] = [];
  for (let batch = queue.take(); batch !== undefined; batch = queue.take()) all.push(idsIn(batch.body));
  return all;
}

describe('when the queue is full', () => {
  const size = sizeOf([error('aa', 100), error('bb', 100)]);

  test('the oldest batches lose what is below error first', () => {
    // Room for two and a bit: errors alone are more than half of a batch.
    const { queue, lost } = queueOf(2.4 * size);
    for (const n of [1, 2, 3]) queue.push(batchOf([info(`i${n}`, 100), error(`e${n}`, 100)]));
    expect(lost()).toEqual({ queue_full: 2 });
    expect(drained(queue)).toEqual([['e1'], ['e2'], ['i3', 'e3']]);
  });

  test('a new batch below error does not push out errors', () => {
    const { queue, lost } = queueOf(2 * size);
    queue.push(batchOf([error('e1', 100), error('e2', 100)]));
    queue.push(batchOf([error('e3', 100), error('e4', 90)]));
    queue.push(batchOf([info('i1', 100), error('e5')]));
    expect(lost()).toEqual({ queue_full: 3 });
    expect(drained(queue)).toEqual([['e3', 'e4'], ['e5']]);
  });

  test('the oldest errors go when only errors are left', () => {
    const { queue, lost } = queueOf(2 * size);
    for (const n of [1, 2, 3]) queue.push(batchOf([error(`a${n}`, 100), error(`b${n}`, 100)]));
    expect(lost()).toEqual({ queue_full: 2 });
    expect(drained(queue)).toEqual([
      ['a2', 'b2'],
      ['a3', 'b3'],
    ]);
  });

  test('a batch that could never fit takes nothing along, and saves its errors if they fit', () => {
    const { queue, lost } = queueOf(2 * size);
    queue.push(batchOf([info('small', 50)]));
    queue.push(batchOf([error('huge', 10 * size)]));
    expect(lost()).toEqual({ queue_full: 1 });
    queue.push(batchOf([info('huge too', 10 * size), error('e')]));
    expect(lost()).toEqual({ queue_full: 2 });
    expect(drained(queue)).toEqual([['small'], ['e']]);
  });

  test('what is under way stays, and its bytes count', () => {
    const { queue, lost } = queueOf(2 * size);
    queue.push(batchOf([info('under way', 200)]));
    const batch = queue.take() as Batch;
    queue.push(batchOf([info('a', 100), info('b', 100)]));
    queue.push(batchOf([info('c', 100), info('d', 100)]));
    expect(queue.bytes).toBeLessThanOrEqual(2 * size);
    expect(lost()).toEqual({ queue_full: 2 });
    expect(idsIn(batch.body)).toEqual(['under way']);
    queue.putBack(batch);
    expect(drained(queue)).toEqual([['c', 'd'], ['under way']]);
  });
});

test('batches are taken in their order, those that were tried less first, whatever order they come back in', () => {
  const { queue } = queueOf(1_000_000);
  for (const id of ['1', '2', '3', '4']) queue.push(batchOf([info(id)]));
  const [first, second, third] = [queue.take() as Batch, queue.take() as Batch, queue.take() as Batch];
  queue.putBack(first);
  queue.putBack(third);
  queue.putBack(second, batchOf([info('2a')]), batchOf([info('2b')]));
  expect(drained(queue)).toEqual([['2a'], ['2b'], ['4'], ['1'], ['3']]);
});

test('what came before a batch has met its end once it is the oldest', () => {
  const { queue } = queueOf(1_000_000);
  expect(queue.oldest).toBe(Number.POSITIVE_INFINITY);
  queue.push(batchOf([info('1')]));
  const barrier = queue.newest;
  const first = queue.take() as Batch;
  queue.push(batchOf([info('2')]));
  expect(queue.oldest).toBe(barrier);
  queue.finish(first);
  expect(queue.oldest).toBeGreaterThan(barrier);
});

test('a batch whose books were closed cannot be finished or put back', () => {
  const { queue, lost } = queueOf(1_000_000);
  queue.push(batchOf([info('1'), info('2')]));
  queue.push(batchOf([info('3')]));
  const batch = queue.take() as Batch;
  queue.abandon('shutdown_deadline');
  expect(lost()).toEqual({ shutdown_deadline: 3 });
  expect(queue.finish(batch)).toBe(false);
  expect(queue.putBack(batch)).toBe(false);
  expect([queue.records, queue.bytes, queue.waiting]).toEqual([0, 0, 0]);
});

describe('drop-newest', () => {
  test('keeps what is there, and lets the new batch go, errors and all', () => {
    const size = sizeOf([info('1', 100)]);
    const { queue, lost, takenOver } = queueOf(2.5 * size, 'drop-newest');
    for (const id of ['1', '2']) queue.push(batchOf([info(id, 100)]));
    queue.push(batchOf([error('3', 100), info('4')]));
    queue.push(batchOf([error('5')]));
    expect(lost()).toEqual({ queue_full: 2 });
    expect(takenOver).toEqual(['3', '4']);
    expect(drained(queue)).toEqual([['1'], ['2'], ['5']]);
  });
});

describe('block', () => {
  /** A queue of two batches that delivers up to `most` batches whenever it is full. */
  function blocking(most: number) {
    const size = sizeOf([info('1', 100)]);
    const ledger = new Ledger();
    const delivered: string[] = [];
    let asked = 0;
    const queue: BatchQueue = new BatchQueue(2.5 * size, ledger, {
      overflow: 'block',
      relieve: () => {
        asked++;
        for (let n = 0; n < most; n++) {
          const batch = queue.take();
          if (batch === undefined) break;
          delivered.push(...idsIn(batch.body));
          queue.finish(batch);
        }
        return !queue.isTooMuch(0);
      },
    });
    return { queue, delivered, asked: () => asked, dropped: () => ledger.account(0).dropped };
  }

  test('asks for room before anything is dropped, the new batch held already', () => {
    const { queue, delivered, asked, dropped } = blocking(1);
    for (const id of ['1', '2', '3', '4']) queue.push(batchOf([info(id, 100)]));
    expect([asked(), delivered, dropped()]).toEqual([2, ['1', '2'], {}]);
    queue.push(batchOf([info('larger than the queue', 1_000)]));
    expect(dropped()).toEqual({ queue_full: 1 });
    expect(drained(queue)).toEqual([['4']]);
  });

  test('drops as ever if no room could be made', () => {
    const { queue, dropped } = blocking(0);
    for (const id of ['1', '2', '3']) queue.push(batchOf([info(id, 100)]));
    expect(dropped()).toEqual({ queue_full: 1 });
    expect(drained(queue)).toEqual([['2'], ['3']]);
  });

  test('does not wait for the few bytes that two halves are more than the whole', () => {
    const { queue, asked, dropped } = blocking(0);
    queue.push(batchOf([info('1', 100)]));
    queue.push(batchOf([info('2', 100)]));
    const batch = queue.take() as Batch;
    queue.putBack(batch, batchOf([info('1a', 100)]), batchOf([info('1b', 100)]));
    expect([asked(), dropped()]).toEqual([0, {}]);
    expect(drained(queue)).toEqual([['1a'], ['1b'], ['2']]);
  });
});

test('many batches of one error each are as cheap to push out as a few', () => {
  const size = sizeOf([error('0000')]);
  const { queue, lost } = queueOf(2_000 * size);
  const batches = Array.from({ length: 3_000 }, (_, n) => batchOf([error(String(n).padStart(4, '0'))]));
  let looks = 0;
  for (const batch of batches) {
    queue.push(
      Object.defineProperty({ ...batch }, 'errors', {
        get: () => {
          looks++;
          return 1;
        },
      }) as Batch,
    );
  }
  expect(lost()).toEqual({ queue_full: 1_000 });
  expect(looks).toBeLessThan(10 * batches.length);
});

/** The queue as slowly and obviously as it can be written: a list of lists. */
class Model {
  readonly max: number;
  readonly overflow: Overflow;
  held: { place: number; tries: number; records: Told[]; underWay: Batch | undefined }[] = [];
  lost: Told[] = [];
  pushed = 0;

  constructor(max: number, overflow: Overflow) {
    this.max = max;
    this.overflow = overflow;
  }

  bytes(of = this.held): number {
    return of.reduce((sum, { records }) => sum + sizeOf(records), 0);
  }

  push(records: Told[]): void {
    const place = ++this.pushed;
    const room = this.max - this.bytes(this.held.filter(({ underWay }) => underWay));
    const tries = [records, records.filter((record) => record.error), []];
    const fits = this.overflow === 'drop-newest' ? records : (tries.find((some) => sizeOf(some) <= room) as Told[]);
    this.lost.push(...records.filter((record) => !fits.includes(record)));
    if (fits.length > 0) this.held.push({ place, tries: 0, records: fits, underWay: undefined });
    this.makeRoom();
  }

  makeRoom(): void {
    for (;;) {
      const waiting = this.held.filter(({ underWay }) => underWay === undefined).sort((a, b) => a.place - b.place);
      if (this.bytes() <= this.max || waiting.length === 0) return;
      if (this.overflow === 'drop-newest') {
        const newest = waiting[waiting.length - 1];
        this.lost.push(...(newest?.records ?? []));
        this.held = this.held.filter((held) => held !== newest);
        continue;
      }
      const victim = waiting.find(({ records }) => records.some((record) => !record.error));
      if (victim === undefined) {
        this.lost.push(...(waiting[0]?.records ?? []));
        this.held = this.held.filter((held) => held !== waiting[0]);
      } else {
        this.lost.push(...victim.records.filter((record) => !record.error));
        victim.records = victim.records.filter((record) => record.error);
        this.held = this.held.filter(({ records }) => records.length > 0);
      }
    }
  }
}

test('does what the obvious model does: bound, order of eviction, exact counts', () => {
  const told = fc.record({ error: fc.boolean(), bytes: fc.integer({ min: 0, max: 120 }) });
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('push' as const),
        records: fc.array(told, { minLength: 1, maxLength: 5 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('finish' as const, 'putBack' as const, 'split' as const),
        which: fc.nat(3),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('abandon' as const) }) },
  );
  const arbitrary = {
    max: fc.integer({ min: 200, max: 1_500 }),
    steps: <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 40, size: 'max' as const }),
    overflow: fc.constantFrom<Overflow>('drop-low-severity-first', 'drop-newest'),
  };
  fc.assert(
    fc.property(arbitrary.max, arbitrary.steps(step), arbitrary.overflow, (max, steps, overflow) => {
      const { queue, ledger, takenOver } = queueOf(max, overflow);
      const model = new Model(max, overflow);
      let id = 0;
      let finished = 0;
      for (const action of steps) {
        const underWay = model.held.filter((held) => held.underWay !== undefined);
        switch (action.do) {
          case 'push': {
            const records = action.records.map((record) => ({ ...record, id: String(id++) }));
            queue.push(batchOf(records));
            model.push(records);
            break;
          }
          case 'take': {
            const batch = queue.take();
            const oldest = model.held
              .filter((held) => held.underWay === undefined)
              .sort((a, b) => a.tries - b.tries || a.place - b.place)[0];
            expect(batch && idsIn(batch.body)).toEqual(oldest?.records.map((record) => record.id));
            if (oldest !== undefined) oldest.underWay = batch;
            break;
          }
          case 'abandon':
            queue.abandon('process_exit');
            model.lost.push(...model.held.flatMap(({ records }) => records));
            model.held = [];
            break;
          default: {
            const held = underWay[action.which];
            if (held?.underWay === undefined) break;
            const { underWay: batch, records } = held;
            if (action.do === 'finish') {
              expect(queue.finish(batch)).toBe(true);
              model.held = model.held.filter((other) => other !== held);
              finished += records.length;
            } else if (action.do === 'split' && records.length > 1) {
              const half = records.length >> 1;
              const parts = [records.slice(0, half), records.slice(half)];
              queue.putBack(batch, ...parts.map(batchOf));
              model.held.splice(
                model.held.indexOf(held),
                1,
                ...parts.map((part) => ({ place: held.place, tries: 0, records: part, underWay: undefined })),
              );
              model.makeRoom();
            } else {
              queue.putBack(batch);
              held.underWay = undefined;
              held.tries++;
              model.makeRoom();
            }
          }
        }
        const kept = model.held.reduce((sum, { records }) => sum + records.length, 0);
        expect(queue.bytes).toBe(model.bytes());
        expect(queue.bytes).toBeLessThanOrEqual(max);
        expect(queue.records).toBe(kept);
        expect(queue.newest).toBe(model.pushed);
        expect(queue.oldest).toBe(Math.min(Number.POSITIVE_INFINITY, ...model.held.map(({ place }) => place)));
        const dropped = Object.values(ledger.account(0).dropped).reduce((sum, count) => sum + count, 0);
        expect(dropped).toBe(model.lost.length);
        expect(finished + dropped + queue.records).toBe(id);
        expect([...takenOver].sort()).toEqual(model.lost.map((record) => record.id).sort());
      }
      const waiting = model.held
        .filter(({ underWay }) => underWay === undefined)
        .sort((a, b) => a.tries - b.tries || a.place - b.place);
      expect(drained(queue)).toEqual(waiting.map(({ records }) => records.map((record) => record.id)));
    }),
    { numRuns: 60 },
  );
});
