import { inspect, isDeepStrictEqual } from 'node:util';
import type { SeverityName } from '@logspan/logger';
import { LEVEL_NAMES, severityOf } from '@logspan/logger/internal';
import { type CapturedRecord, matches, type RecordPattern } from './captured-record.ts';

/** The part of a test runner's matcher context that is used: Jest and Vitest both have it. */
export interface MatcherContext {
  readonly isNot?: boolean | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the custom testers are typed otherwise by each runner
  readonly customTesters?: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  equals?(actual: unknown, expected: unknown, customTesters?: any): boolean;
}

/** What a matcher answers. */
export interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/** The matchers as `expect(logs)` has them: what to extend the runner's `Matchers` with. */
export interface LogMatchers<R = void> {
  /** One record at least is meant, and has these attributes among its own; `expect.any(String)` and the like may be in them. */
  toHaveLogged(pattern: RecordPattern, attributes?: Readonly<Record<string, unknown>>): R;
  /** So many are. */
  toHaveLoggedTimes(pattern: RecordPattern, times: number, attributes?: Readonly<Record<string, unknown>>): R;
  /** One record at least is of this level or above: `expect(logs).not.toHaveLoggedAtLeast('warn')`. */
  toHaveLoggedAtLeast(level: SeverityName): R;
}

/**
 * Matchers for what `captureLogs()` captured: `expect.extend(logMatchers)`, in Jest and in Vitest. A failure lists what was
 * logged. Where records are missing, because more came than are kept, every assertion fails.
 */
export const logMatchers: {
  toHaveLogged(
    this: MatcherContext,
    logs: unknown,
    pattern: RecordPattern,
    attributes?: Readonly<Record<string, unknown>>,
  ): MatcherResult;
  toHaveLoggedTimes(
    this: MatcherContext,
    logs: unknown,
    pattern: RecordPattern,
    times: number,
    attributes?: Readonly<Record<string, unknown>>,
  ): MatcherResult;
  toHaveLoggedAtLeast(this: MatcherContext, logs: unknown, level: SeverityName): MatcherResult;
} = Object.freeze({
  toHaveLogged(
    this: MatcherContext,
    logs: unknown,
    pattern: RecordPattern,
    attributes?: Readonly<Record<string, unknown>>,
  ): MatcherResult {
    const meant = matching(this, logs, pattern, attributes);
    return result(this, logs, meant.length > 0, `a record ${shown(pattern, attributes)}`, meant);
  },

  toHaveLoggedTimes(
    this: MatcherContext,
    logs: unknown,
    pattern: RecordPattern,
    times: number,
    attributes?: Readonly<Record<string, unknown>>,
  ): MatcherResult {
    const meant = matching(this, logs, pattern, attributes);
    const what = `${times} record(s) ${shown(pattern, attributes)}, of which there are ${meant.length}`;
    return result(this, logs, meant.length === times, what, meant);
  },

  toHaveLoggedAtLeast(this: MatcherContext, logs: unknown, level: SeverityName): MatcherResult {
    const minimum = severityOf(level);
    if (minimum === undefined) throw new TypeError(`toHaveLoggedAtLeast: a level is one of ${LEVEL_NAMES.join(', ')}`);
    const meant = recordsOf(logs).filter(
      (record) => (severityOf(record.level ?? 'off') ?? 0) >= minimum && record.level,
    );
    return result(this, logs, meant.length > 0, `a record of level ${level} or above`, meant);
  },
});

function matching(
  context: MatcherContext,
  logs: unknown,
  pattern: RecordPattern,
  attributes: Readonly<Record<string, unknown>> | undefined,
): readonly CapturedRecord[] {
  const { equals = isDeepStrictEqual, customTesters } = context;
  return recordsOf(logs).filter((record) =>
    matches(record, pattern, attributes, (actual, expected) => equals.call(context, actual, expected, customTesters)),
  );
}

/** Of what `captureLogs()` returned, or a list of its records. */
function recordsOf(logs: unknown): readonly CapturedRecord[] {
  const records = Array.isArray(logs) ? logs : (logs as { records?: unknown } | null | undefined)?.records;
  if (!Array.isArray(records)) throw new TypeError('expect() must be given what captureLogs() returned');
  return records;
}

function result(
  context: MatcherContext,
  logs: unknown,
  pass: boolean,
  what: string,
  meant: readonly CapturedRecord[],
): MatcherResult {
  const dropped = (logs as { dropped?: number }).dropped ?? 0;
  const isNot = context.isNot === true;
  if (dropped > 0) {
    const message = `${dropped} record(s) came when as many were there as are kept: raise maxRecords, or clear() before`;
    return { pass: isNot, message: () => message };
  }
  return {
    pass,
    message() {
      const all = recordsOf(logs);
      return isNot
        ? `Expected not: ${what}\n\n${list('Logged', meant)}`
        : `Expected: ${what}\n\n${all.length === 0 ? 'Nothing was logged.' : list('Logged', all)}`;
    },
  };
}

function shown(pattern: RecordPattern, attributes: Readonly<Record<string, unknown>> | undefined): string {
  const name = typeof pattern === 'function' ? 'for which the function is true' : brief(pattern);
  if (attributes === undefined) return name;
  const entries = Object.entries(attributes).map(([key, value]) => `${key}: ${asymmetric(value) ?? brief(value)}`);
  return `${name} { ${entries.join(', ')} }`;
}

/** What `expect.any(String)` calls itself: `Any<String>`. */
function asymmetric(value: unknown): string | undefined {
  const { toAsymmetricMatcher: tell } = (value ?? {}) as { toAsymmetricMatcher?: unknown };
  return typeof tell === 'function' ? String(tell.call(value)) : undefined;
}

const MOST_LINES = 30;

/** The last records, one a line. */
function list(title: string, records: readonly CapturedRecord[]): string {
  const last = records.slice(-MOST_LINES);
  const lines = last.map(({ level = '-', scope, eventName, body, attributes }) =>
    `  ${level.padEnd(5)} ${scope} ${eventName ?? brief(body)} ${brief(attributes)}`.trimEnd(),
  );
  const more = records.length > last.length ? `, the last ${last.length}` : '';
  return `${title} (${records.length}${more}):\n${lines.join('\n')}`;
}

function brief(value: unknown): string {
  const options = { depth: 4, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 200, maxArrayLength: 10 };
  return inspect(value, options);
}
