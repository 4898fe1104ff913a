import type { RecordFilter } from '@logspan/logger';
import { factory } from '../pipeline/factory.ts';
import { passes } from '../pipeline/passes.ts';
import { forwardTo, type Stage, stage } from '../pipeline/stage.ts';
import { ConfigError, given } from '../provider/config-error.ts';

/**
 * Passes only the records for which the predicate is true: `filter(atLeast('warn'))`, `filter(event({ exclude: ['debug_*'] }))`,
 * `filter(not(attribute('synthetic', true)))`, or any predicate. What it stops is counted as `filtered`. A predicate that
 * throws lets the record pass. One that reads `record.attributes` makes lazy values be computed; `attribute` does not.
 *
 * `enabled()` says no below the level of an `atLeast`, so that who asks can spare the record.
 */
export function filter(predicate: RecordFilter): Stage {
  if (typeof predicate !== 'function') throw new ConfigError('filter', `must be a function, not ${given(predicate)}`);
  const { minimumSeverity = 0 } = predicate;
  return stage('filter', 'filter', (next) => {
    let filtered = 0;
    return forwardTo(next, {
      onEmit(record, context) {
        if (passes(predicate, record)) next.onEmit(record, context);
        else filtered++;
      },
      enabled: (options) =>
        !(options.severityNumber && options.severityNumber < minimumSeverity) && (next.enabled?.(options) ?? true),
      account: () => ({ dropped: { filtered } }),
    });
  });
}

factory(filter);
