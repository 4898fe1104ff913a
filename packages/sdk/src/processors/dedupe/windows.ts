import { LeftOut } from '../../pipeline/left-out.ts';
import { PassLater } from '../../pipeline/pass-later.ts';
import { shownAttributes } from '../../pipeline/record-key.ts';
import type { LogRecord, LogRecordProcessor } from '../../pipeline/stage.ts';
import { type StageTime, StageTimer } from '../../pipeline/stage-time.ts';

/** The time after a record in which its repetitions are left out. */
export interface Window {
  readonly endsAt: number;
  leftOut: LeftOut | undefined;
}

/** The open windows, in the order in which they end. */
export class Windows {
  readonly #later: PassLater;
  readonly #windowMillis: number;
  readonly #maxKeys: number;
  readonly #attributes: readonly string[];
  readonly #time: StageTime;
  readonly #timer: StageTimer;
  readonly #windows = new Map<string, Window>();
  /** How many of them have something to tell. */
  #waiting = 0;

  constructor(
    next: LogRecordProcessor,
    time: StageTime,
    windowMillis: number,
    maxKeys: number,
    attributes: readonly string[],
  ) {
    this.#later = new PassLater(next);
    this.#windowMillis = windowMillis;
    this.#maxKeys = maxKeys;
    this.#attributes = attributes;
    this.#time = time;
    this.#timer = new StageTimer(time, () => this.#close());
  }

  get failed(): number {
    return this.#later.failed;
  }

  /** The window of a key that has not ended. */
  at(key: string, now: number): Window | undefined {
    const window = this.#windows.get(key);
    if (window === undefined || window.endsAt > now) return window;
    // The timer is late, or was not needed.
    this.#end(key, window);
    return undefined;
  }

  /** Opens one, unless there are too many. */
  open(key: string, now: number): void {
    // More go than come: so old ones need no timer.
    this.#closeEnded(now, 2);
    if (this.#windows.size >= this.#maxKeys) return;
    this.#windows.set(key, { endsAt: now + this.#windowMillis, leftOut: undefined });
  }

  leaveOut(window: Window, record: LogRecord, now: number): void {
    if (window.leftOut !== undefined) {
      window.leftOut.add(record, now);
      return;
    }
    window.leftOut = new LeftOut(record, now, shownAttributes(record, this.#attributes));
    this.#waiting++;
    this.#startTimer(now);
  }

  /** Tells what there is to tell; the windows stay open. */
  writeAll(): void {
    this.#timer.stop();
    for (const window of this.#windows.values()) this.#write(window);
  }

  end(): void {
    this.writeAll();
    this.#timer.end();
    this.#windows.clear();
  }

  #close(): void {
    const now = this.#time.now();
    this.#closeEnded(now, Number.POSITIVE_INFINITY);
    if (this.#waiting > 0) this.#startTimer(now);
  }

  /** For the window that ends first; but not for each of many that end one after another. */
  #startTimer(now: number): void {
    const [first] = this.#windows.values();
    this.#timer.start(Math.max((first?.endsAt ?? now) - now, this.#windowMillis / 10));
  }

  #closeEnded(now: number, most: number): void {
    let closed = 0;
    for (const [key, window] of this.#windows) {
      if (closed++ >= most || window.endsAt > now) return;
      this.#end(key, window);
    }
  }

  #end(key: string, window: Window): void {
    this.#windows.delete(key);
    this.#write(window);
  }

  #write(window: Window): void {
    const { leftOut } = window;
    if (leftOut === undefined) return;
    window.leftOut = undefined;
    this.#waiting--;
    this.#later.pass(
      leftOut.summary({
        body: `${leftOut.what} (repeated ${leftOut.count} ${leftOut.count === 1 ? 'time' : 'times'})`,
        attributes: {
          'logspan.repeated': leftOut.count,
          'logspan.repeated.first_time': leftOut.firstTime,
        },
      }),
    );
  }
}
