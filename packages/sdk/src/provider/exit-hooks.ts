/** What the end of the process needs to know about the pipeline. Nothing of it throws or rejects. */
export interface Flushable {
  /** Writes what is to be said last. Called before each delivery that may be the last one. */
  lastWords(): void;
  /** Records that are held. */
  pending(): number;
  /** True if all was delivered that was held. */
  forceFlush(options: { timeoutMillis: number }): Promise<boolean>;
  /** Delivers what it can, counts and tells of what it cannot. */
  shutdown(options: { timeoutMillis: number }): Promise<unknown>;
  /** Delivers without returning to the event loop. */
  flushSync(timeoutMillis: number): void;
  /** Writes a record about an exception that nobody caught. */
  uncaught(error: unknown, origin: string): void;
}

/** The part of `process` that is used, so that tests can end another one. */
export interface ProcessLike {
  readonly pid: number;
  // biome-ignore lint/suspicious/noExplicitAny: as Node types its listeners
  on(event: string, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as Node types its listeners
  prependListener(event: string, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as Node types its listeners
  removeListener(event: string, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/complexity/noBannedTypes: as Node types its listeners
  listeners(event: string): Function[];
  kill(pid: number, signal: NodeJS.Signals): unknown;
}

const FLUSH_MILLIS = 5_000;
const FLUSH_SYNC_MILLIS = 3_000;
/**
 * Of the 5 s after a signal, what is left for records that were written during the flush, and for a fallback, which gets
 * what a destination that is down could not be given.
 */
const LAST_FLUSH_MILLIS = 2_500;
/** Each flush makes the event loop run again, and who writes a record whenever it runs dry would keep it running. */
const MOST_FLUSHES = 3;
const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];
/** Marks our own signal listeners, also those of another copy of this package. */
const OURS: unique symbol = Symbol.for('logspan.signal-listener.v1') as never;
/** Where signal-exit 4 keeps how many listeners it has; version 3 keeps it on `process`. */
const SIGNAL_EXIT: unique symbol = Symbol.for('signal-exit emitter') as never;

/**
 * Delivers what is held when the process ends, whichever way it ends, and changes nothing about how it ends: exit code
 * and signal stay what they were.
 *
 * - Natural end: a flush of at most 5 s when the event loop has run dry.
 * - `process.exit()`, an uncaught exception, an unhandled rejection: a synchronous delivery of at most 3 s. The
 *   exception itself is written as a record first. Records that other `exit` listeners write come too late.
 * - SIGTERM and SIGINT: a flush of at most 5 s, then the same signal again with its default effect; a second signal
 *   ends the process at once. If the application listens for the signal too, ending is its business: only the flush is
 *   done.
 *
 * SIGKILL and a crash of the engine leave no chance.
 *
 * @returns a function that removes all hooks.
 */
export function installExitHooks(flushable: Flushable, signals: boolean, on: ProcessLike = process): () => void {
  let flushes = 0;
  const beforeExit = (): void => {
    if (flushes === MOST_FLUSHES) return;
    flushable.lastWords();
    if (flushable.pending() === 0) return;
    flushes++;
    void flushable.forceFlush({ timeoutMillis: FLUSH_MILLIS }).then((delivered) => {
      // What could not be delivered in five seconds has its last chance in the exit hook.
      if (!delivered) flushes = MOST_FLUSHES;
    });
  };
  // Even if nothing is pending: a stage may have a last word to say, such as how often the last record was repeated.
  const exit = (): void => {
    flushable.lastWords();
    flushable.flushSync(FLUSH_SYNC_MILLIS);
  };
  // The monitor sees the exception and leaves the end of the process to Node.
  const uncaught = (error: unknown, origin: string): void => flushable.uncaught(error, origin);

  const onSignal = Object.assign(
    async (signal: NodeJS.Signals): Promise<void> => {
      if (isListenedFor(signal, on)) {
        await flushable.forceFlush({ timeoutMillis: FLUSH_MILLIS });
        return;
      }
      // Only after all listeners of this signal were called: signal-exit ends the process once it finds itself alone.
      await undefined;
      // From here on a second signal has its default effect.
      on.removeListener(signal, onSignal);
      await flushable.forceFlush({ timeoutMillis: FLUSH_MILLIS - LAST_FLUSH_MILLIS });
      await flushable.shutdown({ timeoutMillis: LAST_FLUSH_MILLIS });
      on.kill(on.pid, signal);
    },
    { [OURS]: true },
  );

  on.on('beforeExit', beforeExit);
  on.on('exit', exit);
  on.on('uncaughtExceptionMonitor', uncaught);
  // Ahead of the others: a listener for one time is gone from the list once it was called, and would not be seen.
  if (signals) for (const signal of SIGNALS) on.prependListener(signal, onSignal);
  return () => {
    on.removeListener('beforeExit', beforeExit);
    on.removeListener('exit', exit);
    on.removeListener('uncaughtExceptionMonitor', uncaught);
    for (const signal of SIGNALS) on.removeListener(signal, onSignal);
  };
}

/**
 * True if someone else listens for the signal, and so has taken over to end the process. The package signal-exit, which
 * many others use to tidy up, is not such a one: like this file it sends the signal again when it is alone.
 */
function isListenedFor(signal: string, on: ProcessLike): boolean {
  const others = on.listeners(signal).filter((listener) => !(OURS in listener)).length;
  const { __signal_exit_emitter__: third } = on as { __signal_exit_emitter__?: { readonly count?: number } };
  const { [SIGNAL_EXIT]: fourth } = globalThis as { [SIGNAL_EXIT]?: { readonly count?: number } };
  return others > (third?.count ?? 0) + (fourth?.count ?? 0);
}
