/** What the end of the process needs to know about the pipeline. */
export interface Flushable {
  /** Records that are held. */
  pending(): number;
  forceFlush(options: { timeoutMillis: number }): Promise<unknown>;
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
  removeListener(event: string, listener: (...args: any[]) => void): unknown;
  listenerCount(event: string): number;
  kill(pid: number, signal: NodeJS.Signals): unknown;
}

const FLUSH_MILLIS = 5_000;
const FLUSH_SYNC_MILLIS = 3_000;
const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];

/**
 * Delivers what is held when the process ends, whichever way it ends, and changes nothing about how it ends: exit code
 * and signal stay what they were.
 *
 * - Natural end: a flush of at most 5 s when the event loop has run dry.
 * - `process.exit()`, an uncaught exception, an unhandled rejection: a synchronous delivery of at most 3 s. The
 *   exception itself is written as a record first.
 * - SIGTERM and SIGINT: a flush of at most 5 s, then the same signal again with its default effect; a second signal
 *   ends the process at once. If the application listens for the signal too, ending is its business: only the flush is
 *   done.
 *
 * SIGKILL and a crash of the engine leave no chance.
 *
 * @returns a function that removes all hooks.
 */
export function installExitHooks(flushable: Flushable, signals: boolean, on: ProcessLike = process): () => void {
  let flushedInVain = 0;
  const beforeExit = (): void => {
    // The flush makes the loop run again and beforeExit come back: once per amount of records, not for ever.
    const pending = flushable.pending();
    if (pending === 0 || pending === flushedInVain) return;
    flushedInVain = pending;
    void flushable.forceFlush({ timeoutMillis: FLUSH_MILLIS });
  };
  const exit = (): void => {
    if (flushable.pending() > 0) flushable.flushSync(FLUSH_SYNC_MILLIS);
  };
  // The monitor sees the exception and leaves the end of the process to Node.
  const uncaught = (error: unknown, origin: string): void => flushable.uncaught(error, origin);

  const onSignal = (signal: NodeJS.Signals): void => {
    const alone = on.listenerCount(signal) === 1;
    // From here on a second signal has its default effect.
    if (alone) on.removeListener(signal, onSignal);
    void flushable
      .forceFlush({ timeoutMillis: FLUSH_MILLIS })
      .catch(() => undefined)
      .then(() => {
        if (alone) on.kill(on.pid, signal);
      });
  };

  on.on('beforeExit', beforeExit);
  on.on('exit', exit);
  on.on('uncaughtExceptionMonitor', uncaught);
  if (signals) for (const signal of SIGNALS) on.on(signal, onSignal);
  return () => {
    on.removeListener('beforeExit', beforeExit);
    on.removeListener('exit', exit);
    on.removeListener('uncaughtExceptionMonitor', uncaught);
    for (const signal of SIGNALS) on.removeListener(signal, onSignal);
  };
}
