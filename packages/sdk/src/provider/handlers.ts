import { accountsOf, droppedAccount, lostBy, sumOf } from '../delivery/ledger.ts';
import type { DeliveryAccount, Handler, HandlerContext, HandlerEnd, Lost } from '../handlers/handler.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import { total } from '../pipeline/pipe.ts';
import { report } from '../pipeline/report.ts';
import type { FlushOptions, LogRecord, StageAccount } from '../pipeline/stage.ts';
import { type Tee, tee } from '../pipeline/tee.ts';
import { GRACE_MILLIS, within } from '../pipeline/within.ts';
import { ConfigError } from './config-error.ts';

/** The accounts of so many handlers that were taken out are kept. */
const MOST_REMOVED = 100;
/** The name of the account of the others. No handler can have it. */
const REMOVED = '/removed';

/** A handler in its place. */
interface Started {
  /** What the user wrote. */
  readonly given: Handler;
  readonly end: HandlerEnd;
}

/** What is left of handlers that were taken out and are forgotten. */
interface Forgotten {
  readonly account: DeliveryAccount;
  readonly lost: number;
  readonly done: StageAccount;
}

/** The handlers of a pipeline: started, given records by a tee, taken out while records flow, and accounted for. */
export class Handlers {
  /** Gives each record to all of them. */
  readonly tee: Tee = tee();
  readonly #context: HandlerContext;
  /** Those that get records, by their names. */
  readonly #started = new Map<string, Started>();
  /** Those that were taken out, and may still deliver what they hold. */
  readonly #leaving = new Map<string, HandlerEnd>();
  #forgotten: Forgotten | undefined;
  #onLost: ((lost: Lost) => void) | undefined;

  constructor(context: HandlerContext) {
    this.#context = context;
  }

  /** Those that get records. */
  get size(): number {
    return this.#started.size;
  }

  /** Starts a handler. Throws a {@link ConfigError} for what it finds wrong. */
  add(given: Handler): void {
    let name = given.name;
    for (let n = 2; this.#started.has(name) || this.#leaving.has(name); n++) name = `${given.name}#${n}`;
    const end = given.start(this.#context);
    if (typeof end?.onEmit !== 'function' || typeof end.deliveryAccount !== 'function') {
      throw new ConfigError(`handlers: ${name}`, 'start() must return a LogRecordProcessor with a deliveryAccount()');
    }
    this.#started.set(name, { given, end });
    this.tee.add({ name: `handler ${name}`, to: end, when: given.when, failed: (record) => this.#tellFailed(record) });
  }

  /**
   * Takes a handler out: it gets no more records, delivers what it holds until the deadline, and drops the rest. True if it
   * was there, and nothing of what it held was lost. Never rejects.
   */
  async remove(handler: Handler, { timeoutMillis = 5_000 }: FlushOptions = {}): Promise<boolean> {
    const [name, started] = [...this.#started].find(([, { given }]) => given === handler) ?? [];
    if (name === undefined || started === undefined) return false;
    const { end } = started;
    this.#started.delete(name);
    this.#leaving.set(name, end);
    this.tee.close(end);
    const lost = safeLostBy(end);
    await within(() => end.shutdown({ timeoutMillis }), timeoutMillis + GRACE_MILLIS);
    this.tee.remove(end);
    const complete = safeLostBy(end) === lost && !this.#isPending(name, end);
    if (this.#leaving.size > MOST_REMOVED) this.#forget();
    return complete;
  }

  /** Ends all of them at once: they never had a record. */
  end(): void {
    for (const { end } of this.#started.values()) void within(() => end.shutdown({ timeoutMillis: 0 }), 0);
  }

  flushSync(timeoutMillis: number): void {
    for (const [, end] of this.#ends()) {
      try {
        end.flushSync?.(timeoutMillis);
      } catch {
        // The next handler must have its chance, and the process its exit code.
      }
    }
  }

  isFilling(): boolean {
    for (const { end } of this.#started.values()) if (end.isFilling?.() === true) return true;
    return false;
  }

  /** As a handler does: tells of what any of them loses, and answers which cannot tell. */
  onLost(listener: (lost: Lost) => void): readonly string[] {
    this.#onLost = listener;
    return [...this.#started].flatMap(([name, { end }]) =>
      end.onLost === undefined ? name : (end.onLost(listener) ?? []),
    );
  }

  /** Records that one of them has lost, and nobody has taken over. */
  lost(): number {
    let lost = this.#forgotten?.lost ?? 0;
    for (const [, end] of this.#ends()) lost += this.#lostBy(end);
    return lost;
  }

  accounts(): Readonly<Record<string, DeliveryAccount>> {
    return Object.fromEntries([
      ...(this.#forgotten === undefined ? [] : [[REMOVED, this.#forgotten.account] as const]),
      ...[...this.#ends()].flatMap(([name, end]) => Object.entries(this.#accountsOf(name, end))),
    ]);
  }

  /** What the processors of routes among them did to records. */
  done(): StageAccount {
    const ends = [...this.#ends()].map(([, end]) => ({ account: () => doneBehind(end) }));
    return total([{ account: () => this.#forgotten?.done ?? {} }, ...ends]);
  }

  *#ends(): Iterable<readonly [name: string, end: HandlerEnd]> {
    yield* this.#leaving;
    for (const [name, { end }] of this.#started) yield [name, end];
  }

  /** A handler that cannot even tell its account must not make the hooks fail that end the process. */
  #accountsOf(name: string, end: HandlerEnd): Readonly<Record<string, DeliveryAccount>> {
    const failed = droppedAccount({ handler_failed: this.tee.failures(end) });
    try {
      return accountsOf(name, end, failed);
    } catch {
      return { [name]: failed };
    }
  }

  #lostBy(end: HandlerEnd): number {
    return safeLostBy(end) + this.tee.failures(end);
  }

  #isPending(name: string, end: HandlerEnd): boolean {
    return Object.values(this.#accountsOf(name, end)).some(({ pending }) => pending > 0);
  }

  /** What was counted by the one that was taken out first, and holds nothing, becomes part of a sum. */
  #forget(): void {
    const [name, end] = [...this.#leaving].find((left) => !this.#isPending(...left)) ?? [];
    if (name === undefined || end === undefined) return;
    const { account = droppedAccount({}), lost = 0, done = {} } = this.#forgotten ?? {};
    this.#forgotten = {
      account: sumOf([account, ...Object.values(this.#accountsOf(name, end))]),
      lost: lost + this.#lostBy(end),
      done: total([{ account: () => done }, { account: () => doneBehind(end) }]),
    };
    this.#leaving.delete(name);
  }

  #tellFailed(record: LogRecord): void {
    if (this.#onLost === undefined) return;
    try {
      this.#onLost({ reason: 'handler_failed', count: 1, records: [copyRecord(record)] });
    } catch (error) {
      report('who takes over lost records failed', error);
    }
  }
}

/**
 * What the processors of a route did to records. What they dropped is in its delivery account, and what they hold and
 * wrote is no business of a pipeline that has passed those records on.
 */
function doneBehind(end: HandlerEnd): StageAccount {
  try {
    const { redacted = 0, redactedBy = {}, failures = {}, takenOut = [] } = end.account?.() ?? {};
    return { redacted, redactedBy, failures, takenOut };
  } catch {
    return {};
  }
}

/** Of one that cannot tell nothing is known to be lost. */
function safeLostBy(end: HandlerEnd): number {
  try {
    return lostBy(end);
  } catch {
    return 0;
  }
}
