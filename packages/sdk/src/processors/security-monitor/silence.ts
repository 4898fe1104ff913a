import { newRecord } from '../../pipeline/new-record.ts';
import type { LogRecord } from '../../pipeline/stage.ts';
import { type StageTime, StageTimer } from '../../pipeline/stage-time.ts';
import { LONGEST_TIMER_MILLIS } from '../../pipeline/within.ts';
import { alertFields, placeOf } from './alert.ts';
import type { CheckedRule } from './check-rules.ts';

/**
 * A rule with `lt`: too few records within the window. Nobody tells when nothing happens, so a timer looks; it does not
 * keep the process alive. It begins with the first record, and is given the whole of the first window. Holds on to the
 * latest record, for the time and the place of the alert.
 */
export class Silence {
  readonly #rule: CheckedRule;
  readonly #time: StageTime;
  readonly #onAlert: (alert: LogRecord) => void;
  readonly #timer: StageTimer;
  /** A ring of the last times: too few are in the window as soon as the oldest is not. */
  readonly #times: number[];
  #oldest = 0;
  #latest: LogRecord | undefined;
  #latestMillis = 0;
  #alertedMillis = Number.NEGATIVE_INFINITY;

  constructor(rule: CheckedRule, time: StageTime, onAlert: (alert: LogRecord) => void) {
    this.#rule = rule;
    this.#time = time;
    this.#onAlert = onAlert;
    this.#timer = new StageTimer(time, () => this.#look());
    this.#times = new Array(rule.threshold).fill(Number.NEGATIVE_INFINITY);
  }

  seen(record: LogRecord, nowMillis: number): void {
    if (this.#latest === undefined) {
      this.#times.fill(nowMillis);
      this.#wait(this.#rule.windowMillis);
    }
    this.#times[this.#oldest] = nowMillis;
    this.#oldest = (this.#oldest + 1) % this.#times.length;
    this.#latest = record;
    this.#latestMillis = nowMillis;
  }

  stop(): void {
    this.#timer.end();
  }

  #wait(millis: number): void {
    this.#timer.start(Math.min(Math.max(1, millis), LONGEST_TIMER_MILLIS));
  }

  #look(): void {
    const { windowMillis, cooldownMillis } = this.#rule;
    const nowMillis = this.#time.now();
    const due = Math.max((this.#times[this.#oldest] as number) + windowMillis, this.#alertedMillis + cooldownMillis);
    if (nowMillis < due) {
      this.#wait(due - nowMillis);
      return;
    }
    this.#alertedMillis = nowMillis;
    // First the next look: what the alert meets on its way may throw.
    this.#wait(cooldownMillis);
    this.#alert(nowMillis);
  }

  #alert(nowMillis: number): void {
    const latest = this.#latest as LogRecord;
    const [seconds, nanos] = latest.hrTime;
    const lastMillis = seconds * 1_000 + nanos / 1e6;
    const alertMillis = lastMillis + nowMillis - this.#latestMillis;
    const count = this.#times.filter((at) => nowMillis - at < this.#rule.windowMillis).length;
    const record = newRecord(
      // The silence is no part of the trace of the last record before it.
      placeOf(latest),
      {
        ...alertFields(this.#rule, {
          alert_type: this.#rule.id,
          count,
          suppressed: 0,
          last_time: new Date(lastMillis),
        }),
        hrTime: [Math.floor(alertMillis / 1_000), Math.floor((alertMillis % 1_000) * 1e6)],
      },
    );
    this.#onAlert(record);
  }
}
