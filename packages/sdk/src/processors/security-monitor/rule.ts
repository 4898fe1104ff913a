import type { SeverityName } from '@logspan/logger';

/** A length of time as Sigma writes it: `300s`, `5m`, `1h`, `1d`. From one second to 30 days. */
export type Timespan = `${number}${'s' | 'm' | 'h' | 'd'}`;

/** What an attribute may be compared with: a text, in which `*` stands for any text, a number or a boolean. */
export type AttributePattern = string | number | boolean;

/** Which records a rule looks at. */
export interface RecordMatch {
  /** Records of this event name, or of one of these; `*` stands for any text. Default: every record, named or not. */
  readonly event?: string | readonly string[];
  /** Attributes that must have this value, or one of these: all of them. A lazy value never matches. Default: none. */
  readonly attributes?: Readonly<Record<string, AttributePattern | readonly AttributePattern[]>>;
  /** True to compare texts without case, as Sigma does. Default false. */
  readonly ignoreCase?: boolean;
}

/** One step of a `temporal_ordered` rule. */
export interface StepMatch extends RecordMatch {
  /** How many such records make the step. Default 1. */
  readonly count?: number;
}

interface AnyRule {
  /** The name of the rule, unique among the rules: the `alert_type` of its alerts. */
  readonly id: string;
  /**
   * The attributes that tell one group from another; each group is watched on its own. A record that lacks one of them
   * belongs to no group: it is counted as `ungrouped` and not judged. Default: all records are one group.
   */
  readonly groupBy?: readonly string[];
  /** How far back to look, exactly: a record as old as this is outside. */
  readonly window: Timespan;
  /** For how long a group that has raised an alert raises no other. Default: as long as `window`. */
  readonly cooldown?: Timespan;
  /** The level of the alert. Default `warn`. */
  readonly severity?: SeverityName;
  readonly emit?: {
    /** The event name of the alert. Default `security_alert`. */
    readonly event?: string;
    /** What the alert says besides. Default nothing. */
    readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  };
  /** How many groups are watched exactly. Default 10 000. See docs/security-monitor.md for what comes beyond. */
  readonly maxKeys?: number;
}

/** At least, or more than, so many. */
export type CountCondition = { readonly gte: number } | { readonly gt: number };

/** So many records of a group within the window; with `lt`, which cannot have groups: fewer than so many. */
export interface EventCountRule extends AnyRule {
  readonly type: 'event_count';
  /** Which records count; of several, any. */
  readonly match: RecordMatch | readonly RecordMatch[];
  readonly condition: CountCondition | { readonly lt: number };
}

/** So many different values of one attribute among the records of a group within the window. */
export interface ValueCountRule extends AnyRule {
  readonly type: 'value_count';
  /** Which records count; of several, any. */
  readonly match: RecordMatch | readonly RecordMatch[];
  /** `field` is the attribute whose values are counted. A record without it is not judged. */
  readonly condition: CountCondition & { readonly field: string };
}

/** Records of a group that come in this order, with any others between them, all within the window. */
export interface TemporalOrderedRule extends AnyRule {
  readonly type: 'temporal_ordered';
  readonly match: readonly StepMatch[];
}

/** What is suspicious. The three types mean what Sigma's correlation rules of the same name mean, in sliding windows. */
export type SecurityRule = EventCountRule | ValueCountRule | TemporalOrderedRule;

const LOGIN_FAILED: readonly string[] = Object.freeze(['login_failed', 'authn_login_fail']);

/** Five `login_failed` of one `username` within 300 s. */
export const BRUTE_FORCE: EventCountRule = Object.freeze({
  id: 'brute_force_detected',
  type: 'event_count',
  match: Object.freeze({ event: LOGIN_FAILED }),
  groupBy: Object.freeze(['username']),
  window: '300s',
  condition: Object.freeze({ gte: 5 }),
} as const);

/** Ten `rate_limit_exceeded` of one `ip` within 60 s. */
export const RATE_LIMIT_ABUSE: EventCountRule = Object.freeze({
  id: 'rate_limit_abuse',
  type: 'event_count',
  match: Object.freeze({ event: Object.freeze(['rate_limit_exceeded', 'excess_rate_limit_exceeded']) }),
  groupBy: Object.freeze(['ip']),
  window: '60s',
  condition: Object.freeze({ gte: 10 }),
} as const);

/** Failed logins as ten different `username`s from one `ip` within 300 s: few tries for each, so no brute force. */
export const PASSWORD_SPRAY: ValueCountRule = Object.freeze({
  id: 'password_spray',
  type: 'value_count',
  match: Object.freeze({ event: LOGIN_FAILED }),
  groupBy: Object.freeze(['ip']),
  window: '300s',
  condition: Object.freeze({ field: 'username', gte: 10 }),
} as const);

/** A login of a `username` after five failed ones, all within 900 s: somebody may have found the password. */
export const SUCCESS_AFTER_FAILURES: TemporalOrderedRule = Object.freeze({
  id: 'success_after_failures',
  type: 'temporal_ordered',
  match: Object.freeze([
    Object.freeze({ event: LOGIN_FAILED, count: 5 }),
    Object.freeze({ event: Object.freeze(['login_succeeded', 'user_login', 'authn_login_success']) }),
  ]),
  groupBy: Object.freeze(['username']),
  window: '900s',
  severity: 'error',
} as const);

/** Ten refusals of one `username` within 60 s: somebody tries what he may not do. */
export const AUTHORIZATION_BURST: EventCountRule = Object.freeze({
  id: 'authorization_burst',
  type: 'event_count',
  match: Object.freeze({ event: Object.freeze(['authorization_failed', 'access_denied', 'authz_fail']) }),
  groupBy: Object.freeze(['username']),
  window: '60s',
  condition: Object.freeze({ gte: 10 }),
} as const);

/** No record at all for 300 s, in a process that has written some. Told again every hour as long as it lasts. */
export const LOGGING_SILENCE: EventCountRule = Object.freeze({
  id: 'logging_silence',
  type: 'event_count',
  match: Object.freeze({}),
  window: '300s',
  condition: Object.freeze({ lt: 1 }),
  cooldown: '1h',
} as const);

/** What is watched when nothing else is asked for: {@link BRUTE_FORCE} and {@link RATE_LIMIT_ABUSE}. */
export const DEFAULT_SECURITY_RULES: readonly SecurityRule[] = Object.freeze([BRUTE_FORCE, RATE_LIMIT_ABUSE]);
