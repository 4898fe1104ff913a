import type { Attributes, HrTime } from '@opentelemetry/api';
import type { MetricData, ResourceMetrics, ScopeMetrics } from './metric-data.ts';

/*
 * A metrics SDK collects asynchronously, and from `process.on('exit')` nothing asynchronous happens any more: without this
 * the last interval of every process that calls `process.exit()` is lost. What is done here is what the SDK's own
 * collection does, in its order, without the promises between. It reads fields that are not part of the SDK's public
 * interface (the same ones in 2.x and 3.x): where they are not as expected, nothing is collected, and nothing breaks.
 */

interface Storage {
  collect(collector: object, time: HrTime): MetricData | undefined;
  record(values: ReadonlyMap<Attributes, number>, time: HrTime): void;
  readonly _deltaMetricStorage?: { readonly _activeCollectionStorage?: { readonly size?: number } };
}

interface MeterState {
  readonly metricStorageRegistry: { getStorages(collector: object): readonly Storage[] };
  readonly observableRegistry: {
    observe(time: HrTime, timeoutMillis?: number): Promise<readonly unknown[]>;
    readonly _callbacks: readonly {
      callback(result: { observe(value: number, attributes?: Attributes): void }): unknown;
      readonly instrument: { readonly _metricStorages: readonly Storage[] };
    }[];
  };
  readonly _instrumentationScope: ScopeMetrics['scope'];
}

interface Inside {
  readonly _sharedState: {
    readonly resource: ResourceMetrics['resource'];
    readonly meterSharedStates: ReadonlyMap<string, MeterState>;
    readonly metricCollectors: readonly object[];
  };
}

/** What a reader of the SDK is given. */
export interface Collection {
  readonly resourceMetrics: ResourceMetrics;
  readonly errors: readonly unknown[];
}

/**
 * What the one reader of a MeterProvider collects, as the SDK does it but in another order: first all callbacks are waited
 * for, then everything is taken at one moment. The SDK takes what each meter has as soon as the callbacks of that meter are
 * through, and holds it where nobody finds it when the process exits while another meter's callback is waited for.
 * Undefined, and nothing taken, if this SDK is not one of those that are known. Never rejects.
 */
export async function collectAtOnce(provider: object, timeoutMillis?: number): Promise<Collection | undefined> {
  try {
    const states = [...(provider as Inside)._sharedState.meterSharedStates.values()];
    if (hasUncollected(provider) === undefined) return undefined;
    const time = hrTimeOf(Date.now());
    const errors = await Promise.all(states.map((state) => state.observableRegistry.observe(time, timeoutMillis)));
    const resourceMetrics = takeAll(provider as Inside, hrTimeOf(Date.now()));
    return resourceMetrics && { resourceMetrics, errors: errors.flat() };
  } catch {
    return undefined;
  }
}

/**
 * What the one reader of a MeterProvider would collect now, of the observable instruments only those with a synchronous
 * callback of their own. Undefined if this SDK is not one of those that are known. Never throws.
 */
export function collectNow(provider: object, nowMillis: number = Date.now()): ResourceMetrics | undefined {
  const time = hrTimeOf(nowMillis);
  try {
    for (const state of (provider as Inside)._sharedState.meterSharedStates.values()) observeAll(state, time);
    return takeAll(provider as Inside, time);
  } catch {
    return undefined;
  }
}

/**
 * True if a synchronous instrument was written to since the last collection; observable ones do not count, because they
 * always have something to say. Undefined if it cannot be told.
 */
export function hasUncollected(provider: object): boolean | undefined {
  try {
    const { meterSharedStates, metricCollectors } = (provider as Inside)._sharedState;
    const collector = metricCollectors[0];
    if (collector === undefined) return undefined;
    for (const { metricStorageRegistry } of meterSharedStates.values()) {
      for (const storage of metricStorageRegistry.getStorages(collector)) {
        const size = storage._deltaMetricStorage?._activeCollectionStorage?.size;
        if (size === undefined) return undefined;
        if (size > 0) return true;
      }
    }
    return false;
  } catch {
    return undefined;
  }
}

function observeAll({ observableRegistry }: MeterState, time: HrTime): void {
  for (const { callback, instrument } of observableRegistry._callbacks) {
    const values = new Map<Attributes, number>();
    try {
      callback({ observe: (value, attributes = {}) => void values.set(attributes, value) });
      if (values.size === 0) continue;
      for (const storage of instrument._metricStorages) storage.record(values, time);
    } catch {
      // This one has nothing to say; the others have their turn.
    }
  }
}

function takeAll({ _sharedState }: Inside, time: HrTime): ResourceMetrics | undefined {
  const { resource, meterSharedStates, metricCollectors } = _sharedState;
  const collector = metricCollectors[0];
  if (collector === undefined) return undefined;
  const scopeMetrics: ScopeMetrics[] = [];
  for (const state of meterSharedStates.values()) {
    const metrics = state.metricStorageRegistry
      .getStorages(collector)
      .map((storage) => storage.collect(collector, time))
      .filter((metric) => metric !== undefined);
    if (metrics.length > 0) scopeMetrics.push({ scope: state._instrumentationScope, metrics });
  }
  return { resource, scopeMetrics };
}

function hrTimeOf(millis: number): HrTime {
  return [Math.floor(millis / 1_000), (millis % 1_000) * 1_000_000];
}
