import type { Attributes, MeterProvider, ObservableResult } from '@opentelemetry/api';
import type { DeliveryAccount } from '../handlers/handler.ts';
import { logspanMeter } from '../metrics/logspan-meter.ts';

/** The part of `logging.stats()` that becomes metrics. */
interface Observed {
  readonly pipeline: { readonly emitted: number };
  readonly handlers: Readonly<Record<string, DeliveryAccount>>;
}

/**
 * The metrics about logging itself, by the semantic conventions for OTel SDKs: `otel.sdk.log.created`,
 * `otel.sdk.processor.log.queue.size`, `otel.sdk.processor.log.processed` (with `error.type` for what was dropped) and
 * `otel.sdk.exporter.log.exported` (with `error.type=rejected` for what the destination refused). They are read from the
 * accounts when they are collected, so they cost nothing per record and agree with `stats()`.
 *
 * @returns a function that ends the observation.
 */
export function observeLogging(provider: MeterProvider, stats: () => Observed): () => void {
  const meter = logspanMeter(provider);
  const perHandler = (observe: (account: DeliveryAccount, component: Attributes, result: ObservableResult) => void) => {
    return (result: ObservableResult): void => {
      for (const [name, account] of Object.entries(stats().handlers)) {
        // A component name is its type and a number (semantic conventions): the handler's name is unique already.
        observe(
          account,
          { 'otel.component.type': 'logspan_handler', 'otel.component.name': `logspan_handler/${name}` },
          result,
        );
      }
    };
  };
  const unit = '{log_record}';
  const created = meter.createObservableCounter('otel.sdk.log.created', {
    unit,
    description: 'Log records that were submitted to enabled loggers',
  });
  const processed = meter.createObservableCounter('otel.sdk.processor.log.processed', {
    unit,
    description: 'Log records whose processing has ended, by the way it ended',
  });
  const size = meter.createObservableUpDownCounter('otel.sdk.processor.log.queue.size', {
    unit,
    description: 'Log records that are held',
  });
  const exported = meter.createObservableCounter('otel.sdk.exporter.log.exported', {
    unit,
    description: 'Log records that the destination has answered for',
  });

  const observations = [
    [created, (result: ObservableResult) => result.observe(stats().pipeline.emitted)],
    [
      processed,
      perHandler(({ accepted, pending, dropped }, component, result) => {
        const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
        result.observe(accepted - pending - lost, component);
        for (const [reason, count] of Object.entries(dropped))
          result.observe(count, { ...component, 'error.type': reason });
      }),
    ],
    [size, perHandler(({ pending }, component, result) => result.observe(pending, component))],
    [
      exported,
      perHandler(({ delivered, rejected }, component, result) => {
        result.observe(delivered, component);
        if (rejected > 0) result.observe(rejected, { ...component, 'error.type': 'rejected' });
      }),
    ],
  ] as const;
  for (const [instrument, observe] of observations) instrument.addCallback(observe);
  return () => {
    for (const [instrument, observe] of observations) instrument.removeCallback(observe);
  };
}
