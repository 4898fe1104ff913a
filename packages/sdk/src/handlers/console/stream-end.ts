import type { LogRecord } from '../../pipeline/stage.ts';
import type { HandlerEnd } from '../handler.ts';

/** What the console handler needs of a stream: `process.stdout`, any Node `Writable`, or an object with `write` alone. */
export interface TextStream {
  write(text: string, done?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  /** What a terminal knows of its colours, given the environment. */
  hasColors?(count: number, env: Readonly<Record<string, string | undefined>>): boolean;
  /** Bytes that wait in the stream. A stream that has it is taken to call `done`; for others `write` is all there is. */
  readonly writableLength?: number | undefined;
  readonly writable?: boolean | undefined;
  readonly errored?: Error | null | undefined;
  on?(event: 'close', listener: () => void): unknown;
  once?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'close' | 'error', listener: () => void): unknown;
}

const FLUSH_TIMEOUT_MILLIS = 30_000;
const LONGEST_TIMER_MILLIS = 2 ** 31 - 1;

/**
 * The end of a route that writes one text for each record to a stream that somebody else owns: it is never ended, and
 * never throws into the log call.
 *
 * A record is delivered when the stream confirms the write. It is dropped and counted as `encode_error` (it cannot be
 * formatted), `stream_full` (more than `maxBufferedBytes` wait in the stream), `stream_error` (the write failed, or the
 * stream is closed), `after_shutdown`, `shutdown_deadline` (not confirmed in time) or `process_exit`.
 *
 * `forceFlush` resolves when all that was written before is settled, or at its timeout (default 30 s); then the rest is
 * still `pending`.
 */
export function streamEnd(
  stream: TextStream,
  format: (record: LogRecord) => string,
  maxBufferedBytes: number,
): HandlerEnd {
  let accepted = 0;
  let delivered = 0;
  const dropped: Record<string, number> = {};
  /** Writes begun, and writes settled: a stream settles them in order, so the difference is what is pending. */
  let written = 0;
  let settled = 0;
  /** Raised when pending writes are given up, so that a late confirmation counts nothing twice. */
  let generation = 0;
  let shutdown: Promise<void> | undefined;
  const waiting = new Set<() => void>();
  const confirms = typeof stream.writableLength === 'number';

  const drop = (reason: string, count = 1): void => {
    if (count > 0) dropped[reason] = (dropped[reason] ?? 0) + count;
  };
  const wake = (): void => {
    for (const check of waiting) check();
  };

  let absorbing = false;
  // A write that failed is followed by an 'error' event, which would end the process if nobody listens. We listen only
  // once one of our own writes has reported a failure (the write callback comes first) and for that one event: the
  // owner's listeners still get it, and errors that are not ours still reach, or end, the application as without us.
  const absorbErrorEvent = (): void => {
    if (absorbing || stream.once === undefined) return;
    absorbing = true;
    stream.once('error', () => {
      absorbing = false;
    });
  };

  const write = (text: string): void => {
    const mine = generation;
    let open = true;
    const settle = (failed: boolean): void => {
      if (!open || mine !== generation) return;
      open = false;
      settled++;
      if (failed) drop('stream_error');
      else delivered++;
      if (waiting.size > 0) wake();
    };
    written++;
    try {
      if (confirms) {
        stream.write(text, (error) => {
          if (error) absorbErrorEvent();
          settle(Boolean(error));
        });
      } else {
        stream.write(text);
        settle(false);
      }
    } catch {
      settle(true);
    }
  };

  const giveUp = (reason: string): void => {
    drop(reason, written - settled);
    settled = written;
    generation++;
    wake();
  };
  // A stream that is destroyed may leave a write that was under way unanswered for ever.
  const onClose = (): void => giveUp('stream_error');
  stream.on?.('close', onClose);

  const forceFlush = (timeoutMillis = FLUSH_TIMEOUT_MILLIS): Promise<void> => {
    const barrier = written;
    if (settled >= barrier) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        waiting.delete(check);
        resolve();
      };
      const check = (): void => {
        if (settled >= barrier) finish();
      };
      const timer = setTimeout(finish, Math.min(timeoutMillis, LONGEST_TIMER_MILLIS));
      waiting.add(check);
    });
  };

  return {
    onEmit(record) {
      accepted++;
      if (shutdown !== undefined) return drop('after_shutdown');
      if (stream.writable === false) return drop('stream_error');
      if ((stream.writableLength ?? 0) > maxBufferedBytes) return drop('stream_full');
      let text: string;
      try {
        text = format(record);
      } catch {
        return drop('encode_error');
      }
      write(text);
    },
    forceFlush: (options) => forceFlush(options?.timeoutMillis),
    shutdown(options) {
      shutdown ??= forceFlush(options?.timeoutMillis).then(() => {
        giveUp('shutdown_deadline');
        stream.off?.('close', onClose);
      });
      return shutdown;
    },
    isFilling: () => (stream.writableLength ?? 0) * 2 > maxBufferedBytes,
    /**
     * A Node stream cannot be waited for without the event loop. But standard output mostly writes at once (files,
     * terminals, and pipes on POSIX) and only confirms later: then nothing waits in the stream, and all was written.
     */
    flushSync() {
      if (stream.writableLength === 0 && !stream.errored) {
        delivered += written - settled;
        settled = written;
      }
      giveUp(stream.errored ? 'stream_error' : 'process_exit');
    },
    deliveryAccount: () => ({ accepted, delivered, rejected: 0, dropped: { ...dropped }, pending: written - settled }),
  };
}
