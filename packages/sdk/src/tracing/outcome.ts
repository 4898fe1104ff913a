import { LEVEL_NAMES, type LevelName, type Logger } from '@logspan/logger';
import { checkOneOf, checkOptions } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';

/** What can become of a request, or of a call to a service: the last word of the names of its events. */
export type Outcome = 'started' | 'completed' | 'failed' | 'aborted';

/** The level of each. */
export type OutcomeLevels = Readonly<Record<Outcome, LevelName>>;

const OUTCOME_LEVELS: OutcomeLevels = { started: 'debug', completed: 'info', failed: 'error', aborted: 'warn' };

/** The levels, with those that the options name. Throws a ConfigError for what is none. */
export function outcomeLevels(option: string, levels: Partial<OutcomeLevels> = {}): OutcomeLevels {
  checkOptions(option, levels, Object.keys(OUTCOME_LEVELS));
  const all = { ...OUTCOME_LEVELS };
  for (const outcome of Object.keys(OUTCOME_LEVELS) as Outcome[]) {
    checkOneOf(`${option}.${outcome}`, levels[outcome], LEVEL_NAMES);
    all[outcome] = levels[outcome] ?? OUTCOME_LEVELS[outcome];
  }
  return all;
}

/** The names of the query parameters that may be shown. Throws a ConfigError unless they are names. */
export function shownParameters(option: string, names: readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (names === undefined) return undefined;
  if (!Array.isArray(names) || names.some((name) => typeof name !== 'string')) {
    throw new ConfigError(option, `must be an array of names of parameters, not ${given(names)}`);
  }
  return new Set(names);
}

/** Throws a ConfigError unless this is undefined or a logger. */
export function checkLogger(option: string, logger: Logger | undefined): void {
  if (logger === undefined || typeof logger?.log === 'function') return;
  throw new ConfigError(option, `must be a logger of getLogger(), not ${given(logger)}`);
}

/**
 * Begins to measure; the answer says how long it has taken, in milliseconds to the microsecond. Nothing if the clock, which
 * may be the application's, throws or tells no time: `failed` is told what it throws. Never throws.
 */
export function stopwatch(now: () => number, failed: (error: unknown) => void): () => { duration_ms?: number } {
  const read = (): number => {
    try {
      return Number(now());
    } catch (error) {
      failed(error);
      return Number.NaN;
    }
  };
  const begun = read();
  return () => {
    const millis = Math.round((read() - begun) * 1_000) / 1_000;
    return Number.isFinite(millis) ? { duration_ms: millis } : {};
  };
}
