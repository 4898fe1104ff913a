import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import type { Probe, Readings } from './probe.ts';

/** As the semantic conventions name them, in `v8js.gc.type`. */
const KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** How often V8 has collected garbage since the last reading, by kind, and how long it took in all. */
export function garbageCollectionProbe(): Probe {
  let counts: Record<string, number> = {};
  let millis = 0;
  const take = (entries: readonly (PerformanceEntry & { detail?: { kind?: number } })[]): void => {
    for (const { detail, duration } of entries) {
      const kind = KINDS[detail?.kind ?? 0] ?? 'other';
      counts[kind] = (counts[kind] ?? 0) + 1;
      millis += duration;
    }
  };
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  return {
    read(): Readings {
      take(observer.takeRecords());
      const readings = { gc_stats: counts, 'v8js.gc.duration': Math.round(millis * 1e3) / 1e6 };
      counts = {};
      millis = 0;
      return readings;
    },
    stop: () => observer.disconnect(),
  };
}
