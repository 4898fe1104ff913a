import { type Context, diag } from '@opentelemetry/api';
import { accountsOf, droppedAccount, lostBy, sumOf } from '../delivery/ledger.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import { factory } from '../pipeline/factory.ts';
import { passes } from '../pipeline/passes.ts';
import { isWorthReporting, report, watch } from '../pipeline/report.ts';
import type { EnabledOptions, FlushOptions, LogRecord } from '../pipeline/stage.ts';
import { within } from '../pipeline/within.ts';
import { checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError } from '../provider/config-error.ts';
import { flushSync, Succession } from './fallback/succession.ts';
import { checkHandler, type DeliveryAccount, type Handler, type HandlerEnd, type Lost } from './handler.ts';

/** Options of {@link fallback}. */
export interface FallbackOptions {
  /** In front of the names of both handlers in `stats().handlers`: `fallback/otlp`. Default `fallback`. */
  readonly name?: string;
  /** Only records for which this is true go to either handler. Default: all. */
  readonly when?: (record: LogRecord) => boolean;
  /** @internal For tests: monotonic milliseconds. */
  readonly now?: () => number;
}

/**
 * Two handlers, of which the second gets what the first could not deliver: `fallback(otlp(), file('undelivered.log'))`.
 *
 * Those are the records that the first one drops (its queue is full, the deadline of the shutdown or the end of the
 * process has come, …), that its destination refuses, or on which it throws. They arrive as they were after redaction, with
 * the attribute `logspan.undelivered.reason`. The first one's account still counts them as dropped or rejected, the
 * second's as accepted: both is true. What the second loses is lost, and counted there.
 *
 * They are handed over in small portions between other work of the process. While the log is written faster than that, in
 * the log call that made the first one drop. At a shutdown and at the end of the process, the first handler gets part of
 * the time and the second the rest: half, at most 2 s.
 *
 * @throws ConfigError for what is no handler, for the same one twice, and for an unknown option.
 */
export function fallback(first: Handler, second: Handler, options: FallbackOptions = {}): Handler {
  checkHandler('fallback: the first', first);
  checkHandler('fallback: the second', second);
  if (first === second)
    throw new ConfigError(
      'fallback: the second',
      'is the first; allowed: another handler, because what this one loses must go somewhere else',
    );
  checkOptions('fallback', options, ['name', 'when', 'now']);
  checkType('fallback.name', options.name, 'string');
  checkType('fallback.when', options.when, 'function');
  return {
    name: options.name ?? 'fallback',
    ...(options.when === undefined ? {} : { when: options.when }),
    start(handlerContext) {
      const end = first.start(handlerContext);
      let other: HandlerEnd;
      try {
        other = second.start(handlerContext);
      } catch (error) {
        void within(() => end.shutdown({ timeoutMillis: 0 }), 0);
        throw error;
      }
      return new FallbackEnd(
        { name: first.name, when: first.when, end },
        { name: second.name === first.name ? `${second.name}#2` : second.name, when: second.when, end: other },
        options.now ?? (() => performance.now()),
      );
    },
  };
}

factory(fallback);

const LONGEST_SHARE_MILLIS = 2_000;

interface Side {
  readonly name: string;
  readonly when: Handler['when'];
  readonly end: HandlerEnd;
}

class FallbackEnd implements HandlerEnd {
  readonly #first: Side;
  readonly #second: Side;
  readonly #now: () => number;
  readonly #succession: Succession;
  #failures = 0;
  #shutdown: Promise<void> | undefined;

  constructor(first: Side, second: Side, now: () => number) {
    this.#first = first;
    this.#second = second;
    this.#now = now;
    this.#succession = new Succession(second.name, second.end, second.when);
    const take = (lost: Lost): void => this.#succession.take(lost);
    const silent = first.end.onLost === undefined ? [first.name] : (first.end.onLost(take) ?? []);
    for (const name of silent) {
      diag.warn(
        `logspan: fallback: ${name} does not tell which records it loses: only those on which it throws go to ${second.name}`,
      );
    }
  }

