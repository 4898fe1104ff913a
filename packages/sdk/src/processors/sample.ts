import { LEVEL_NAMES, type LevelName, SEVERITY } from '@logspan/logger';
import { severityOf } from '@logspan/logger/internal';
import { forwardTo, type LogRecord, type Stage, stage } from '../pipeline/stage.ts';
import { checkOptions } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';

/** Options of {@link sample}. */
export interface SampleOptions {
  /** The share of records to keep, 0 to 1. Default 0.1. */
  readonly ratio?: number;
  /** Records of this level and above are always kept. Default `error`. */
  readonly keepAtLeast?: LevelName;
  /** Where chance comes from for records outside of a trace: 0 ≤ x < 1. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Keeps a share of the records and drops the rest, counted as `sampled`.
 *
 * Records of one trace stay together, in every service that samples at the same ratio: the decision is made from the
 * last 56 bits of the trace id, which W3C Trace Context level 2 wants random, by the rule of OTel's probability
 * sampling (keep if the randomness is at or above the threshold). Outside of a trace each record is decided by chance.
 * A kept record carries `logspan.sample.ratio`, so that counts can be scaled back; records that are always kept do
 * not. Costs a comparison for records that are always kept, and no attribute is looked at.
 */
export function sample(options: SampleOptions = {}): Stage {
  checkOptions('sample', options, ['ratio', 'keepAtLeast', 'random']);
  const { ratio = 0.1, keepAtLeast = 'error', random = Math.random } = options;
  if (typeof ratio !== 'number' || !(ratio >= 0 && ratio <= 1)) {
    throw new ConfigError('sample.ratio', `must be a number from 0 to 1, not ${given(ratio)}`);
  }
  const keepFrom = typeof keepAtLeast === 'string' ? severityOf(keepAtLeast) : undefined;
  if (keepFrom === undefined) {
    throw new ConfigError('sample.keepAtLeast', `must be one of ${LEVEL_NAMES.join(', ')}, not ${given(keepAtLeast)}`);
  }
  if (typeof random !== 'function') throw new ConfigError('sample.random', `must be a function, not ${given(random)}`);

  return stage('sample', 'volume', (next) => {
    let sampled = 0;
    return forwardTo(next, {
      onEmit(record, context) {
        if ((record.severityNumber ?? SEVERITY.info) >= keepFrom || ratio === 1) {
          next.onEmit(record, context);
        } else if (chanceOf(record, random) >= 1 - ratio) {
          record.setAttribute('logspan.sample.ratio', ratio);
          next.onEmit(record, context);
        } else {
          sampled++;
        }
      },
      account: () => ({ dropped: { sampled } }),
    });
  });
}

/** The randomness of a record, 0 ≤ x < 1: of its trace, if it belongs to one. */
function chanceOf(record: LogRecord, random: () => number): number {
  const traceId = record.spanContext?.traceId;
  // 13 hexadecimal digits are 52 bits: what fits a double exactly, of the 56 that the convention names.
  return traceId === undefined ? random() : Number.parseInt(traceId.slice(-13), 16) / 2 ** 52;
}
