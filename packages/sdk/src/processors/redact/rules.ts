import { checkOptions, checkType } from '../../provider/check-options.ts';
import { ConfigError, given } from '../../provider/config-error.ts';
import { actionOf, type RedactAction } from './action.ts';
import { DEFAULT_DETECTORS, DETECTORS, type DetectorName } from './detector.ts';
import { checkPath, isPath, PathRules } from './path-rules.ts';
import type { Rule } from './rule.ts';
import { fold, SecretKeys } from './secret-keys.ts';
import { checkPattern, UserPattern } from './user-pattern.ts';

/** What is secret, and what becomes of it. At least one of `keys`, `paths`, `detect` and `pattern`. */
export interface RedactRule {
  /** How `explain()` and the counts name it. Default `rules[0]`, `rules[1]`, …; a rule with a pattern must have one. */
  readonly name?: string;
  /**
   * Keys, at any depth, also in texts (`pin=1234`); case, `_`, `-` and spaces do not matter. `user.pin` is also `pin` in an
   * object `user`. Whole names: for a `*` there are `paths`.
   */
  readonly keys?: readonly string[];
  /** Paths of attributes and of the body, `user.*.ssn`, `**.card`: `*` is one segment, `**` any number of them. */
  readonly paths?: readonly string[];
  /** What is found by its shape. Named here it is looked for, whatever the option `detect` says. */
  readonly detect?: readonly DetectorName[];
  /** A regular expression of your own, held to 5 ms. See docs/redact.md before you use one. */
  readonly pattern?: RegExp;
  /** Default `'replace'`. */
  readonly action?: RedactAction;
}

/** Options of {@link redact}. */
export interface RedactOptions {
  /**
   * Further keys whose values are secret, at any depth; case, `_`, `-` and spaces do not matter. `user.pin` is also `pin` in
   * an object `user`. Whole names: for a `*` there are `rules` with `paths`.
   */
  readonly keys?: readonly string[];
  /** False to leave out the well-known keys (password, token, authorization, cookie, …). Default true. */
  readonly wellKnown?: boolean;
  /** What is found by its shape: the names of it, false for nothing, true for all but `email`. Default true. */
  readonly detect?: boolean | readonly DetectorName[];
  /** Rules of your own. They come before everything else, and of two that apply the first decides. */
  readonly rules?: readonly RedactRule[];
  /** What stands in place of a secret. Default `***REDACTED***`. */
  readonly replacement?: string;
}

/** Checked options. */
export interface Rules {
  readonly keys: SecretKeys;
  readonly paths: PathRules | undefined;
  /** What is looked for. All names are its own, so that what is on Object.prototype is no detector. */
  readonly detectors: Readonly<Record<DetectorName, Rule | undefined>>;
  /** True if card numbers or IBANs are looked for. */
  readonly numbers: boolean;
  readonly patterns: readonly UserPattern[];
  readonly replacement: string;
}

