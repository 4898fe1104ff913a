/** The name of {@link TimeoutError}. */
export const TIMEOUT = 'TimeoutError';

/** The longest delay that a Node timer takes; it would fire a longer one at once. */
export const LONGEST_TIMER_MILLIS: number = 2 ** 31 - 1;

/** What a handler is given beyond the deadline to come to its own end. */
export const GRACE_MILLIS = 50;

/** A flush that was not done at its deadline: not a failure, only not yet. */
export class TimeoutError extends Error {
  override readonly name: string = TIMEOUT;
}

/**
 * What a call comes to, or undefined if it throws, rejects or is not there in time. While it waits the process stays
 * alive, unless told otherwise.
 */
export function within<T>(
  call: () => T | PromiseLike<T>,
  millis: number,
  { keepAlive = true }: { keepAlive?: boolean } = {},
): Promise<T | undefined> {
  return new Promise((resolve) => {
    // A turn later: after a stall the loop has the timers of all deadlines due at once, and what they lead to comes first.
    const late = (): void => void setImmediate(resolve, undefined);
    const timer = setTimeout(late, Math.min(Math.max(0, millis), LONGEST_TIMER_MILLIS));
    if (!keepAlive) timer.unref();
    const settle = (value?: T): void => {
      clearTimeout(timer);
      resolve(value);
    };
    // In an async function a call that throws is a call that rejects.
    (async () => call())().then(settle, () => settle());
  });
}
