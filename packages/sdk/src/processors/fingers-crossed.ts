import { LEVEL_NAMES, type LevelName, type RecordFilter, SEVERITY } from '@logspan/logger';
import { severityOf } from '@logspan/logger/internal';
import type { Context } from '@opentelemetry/api';
import { keepRecord } from '../pipeline/copy-record.ts';
import { factory } from '../pipeline/factory.ts';
import { PassLater } from '../pipeline/pass-later.ts';
import { passes } from '../pipeline/passes.ts';
import { functionKey } from '../pipeline/record-key.ts';
import { Failures } from '../pipeline/report.ts';
import { isSpared } from '../pipeline/spared.ts';
import { forwardTo, type LogRecord, type Stage, stage } from '../pipeline/stage.ts';
import { type StageTime, StageTimer, timeOf } from '../pipeline/stage-time.ts';
import { LONGEST_TIMER_MILLIS } from '../pipeline/within.ts';
import { checkNumber, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { ActiveTraces } from './fingers-crossed/active-traces.ts';
import { HeldTraces } from './fingers-crossed/held-traces.ts';
import { recordBytes } from './fingers-crossed/record-bytes.ts';

/** Options of {@link fingersCrossed}. */
export interface FingersCrossedOptions {
  /** A record of this level or above releases what its trace holds. Default `error`. */
  readonly activateAt?: LevelName;
  /** Records of this level and above are not held: they pass at once. Default `warn`. */
  readonly passFrom?: LevelName;
  /** What else is never held: `keep: [event('audit_*')]`. A filter that throws lets the record pass. */
  readonly keep?: readonly RecordFilter[];
  /** Which record ends its trace well, so that what is held is dropped: `event('request_completed')`. Default: none. */
  readonly endsWhen?: RecordFilter;
  /** After how long without a record a trace has ended, in milliseconds. Default 60 000. */
  readonly idleMillis?: number;
  /**
   * What holds records together in place of the trace: a text made of the record. Undefined: the record passes, as one
   * outside of a trace does by default.
   */
  readonly key?: (record: LogRecord) => string | undefined;
  /** How many records are held for a trace; beyond, its oldest go. Default 200. */
  readonly recordsPerKey?: number;
  /** How many traces are known at a time; beyond, the one that was quiet for longest goes. Default 10 000. */
  readonly maxKeys?: number;
  /** How much memory all held records may take, as estimated; beyond, the oldest of the quietest trace go. Default 16 MiB. */
  readonly maxBytes?: number;
  /** Clock and timers, for tests. */
  readonly time?: StageTime;
}

/**
 * Holds the low-level records of each trace until it is known whether they matter: the first record at `activateAt`
 * releases them, in their order, before itself, with their own times and contexts, and from then on the trace passes. A trace
 * that ends without one has what it holds dropped, counted as `fingers_crossed`: when a record fits `endsWhen`, when there
 * was none for `idleMillis`, and when the stage ends. What goes earlier, for want of room, is counted as
 * `fingers_crossed:overflow`; what is held now is `held`.
 *
 * What is held is a copy: lazy values are computed and objects copied when the record comes, so that it says what was true
 * then. Held in memory only and not yet redacted, it runs through the stages behind this one, redaction included, when it
 * is released. A flush releases nothing. Costs around a microsecond and the copy for each record that is held.
 */
export function fingersCrossed(options: FingersCrossedOptions = {}): Stage {
  checkOptions('fingersCrossed', options, [
    'activateAt',
    'passFrom',
    'keep',
    'endsWhen',
    'idleMillis',
    'key',
    'recordsPerKey',
    'maxKeys',
    'maxBytes',
    'time',
  ]);
  const { keep = [], endsWhen, key, idleMillis = 60_000, maxBytes = 16 * 2 ** 20 } = options;
  const { recordsPerKey = 200, maxKeys = 10_000 } = options;
  const activateAt = levelOf('activateAt', options.activateAt ?? 'error');
  const passFrom = Math.min(levelOf('passFrom', options.passFrom ?? 'warn'), activateAt);
  if (!Array.isArray(keep) || !keep.every((filter) => typeof filter === 'function')) {
    throw new ConfigError('fingersCrossed.keep', `must be a list of filters, not ${given(keep)}`);
  }
  checkType('fingersCrossed.endsWhen', endsWhen, 'function');
  checkType('fingersCrossed.key', key, 'function');
  checkNumber('fingersCrossed.idleMillis', idleMillis, 1, LONGEST_TIMER_MILLIS);
  checkNumber('fingersCrossed.recordsPerKey', recordsPerKey, 1);
  checkNumber('fingersCrossed.maxKeys', maxKeys, 1);
  checkNumber('fingersCrossed.maxBytes', maxBytes, 1);
  const time = timeOf('fingersCrossed.time', options.time);
  const keyOf = key === undefined ? traceOf : functionKey(key, 'fingersCrossed.key');

  return stage('fingersCrossed', 'volume', (next) => {
    const held = new HeldTraces({ recordsPerKey, maxKeys, maxBytes, idleMillis });
    const active = new ActiveTraces(maxKeys, idleMillis);
    const later = new PassLater(next);
    const failures = new Failures('endsWhen');
    let dropped = 0;
    let ended = false;

    const dropIdle = (now: number): void => {
      dropped += held.dropIdle(now);
    };
    const startTimer = (now: number): void => {
      const { nextIdleAt } = held;
      // Not for each trace that falls quiet: many do so one after another.
      if (nextIdleAt !== undefined) timer.start(Math.max(nextIdleAt - now, idleMillis / 10));
    };
    const timer = new StageTimer(time, () => {
      const now = time.now();
      dropIdle(now);
      startTimer(now);
    });
    const dropAll = (): void => {
      timer.stop();
      dropIdle(Number.POSITIVE_INFINITY);
    };
    const ends = (record: LogRecord): boolean => {
      try {
        const answer: unknown = endsWhen?.(record);
        if (answer === true) return true;
        failures.watch(answer);
      } catch (error) {
        // Better held for too long.
        failures.count(error);
      }
      return false;
    };
    const isKept = (record: LogRecord): boolean => {
      for (const filter of keep) if (passes(filter, record)) return true;
      return false;
    };

    /** True if the record is to pass, after all that is to pass before it. */
    const decide = (record: LogRecord, context: Context | undefined): boolean => {
      const key = ended || isSpared(record, context) ? undefined : keyOf(record);
      if (key === undefined) return true;
      const now = time.now();
      dropIdle(now);
      const severityNumber = record.severityNumber || SEVERITY.info;
      const isEnd = ends(record);
      if (active.has(key, now) || severityNumber >= activateAt) {
        for (const one of held.take(key)) later.pass(one.record, one.context);
        if (isEnd) active.delete(key);
        else active.add(key, now);
        return true;
      }
      if (isEnd) dropped += held.take(key).length;
      if (severityNumber >= passFrom || isKept(record)) {
        held.touch(key, now);
        return true;
      }
      if (isEnd) {
        dropped++;
        return false;
      }
      const copy = keepRecord(record);
      held.hold(key, { record: copy, context, bytes: recordBytes(copy) }, now);
      startTimer(now);
      return false;
    };

    return forwardTo(next, {
      onEmit(record, context) {
        if (decide(record, context)) next.onEmit(record, context);
      },
      async shutdown(limits) {
        ended = true;
        dropAll();
        await next.shutdown(limits);
      },
      release: dropAll,
      account: () => ({
        held: held.count,
        dropped: { fingers_crossed: dropped, 'fingers_crossed:overflow': held.overflow, failed: later.failed },
      }),
    });
  });
}

factory(fingersCrossed);

function traceOf({ spanContext }: LogRecord): string | undefined {
  return spanContext?.traceId;
}

function levelOf(option: string, level: unknown): number {
  const severityNumber = typeof level === 'string' ? severityOf(level) : undefined;
  if (severityNumber !== undefined) return severityNumber;
  throw new ConfigError(`fingersCrossed.${option}`, `must be one of ${LEVEL_NAMES.join(', ')}, not ${given(level)}`);
}
