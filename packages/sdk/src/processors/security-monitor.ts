import { factory } from '../pipeline/factory.ts';
import { type LogRecordProcessor, type Stage, stage } from '../pipeline/stage.ts';
import { type StageTime, timeOf } from '../pipeline/stage-time.ts';
import { checkOptions } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { checkRules } from './security-monitor/check-rules.ts';
import { Monitoring, type SecurityRuleStats, Tally } from './security-monitor/monitoring.ts';
import { DEFAULT_SECURITY_RULES, type SecurityRule } from './security-monitor/rule.ts';
import type { SecurityStore } from './security-monitor/store.ts';

export {
  type LoadSigmaRulesOptions,
  loadSigmaRules,
  type SigmaSource,
  type YamlPackage,
} from './security-monitor/load-sigma-rules.ts';
export type { SecurityRuleStats } from './security-monitor/monitoring.ts';
export type { IoRedisClient, NodeRedisClient, RedisClient } from './security-monitor/redis-client.ts';
export {
  type RedisStore,
  type RedisStoreOptions,
  type RedisStoreStats,
  redisStore,
} from './security-monitor/redis-store.ts';
export {
  type AttributePattern,
  AUTHORIZATION_BURST,
  BRUTE_FORCE,
  type CountCondition,
  DEFAULT_SECURITY_RULES,
  type EventCountRule,
  LOGGING_SILENCE,
  PASSWORD_SPRAY,
  RATE_LIMIT_ABUSE,
  type RecordMatch,
  type SecurityRule,
  type StepMatch,
  SUCCESS_AFTER_FAILURES,
  type TemporalOrderedRule,
  type Timespan,
  type ValueCountRule,
} from './security-monitor/rule.ts';
export { fromSigma } from './security-monitor/sigma.ts';
export type { SecurityStore, Sighting, Verdict, WindowRule } from './security-monitor/store.ts';

export interface SecurityMonitorOptions {
  /** What to watch for. Default: {@link DEFAULT_SECURITY_RULES}; to keep those, `[...DEFAULT_SECURITY_RULES, mine]`. */
  readonly rules?: readonly SecurityRule[];
  /** Where to keep what was seen. Default: the memory of this process. */
  readonly store?: SecurityStore;
  /** Clock and timers, for tests. */
  readonly time?: StageTime;
}

/** The stage, and what its rules have done. */
export interface SecurityMonitor extends Stage {
  /** By the id of the rule. */
  stats(): Readonly<Record<string, SecurityRuleStats>>;
}

/**
 * Raises an alert when records together look like an attack: by default five failed logins of a user, and ten exceeded
 * rate limits of an address.
 *
 * Sees every record that comes to it and passes every record on, unchanged; an alert follows the record that brought it
 * about, through the stages behind, in its trace. A group raises one alert per cooldown, and the next one says how many
 * were suppressed. Windows slide and are exact, on a clock that never goes back. Memory is bounded; who makes up keys to
 * push others out is told of in an alert of type `security_monitor_overflow`. Without a shared store each process
 * counts for itself.
 *
 * A record that no rule is meant for costs one look-up. Never throws into the log call. Throws a ConfigError for a
 * mistake in the options.
 *
 * ```ts
 * securityMonitor({ rules: [...DEFAULT_SECURITY_RULES, PASSWORD_SPRAY] })
 * ```
 */
export function securityMonitor(options: SecurityMonitorOptions = {}): SecurityMonitor {
  checkOptions('securityMonitor', options, ['rules', 'store', 'time']);
  const { rules = DEFAULT_SECURITY_RULES, store } = options;
  const checked = checkRules(rules, 'securityMonitor.rules');
  if (store !== undefined && typeof store?.observe !== 'function')
    throw new ConfigError('securityMonitor.store', `${given(store)} was given, allowed: an object with observe()`);
  const time = timeOf('securityMonitor.time', options.time);
  const tallies = new Map(checked.map((rule) => [rule.id, new Tally()]));
  const wrap = (next: LogRecordProcessor) => new Monitoring(next, checked, tallies, store, time).processor;
  return Object.assign(stage('securityMonitor', 'observe', wrap), {
    stats: () => Object.fromEntries([...tallies].map(([id, tally]) => [id, { ...tally }])),
  });
}

factory(securityMonitor);
