import { endStreams, facadeState, setDestination, unregisterLoggerProvider } from '@logspan/logger/internal';
import { sumOf } from '../delivery/ledger.ts';
import type { DeliveryAccount, Handler } from '../handlers/handler.ts';
import type { RunningMetrics } from '../metrics/start-metrics.ts';
import type { Step } from '../pipeline/pipe.ts';
import { report } from '../pipeline/report.ts';
import type { FlushOptions } from '../pipeline/stage.ts';
import { GRACE_MILLIS, TIMEOUT, within } from '../pipeline/within.ts';
import { checkNumber, checkOptions, checkType } from './check-options.ts';
import { type Levels, levelOption } from './levels.ts';
import type { LoggerProvider } from './logger-provider.ts';
import { checkHandler } from './options.ts';
import type { Pipeline, PipelineAccount } from './pipeline.ts';

/**
 * Where all records are. The delivery figures hold for the sum of all handlers and for each of them, exactly, at any
 * time: `accepted = delivered + rejected + sum(dropped) + pending`. A record that goes to two handlers counts in both.
 */
export interface LoggingStats extends DeliveryAccount {
  /**
   * Records that nobody has: dropped or refused by a handler, and taken over by no fallback. The figures of `dropped` and
   * `rejected` count those that a fallback has, too.
   */
  readonly lost: number;
  /** What became of the records before the handlers: `emitted + written = passed + sum(dropped) + held`. */
  readonly pipeline: PipelineAccount;
  /** The account of each handler, by its name. */
  readonly handlers: Readonly<Record<string, DeliveryAccount>>;
}

/** Options of `setLevel()`. */
export interface SetLevelOptions {
  /** Milliseconds after which the change is taken back, and what it hid is there again. Default: it stays. */
  readonly ttlMillis?: number | undefined;
}

/** What `register()` returns: the running pipeline. */
export interface Logging {
  /** Adds a step while records flow: after those of its phase, before `redact`. Throws a ConfigError if it is none. */
  addProcessor(step: Step): void;
  /** Takes a step out again; false if it is not there. */
  removeProcessor(step: Step): boolean;
  /** Adds a destination while records flow. Throws a ConfigError for what is wrong with it. */
  addHandler(handler: Handler): void;
  /**
   * Takes a destination out while records flow: it gets no more of them, delivers what it holds until the deadline (default
   * 5 s), and drops and counts the rest. What it has counted stays counted. True if it was there, and nothing of what it
   * held was lost. Never rejects.
   */
  removeHandler(handler: Handler, options?: FlushOptions): Promise<boolean>;
  /**
   * Changes levels at once, those of loggers that exist too: a directive with a default, `warn,db=debug`, replaces all that
   * was; one without, `db=debug`, adds to it. Throws a ConfigError for what is not understood.
   */
  setLevel(directive: string, options?: SetLevelOptions): void;
  /** Where all records are. */
  stats(): LoggingStats;
  /**
   * Delivers what is held now, whatever is written meanwhile: true if nothing of it is left, false at the deadline
   * (default 30 s). Then, with `metrics`, what was measured: false if that could not be delivered. Never rejects.
   */
  forceFlush(options?: FlushOptions): Promise<boolean>;
  /**
   * Delivers what is held until the deadline (default 5 s), drops and counts the rest, and takes everything down that
   * `register()` set up but for context manager and propagator: true if all of it was delivered somewhere, by a handler or
   * by its fallback. What was lost before is in `stats().lost`. Once; a second call waits for the first. Never rejects.
   */
  shutdown(options?: FlushOptions): Promise<boolean>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Those who capture records in tests: they make way for what starts, and join it. */
export interface Captures {
  makeWay(): void;
  join(logging: Logging): void;
}

/** What runs in this process. */
export interface Running {
  logging?: Logging;
  byDefault?: boolean;
  captures?: Captures;
}

const CURRENT: unique symbol = Symbol.for('logspan.logging.v1') as never;

/** The running pipeline of this process, whichever copy of this package started it. */
export function current(): Running {
  const holder = globalThis as { [CURRENT]?: Running };
  holder[CURRENT] ??= {};
  return holder[CURRENT];
}

/** The end marks of all streams, if it is this provider that they are written to. */
export function endStreamsOf(provider: LoggerProvider): void {
  if (facadeState().destination === provider) endStreams();
}

/** What is left for metrics of a deadline that the records have used up. */
const LEAST_FOR_METRICS_MILLIS = 250;

function leftFor(timeoutMillis: number, started: number): number {
  return Math.max(timeoutMillis - (performance.now() - started), LEAST_FOR_METRICS_MILLIS);
}

/** The handle, and all that it takes down. Without provider and levels where logging is switched off. */
export class RunningLogging implements Logging {
  readonly #pipeline: Pipeline;
  readonly #provider: LoggerProvider | undefined;
  readonly #levels: Levels | undefined;
  readonly #metrics: RunningMetrics | undefined;
  readonly #takeDown: () => void;
  #shutdown: Promise<boolean> | undefined;
  /** How many records there were when metrics were delivered for the last time. */
  #measured = -1;

