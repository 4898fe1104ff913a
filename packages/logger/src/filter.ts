import { plainInteger } from './attribute-value.ts';
import { glob } from './glob.ts';
import { computed, lazyCompute } from './lazy.ts';
import { LEVEL_NAMES, type LevelName, severityOf } from './level.ts';

/** What a filter can look at: the part of a log record that is known before any cost is paid. */
export interface FilterableRecord {
  readonly severityNumber?: number | undefined;
  readonly eventName?: string | undefined;
  readonly body?: unknown;
  /** In the pipeline, reading this computes all lazy values: {@link attribute} does without. */
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly instrumentationScope: { readonly name: string };
  /** One attribute as it was given, if the record can tell without making all of them plain data; lazy ones are undefined. */
  peekAttribute?(key: string): unknown;
}

/** True for the records that pass. Usable as a pipeline stage, on a handler, and on a logger. */
export interface RecordFilter {
  (record: FilterableRecord): boolean;
  /** A promise that no record with a lower severity passes, so that `isEnabled` can say no before there is a record. */
  readonly minimumSeverity?: number | undefined;
}

/** Passes records of this level or above; a record without a severity passes. Throws a TypeError for an unknown level. */
export function atLeast(level: LevelName): RecordFilter {
  const minimumSeverity = severityOf(level);
  if (minimumSeverity === undefined) {
    throw new TypeError(`atLeast: ${shown(level)} is not a level (${LEVEL_NAMES.join(', ')})`);
  }
  const passes = (record: FilterableRecord): boolean =>
    !record.severityNumber || record.severityNumber >= minimumSeverity;
  return Object.assign(passes, { minimumSeverity });
}

/** Event names to let through or to stop; `*` stands for any text. */
export interface EventFilterOptions {
  /** Only these, if given. */
  readonly include?: readonly string[];
  /** Never these: looked at first. */
  readonly exclude?: readonly string[];
}

/**
 * Passes records by event name: `event('audit_*')`, or `event({ include: ['audit_*'], exclude: ['audit_debug'] })`.
 * Exclusions are looked at first. A name must match as a whole, not somewhere inside: a prefix is written `audit_*`. A
 * record without an event name passes only if nothing is to be included. Throws a TypeError for what is no pattern.
 */
export function event(options: string | EventFilterOptions): RecordFilter {
  const given: unknown = options;
  if (typeof given !== 'string' && (typeof given !== 'object' || given === null)) {
    throw new TypeError(`event: must be given a pattern or { include, exclude }, not ${shown(given)}`);
  }
  if (typeof given === 'object') {
    const unknown = Array.isArray(given)
      ? 'a list'
      : Object.keys(given ?? {}).find((key) => !['include', 'exclude'].includes(key));
    if (unknown !== undefined)
      throw new TypeError(`event: ${unknown} is not an option; the options are include and exclude`);
  }
  const { include, exclude = [] } = typeof options === 'string' ? { include: [options] } : options;
  const included = include === undefined ? undefined : patterns('include', include);
  const excluded = patterns('exclude', exclude);
  return (record) => {
    const name = record.eventName;
    if (name === undefined || name === '') return included === undefined;
    if (excluded.some((matches) => matches(name))) return false;
    return included === undefined || included.some((matches) => matches(name));
  };
}

/** Passes records of the scopes (the logger names) that match: `scope('db.*')`. As a whole, like {@link event}. */
export function scope(pattern: string): RecordFilter {
  if (typeof pattern !== 'string') throw new TypeError(`scope: must be given a pattern, not ${shown(pattern)}`);
  const matches = glob(pattern);
  return (record) => matches(record.instrumentationScope.name);
}

/** A value that an attribute can be compared with, or a test of it, which is asked only if the attribute is there. */
// biome-ignore lint/suspicious/noExplicitAny: an attribute is whatever the caller logged; any lets a test say what it expects
export type AttributeTest = string | number | bigint | boolean | null | ((value: any) => boolean);

/**
 * Passes records by one attribute: that have it, `attribute('user.id')`; that have it with this value,
 * `attribute('tenant', 'acme')`; for which a test is true, `attribute('http.response.status_code', (v) => v >= 500)`.
 *
 * Looks at that one attribute alone, as the caller gave it, a bigint as the number (beyond 2^53 the text) that it becomes:
 * no lazy value is computed for it. One that is lazy, or made by
 * a function in place of the attributes, is there only behind the point where records are computed: for a handler's
 * `when`. Throws a TypeError for a test that is none, undefined included: a variable that is not set would pass anything.
 */
