import { droppedAccount, sumOf } from '../delivery/ledger.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import { factory } from '../pipeline/factory.ts';
import { asStage, checkOrder, flat, isRedaction, type Step } from '../pipeline/pipe.ts';
import type { EnabledOptions, FlushOptions, LogRecord, LogRecordProcessor, StageAccount } from '../pipeline/stage.ts';
import { checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { Pipeline } from '../provider/pipeline.ts';
import {
  checkHandler,
  type DeliveryAccount,
  type Handler,
  type HandlerContext,
  type HandlerEnd,
  type Lost,
} from './handler.ts';

/** Options of {@link route}. */
export interface RouteOptions {
  /** Where the records of this route go: one handler or several, routes among them. */
  readonly to: Handler | readonly Handler[];
  /** Only records for which this is true take this route. Asked before anything else, so it costs least. Default: all. */
  readonly when?: (record: LogRecord) => boolean;
  /**
   * What happens to records on this route and nowhere else, behind the processors of the pipeline: the same steps, checked
   * for the same order. Default: nothing.
   */
  readonly processors?: readonly Step[];
  /** In front of the names of its handlers in `stats().handlers`: `route/otlp`. Default `route`. */
  readonly name?: string;
}

/**
 * A way of its own for some of the records: `route({ when: atLeast('error'), processors: [redact({ keys: ['card'] })], to:
 * file('errors.log') })`.
 *
 * With `processors` each record that takes the route is copied, so that what they edit is seen on no other route. A
 * processor that throws loses no record, as in the pipeline, and a handler that throws or hangs takes nothing from the
 * others, here or elsewhere. What the processors hold back is counted under the route's own name.
 *
 * What is added on a route has not gone through the `redact` of the pipeline: processors that may add something, such as
 * `enrich` or a plain function, need a `redact()` of the route behind them, unless the pipeline has none either.
 *
 * @throws ConfigError for an unknown option, a handler that is none, and an order of processors that would leak or waste;
 * `start` throws it for processors that add what nothing redacts.
 */
export function route(options: RouteOptions): Handler {
  checkOptions('route', options, ['to', 'when', 'processors', 'name']);
  checkType('route.name', options.name, 'string');
  const { name = 'route', when, processors = [], to } = options;
  const label = options.name === undefined ? 'route' : `route(${name})`;
  checkType(`${label}.when`, when, 'function');
  if (!Array.isArray(processors)) {
    throw new ConfigError(`${label}.processors`, `must be an array, not ${given(processors)}`);
  }
  const handlers: readonly Handler[] = Array.isArray(to) ? to : [to as Handler];
  if (handlers.length === 0) throw new ConfigError(`${label}.to`, 'must be a handler or several, not an empty array');
  for (const [index, handler] of handlers.entries()) {
    checkHandler(Array.isArray(to) ? `${label}.to[${index}]` : `${label}.to`, handler);
  }
  within(label, () => checkOrder(processors.map((step, index) => asStage(step, `processors[${index}]`))));
  return {
    name,
    ...(when === undefined ? {} : { when }),
    start: (context) => within(label, () => new RouteEnd(processors, handlers, context)),
  };
}

factory(route);

/** A pipeline within the pipeline. */
class RouteEnd implements HandlerEnd {
  readonly #pipeline: Pipeline;
  readonly #edits: boolean;

  constructor(processors: readonly Step[], handlers: readonly Handler[], context: HandlerContext) {
    if (context.redacts) checkRedacted(processors);
    this.#pipeline = new Pipeline(processors, handlers, context);
    this.#edits = processors.length > 0;
  }

  onEmit(record: LogRecord, context?: Parameters<LogRecordProcessor['onEmit']>[1]): void {
    this.#pipeline.onEmit(this.#edits ? copyRecord(record) : record, context);
  }

  enabled(options: EnabledOptions): boolean {
    return this.#pipeline.enabled(options);
  }

  forceFlush(options?: FlushOptions): Promise<void> {
    return this.#pipeline.forceFlush(options);
  }

  shutdown(options?: FlushOptions): Promise<void> {
    return this.#pipeline.shutdown(options);
  }

  isFilling(): boolean {
    return this.#pipeline.isFilling();
  }

  /** What one of the handlers loses, though others may have it. What the processors drop is not lost. */
  onLost(listener: (lost: Lost) => void): readonly string[] {
    return this.#pipeline.onLost(listener);
  }

  lost(): number {
    return this.#pipeline.lost();
  }

  flushSync(timeoutMillis: number): void {
    this.#pipeline.flushSync(timeoutMillis);
  }

  /** What its processors did, but for what they dropped, which is in the delivery account. */
  account(): StageAccount {
    const { dropped: _, ...account } = this.#pipeline.account();
    return account;
  }

  deliveryAccount(): DeliveryAccount {
    return sumOf(Object.values(this.deliveryAccounts()));
  }

  deliveryAccounts(): Readonly<Record<string, DeliveryAccount>> {
    const { dropped } = this.#pipeline.pipelineAccount();
    const own = droppedAccount(dropped);
    return { ...(own.accepted > 0 ? { '': own } : {}), ...this.#pipeline.deliveryAccounts() };
  }
}

/** What is added on a route has not gone through the `redact` of the pipeline. */
function checkRedacted(processors: readonly Step[]): void {
  const stages = processors.map((step, index) => asStage(step, `processors[${index}]`));
  if (stages.some(isRedaction)) return;
  const adds = stages.flatMap(flat).find(({ phase = 'enrich' }) => phase === 'enrich');
  if (adds === undefined) return;
  throw new ConfigError(
    'processors',
    `what ${adds.stageName ?? 'processor'} adds would leave unredacted: put a redact() behind it, or, if it only drops records, make it a filter() or processor(fn, 'filter')`,
  );
}

/** Says of a mistake on which route it is. */
function within<T>(label: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${label}.${error.option}`, error.message.slice(error.option.length + 2));
  }
}
