import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Probe, Readings } from './probe.ts';

/** How often the delay is sampled, in milliseconds: the least that a delay can be. */
const RESOLUTION_MILLIS = 10;

/**
 * How busy the event loop was since the last reading, and how late it was: as the official runtime instrumentation has it,
 * the time between two samples that are meant to be 10 ms apart.
 */
export function eventLoopProbe(
  delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS }),
): Probe {
  delay.enable();
  let last = performance.eventLoopUtilization();
  return {
    read(): Readings {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      const delays =
        delay.count === 0
          ? {}
          : {
              'nodejs.eventloop.delay.min': seconds(delay.min),
              'nodejs.eventloop.delay.max': seconds(delay.max),
              'nodejs.eventloop.delay.mean': seconds(delay.mean),
              'nodejs.eventloop.delay.p50': seconds(delay.percentile(50)),
              'nodejs.eventloop.delay.p90': seconds(delay.percentile(90)),
              'nodejs.eventloop.delay.p99': seconds(delay.percentile(99)),
            };
      delay.reset();
      return {
        ...(Number.isFinite(utilization)
          ? { 'nodejs.eventloop.utilization': Math.round(utilization * 1e4) / 1e4 }
          : {}),
        ...delays,
      };
    },
    stop: () => void delay.disable(),
  };
}

/** From nanoseconds, to the microsecond. */
function seconds(nanos: number): number {
  return Math.round(nanos / 1e3) / 1e6;
}
