import { within } from '../../pipeline/within.ts';

/** One promise that a part must keep. `run` rejects with what is wrong. */
export interface Check {
  readonly name: string;
  run(): Promise<void>;
}

/** What {@link Check.run} rejects with. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError';
}

/** Throws unless it holds. */
export function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new ConformanceError(otherwise);
}

/** Calls it; what it throws is told. */
export function mustNotThrow(what: string, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    throw new ConformanceError(`${what} threw ${kindOf(error)}`);
  }
}

/** Waits for a promise that must resolve, or with `mayReject` only be settled. */
export async function mustSettle(
  what: string,
  call: () => Promise<unknown>,
  patienceMillis: number,
  mayReject = false,
): Promise<void> {
  const outcome = await within(async () => {
    try {
      await call();
      return { rejected: false };
    } catch (error) {
      return { rejected: true, error };
    }
  }, patienceMillis);
  must(outcome !== undefined, `${what} was not done within ${patienceMillis} ms`);
  if (outcome?.rejected && !mayReject) throw new ConformanceError(`${what} rejected with ${kindOf(outcome.error)}`);
}

/** Whether any promise is left to itself while this runs. */
export async function mustHandleRejections(call: () => Promise<void>): Promise<void> {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', listener);
  try {
    await call();
    // Node tells of them once the microtasks are done.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('unhandledRejection', listener);
  }
  must(unhandled.length === 0, `a promise was left to reject with ${kindOf(unhandled[0])}`);
}

function kindOf(error: unknown): string {
  // Not by its class: it may be of another realm.
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
  return name === undefined ? typeof error : `${String(name)}: ${String(message)}`;
}
