import { type Meter, type MeterProvider, metrics } from '@opentelemetry/api';
import { sdkVersion } from '../provider/resource.ts';

/** The instrumentation scope of our own metrics. */
export const LOGSPAN_SCOPE: { readonly name: string; readonly version: string } = Object.freeze({
  name: '@logspan/sdk',
  version: sdkVersion,
});

/** The meter of that scope, of the global MeterProvider unless another one is given. */
export function logspanMeter(provider: Pick<MeterProvider, 'getMeter'> = metrics): Meter {
  return provider.getMeter(LOGSPAN_SCOPE.name, LOGSPAN_SCOPE.version);
}
