import type { RecordFilter } from '@logspan/logger';
import { glob } from '@logspan/logger/internal';
import { watch } from '../../pipeline/report.ts';
import type { LogRecord } from '../../pipeline/stage.ts';
import { checkOptions, checkType } from '../../provider/check-options.ts';
import { ConfigError, given } from '../../provider/config-error.ts';
import { Pace } from './pace.ts';
import { Threshold } from './threshold.ts';

/** A share of its own for some records. All that is named must hold: event and scope and `when`. */
export interface SampleRule {
  /** What its drops are counted as: `sampled:name`. Default: the patterns, else its place in the list (`rule1`). */
  readonly name?: string;
  /** Event names: one pattern or several; `*` stands for any text. */
  readonly event?: string | readonly string[];
  /** Scopes, the names of loggers: one pattern or several. */
  readonly scope?: string | readonly string[];
  /** Any other condition. A record on which it throws is kept. */
  readonly when?: RecordFilter;
  /** The share to keep, 0 to 1. With `targetPerSecond`: the highest; default 1. */
  readonly ratio?: number;
  /** Adapts the share, so that about so many records of this rule are kept per second. */
  readonly targetPerSecond?: number;
}

/** Some of the records, and the share of them that is kept. */
export class Lot {
  readonly reason: string;
  readonly #conditions: readonly ((record: LogRecord) => unknown)[];
  readonly #pace: Pace | undefined;
  readonly #fixed: Threshold;
  dropped = 0;

  constructor(
    reason: string,
    conditions: readonly ((record: LogRecord) => unknown)[],
    share: Share,
    now: () => number,
  ) {
    const { ratio, targetPerSecond } = share;
    this.reason = reason;
    this.#conditions = conditions;
    this.#fixed = new Threshold(ratio);
    this.#pace = targetPerSecond === undefined ? undefined : new Pace(targetPerSecond, ratio, now);
  }

  /** Throws what a condition throws. */
  has(record: LogRecord): boolean {
    for (const holds of this.#conditions) {
      const answer = holds(record);
      if (typeof answer === 'object' && answer !== null) {
        watch(answer, 'an async sampling rule');
        throw new TypeError('async');
      }
      if (!answer) return false;
    }
    return true;
  }

  /** The share that a record is kept at, or 0 if it is dropped, which is counted. */
  decide({ spanContext }: LogRecord, random: () => number): number {
    this.#pace?.see();
    const threshold = this.#pace?.threshold ?? this.#fixed;
    if (threshold.ratio === 1 || threshold.keeps(spanContext, random)) {
      this.#pace?.keep();
      return threshold.ratio;
    }
    this.dropped++;
    return 0;
  }
}

/** The share of a lot, checked. */
export interface Share {
  readonly ratio: number;
  readonly targetPerSecond?: number | undefined;
}

/** Throws a {@link ConfigError} for what is wrong with a share; without a target, `ratio` has the default given. */
export function checkShare(option: string, { ratio, targetPerSecond }: Partial<Share>, byDefault?: number): Share {
  if (targetPerSecond !== undefined && !(Number.isFinite(targetPerSecond) && targetPerSecond > 0)) {
    throw new ConfigError(`${option}.targetPerSecond`, `must be a number above 0, not ${given(targetPerSecond)}`);
  }
  const share = ratio ?? (targetPerSecond === undefined ? byDefault : 1);
  if (typeof share !== 'number' || !(share >= 0 && share <= 1)) {
    throw new ConfigError(`${option}.ratio`, `must be a number from 0 to 1, not ${given(ratio)}`);
  }
  return { ratio: share, targetPerSecond };
}

/** What makes a rule, each time it is used. Throws a {@link ConfigError} for what is wrong with it. */
export function checkRule(option: string, rule: SampleRule, index: number): (now: () => number) => Lot {
  checkOptions(option, rule, ['name', 'event', 'scope', 'when', 'ratio', 'targetPerSecond']);
  checkType(`${option}.name`, rule.name, 'string');
  checkType(`${option}.when`, rule.when, 'function');
  const event = patterns(`${option}.event`, rule.event);
  const scope = patterns(`${option}.scope`, rule.scope);
  const share = checkShare(option, rule);
  const { when } = rule;
  const conditions: ((record: LogRecord) => unknown)[] = [];
  if (event !== undefined) conditions.push(({ eventName }) => !!eventName && event.some((fits) => fits(eventName)));
  if (scope !== undefined) conditions.push((record) => scope.some((fits) => fits(record.instrumentationScope.name)));
  if (when !== undefined) conditions.push(when);
  if (conditions.length === 0) throw new ConfigError(option, 'must name an event, a scope, or a condition (when)');
  const name = rule.name ?? ([rule.event, rule.scope].flat().filter(Boolean).join(',') || `rule${index + 1}`);
  return (now) => new Lot(`sampled:${name}`, conditions, share, now);
}

function patterns(option: string, value: unknown): ((name: string) => boolean)[] | undefined {
  if (value === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0 || !list.every((pattern) => typeof pattern === 'string')) {
    throw new ConfigError(option, `must be a pattern or a list of patterns, not ${given(value)}`);
  }
  return (list as string[]).map(glob);
}