/** Throws a ConfigError that names the option, what was given and what is allowed. */
export function rulesOf(options: RedactOptions, now: () => number): Rules {
  checkOptions('redact', options, ['keys', 'wellKnown', 'detect', 'rules', 'replacement']);
  const { wellKnown = true, detect = true, rules = [], replacement = '***REDACTED***' } = options;
  checkType('redact.wellKnown', options.wellKnown, 'boolean');
  checkType('redact.replacement', options.replacement, 'string');
  if (!Array.isArray(rules)) throw new ConfigError('redact.rules', `must be an array of rules, not ${given(rules)}`);

  const keys: [string, Rule][] = [];
  const paths: [string, Rule][] = [];
  const detectors = Object.fromEntries(DETECTORS.map((name) => [name, undefined])) as Record<
    DetectorName,
    Rule | undefined
  >;
  const patterns: UserPattern[] = [];
  const addKey = (key: string, rule: Rule): void => {
    keys.push([key, rule]);
    // `user.pin` may be written as an object, too.
    if (isPath(key)) paths.push([`**.${key}`, rule]);
  };
  let order = 0;
  for (const [index, entry] of (rules as readonly RedactRule[]).entries()) {
    const option = `redact.rules[${index}]`;
    checkRule(option, entry);
    const rule = {
      name: entry.name ?? `rules[${index}]`,
      action: actionOf(`${option}.action`, entry.action === undefined ? 'replace' : entry.action, replacement),
      order: order++,
    };
    for (const key of entry.keys ?? []) addKey(key, rule);
    for (const path of entry.paths ?? []) paths.push([path, rule]);
    for (const name of entry.detect ?? []) detectors[name] ??= rule;
    if (entry.pattern !== undefined) patterns.push(new UserPattern(entry.pattern, rule, now));
  }

  const replace = actionOf('redact.action', 'replace', replacement);
  const builtIn = (name: string): Rule => ({ name, action: replace, order: order++ });
  const own = builtIn('keys');
  for (const key of checkedKeys('redact.keys', options.keys)) addKey(key, own);
  const known = wellKnown ? builtIn('well-known keys') : undefined;
  for (const name of detected(detect)) detectors[name] ??= builtIn(name);
  return {
    keys: new SecretKeys(keys, known),
    paths: paths.length === 0 ? undefined : new PathRules(paths),
    detectors,
    numbers: detectors.card !== undefined || detectors.iban !== undefined,
    patterns,
    replacement,
  };
}

function checkRule(option: string, rule: unknown): asserts rule is RedactRule {
  checkOptions(option, rule, ['name', 'keys', 'paths', 'detect', 'pattern', 'action']);
  const { name, keys, paths, detect, pattern } = rule as Record<keyof RedactRule, unknown>;
  if (keys === undefined && paths === undefined && detect === undefined && pattern === undefined) {
    throw new ConfigError(option, 'must say what is secret: keys, paths, detect or pattern');
  }
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw new ConfigError(`${option}.name`, `must be a name, not ${given(name)}`);
  }
  checkedKeys(`${option}.keys`, keys);
  if (paths !== undefined && !Array.isArray(paths)) {
    throw new ConfigError(`${option}.paths`, `must be an array of paths, not ${given(paths)}`);
  }
  for (const [index, path] of ((paths ?? []) as unknown[]).entries()) checkPath(`${option}.paths[${index}]`, path);
  if (detect !== undefined) checkDetectors(`${option}.detect`, detect);
  if (pattern === undefined) return;
  checkPattern(`${option}.pattern`, pattern);
  if (name === undefined) throw new ConfigError(`${option}.name`, 'must be given: a pattern must have a name');
}

function checkedKeys(option: string, keys: unknown = []): readonly string[] {
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== 'string' || fold(key) === '')) {
    throw new ConfigError(option, `must be an array of names, not ${given(keys)}`);
  }
  const glob = keys.findIndex((key) => key.includes('*'));
  if (glob >= 0) {
    throw new ConfigError(
      `${option}[${glob}]`,
      "must be a whole name, without *: for all that begin alike say rules: [{ paths: ['**.secret_*'] }]",
    );
  }
  return keys;
}

function detected(detect: unknown): readonly DetectorName[] {
  if (typeof detect === 'boolean') return detect ? DEFAULT_DETECTORS : [];
  checkDetectors('redact.detect', detect);
  return detect;
}

function checkDetectors(option: string, names: unknown): asserts names is readonly DetectorName[] {
  if (!Array.isArray(names)) {
    throw new ConfigError(option, `must be an array of ${DETECTORS.join(', ')}, not ${given(names)}`);
  }
  for (const [index, name] of names.entries()) {
    if (!DETECTORS.includes(name)) {
      throw new ConfigError(`${option}[${index}]`, `must be one of ${DETECTORS.join(', ')}, not ${given(name)}`);
    }
  }
}
