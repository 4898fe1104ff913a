import { SEVERITY, scopeLevel } from '@logspan/logger/internal';
import { type Attributes, type Context, createNoopMeter, type Histogram, type Meter } from '@opentelemetry/api';
import { logspanMeter } from '../metrics/logspan-meter.ts';
import { factory } from '../pipeline/factory.ts';
import { newRecord } from '../pipeline/new-record.ts';
import { type Step, stageOf } from '../pipeline/pipe.ts';
import { Failures } from '../pipeline/report.ts';
import { forwardTo, type LogRecord, type LogRecordProcessor, type Stage, stage } from '../pipeline/stage.ts';
import { checkNumber, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';

/** Options of {@link timed}. */
export interface TimedOptions {
  /** One in how many calls is measured, on average. Default 16; 1 measures all. */
  readonly measureOneIn?: number;
  /** After how many calls `processor_performance` is written. Default 1 000. */
  readonly reportEvery?: number;
  /** Where the histogram comes from. Default: the global MeterProvider, as soon as one is registered. */
  readonly meter?: Meter;
  /** A clock that never goes back, in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
  /** Which calls are measured: 0 ≤ x < 1. Default `Math.random`. */
  readonly random?: () => number;
}

/** Seconds: from a step that only compares to one that blocks. */
const BUCKETS = [1e-7, 2.5e-7, 5e-7, 1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 1e-2, 1e-1];
/** The scope whose level says whether `processor_performance` is written. */
const SCOPE = 'logspan';

/**
 * Measures what a step costs each record: its own time, without that of the steps behind it, which it calls.
 *
 * Into the OTel histogram `logspan.processor.duration` (seconds) with the attribute `logspan.processor.name`; and after
 * every 1 000 calls, if the level of the scope `logspan` allows debug, as the event `processor_performance` with
 * `processor`, `avg_ms` (of the calls measured since the last one), `max_ms`, `calls` and `total_calls`. The event goes to the steps
 * behind this one, so it is not measured itself. A call that throws is measured as well.
 *
 * Costs two readings of the clock for a call that is measured, else a counter.
 */
export function timed(step: Step, options: TimedOptions = {}): Stage {
  checkOptions('timed', options, ['measureOneIn', 'reportEvery', 'meter', 'now', 'random']);
  checkNumber('timed.measureOneIn', options.measureOneIn, 1);
  checkNumber('timed.reportEvery', options.reportEvery, 1);
  checkType('timed.now', options.now, 'function');
  checkType('timed.random', options.random, 'function');
  if (options.meter !== undefined && typeof options.meter?.createHistogram !== 'function') {
    throw new ConfigError('timed.meter', `must be an OTel Meter, not ${given(options.meter)}`);
  }
  const inner = stageOf(step, 'timed');
  const name = inner.stageName ?? 'processor';
  // The steps inside say where it belongs, so that the order is checked as if this were not here.
  return Object.assign(
    stage(name, inner.phase, (next) => measuring(inner, name, next, options)),
    { steps: [inner] },
  );
}

factory(timed);

function measuring(inner: Stage, name: string, next: LogRecordProcessor, options: TimedOptions): LogRecordProcessor {
  const { measureOneIn = 16, reportEvery = 1_000, now = () => performance.now(), random = Math.random } = options;
  const duration = new Duration(name, options.meter);
  let untilMeasured = 0;
  let measuringNow = false;
  let elsewhere = 0;
  let total = 0;
  let measured = 0;
  let sum = 0;
  let longest = 0;

  const processor = inner(
    forwardTo(next, {
      onEmit(record, context) {
        if (!measuringNow) {
          next.onEmit(record, context);
          return;
        }
        // What is behind it may come back here, when a handler writes a record: that time is no step's own.
        measuringNow = false;
        const begun = now();
        try {
          next.onEmit(record, context);
        } finally {
          elsewhere += now() - begun;
          measuringNow = true;
        }
      },
    }),
  );

  const measure = (record: LogRecord, context: Context | undefined): void => {
    elsewhere = 0;
    measuringNow = true;
    const begun = now();
    try {
      processor.onEmit(record, context);
    } finally {
      const own = Math.max(0, now() - begun - elsewhere);
      measuringNow = false;
      measured++;
      sum += own;
      longest = Math.max(longest, own);
      duration.record(own / 1_000, context);
    }
  };

  const tell = (cause: LogRecord, context: Context | undefined): void => {
    const attributes = {
      processor: name,
      avg_ms: measured === 0 ? 0 : sum / measured,
      max_ms: longest,
      calls: reportEvery,
      total_calls: total,
    };
    measured = 0;
    sum = 0;
    longest = 0;
    if (scopeLevel(SCOPE).minimum > SEVERITY.debug) return;
    next.onEmit(newRecord(cause, { eventName: 'processor_performance', level: 'debug', attributes }), context);
  };

  return {
    onEmit(record, context) {
      total++;
      try {
        if (untilMeasured > 0) {
          untilMeasured--;
          processor.onEmit(record, context);
        } else {
          // Not every nth: records that come in turns would always be the same ones.
          untilMeasured = Math.floor(random() * (2 * measureOneIn - 1));
          measure(record, context);
        }
      } finally {
        if (total % reportEvery === 0) tell(record, context);
      }
    },
    enabled: (asked) => processor.enabled === undefined || processor.enabled(asked),
    forceFlush: (asked) => processor.forceFlush(asked),
    shutdown: (asked) => processor.shutdown(asked),
    account: () => processor.account?.() ?? {},
    release: () => processor.release?.(),
  };
}

/** The histogram, made once there is somebody to make it. */
class Duration {
  readonly #attributes: Attributes;
  readonly #ownMeter: Meter | undefined;
  readonly #failures = new Failures('timed');
  #histogram: Histogram | undefined;

  constructor(name: string, meter: Meter | undefined) {
    this.#attributes = { 'logspan.processor.name': name };
    this.#ownMeter = meter;
  }

  record(seconds: number, context: Context | undefined): void {
    try {
      this.#histogram ??= this.#make();
      this.#histogram?.record(seconds, this.#attributes, context);
    } catch (error) {
      this.#failures.count(error);
    }
  }

  /** The metrics API has no proxy for a provider that is registered later: until there is one, look again. */
  #make(): Histogram | undefined {
    const meter = this.#ownMeter ?? logspanMeter();
    if (meter === createNoopMeter()) return undefined;
    return meter.createHistogram('logspan.processor.duration', {
      unit: 's',
      description: 'Time that a step of the log pipeline takes for one record',
      advice: { explicitBucketBoundaries: BUCKETS },
    });
  }
}
