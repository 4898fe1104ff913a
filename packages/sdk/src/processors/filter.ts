import type { RecordFilter } from '@logspan/logger';
import { forwardTo, type Stage, stage } from '../pipeline/stage.ts';
import { ConfigError, given } from '../provider/config-error.ts';

/**
 * Passes only the records for which `passes` is true: `filter(atLeast('warn'))`, `filter(event({ exclude: ['debug_*'] }))`,
 * or any predicate. What it stops is counted as `filtered`. A predicate that throws lets the record pass. A predicate
 * that reads `record.attributes` makes lazy values be computed.
 */
export function filter(passes: RecordFilter): Stage {
  if (typeof passes !== 'function') throw new ConfigError('filter', `must be a function, not ${given(passes)}`);
  return stage('filter', 'filter', (next) => {
    let filtered = 0;
    return forwardTo(next, {
      onEmit(record, context) {
        let keep = true;
        try {
          keep = passes(record);
        } catch {
          // Losing a record is worse than keeping one too many.
        }
        if (keep) next.onEmit(record, context);
        else filtered++;
      },
      account: () => ({ dropped: { filtered } }),
    });
  });
}
