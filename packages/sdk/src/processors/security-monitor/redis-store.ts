import { createHmac } from 'node:crypto';
import { diag } from '@opentelemetry/api';
import { isWorthReporting } from '../../pipeline/report.ts';
import { type StageTime, timeOf } from '../../pipeline/stage-time.ts';
import { checkNumber, checkOptions } from '../../provider/check-options.ts';
import { ConfigError, given } from '../../provider/config-error.ts';
import { MemoryStore } from './memory-store.ts';
import { type RedisClient, RedisScript, redisCode } from './redis-client.ts';
import { readReply, SIGHTING_SCRIPT, type SightingReply } from './redis-script.ts';
import type { SecurityStore, Sighting, Verdict, WindowRule } from './store.ts';

/** How long after a failure Redis is tried again, with one sighting. */
const RETRY_MILLIS = 1_000;

export interface RedisStoreOptions {
  /** A client of the package `redis` (4 or later) or `ioredis` (5 or later), which stays yours to connect and to close. */
  readonly client: RedisClient;
  /** What the names of all keys in Redis begin with. Default `logspan:security:`. */
  readonly prefix?: string;
  /**
   * What the groups are hashed with, the same in all processes. Without one, who can read Redis can find out by trying
   * whether a user name or an address is among them. Default: none.
   */
  readonly secret?: string | Uint8Array;
  /** How long to wait for an answer, in milliseconds. Default 1 000. */
  readonly timeoutMillis?: number;
  /** How many sightings may wait for an answer at a time. Default 500, up to 900. */
  readonly maxPending?: number;
  /** Clock and timers, for tests. */
  readonly time?: StageTime;
}

/** What became of the sightings since the store was made. */
export interface RedisStoreStats {
  /** Judged by Redis, with what all processes have seen. */
  readonly shared: number;
  /** Judged by this process alone, for one of the reasons below. */
  readonly local: number;
  /** Of these: the answer was an error. */
  readonly failed: number;
  /** Of these: there was no answer in time. */
  readonly late: number;
  /** Of these: there were `maxPending` waiting. */
  readonly overload: number;
  /** Of these: not asked, because Redis was away. */
  readonly away: number;
  /** Waiting for an answer. */
  readonly pending: number;
}

/** A store that many processes share, and what it has done. */
export interface RedisStore extends SecurityStore {
  stats(): RedisStoreStats;
}

/**
 * Keeps what the monitor has seen in Redis (or Valkey), so that all processes with the same rules are one monitor: the same
 * exact windows on the clock of the server, one alert per group and cooldown for all of them together. One call of
 * a script for each sighting; the log call does not wait for it, the alert follows the answer.
 *
 * Each process keeps its own sightings in memory besides. When Redis is away, answers with an error or not in time, or too many
 * sightings are waiting, a sighting is judged by those: no process is blind, but each counts for itself and alerts for
 * itself. That is counted, and told once on OTel's diagnostics channel, until Redis is back; it is tried once a second.
 * What comes to Redis too late has no effect there.
 *
 * Groups and values are in Redis as keyed hashes, and expire with the window. Needs Redis 5 or later and the right to
 * EVAL. What Redis may hold is for its `maxmemory` to limit: some 250 bytes per group and window. Throws a ConfigError.
 *
 * ```ts
 * securityMonitor({ store: redisStore({ client: await createClient({ url }).connect() }) })
 * ```
 */
export function redisStore(options: RedisStoreOptions): RedisStore {
  checkOptions('redisStore', options, ['client', 'prefix', 'secret', 'timeoutMillis', 'maxPending', 'time']);
  const { client, prefix = 'logspan:security:', secret = '', timeoutMillis = 1_000, maxPending = 500 } = options;
  if (typeof prefix !== 'string' || /[{}\s]/.test(prefix) || prefix.length > 100)
    throw new ConfigError('redisStore.prefix', 'must be a text of up to 100 characters, without { } and spaces');
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array))
    throw new ConfigError('redisStore.secret', `must be a text or bytes, not ${given(secret)}`);
  checkNumber('redisStore.timeoutMillis', timeoutMillis, 2, 60_000);
  checkNumber('redisStore.maxPending', maxPending, 1, 900);
  const time = timeOf('redisStore.time', options.time);
  const script = new RedisScript('redisStore.client', client, SIGHTING_SCRIPT);
  return new SharedStore(script, { prefix, secret, timeoutMillis, maxPending, time });
}

