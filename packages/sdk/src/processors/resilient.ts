import { contain, MOST_FAILURES_IN_A_ROW } from '../pipeline/contain.ts';
import { factory } from '../pipeline/factory.ts';
import { type Step, stageOf } from '../pipeline/pipe.ts';
import type { Stage } from '../pipeline/stage.ts';
import { checkNumber, checkOptions } from '../provider/check-options.ts';

/** Options of {@link resilient}. */
export interface ResilientOptions {
  /** After how many failures in a row the step is taken out. Default 100. */
  readonly takeOutAfter?: number;
}

/**
 * A step that cannot harm what is around it. In a pipeline every step is contained like this; write it out to take a
 * doubtful step out sooner, or where logspan's pipeline is not around it.
 *
 * A record on which the step throws goes on as it then is; if the step redacts, the record is lost instead, counted as
 * `failed`. Failures are counted by the step's name (`stats().pipeline.failures`) and told on OTel's diag now and then,
 * never through the pipeline itself. After too many in a row the step is taken out (`stats().pipeline.takenOut`), but
 * for one that redacts. Costs a comparison per record.
 */
export function resilient(step: Step, options: ResilientOptions = {}): Stage {
  checkOptions('resilient', options, ['takeOutAfter']);
  checkNumber('resilient.takeOutAfter', options.takeOutAfter, 1);
  return contain(stageOf(step, 'resilient'), options.takeOutAfter ?? MOST_FAILURES_IN_A_ROW);
}

factory(resilient);
