import { LEVEL_NAMES, type LevelName, type RecordFilter, SEVERITY } from '@logspan/logger';
import { severityOf } from '@logspan/logger/internal';
import { type SpanContext, TraceFlags } from '@opentelemetry/api';
import { factory } from '../pipeline/factory.ts';
import { passes } from '../pipeline/passes.ts';
import { peekAttribute } from '../pipeline/peek-attribute.ts';
import { Failures } from '../pipeline/report.ts';
import { isSpared } from '../pipeline/spared.ts';
import { forwardTo, type LogRecord, type Stage, stage } from '../pipeline/stage.ts';
import { checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { checkRule, checkShare, Lot, type SampleRule } from './sample/rule.ts';
import { tracedRatio } from './sample/threshold.ts';

export type { SampleRule } from './sample/rule.ts';

/** Options of {@link sample}. */
export interface SampleOptions {
  /** The share of records to keep, 0 to 1. Default 0.1. With `targetPerSecond`: the highest share; default 1. */
  readonly ratio?: number;
  /** Adapts the share, so that about so many records are kept per second. Records that are always kept do not count. */
  readonly targetPerSecond?: number;
  /** Records of this level and above are always kept. Default `error`. */
  readonly keepAtLeast?: LevelName;
  /** What is always kept whatever its level: `keep: [event('audit_*')]`. A filter that throws keeps the record. */
  readonly keep?: readonly RecordFilter[];
  /** Other shares for some records: the first rule that fits decides. */
  readonly rules?: readonly SampleRule[];
  /**
   * Records that no rule is for follow their trace: kept if it is sampled, dropped if it is not, counted as
   * `sampled:trace`. Outside of a trace the share decides. Default false.
   */
  readonly followTrace?: boolean;
  /** Where chance comes from for records outside of a trace: 0 ≤ x < 1. Default `Math.random`. */
  readonly random?: () => number;
  /** A clock that never goes back, in milliseconds, for `targetPerSecond`. Default `performance.now`. */
  readonly now?: () => number;
}

const RATIO = 'logspan.sample.ratio';

/**
 * Keeps a share of the records and drops the rest, counted as `sampled`, or as `sampled:name` where a rule decides.
 *
 * Always kept: `keepAtLeast` and above, what `keep` says, what stages write, and the events of streams. Records of one trace stay together, in
 * every service that samples at the same ratio: the decision is that of OTel's consistent probability sampling, made from
 * the last 56 bits of the trace id, which W3C Trace Context level 2 wants random. Outside of a trace each record is
 * decided by chance. Where a share adapts to a target, a trace in which it changes may be torn.
 *
 * A kept record carries `logspan.sample.ratio`, so that `1 / ratio` scales counts back; records that are always kept do
 * not. Sampled twice, it carries the product, or in a trace, where the second decision follows from the first, the lower.
 *
 * Costs a comparison for records that are always kept, and the patterns of the rules. No attribute is made plain and no
 * lazy value computed for what is dropped, unless a filter reads `attributes`.
 */
export function sample(options: SampleOptions = {}): Stage {
  const { keepAtLeast = 'error', keep = [], rules = [], followTrace = false, random = Math.random } = options ?? {};
  checkOptions('sample', options, [
    'ratio',
    'targetPerSecond',
    'keepAtLeast',
    'keep',
    'rules',
    'followTrace',
    'random',
    'now',
  ]);
  const share = checkShare('sample', options, 0.1);
  const keepFrom = typeof keepAtLeast === 'string' ? severityOf(keepAtLeast) : undefined;
  if (keepFrom === undefined) {
    throw new ConfigError('sample.keepAtLeast', `must be one of ${LEVEL_NAMES.join(', ')}, not ${given(keepAtLeast)}`);
  }
  if (!Array.isArray(keep) || !keep.every((filter) => typeof filter === 'function')) {
    throw new ConfigError('sample.keep', `must be a list of filters, not ${given(keep)}`);
  }
  if (!Array.isArray(rules)) throw new ConfigError('sample.rules', `must be a list of rules, not ${given(rules)}`);
  const lots = rules.map((rule, index) => checkRule(`sample.rules[${index}]`, rule, index));
  checkType('sample.followTrace', options.followTrace, 'boolean');
  checkType('sample.random', options.random, 'function');
  checkType('sample.now', options.now, 'function');
  const { now = () => performance.now() } = options;

  return stage('sample', 'volume', (next) => {
    const special = lots.map((make) => make(now));
    const rest = new Lot('sampled', [], share, now);
    const failures = new Failures('a sampling rule');
    let unsampled = 0;

    const isKept = (record: LogRecord): boolean => {
      for (const filter of keep) if (passes(filter, record)) return true;
      return false;
    };

    /** The share that a record is kept at: 1 without a decision, 0 if it is dropped. */
    const decide = (record: LogRecord): number => {
      try {
        for (const lot of special) if (lot.has(record)) return lot.decide(record, random);
      } catch (error) {
        // Better one record too many.
        failures.count(error);
        return 1;
      }
      const { spanContext } = record;
      if (!followTrace || spanContext === undefined) return rest.decide(record, random);
      if ((spanContext.traceFlags & TraceFlags.SAMPLED) !== 0) return tracedRatio(spanContext) ?? 1;
      unsampled++;
      return 0;
    };

    return forwardTo(next, {
      onEmit(record, context) {
        if ((record.severityNumber ?? SEVERITY.info) < keepFrom && !isSpared(record, context) && !isKept(record)) {
          const ratio = decide(record);
          if (ratio === 0) return;
          if (ratio < 1) weigh(record, ratio);
        }
        next.onEmit(record, context);
      },
      account() {
        const dropped: Record<string, number> = { sampled: rest.dropped };
        // Two rules may have one name.
        for (const lot of special) dropped[lot.reason] = (dropped[lot.reason] ?? 0) + lot.dropped;
        if (followTrace) dropped['sampled:trace'] = (dropped['sampled:trace'] ?? 0) + unsampled;
        return { dropped };
      },
    });
  });
}

factory(sample);

/** Writes down the share that a record stands for. */
function weigh(record: LogRecord, ratio: number): void {
  const before = peekAttribute(record, RATIO);
  const isSampled = typeof before === 'number' && before > 0 && before < 1;
  record.setAttribute(RATIO, isSampled ? both(before, ratio, record.spanContext) : ratio);
}

/** What two samplers keep. In a trace the lower share is part of the higher one. */
function both(one: number, other: number, span: SpanContext | undefined): number {
  return span === undefined ? one * other : Math.min(one, other);
}