interface Settings {
  readonly prefix: string;
  readonly secret: string | Uint8Array;
  readonly timeoutMillis: number;
  readonly maxPending: number;
  readonly time: StageTime;
}

class SharedStore implements RedisStore {
  readonly #script: RedisScript;
  readonly #settings: Settings;
  readonly #memory = new MemoryStore();
  readonly #stats = { shared: 0, local: 0, failed: 0, late: 0, overload: 0, away: 0, pending: 0 };
  readonly #rules = new WeakMap<WindowRule, RuleInRedis>();
  #awaySinceMillis: number | undefined;
  #outages = 0;
  #retryMillis = 0;
  /** How far the clock of the server is ahead of ours, at most. Undefined as long as it has not answered. */
  #aheadMicros: number | undefined;

  constructor(script: RedisScript, settings: Settings) {
    this.#script = script;
    this.#settings = settings;
  }

  stats(): RedisStoreStats {
    return { ...this.#stats };
  }

  observe(rule: WindowRule, sighting: Sighting): Verdict | undefined | Promise<Verdict | undefined> {
    // Always, so that it is not without a past when it is needed.
    const own = this.#memory.observe(rule, sighting);
    const reason = this.#whyLocal();
    if (reason === undefined) return this.#ask(rule, sighting, own);
    this.#stats[reason]++;
    this.#stats.local++;
    return own;
  }

  #whyLocal(): 'away' | 'overload' | undefined {
    if (this.#script.isAway) {
      this.#goAway('not connected');
      return 'away';
    }
    if (this.#awaySinceMillis !== undefined) {
      const now = this.#settings.time.now();
      if (now < this.#retryMillis) return 'away';
      this.#retryMillis = now + RETRY_MILLIS;
    }
    return this.#stats.pending >= this.#settings.maxPending ? 'overload' : undefined;
  }

  #ask(rule: WindowRule, sighting: Sighting, own: Verdict | undefined): Promise<Verdict | undefined> {
    this.#stats.pending++;
    return new Promise((resolve) => {
      const settle = (verdict: Verdict | undefined, why?: 'failed' | 'late'): void => {
        this.#stats.pending--;
        if (why === undefined) this.#stats.shared++;
        else {
          this.#stats[why]++;
          this.#stats.local++;
        }
        resolve(verdict);
      };
      // After the log call, and what else may block the process now: until then nothing would get to the server.
      queueMicrotask(() => this.#send(rule, sighting, own, settle));
    });
  }

  #send(
    rule: WindowRule,
    sighting: Sighting,
    own: Verdict | undefined,
    settle: (verdict: Verdict | undefined, why?: 'failed' | 'late') => void,
  ): void {
    const { time, timeoutMillis } = this.#settings;
    const sentMillis = time.now();
    let isSettled = false;
    const end = (act: () => void): void => {
      if (isSettled) return;
      isSettled = true;
      time.clearTimeout(timer);
      act();
    };
    const fail = (error: unknown): void =>
      end(() => {
        this.#goAway(kindOf(error));
        settle(own, 'failed');
      });
    const tooLate = (): void =>
      end(() => {
        this.#goAway('no answer in time');
        settle(own, 'late');
      });
    // If the process was blocked, the answer may be there and not read yet: that comes before what is immediate.
    const timer = time.setTimeout(() => setImmediate(tooLate), timeoutMillis);
    timer.unref?.();
    const { keys, args } = this.#question(rule, sighting, this.#deadline(sentMillis));
    this.#script
      .run(keys, args)
      .then(readReply)
      .then((reply) => {
        this.#aheadMicros = reply.nowMicros - sentMillis * 1_000;
        end(() => {
          this.#comeBack(sentMillis);
          if (reply.isLate) settle(own, 'late');
          else settle(verdictOf(rule, reply));
        });
      })
      .catch(fail);
  }