  onEmit(record: LogRecord, from?: Context): void {
    const { name, end, when } = this.#first;
    if (when !== undefined && !passes(when, record)) return;
    try {
      const answer: unknown = end.onEmit(record, from);
      if (answer !== undefined) watch(answer, `handler ${name}`);
    } catch (error) {
      this.#failures++;
      if (isWorthReporting(this.#failures)) report(`handler ${name} failed on ${this.#failures} record(s)`, error);
      this.#succession.give(copyRecord(record), 'handler_failed');
    }
  }

  enabled(options: EnabledOptions): boolean {
    const { end } = this.#first;
    return end.enabled === undefined || end.enabled(options);
  }

  /** What both lose: what the second one loses or is not given, because that of the first is not lost yet. */
  onLost(listener: (lost: Lost) => void): readonly string[] {
    this.#succession.onLost = listener;
    const { name, end } = this.#second;
    return end.onLost === undefined ? [name] : (end.onLost(listener) ?? []);
  }

  lost(): number {
    const { taken, dropped } = this.#succession;
    return lostBy(this.#first.end) - taken + lostBy(this.#second.end) + dropped;
  }

  async forceFlush(options: FlushOptions = {}): Promise<void> {
    const deadline = this.#now() + (options.timeoutMillis ?? 30_000);
    const flushSecond = async (): Promise<void> => {
      await this.#succession.handOverUntil(deadline, this.#now);
      await this.#second.end.forceFlush({ timeoutMillis: Math.max(0, deadline - this.#now()) });
    };
    // Together: what the second one has must not wait for a first one that hangs.
    const outcomes = await Promise.allSettled([(async () => this.#first.end.forceFlush(options))(), flushSecond()]);
    await flushSecond();
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  shutdown(options: FlushOptions = {}): Promise<void> {
    this.#shutdown ??= this.#end(options.timeoutMillis ?? 5_000);
    return this.#shutdown;
  }

  async #end(timeoutMillis: number): Promise<void> {
    const deadline = this.#now() + timeoutMillis;
    const share = secondsShare(timeoutMillis);
    const failures: unknown[] = [];
    const endFirst = async (): Promise<void> => {
      try {
        await this.#first.end.shutdown({ timeoutMillis: timeoutMillis - share });
      } catch (error) {
        failures.push(error);
      }
    };
    this.#succession.mode = 'patient';
    // Somewhat later than its deadline, so that it can still give up what is left.
    await within(endFirst, timeoutMillis - share / 2);
    await this.#succession.handOverUntil(this.#lastHandOver(deadline), this.#now);
    this.#succession.drop('shutdown_deadline');
    this.#succession.mode = 'at once';
    await this.#second.end.shutdown({ timeoutMillis: Math.max(0, deadline - this.#now()) });
    if (failures.length > 0) throw failures[0];
  }

  flushSync(timeoutMillis: number): void {
    const deadline = this.#now() + timeoutMillis;
    this.#succession.mode = 'patient';
    flushSync(this.#first.end, timeoutMillis - secondsShare(timeoutMillis));
    this.#succession.handOverUntilSync(this.#lastHandOver(deadline), this.#now);
    this.#succession.drop('process_exit');
    flushSync(this.#second.end, deadline - this.#now());
  }

  isFilling(): boolean {
    // What the first has no room for goes to the second.
    return this.#second.end.isFilling?.() === true;
  }

  /** The second must still deliver what it was handed over. */
  #lastHandOver(deadline: number): number {
    return deadline - (deadline - this.#now()) / 8;
  }

  deliveryAccount(): DeliveryAccount {
    return sumOf(Object.values(this.deliveryAccounts()));
  }

  deliveryAccounts(): Readonly<Record<string, DeliveryAccount>> {
    const { name, end } = this.#second;
    return {
      ...accountsOf(this.#first.name, this.#first.end, droppedAccount({ handler_failed: this.#failures })),
      ...accountsOf(name, end, this.#succession.account()),
    };
  }
}

function secondsShare(timeoutMillis: number): number {
  return Math.min(timeoutMillis / 2, LONGEST_SHARE_MILLIS);
}
