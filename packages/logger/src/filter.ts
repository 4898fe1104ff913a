import { LEVEL_NAMES, type LevelName, severityOf } from './level.ts';

/** What a filter can look at: the part of a log record that is known before any cost is paid. */
export interface FilterableRecord {
  readonly severityNumber?: number | undefined;
  readonly eventName?: string | undefined;
  readonly body?: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly instrumentationScope: { readonly name: string };
}

/** True for the records that pass. Usable as a pipeline stage, on a handler, and on a logger. */
export type RecordFilter = (record: FilterableRecord) => boolean;

/** Passes records of this level or above; a record without a severity passes. Throws a TypeError for an unknown level. */
export function atLeast(level: LevelName): RecordFilter {
  const minimum = severityOf(level);
  if (minimum === undefined)
    throw new TypeError(`atLeast: ${JSON.stringify(level)} is not a level (${LEVEL_NAMES.join(', ')})`);
  return (record) => !record.severityNumber || record.severityNumber >= minimum;
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
 * Exclusions are looked at first. A name must match as a whole, not somewhere inside. A record without an event name
 * passes only if nothing is to be included.
 */
export function event(options: string | EventFilterOptions): RecordFilter {
  const { include, exclude = [] } = typeof options === 'string' ? { include: [options] } : options;
  const included = include?.map(glob);
  const excluded = exclude.map(glob);
  return (record) => {
    const name = record.eventName;
    if (name === undefined || name === '') return included === undefined;
    if (excluded.some((matches) => matches(name))) return false;
    return included === undefined || included.some((matches) => matches(name));
  };
}

/** Passes what all of these pass. */
export function and(...filters: readonly RecordFilter[]): RecordFilter {
  return (record) => filters.every((passes) => passes(record));
}

/** Passes what any of these passes. */
export function or(...filters: readonly RecordFilter[]): RecordFilter {
  return (record) => filters.some((passes) => passes(record));
}

/** Passes what this stops. */
export function not(filter: RecordFilter): RecordFilter {
  return (record) => !filter(record);
}

/** Matches a whole name against a pattern with `*`, in time linear in the name for each star: no regular expression. */
export function glob(pattern: string): (name: string) => boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return (name) => name === pattern;
  const first = parts[0] as string;
  const last = parts.at(-1) as string;
  const middle = parts.slice(1, -1).filter((part) => part !== '');
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    for (const part of middle) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= name.length - last.length;
  };
}
