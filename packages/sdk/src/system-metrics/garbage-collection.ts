import { constants, PerformanceObserver } from 'node:perf_hooks';
import type { Probe, Readings } from './probe.ts';

/** As the semantic conventions name them, in `v8js.gc.type`. */
const KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

interface Entry {
  readonly detail?: unknown;
  readonly duration: number;
}
type Observing = Pick<PerformanceObserver, 'observe' | 'disconnect'> & { takeRecords(): readonly Entry[] };

/** How often V8 has collected garbage since the last reading, by kind, and how long it took in all. */
export function garbageCollectionProbe(
  Observer: new (told: (list: { getEntries(): readonly Entry[] }) => void) => Observing = PerformanceObserver,
): Probe {
  let counts: Record<string, number> = {};
  let millis = 0;
  const take = (entries: readonly Entry[]): void => {
    for (const { detail, duration } of entries) {
      const kind = KINDS[(detail as { kind?: number } | undefined)?.kind ?? 0] ?? 'other';
      counts[kind] = (counts[kind] ?? 0) + 1;
      millis += duration;
    }
  };
  const observer = new Observer((list) => take(list.getEntries()));
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