  /**
   * Until when, by the server's clock, the sighting may have an effect: `0` if that is not known. Half of the time that is
   * waited: an alert that Redis has noted must find somebody who waits for it.
   */
  #deadline(sentMillis: number): string {
    if (this.#aheadMicros === undefined) return '0';
    return String(Math.floor((sentMillis + this.#settings.timeoutMillis / 2) * 1_000 + this.#aheadMicros));
  }

  #question(rule: WindowRule, { key, value, steps }: Sighting, deadline: string): { keys: string[]; args: string[] } {
    let known = this.#rules.get(rule);
    if (known === undefined) {
      known = inRedis(rule);
      this.#rules.set(rule, known);
    }
    const { signature, places } = known;
    // In braces, so that both keys are in one slot of a cluster.
    const group = `${this.#settings.prefix}{${this.#hash(`${signature}${key}`)}}`;
    const args = [rule.type, deadline, ...known.args];
    if (rule.type === 'value_count') args.push(this.#hash(`${signature}${key}\n${value}`));
    for (let at = steps.length - 1; at >= 0; at--) args.push(...(places[steps[at] as number] as string[]));
    return { keys: [`${group}:seen`, `${group}:alert`], args };
  }

  #hash(text: string): string {
    const digest = createHmac('sha256', this.#settings.secret).update(text).digest('base64url');
    // 128 bits.
    return digest.slice(0, 22);
  }

  /** Told of the first outage, and then ever more rarely: Redis may come and go. */
  #goAway(why: string): void {
    const now = this.#settings.time.now();
    this.#retryMillis = now + RETRY_MILLIS;
    if (this.#awaySinceMillis !== undefined) return;
    this.#awaySinceMillis = now;
    this.#outages++;
    if (!isWorthReporting(this.#outages)) return;
    tell('warn', `Redis is away (${why}), time ${this.#outages}: this process counts for itself until it is back`);
  }

  /** An answer to what was asked before the failure says nothing of now. */
  #comeBack(sentMillis: number): void {
    if (this.#awaySinceMillis === undefined || sentMillis < this.#awaySinceMillis) return;
    this.#awaySinceMillis = undefined;
    if (isWorthReporting(this.#outages)) tell('info', 'Redis is back');
  }
}

/** What of a rule is the same for all its sightings. */
interface RuleInRedis {
  /** Processes with another rule of the same name, as in the middle of a roll-out, have a state of their own. */
  readonly signature: string;
  readonly args: readonly string[];
  /** For each step the places that it takes in the sequence, the last first. */
  readonly places: readonly (readonly string[])[];
}

function inRedis({ id, type, windowMillis, cooldownMillis, threshold, steps }: WindowRule): RuleInRedis {
  let end = 0;
  const places = steps.map((count) => {
    end += count;
    return Array.from({ length: count }, (_, back) => String(end - 1 - back));
  });
  return {
    signature: `${[id.length, id, type, windowMillis, threshold, ...steps].join(' ')}\n`,
    args: [String(windowMillis * 1_000), String(cooldownMillis * 1_000), String(threshold)],
    places,
  };
}

function verdictOf(rule: WindowRule, reply: SightingReply): Verdict | undefined {
  if (!reply.hasAlerted) return undefined;
  const { suppressed, spanMicros } = reply;
  return { alert: { count: rule.threshold, suppressed, spanMillis: spanMicros / 1_000 } };
}

/** Of an error only what kind it is: its message may quote the command. */
function kindOf(error: unknown): string {
  return redisCode(error) ?? (error instanceof Error && /^\w{1,40}$/.test(error.name) ? error.name : 'an error');
}

function tell(level: 'warn' | 'info', what: string): void {
  try {
    diag[level](`logspan: redisStore: ${what}`);
  } catch {
    // A diag logger that throws leaves nobody to tell.
  }
}
