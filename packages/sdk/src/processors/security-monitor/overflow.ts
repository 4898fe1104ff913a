import type { LogRecord } from '../../pipeline/stage.ts';
import { type StageTime, StageTimer } from '../../pipeline/stage-time.ts';
import { LONGEST_TIMER_MILLIS } from '../../pipeline/within.ts';
import { overflowRecord, placeOf } from './alert.ts';
import type { CheckedRule } from './check-rules.ts';

/**
 * Tells of the records for which a rule had no room: of the first at once, and of those that come after it together, when
 * the window is over. A timer does that, which does not keep the process alive; nobody else need come. Holds on to
 * the latest of the records, for the time and the place of the alert.
 */
export class Overflow {
  readonly #rule: CheckedRule;
  readonly #time: StageTime;
  readonly #onAlert: (alert: LogRecord) => void;
  readonly #timer: StageTimer;
  #untold = 0;
  #toldMillis = Number.NEGATIVE_INFINITY;
  #latest: LogRecord | undefined;

  constructor(rule: CheckedRule, time: StageTime, onAlert: (alert: LogRecord) => void) {
    this.#rule = rule;
    this.#time = time;
    this.#onAlert = onAlert;
    this.#timer = new StageTimer(time, () => this.#look());
  }

  /** Answers with the alert if it is time for one: it belongs behind the record. */
  add(count: number, record: LogRecord, nowMillis: number): LogRecord | undefined {
    this.#untold += count;
    const waitMillis = this.#leftMillis(nowMillis);
    if (waitMillis <= 0) return this.#tell(record, nowMillis);
    this.#latest = record;
    this.#wait(waitMillis);
    return undefined;
  }

  /** Tells the rest; nothing comes after it. */
  end(): void {
    this.#timer.end();
    this.#tellRest();
  }

  #leftMillis(nowMillis: number): number {
    return this.#toldMillis + this.#rule.windowMillis - nowMillis;
  }

  #wait(millis: number): void {
    this.#timer.start(Math.min(Math.max(1, millis), LONGEST_TIMER_MILLIS));
  }

  #look(): void {
    const waitMillis = this.#leftMillis(this.#time.now());
    if (waitMillis > 0) this.#wait(waitMillis);
    else this.#tellRest();
  }

  #tellRest(): void {
    if (this.#latest === undefined) return;
    // Of many traces, so it is part of none.
    this.#onAlert(this.#tell(placeOf(this.#latest), this.#time.now()));
  }

  #tell(cause: LogRecord, nowMillis: number): LogRecord {
    const count = this.#untold;
    this.#untold = 0;
    this.#toldMillis = nowMillis;
    this.#latest = undefined;
    this.#timer.stop();
    return overflowRecord(this.#rule, count, cause);
  }
}
