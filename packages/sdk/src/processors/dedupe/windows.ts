import { LeftOut } from '../../pipeline/left-out.ts';
import { PassLater } from '../../pipeline/pass-later.ts';
import type { LogRecord, LogRecordProcessor } from '../../pipeline/stage.ts';
import { type StageTime, StageTimer } from '../../pipeline/stage-time.ts';

/** What makes two records the same. In parts, because to join them would cost more than all the rest. */
export interface Sameness {
  /** What the text is: an event name, a body, a key. */
  kind: string;
  text: string;
  scope: string;
  severityNumber: number;
}

/** The time after a record in which its repetitions are left out. */
export interface Window extends Readonly<Sameness> {
  readonly endsAt: number;
  leftOut: LeftOut | undefined;
  /** Another one with the same text. */
  next: Window | undefined;
}

/** How many windows with one text there may be: they are looked through one by one. */
const MOST_OF_ONE_TEXT = 32;

/** The open windows. */
export class Windows {
  readonly #later: PassLater;
  readonly #windowMillis: number;
  readonly #maxKeys: number;
  readonly #time: StageTime;
  readonly #timer: StageTimer;
  readonly #byText = new Map<string, Window>();
  /** In the order in which they end. */
  readonly #all = new Set<Window>();
  /** How many have something to tell. */
  #waiting = 0;
  /** One that has ended and is yet to be told. */
  #late: Window | undefined;

  constructor(next: LogRecordProcessor, time: StageTime, windowMillis: number, maxKeys: number) {
    this.#later = new PassLater(next);
    this.#windowMillis = windowMillis;
    this.#maxKeys = maxKeys;
    this.#time = time;
    this.#timer = new StageTimer(time, () => this.#close());
  }

  get failed(): number {
    return this.#later.failed;
  }

  /** The window for records like this one that has not ended. */
  at({ text, kind, scope, severityNumber }: Sameness, now: number): Window | undefined {
    let window = this.#byText.get(text);
    while (window !== undefined) {
      if (window.severityNumber === severityNumber && window.scope === scope && window.kind === kind) {
        if (window.endsAt > now) return window;
        // The timer is late, or was not needed.
        this.#remove(window);
        this.#late = window;
        return undefined;
      }
      window = window.next;
    }
    return undefined;
  }

  /** Opens one, unless there are too many. */
  open(sameness: Sameness, now: number): void {
    // A copy, before anything is passed on: who logs meanwhile comes by here.
    const window = { ...sameness, endsAt: now + this.#windowMillis, leftOut: undefined, next: undefined };
    const late = this.#late;
    this.#late = undefined;
    if (late !== undefined) this.#write(late);
    // More go than come: so old ones need no timer.
    this.#closeEnded(now, 2);
    if (this.#all.size < this.#maxKeys) this.#add(window);
  }

  /** Leaves out the first record of a window; `attributes` say what those have in common that will follow. */
  leaveOut(window: Window, record: LogRecord, now: number, attributes: Readonly<Record<string, unknown>>): void {
    window.leftOut = new LeftOut(record, now, attributes);
    this.#waiting++;
    this.#startTimer(now);
  }

  /** Tells what there is to tell; the windows stay open. */
  writeAll(): void {
    this.#timer.stop();
    for (const window of this.#all) this.#write(window);
  }

  end(): void {
    this.writeAll();
    this.#timer.end();
    this.#all.clear();
    this.#byText.clear();
  }

  #close(): void {
    const now = this.#time.now();
    this.#closeEnded(now, Number.POSITIVE_INFINITY);
    if (this.#waiting > 0) this.#startTimer(now);
  }

  /** For the window that ends first; but not for each of many that end one after another. */
  #startTimer(now: number): void {
    const [first] = this.#all;
    this.#timer.start(Math.max((first?.endsAt ?? now) - now, this.#windowMillis / 10));
  }

  #closeEnded(now: number, most: number): void {
    let closed = 0;
    for (const window of this.#all) {
      if (closed++ >= most || window.endsAt > now) return;
      this.#end(window);
    }
  }

  #add(window: Window): void {
    const others = this.#byText.get(window.text);
    let count = 0;
    for (let other = others; other !== undefined; other = other.next) count++;
    if (count >= MOST_OF_ONE_TEXT) return;
    window.next = others;
    this.#byText.set(window.text, window);
    this.#all.add(window);
  }

  #end(window: Window): void {
    this.#remove(window);
    this.#write(window);
  }

  #remove(window: Window): void {
    this.#all.delete(window);
    const first = this.#byText.get(window.text);
    if (first !== window) {
      let before = first;
      while (before !== undefined && before.next !== window) before = before.next;
      if (before !== undefined) before.next = window.next;
    } else if (window.next === undefined) this.#byText.delete(window.text);
    else this.#byText.set(window.text, window.next);
  }

  #write(window: Window): void {
    const { leftOut } = window;
    if (leftOut === undefined) return;
    window.leftOut = undefined;
    this.#waiting--;
    const { count } = leftOut;
    this.#later.pass(
      leftOut.summary({
        body: `${leftOut.what} (repeated ${count} ${count === 1 ? 'time' : 'times'})`,
        attributes: { 'logspan.repeated': count, 'logspan.repeated.first_time': leftOut.firstTime },
      }),
    );
  }
}