  constructor(
    pipeline: Pipeline,
    provider: LoggerProvider | undefined,
    levels: Levels | undefined,
    metrics: RunningMetrics | undefined,
    takeDown: () => void,
  ) {
    this.#pipeline = pipeline;
    this.#provider = provider;
    this.#levels = levels;
    this.#metrics = metrics;
    this.#takeDown = takeDown;
  }

  addProcessor(step: Step): void {
    this.#pipeline.addProcessor(step);
  }

  removeProcessor(step: Step): boolean {
    return this.#pipeline.removeProcessor(step);
  }

  addHandler(handler: Handler): void {
    checkHandler('handler', handler);
    if (this.#shutdown !== undefined) return;
    this.#pipeline.addHandler(handler);
  }

  async removeHandler(handler: Handler, options?: FlushOptions | null): Promise<boolean> {
    return this.#pipeline.removeHandler(handler, options ?? {});
  }

  setLevel(directive: string, options: SetLevelOptions | null = {}): void {
    checkType('setLevel', directive, 'string');
    checkOptions('setLevel', options ?? {}, ['ttlMillis']);
    const { ttlMillis } = options ?? {};
    checkNumber('setLevel.ttlMillis', ttlMillis, 1, 2 ** 31 - 1);
    this.#levels?.set(levelOption('level', directive ?? ''), { ttlMillis });
  }

  stats(): LoggingStats {
    const handlers = this.#pipeline.deliveryAccounts();
    const { accepted, delivered, rejected, dropped, pending } = sumOf(Object.values(handlers));
    const lost = this.#pipeline.lost();
    return { accepted, delivered, rejected, dropped, pending, lost, pipeline: this.#pipelineStats(), handlers };
  }

  /** What the end of the process has to wait for: records, and one for metrics. */
  pending(): number {
    const { pending, pipeline } = this.stats();
    const measured = this.#metrics === undefined || this.#measured === pipeline.emitted;
    return pending + pipeline.held + (measured && !this.#metrics?.isPending() ? 0 : 1);
  }

  async forceFlush(options?: FlushOptions | null): Promise<boolean> {
    const { timeoutMillis = 30_000 } = options ?? {};
    const started = performance.now();
    const delivered = await this.#flushRecords(timeoutMillis);
    if (this.#metrics === undefined) return delivered;
    const { emitted } = this.stats().pipeline;
    const measured = await this.#metrics.forceFlush({ timeoutMillis: leftFor(timeoutMillis, started) });
    if (measured) this.#measured = emitted;
    return delivered && measured;
  }

  async #flushRecords(timeoutMillis: number): Promise<boolean> {
    const before = this.#pipeline.deliveryAccounts();
    if (!(await this.#inTime('flush', timeoutMillis, () => this.#pipeline.forceFlush({ timeoutMillis })))) return false;
    // A handler need not say that it was not done in time: then more is held than has come since.
    return Object.entries(this.#pipeline.deliveryAccounts()).every(
      ([name, { accepted, pending }]) => pending <= accepted - (before[name]?.accepted ?? 0),
    );
  }

  shutdown(options?: FlushOptions | null): Promise<boolean> {
    this.#shutdown ??= this.#end(options ?? {});
    return this.#shutdown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #end({ timeoutMillis = 5_000 }: FlushOptions): Promise<boolean> {
    const started = performance.now();
    const provider = this.#provider;
    // Now, before another one may start: a handle that was shut down has no say in what runs then.
    this.#levels?.end();
    if (provider !== undefined) {
      endStreamsOf(provider);
      provider.close();
      unregisterLoggerProvider(provider);
      if (facadeState().destination === provider) setDestination(undefined);
    }
    if (current().logging === this) delete current().logging;
    const lost = this.#pipeline.lost();
    const ended = await this.#inTime('shutdown', timeoutMillis, () => this.#pipeline.shutdown({ timeoutMillis }));
    // After the records: what they say counts until the end.
    const measured = await this.#metrics?.shutdown({ timeoutMillis: leftFor(timeoutMillis, started) });
    // Last: until here a process that ends now still delivers.
    this.#takeDown();
    return ended && this.#pipeline.lost() === lost && this.stats().pending === 0 && measured !== false;
  }

  /** True if the call was done in time. A handler that hangs or throws must not hold up the end of a process. */
  async #inTime(what: string, millis: number, call: () => Promise<void>): Promise<boolean> {
    let done = false;
    await within(async () => {
      try {
        await call();
        done = true;
      } catch (error) {
        // By its name: it may be of the other copy of this package.
        if (!(error instanceof Error && error.name === TIMEOUT)) report(`a ${what} failed`, error);
      }
    }, millis + GRACE_MILLIS);
    return done;
  }

  #pipelineStats(): PipelineAccount {
    const account = this.#pipeline.pipelineAccount();
    let { emitted } = account;
    const dropped: Record<string, number> = { ...account.dropped };
    for (const [reason, count] of Object.entries(this.#provider?.dropped() ?? {})) {
      emitted += count;
      if (count > 0) dropped[reason] = (dropped[reason] ?? 0) + count;
    }
    return { ...account, emitted, dropped };
  }
}
