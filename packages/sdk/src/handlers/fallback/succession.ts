import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { droppedAccount } from '../../delivery/ledger.ts';
import { suppressLogging } from '../../pipeline/guard.ts';
import { handOver } from '../../pipeline/hand-over.ts';
import { passes } from '../../pipeline/passes.ts';
import { isWorthReporting, report, watch } from '../../pipeline/report.ts';
import type { LogRecord } from '../../pipeline/stage.ts';
import { within } from '../../pipeline/within.ts';
import type { DeliveryAccount, Handler, HandlerEnd, Lost } from '../handler.ts';

/** The attribute that says why the first handler did not deliver the record. */
const UNDELIVERED_REASON = 'logspan.undelivered.reason';
/** Records that are handed over in one go: about a millisecond. */
const PORTION = 128;
/** No span is active in it. */
const FROM = handOver(ROOT_CONTEXT);
/** Losses that may wait for their turn: each is a batch at most, so they are some MiB. */
const MOST_WAITING = 8;

/** A loss that is being handed over. */
interface Waiting {
  readonly reason: string;
  left: number;
  readonly records: Iterable<LogRecord>;
  iterator: Iterator<LogRecord> | undefined;
}

/** Hands the records that one handler has lost to another one, a few at a time, and keeps the books of those between. */
export class Succession {
  readonly #name: string;
  readonly #heir: HandlerEnd;
  readonly #when: Handler['when'];
  /**
   * What is done about losses that come faster than they are handed over. `bounded`: the code that makes them hands over
   * the oldest, or it would be memory without end. `patient`: they wait, because it is the last there is, and held already.
   * `at once`: no loss waits any more.
   */
  mode: 'bounded' | 'patient' | 'at once' = 'bounded';
  #waiting: Waiting[] = [];
  /** Records that wait. */
  #held = 0;
  /** Records that did not come into the books of the heir. */
  readonly #dropped: Record<string, number> = {};
  #taken = 0;
  /** Who takes over those in turn, if anyone does. */
  onLost: ((lost: Lost) => void) | undefined;
  #turn: NodeJS.Immediate | undefined;
  /** How many wait for what is handed over. */
  #flushes = 0;

  constructor(name: string, heir: HandlerEnd, when: Handler['when']) {
    this.#name = name;
    this.#heir = heir;
    this.#when = when;
  }

  /** Records that were lost by the first. */
  get taken(): number {
    return this.#taken;
  }

  /** Records that did not come into the books of the heir. */
  get dropped(): number {
    return Object.values(this.#dropped).reduce((sum, count) => sum + count, 0);
  }

  take({ reason, count, records }: Lost): void {
    this.#taken += count;
    this.#waiting.push({ reason, left: count, records, iterator: undefined });
    this.#held += count;
    if (this.mode === 'at once') this.#handOver(Number.POSITIVE_INFINITY);
    else if (this.mode === 'bounded') {
      while (this.#waiting.length > MOST_WAITING) this.#handOver((this.#waiting[0] as Waiting).left);
    }
    this.#handOverLater();
  }

  /** Hands over what waits, no faster than the heir delivers it. */
  async handOverUntil(deadline: number, now: () => number): Promise<void> {
    let mayWait = true;
    this.#flushes++;
    while (this.#waiting.length > 0 && now() < deadline) {
      this.#handOver(PORTION, mayWait);
      if (mayWait && this.#isFilling()) {
        // Half of what is left: what an heir that delivers nothing can hold is still more than nothing.
        const timeoutMillis = (deadline - now()) / 2;
        await within(() => this.#heir.forceFlush({ timeoutMillis }), timeoutMillis);
        mayWait = !this.#isFilling();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#flushes--;
    this.#handOverLater();
  }

  /** The same without returning to the event loop. */
  handOverUntilSync(deadline: number, now: () => number): void {
    let mayWait = true;
    while (this.#waiting.length > 0 && now() < deadline) {
      this.#handOver(PORTION, mayWait);
      if (!mayWait || !this.#isFilling()) continue;
      const { delivered } = this.#heir.deliveryAccount();
      flushSync(this.#heir, (deadline - now()) / 2);
      // One that has given it up instead would do so again.
      mayWait = this.#heir.deliveryAccount().delivered > delivered;
    }
  }

  /** Gives up what still waits. */
  drop(reason: string): void {
    const given = this.#waiting;
    this.#waiting = [];
    this.#held = 0;
    for (const { left, records, iterator } of given) {
      this.#lose(reason, left, { [Symbol.iterator]: () => iterator ?? records[Symbol.iterator]() });
    }
  }

  /** What is to be added to the account of the heir. */
  account(): DeliveryAccount {
    return droppedAccount(this.#dropped, this.#held);
  }

  /** Gives the heir a record, which is edited. Never throws. */
  give(record: LogRecord, reason: string): void {
    if (this.#when !== undefined && !passes(this.#when, record)) {
      this.#lose('filtered', 1, [record]);
      return;
    }
    try {
      record.setAttribute(UNDELIVERED_REASON, reason);
      const { spanContext } = record;
      const answer: unknown = this.#heir.onEmit(
        record,
        spanContext === undefined ? FROM : trace.setSpanContext(FROM, spanContext),
      );
      if (answer !== undefined) watch(answer, `fallback handler ${this.#name}`);
    } catch (error) {
      this.#lose('handler_failed', 1, [record]);
      const failures = this.#dropped.handler_failed as number;
      if (isWorthReporting(failures)) report(`fallback handler ${this.#name} failed on ${failures} record(s)`, error);
    }
  }

  #handOverLater(): void {
    if (this.#turn !== undefined || this.#waiting.length === 0) return;
    this.#turn = setImmediate(() => {
      this.#turn = undefined;
      // A flush goes on by itself, and at its own pace.
      if (this.#flushes > 0) return;
      this.#handOver(PORTION);
      this.#handOverLater();
    });
  }

  /** Hands over so many records; fewer if the heir is to be given the time to deliver what it has. */
  #handOver(most: number, mayWait = false): void {
    // What the heir might log of it would come back here.
    context.with(suppressLogging(ROOT_CONTEXT), () => {
      for (let given = 0; given < most; given++) {
        const [current] = this.#waiting;
        if (current === undefined) return;
        const record = next(current);
        const went = record === undefined ? current.left : 1;
        current.left -= went;
        this.#held -= went;
        if (current.left === 0) this.#waiting.shift();
        if (record === undefined) this.#lose('unreadable', went);
        else this.give(record, current.reason);
        if (mayWait && this.#isFilling()) return;
      }
    });
  }

  #isFilling(): boolean {
    try {
      return this.#heir.isFilling?.() === true;
    } catch {
      return false;
    }
  }

  #lose(reason: string, count: number, records?: Iterable<LogRecord>): void {
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + count;
    if (records === undefined || this.onLost === undefined) return;
    try {
      this.onLost({ reason, count, records });
    } catch (error) {
      report('who takes over lost records failed', error);
    }
  }
}

/** The last chance of a handler. What it throws must not take that of others. */
export function flushSync(end: HandlerEnd, timeoutMillis: number): void {
  try {
    end.flushSync?.(Math.max(0, timeoutMillis));
  } catch (error) {
    report('a handler failed at the end of the process', error);
  }
}

/** The next record of a loss; undefined if there is none, or it cannot be read. */
function next(waiting: Waiting): LogRecord | undefined {
  try {
    waiting.iterator ??= waiting.records[Symbol.iterator]();
    const { done, value } = waiting.iterator.next();
    return done ? undefined : value;
  } catch {
    return undefined;
  }
}
