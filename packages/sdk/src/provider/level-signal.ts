import { SEVERITY } from '@logspan/logger/internal';
import { diag } from '@opentelemetry/api';
import { report } from '../pipeline/report.ts';
import type { ProcessLike } from './exit-hooks.ts';
import type { Levels } from './levels.ts';

/** The signals that mean nothing else to a Node process, but for SIGUSR1, which starts the debugger if nobody listens. */
export const LEVEL_SIGNALS = ['SIGUSR1', 'SIGUSR2'] as const;
export type LevelSignal = (typeof LEVEL_SIGNALS)[number];

/** How long a signal's debug holds. */
const TTL_MILLIS = 600_000;
const OWNER = 'levelSignal';

/**
 * Sets all loggers to debug for ten minutes when the signal comes, and takes that back when it comes again. Does nothing
 * where the signal does not exist (Windows). Does not keep the process alive. Never throws.
 *
 * @returns a function that stops listening.
 */
export function followLevelSignal(
  signal: LevelSignal,
  levels: Levels,
  on: Pick<ProcessLike, 'on' | 'removeListener'> = process,
): () => void {
  const toggle = (): void => {
    try {
      const back = levels.takeBack(OWNER);
      if (!back) levels.set({ minimum: SEVERITY.debug, scopes: new Map() }, { ttlMillis: TTL_MILLIS, owner: OWNER });
      diag.info(`logspan: ${signal}: ${back ? 'the levels are as before' : 'debug for ten minutes'}`);
    } catch (error) {
      report('the level signal failed', error);
    }
  };
  try {
    on.on(signal, toggle);
  } catch (error) {
    report(`${signal} cannot be listened for`, error);
  }
  return () => void on.removeListener(signal, toggle);
}
