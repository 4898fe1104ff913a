import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LogRecord } from '../../pipeline/stage.ts';
import { RecordQueue } from './record-queue.ts';

const recordOf = (severityNumber: number | undefined) => ({ severityNumber }) as LogRecord;

/** The same, slow and obvious. */
class Reference {
  readonly held: { record: LogRecord; place: number }[] = [];
  newest = 0;

  push(record: LogRecord): void {
    this.held.push({ record, place: ++this.newest });
  }

  take(most: number) {
    return this.held.splice(0, most);
  }

  takeLeastWanted() {
    const low = this.held.findIndex(({ record }) => (record.severityNumber ?? 0) < 17);
    return this.held.splice(Math.max(0, low), 1)[0];
  }

  takeNewest() {
    return this.held.pop();
  }
}

test('is what an array would be', () => {
  const act = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ push: fc.constantFrom(9, 17, 16, 21, undefined) }, { requiredKeys: ['push'] }),
    },
    fc.record({ take: fc.integer({ min: 0, max: 6 }) }),
    fc.constantFrom('takeLeastWanted' as const, 'takeNewest' as const),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const queue = new RecordQueue();
      const reference = new Reference();
      for (const step of acts) {
        if (typeof step === 'string') expect(queue[step]()).toEqual(reference[step]());
        else if ('take' in step) expect(queue.take(step.take)).toEqual(reference.take(step.take));
        else {
          queue.push(recordOf(step.push));
          reference.push(recordOf(step.push));
        }
        expect(queue.length).toBe(reference.held.length);
        expect(queue.oldest).toBe(reference.held[0]?.place ?? Number.POSITIVE_INFINITY);
        expect(queue.newest).toBe(reference.newest);
      }
    }),
  );
});
