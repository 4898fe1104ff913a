import { glob } from './glob.ts';

/**
 * Severities by name. The numbers are those of the OTel logs data model (SeverityNumber); `warning` and `critical`
 * are other spellings of `warn` and `fatal`. Levels are compared as these numbers, everywhere.
 */
export const SEVERITY: {
  readonly trace: 1;
  readonly debug: 5;
  readonly info: 9;
  readonly warn: 13;
  readonly warning: 13;
  readonly error: 17;
  readonly fatal: 21;
  readonly critical: 21;
  /** Above every severity: nothing passes. */
  readonly off: 25;
} = Object.freeze({ trace: 1, debug: 5, info: 9, warn: 13, warning: 13, error: 17, fatal: 21, critical: 21, off: 25 });

/** The name of a level, as the user writes it. `off` lets nothing pass. */
export type LevelName = keyof typeof SEVERITY;

/** The levels a record can be written at: all but `off`. */
export type SeverityName = Exclude<LevelName, 'off'>;

/** All names that {@link severityOf} accepts, for messages. */
export const LEVEL_NAMES: readonly LevelName[] = Object.freeze(Object.keys(SEVERITY) as LevelName[]);

/** The severity number of a level name (any case), or undefined if there is no such level. Never throws. */
export function severityOf(name: string): number | undefined {
  if (typeof name !== 'string') return undefined;
  const key = name.trim().toLowerCase();
  return Object.hasOwn(SEVERITY, key) ? SEVERITY[key as LevelName] : undefined;
}

/** The display text of a severity number, as OTel's short names have it: `INFO`, `WARN3`. Empty for no severity. */
export function severityText(severityNumber: number): string {
  if (!(severityNumber >= 1 && severityNumber <= 24)) return '';
  const step = (severityNumber - 1) & 3;
  const name = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'][(severityNumber - 1) >> 2] as string;
  return step === 0 ? name : name + (step + 1);
}

/** A parsed level directive: the default, and the scopes that differ from it. */
export interface LevelDirective {
  /** The minimum of every scope that no pattern is for. Undefined: the directive leaves it as it is. */
  readonly minimum: number | undefined;
  /** The minimum for each pattern; of two that are equally close to a scope the later one counts. */
  readonly scopes: ReadonlyMap<string, number>;
}

/**
 * Parses a directive such as `info,db=debug,http.*=warn,*.sql=trace`: one default level and any number of
 * `pattern=level`, with commas or line ends between. See {@link minimumOf} for what a pattern is for.
 *
 * @returns the directive, or what cannot be understood, with its place from 1.
 */
export function parseLevelDirective(text: string): LevelDirective | { readonly invalid: string; readonly at: number } {
  let minimum: number | undefined;
  const scopes = new Map<string, number>();
  for (const [index, part] of text.split(/[,\n]/).entries()) {
    if (part.trim() === '') continue;
    const equals = part.lastIndexOf('=');
    const severity = severityOf(part.slice(equals + 1));
    const pattern = equals < 0 ? undefined : part.slice(0, equals).trim();
    if (severity === undefined || pattern === '') return { invalid: part.trim(), at: index + 1 };
    if (pattern === undefined) minimum = severity;
    else setLast(scopes, pattern, severity);
  }
  return { minimum, scopes };
}

/** One directive on top of another: with a default it stands alone, without one it adds to what is there. */
export function overlaid(under: LevelDirective, over: LevelDirective): LevelDirective {
  if (over.minimum !== undefined) return over;
  const scopes = new Map(under.scopes);
  for (const [pattern, minimum] of over.scopes) setLast(scopes, pattern, minimum);
  return { minimum: under.minimum, scopes };
}

/**
 * The minimum severity of each scope under a directive. A pattern without `*` is for the scope of that name and what lies
 * below it (`db`: also `db.pool`, `db:pool`, `db/pool`); one with `*`, which stands for any text, is for the whole names
 * that it matches (`http.*`: `http.client`, not `http`).
 *
 * Of several patterns that fit, the one with the most characters counts, stars left aside; of two that are equal in this
 * the one without a star, then the later one. So a scope's own name always wins. Without a default it is `info`.
 */
export function minimumOf({ minimum = SEVERITY.info, scopes }: LevelDirective): (scopeName: string) => number {
  const closestFirst = [...scopes]
    .reverse()
    .map(([pattern, severity]) => ({
      severity,
      stars: pattern.includes('*'),
      characters: pattern.replaceAll('*', '').length,
      covers: pattern.includes('*') ? glob(pattern) : tree(pattern),
    }))
    .sort((a, b) => b.characters - a.characters || Number(a.stars) - Number(b.stars));
  return (scopeName) => closestFirst.find(({ covers }) => covers(scopeName))?.severity ?? minimum;
}

/** A scope and all that lies below it. */
function tree(root: string): (scopeName: string) => boolean {
  return (name) =>
    name.startsWith(root) && (name.length === root.length || '.:/'.includes(name[root.length] as string));
}

/** Sets an entry and makes it the last one. */
function setLast<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
}
