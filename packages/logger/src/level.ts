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
  readonly minimum: number;
  readonly scopes: readonly { readonly scope: string; readonly minimum: number }[];
}

/**
 * Parses a directive such as `info,db=debug,http.client=off`: one default level and any number of `scope=level`.
 * Without a default it is `info`. A scope covers itself and what lies below it (`db` covers `db.pool`, `db:pool`
 * and `db/pool`); the longest scope wins.
 *
 * @returns the directive, or the first part that cannot be understood as `{ invalid }`.
 */
export function parseLevelDirective(text: string): LevelDirective | { readonly invalid: string } {
  let minimum: number = SEVERITY.info;
  const scopes: { scope: string; minimum: number }[] = [];
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const equals = part.lastIndexOf('=');
    const severity = severityOf(part.slice(equals + 1));
    const scope = equals < 0 ? undefined : part.slice(0, equals).trim();
    if (severity === undefined || scope === '') return { invalid: part.trim() };
    if (scope === undefined) minimum = severity;
    // In front: what comes later in the directive wins over the same scope before.
    else scopes.unshift({ scope, minimum: severity });
  }
  scopes.sort((a, b) => b.scope.length - a.scope.length);
  return { minimum, scopes };
}

/** The minimum severity that a directive sets for a scope. */
export function minimumFor(directive: LevelDirective, scopeName: string): number {
  for (const { scope, minimum } of directive.scopes) {
    if (
      scopeName.startsWith(scope) &&
      (scopeName.length === scope.length || '.:/'.includes(scopeName[scope.length] as string))
    )
      return minimum;
  }
  return directive.minimum;
}
