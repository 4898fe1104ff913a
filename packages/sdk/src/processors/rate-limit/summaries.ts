import type { LeftOut } from '../../pipeline/left-out.ts';
import { PassLater } from '../../pipeline/pass-later.ts';
import type { LogRecordProcessor } from '../../pipeline/stage.ts';
import { type StageTime, StageTimer } from '../../pipeline/stage-time.ts';
import type { Bucket } from './buckets.ts';

/** So many keys get a summary of their own at a time: those of which most was dropped. */
const MOST_SUMMARIES = 100;

/** What was dropped and is yet to be told. */
export class Summaries {
  readonly #later: PassLater;
  readonly #intervalMillis: number;
  readonly #timer: StageTimer;
  #waiting: Bucket[] = [];

  constructor(next: LogRecordProcessor, time: StageTime, intervalMillis: number) {
    this.#later = new PassLater(next);
    this.#intervalMillis = intervalMillis;
    this.#timer = new StageTimer(time, () => this.write());
  }

  get failed(): number {
    return this.#later.failed;
  }

  expect(bucket: Bucket): void {
    this.#waiting.push(bucket);
    this.#timer.start(this.#intervalMillis);
  }

  write(): void {
    this.#timer.stop();
    const told = this.#waiting.map((bucket) => {
      const leftOut = bucket.leftOut as LeftOut;
      // Before anything is passed on: who logs meanwhile begins anew.
      bucket.leftOut = undefined;
      return leftOut;
    });
    this.#waiting = [];
    if (told.length > MOST_SUMMARIES) told.sort((a, b) => b.count - a.count);
    const others = told.splice(MOST_SUMMARIES);
    for (const leftOut of told) this.#pass(leftOut, {});
    const [first, ...more] = others;
    if (first === undefined) return;
    first.addAll(more);
    this.#pass(first, { 'logspan.rate_limit.keys': others.length });
  }

  end(): void {
    this.write();
    this.#timer.end();
  }

  #pass(leftOut: LeftOut, more: Readonly<Record<string, unknown>>): void {
    const attributes = {
      'logspan.rate_limit.dropped': leftOut.count,
      'logspan.rate_limit.first_time': leftOut.firstTime,
      ...more,
    };
    const body = `${leftOut.count} record(s) dropped by the rate limit`;
    this.#later.pass(leftOut.summary({ eventName: 'rate_limited', body, attributes }));
  }
}
