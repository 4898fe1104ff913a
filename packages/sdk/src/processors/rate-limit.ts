import { LEVEL_NAMES, type LevelName, SEVERITY } from '@logspan/logger';
import { severityOf } from '@logspan/logger/internal';
import type { Context } from '@opentelemetry/api';
import { factory } from '../pipeline/factory.ts';
import { LeftOut } from '../pipeline/left-out.ts';
import {
  attributesKey,
  checkAttributeNames,
  eventKey,
  functionKey,
  keyText,
  type RecordKey,
  shownAttributes,
} from '../pipeline/record-key.ts';
import { isSpared } from '../pipeline/spared.ts';
import { forwardTo, type LogRecord, type Stage, stage } from '../pipeline/stage.ts';
import { type StageTime, timeOf } from '../pipeline/stage-time.ts';
import { LONGEST_TIMER_MILLIS } from '../pipeline/within.ts';
import { checkNumber, checkOptions } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { Buckets } from './rate-limit/buckets.ts';
import { Summaries } from './rate-limit/summaries.ts';

/** Options of {@link rateLimit}. */
export interface RateLimitOptions {
  /** How many records of a key pass per second in the long run; above 0, fractions allowed. Required. */
  readonly perSecond: number;
  /** How many may pass at once after a pause. Default: `perSecond`, rounded up. */
  readonly burst?: number;
  /**
   * What has a limit of its own: each event (`event`, the default; records without an event name by scope), the values of
   * some attributes, or a text that a function makes of the record. Undefined from a function: no limit.
   */
  readonly key?: 'event' | readonly string[] | ((record: LogRecord) => string | undefined);
  /** Records of this level and above always pass, and take no token. Default `off`: the limit is for all. */
  readonly keepAtLeast?: LevelName;
  /** How many keys may have a limit of their own at a time; those beyond share one. Default 10 000. */
  readonly maxKeys?: number;
  /** How long after the first record was dropped the summary comes, in milliseconds. Default 10 000. */
  readonly summaryIntervalMillis?: number;
  /** Clock and timers, for tests. */
  readonly time?: StageTime;
}

/** What the summary of the shared bucket says in place of a key. */
const OVERFLOW = Object.freeze({ 'logspan.rate_limit.overflow': true });

/**
 * Lets a number of records per second pass for each key (a token bucket) and drops the rest, counted as `rate_limited`;
 * as `rate_limited:overflow` where a key had to share a bucket because there are too many.
 *
 * A failure that goes on stays visible: its records pass at the rate, and what was dropped is told by the event
 * `rate_limited`, as severe as the worst of it, with `logspan.rate_limit.dropped` (how many), `logspan.rate_limit.key` or
 * the attributes of the key, and `logspan.rate_limit.first_time`. It comes at most once per key and interval, when the stage is
 * flushed and when it ends; at most 100 keys at a time, the others in one with `logspan.rate_limit.keys`.
 *
 * What stages write passes, and the events of streams. A key function that throws lets the record pass. Costs a look into a map and a clock; no
 * attribute is made plain for what is dropped. All keys together pass `maxKeys + 1` times the rate at most.
 */
export function rateLimit(options: RateLimitOptions): Stage {
  checkOptions('rateLimit', options, [
    'perSecond',
    'burst',
    'key',
    'keepAtLeast',
    'maxKeys',
    'summaryIntervalMillis',
    'time',
  ]);
  const { perSecond, key = 'event', keepAtLeast = 'off', summaryIntervalMillis = 10_000, maxKeys = 10_000 } = options;
  if (typeof perSecond !== 'number' || !(perSecond > 0 && perSecond <= 1e6)) {
    throw new ConfigError('rateLimit.perSecond', `must be a number above 0, up to 1000000, not ${given(perSecond)}`);
  }
  checkNumber('rateLimit.burst', options.burst, 1);
  const { burst = Math.ceil(perSecond) } = options;
  checkNumber('rateLimit.maxKeys', maxKeys, 1);
  checkNumber('rateLimit.summaryIntervalMillis', summaryIntervalMillis, 1, LONGEST_TIMER_MILLIS);
  const keepFrom = severityOf(keepAtLeast);
  if (keepFrom === undefined) {
    throw new ConfigError(
      'rateLimit.keepAtLeast',
      `must be one of ${LEVEL_NAMES.join(', ')}, not ${given(keepAtLeast)}`,
    );
  }
  const keying = keyingOf(key);
  const time = timeOf('rateLimit.time', options.time);

  return stage('rateLimit', 'volume', (next) => {
    const buckets = new Buckets(perSecond, burst, maxKeys);
    const summaries = new Summaries(next, time, summaryIntervalMillis);
    let limited = 0;
    let overflow = 0;

    const passes = (record: LogRecord, context: Context | undefined): boolean => {
      if ((record.severityNumber || SEVERITY.info) >= keepFrom || isSpared(record, context)) return true;
      const key = keying.key(record);
      if (key === undefined) return true;
      const now = time.now();
      const bucket = buckets.of(key, now);
      if (buckets.take(bucket, now)) return true;
      const isShared = bucket === buckets.shared;
      if (isShared) overflow++;
      else limited++;
      if (bucket.leftOut !== undefined) bucket.leftOut.add(record, now);
      else {
        bucket.leftOut = new LeftOut(record, now, isShared ? OVERFLOW : keying.shown(record, key));
        summaries.expect(bucket);
      }
      return false;
    };

    return forwardTo(next, {
      onEmit(record, context) {
        if (passes(record, context)) next.onEmit(record, context);
      },
      async forceFlush(limits) {
        summaries.write();
        await next.forceFlush(limits);
      },
      async shutdown(limits) {
        summaries.end();
        await next.shutdown(limits);
      },
      release: () => summaries.write(),
      account: () => ({
        dropped: { rate_limited: limited, 'rate_limited:overflow': overflow, failed: summaries.failed },
      }),
    });
  });
}

factory(rateLimit);

interface Keying {
  readonly key: RecordKey;
  /** What a summary says of the key. */
  shown(record: LogRecord, key: string): Readonly<Record<string, unknown>>;
}

function keyingOf(key: RateLimitOptions['key']): Keying {
  if (key === 'event') {
    const shown: Keying['shown'] = ({ eventName }) =>
      eventName ? { 'logspan.rate_limit.key': keyText(eventName) } : {};
    return { key: eventKey, shown };
  }
  if (typeof key === 'function') {
    const shown: Keying['shown'] = (_record, text) => ({ 'logspan.rate_limit.key': text });
    return { key: functionKey(key, 'rateLimit.key'), shown };
  }
  checkAttributeNames('rateLimit.key', key);
  // Under their own names, so that redaction knows them.
  return { key: attributesKey(key), shown: (record) => shownAttributes(record, key) };
}
