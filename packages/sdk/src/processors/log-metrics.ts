import { type Context, createNoopMeter, type Meter, metrics, type Observable } from '@opentelemetry/api';
import { logspanMeter } from '../metrics/logspan-meter.ts';
import { metricSinkOf } from '../metrics/metric-sink.ts';
import { factory } from '../pipeline/factory.ts';
import { Failures } from '../pipeline/report.ts';
import { forwardTo, type LogRecord, type LogRecordProcessor, type Stage, stage } from '../pipeline/stage.ts';
import { checkOptions } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { Metric } from './log-metrics/metric.ts';
import { type CheckedRule, checkRules, DEFAULT_METRIC_RULES, type MetricRule } from './log-metrics/rule.ts';

import { redact } from './redact.ts';

export { DEFAULT_METRIC_RULES, type MetricRule } from './log-metrics/rule.ts';

export interface LogMetricsOptions {
  /** What to measure. Default: {@link DEFAULT_METRIC_RULES}; to keep those, `[...DEFAULT_METRIC_RULES, mine]`. */
  readonly rules?: readonly MetricRule[];
  /**
   * How many series a metric may have; records beyond share one with the attribute `otel.metric.overflow: true`.
   * Default: 1000. The OTel SDK has a limit of its own, 2000 unless a view says otherwise.
   */
  readonly maxSeries?: number;
  /** Where the instruments come from. Default: the global MeterProvider, as soon as one is registered. */
  readonly meter?: Meter;
}

/**
 * Metrics from log records, through the OTel metrics API: by default records per event, durations and queue sizes.
 *
 * Sees every record that comes to it and passes every record on, unchanged: also those that a step before it wrote, such
 * as a security alert. Summaries of what was sampled or limited away are written behind it and not counted.
 *
 * Counts are exact, also of what came before the MeterProvider was registered (of histogram values before that, the first
 * 1000 per rule are kept; the loss of more is reported on OTel `diag`). What was counted is written when metrics are
 * collected, and on `forceFlush` and `shutdown`: shut logs down before metrics. Several stages may have metrics in common:
 * they add up. After `shutdown`, or taken out, it measures nothing. With `register({ metrics })` there are exemplars.
 *
 * It stands before `redact`, so an event in whose name `redact()` would find a secret is `other`.
 *
 * Costs tens of nanoseconds per record and rule; a histogram value as much with `register({ metrics })`, and with another
 * MeterProvider what its SDK takes, around 1 µs. Never throws into the log call: failures go to `diag`. Throws a ConfigError
 * for a mistake in the options.
 *
 * ```ts
 * logMetrics({ rules: [{ type: 'counter', name: 'shop.revenue', unit: 'EUR', event: 'order_paid', value: 'amount' }] })
 * ```
 */
export function logMetrics(options: LogMetricsOptions = {}): Stage {
  checkOptions('logMetrics', options, ['rules', 'maxSeries', 'meter']);
  const { rules = DEFAULT_METRIC_RULES, maxSeries = 1_000, meter } = options;
  const checked = checkRules(rules);
  if (!Number.isInteger(maxSeries) || maxSeries < 1)
    throw new ConfigError('logMetrics.maxSeries', `${given(maxSeries)} was given, allowed: a whole number from 1`);
  if (meter !== undefined && typeof meter?.createCounter !== 'function')
    throw new ConfigError('logMetrics.meter', `${given(meter)} was given, allowed: an OTel Meter`);
  return stage('logMetrics', 'observe', (next) => observing(next, checked, maxSeries, meter));
}

factory(logMetrics);

function observing(
  next: LogRecordProcessor,
  rules: readonly CheckedRule[],
  maxSeries: number,
  ownMeter: Meter | undefined,
): LogRecordProcessor {
  const { explain } = redact();
  const isSecret = (eventName: string): boolean => explain({ eventName }).length > 0;
  const measured = rules.map((rule) => new Metric(rule, maxSeries, isSecret));
  const noopMeter = createNoopMeter();
  let collections: Observable | undefined;
  let state: 'waiting' | 'bound' | 'closed' = 'waiting';
  const failures = new Failures('logMetrics');

  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      failures.count(error);
    }
  };
  const drain = (): void => {
    for (const metric of measured) attempt(() => metric.drain());
  };
  // The metrics API has no proxy for a provider that is registered later, so look again until there is one (20 ns).
  const bind = (): void => {
    const meter = ownMeter ?? logspanMeter();
    if (meter === noopMeter) return;
    state = 'bound';
    const sink = ownMeter === undefined ? metricSinkOf(metrics.getMeterProvider()) : undefined;
    for (const metric of measured) attempt(() => metric.bind(meter, sink));
    // Never has a value, so it is never exported: it is how the metrics API says that a collection begins.
    collections = meter.createObservableGauge('logspan.log.collections', { description: 'Never has a value.' });
    collections.addCallback(drain);
  };
  const onEmit = (record: LogRecord, context?: Context): void => {
    if (state === 'waiting') attempt(bind);
    if (state !== 'closed') {
      for (const metric of measured) {
        try {
          metric.observe(record, context);
        } catch (error) {
          failures.count(error);
        }
      }
    }
    next.onEmit(record, context);
  };
  const settle = (): void => {
    if (state === 'waiting') attempt(bind);
    drain();
  };
  const release = (): void => {
    settle();
    state = 'closed';
    for (const metric of measured) metric.close();
    attempt(() => collections?.removeCallback(drain));
  };

  attempt(bind);
  return forwardTo(next, {
    onEmit,
    forceFlush: (options) => {
      settle();
      return next.forceFlush(options);
    },
    shutdown: (options) => {
      release();
      return next.shutdown(options);
    },
    release,
  });
}