export function attribute(key: string, ...test: readonly [] | readonly [AttributeTest]): RecordFilter {
  if (typeof key !== 'string') throw new TypeError(`attribute: the key must be a string, not ${shown(key)}`);
  if (test.length === 0) return (record) => peek(record, key) !== undefined;
  const [expected] = test;
  if (typeof expected === 'function') {
    return (record) => {
      const value = peek(record, key);
      return value !== undefined && answer(() => expected(value));
    };
  }
  if (expected !== null && !['string', 'number', 'bigint', 'boolean'].includes(typeof expected)) {
    throw new TypeError(`attribute: ${key} can be compared with a plain value or a function, not ${shown(expected)}`);
  }
  const plain = typeof expected === 'bigint' ? plainInteger(expected) : expected;
  return (record) => peek(record, key) === plain;
}

/**
 * A filter that does not judge what is written while it is asked: a filter that logs with a logger that it belongs to would
 * ask itself without end.
 */
export function askedOnce(filter: RecordFilter): RecordFilter {
  let busy = false;
  const passes = (record: FilterableRecord): boolean => {
    if (busy) return true;
    busy = true;
    try {
      return filter(record);
    } finally {
      busy = false;
    }
  };
  return Object.assign(passes, { minimumSeverity: filter.minimumSeverity });
}

/** Passes what all of these pass. */
export function and(...filters: readonly RecordFilter[]): RecordFilter {
  check('and', filters);
  const minimums = filters.map(({ minimumSeverity = 0 }) => minimumSeverity);
  const passes = (record: FilterableRecord): boolean => filters.every((filter) => answer(() => filter(record)));
  return Object.assign(passes, { minimumSeverity: Math.max(0, ...minimums) });
}

/** Passes what any of these passes. */
export function or(...filters: readonly RecordFilter[]): RecordFilter {
  check('or', filters);
  const minimums = filters.map(({ minimumSeverity = 0 }) => minimumSeverity);
  const passes = (record: FilterableRecord): boolean => filters.some((filter) => answer(() => filter(record)));
  return Object.assign(passes, { minimumSeverity: minimums.length === 0 ? 0 : Math.min(...minimums) });
}

/** Passes what this stops. */
export function not(filter: RecordFilter): RecordFilter {
  check('not', [filter]);
  return (record) => !answer(() => filter(record));
}

/** What a filter says. A promise is a yes, and its rejection, which nobody would hear, must not end the process. */
function answer(ask: () => unknown): boolean {
  return Boolean(computed(ask));
}

/** A bigint as what a handler sees of it, so that a filter says the same in all places. */
function peek(record: FilterableRecord, key: string): unknown {
  const value = record.peekAttribute !== undefined ? record.peekAttribute(key) : ownAttribute(record.attributes, key);
  return typeof value === 'bigint' ? plainInteger(value) : value;
}

/** An own attribute of what a caller gave; undefined for none, for a lazy one, and for one whose getter throws. */
export function ownAttribute(attributes: unknown, key: string): unknown {
  if (typeof attributes !== 'object' || attributes === null) return undefined;
  try {
    if (!Object.hasOwn(attributes, key)) return undefined;
    const value: unknown = (attributes as Record<string, unknown>)[key];
    return typeof value === 'object' && value !== null && lazyCompute(value) !== undefined ? undefined : value;
  } catch {
    return undefined;
  }
}

function patterns(option: string, given: readonly string[]): ((name: string) => boolean)[] {
  if (!Array.isArray(given) || given.some((pattern) => typeof pattern !== 'string')) {
    throw new TypeError(`event: ${option} must be a list of patterns, not ${shown(given)}`);
  }
  return given.map(glob);
}

function check(name: string, filters: readonly RecordFilter[]): void {
  const wrong = filters.findIndex((filter) => typeof filter !== 'function');
  if (wrong >= 0) throw new TypeError(`${name}: must be given filters, not ${shown(filters[wrong])}`);
}

/** A word as it is; of anything else its type, for it may be secret. */
function shown(given: unknown): string {
  if (typeof given === 'string' && /^[\w.*-]{0,40}$/.test(given)) return JSON.stringify(given);
  return Array.isArray(given) ? 'a list' : given === null ? 'null' : typeof given;
}
