import type { Attributes, HrTime } from '@opentelemetry/api';
import { type DataPoint, type MetricData, POINT, type ScopeMetrics, TEMPORALITY } from './metric-data.ts';

/** The upper bounds of the buckets that a metrics SDK has unless a view says otherwise. OTel metrics SDK specification. */
export const BOUNDS: readonly number[] = Object.freeze([
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
]);

/** The bucket that a value falls into. */
export function bucketOf(value: number): number {
  for (let bucket = 0; bucket < BOUNDS.length; bucket++) if (value <= (BOUNDS[bucket] as number)) return bucket;
  return BOUNDS.length;
}

/** One series of a histogram. */
export class HistogramSeries {
  readonly attributes: Attributes;
  counts: number[] = new Array(BOUNDS.length + 1).fill(0);
  count = 0;
  sum = 0;
  min: number = Number.POSITIVE_INFINITY;
  max: number = Number.NEGATIVE_INFINITY;
  start: HrTime;
  /** How many hold it. */
  holders = 0;
  readonly #owner: { isDirty: boolean };

  constructor(attributes: Attributes, start: HrTime, owner: { isDirty: boolean }) {
    this.attributes = attributes;
    this.start = start;
    this.#owner = owner;
  }

  /** Some ten nanoseconds. */
  record(value: number): void {
    const bucket = bucketOf(value);
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.count++;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.#owner.isDirty = true;
  }

  /** Begins again, for delta temporality. */
  reset(start: HrTime): void {
    this.counts = new Array(BOUNDS.length + 1).fill(0);
    this.count = 0;
    this.sum = 0;
    this.min = Number.POSITIVE_INFINITY;
    this.max = Number.NEGATIVE_INFINITY;
    this.start = start;
  }
}

/** One histogram, as one holder has it: all that have its name share it, and add up. */
export interface LocalHistogram {
  /** The series with these attributes, or where there is no room for another one, that with `otel.metric.overflow`. */
  series(attributes: Attributes): HistogramSeries;
  /** Nothing is recorded by this holder any more: a series that nobody else holds is let go once it has been delivered. */
  close(): void;
}

const OVERFLOW = Object.freeze({ 'otel.metric.overflow': true });
const OVERFLOW_KEY = seriesKey(OVERFLOW);

type Descriptor = Pick<MetricData['descriptor'], 'name' | 'unit' | 'description'>;

/**
 * Histograms that are aggregated here and not in the metrics SDK, which takes around a microsecond for each value because it
 * works out anew which series it belongs to. The result is what the SDK would have made of the same values: the same
 * buckets, temporality and scope.
 */
export class LocalHistograms {
  readonly #scope: ScopeMetrics['scope'];
  readonly #isDelta: boolean;
  readonly #now: () => HrTime;
  readonly #all = new Map<string, { descriptor: Descriptor; series: Map<string, HistogramSeries> }>();
  /** Lets go of what was collected last and has no holder. */
  #left: (() => void)[] = [];
  /** True if anything was recorded since the last collection. */
  isDirty = false;

  constructor(scope: ScopeMetrics['scope'], isDelta: boolean, now: () => HrTime = wallTime) {
    this.#scope = scope;
    this.#isDelta = isDelta;
    this.#now = now;
  }

  /** @param maxSeries how many series the histogram may have for this one to begin another; the overflow does not count. */
  of(descriptor: Descriptor, maxSeries: number): LocalHistogram {
    const key = JSON.stringify([descriptor.name.toLowerCase(), descriptor.unit, descriptor.description]);
    let found = this.#all.get(key);
    if (found === undefined) {
      found = { descriptor, series: new Map() };
      this.#all.set(key, found);
    }
    const all = found.series;
    const held = new Set<HistogramSeries>();
    return {
      series: (attributes) => {
        let id = seriesKey(attributes);
        let series = all.get(id);
        if (series === undefined && all.size - (all.has(OVERFLOW_KEY) ? 1 : 0) >= maxSeries) {
          id = OVERFLOW_KEY;
          series = all.get(id);
        }
        if (series === undefined) {
          series = new HistogramSeries(id === OVERFLOW_KEY ? OVERFLOW : attributes, this.#now(), this);
          all.set(id, series);
        }
        if (!held.has(series)) {
          held.add(series);
          series.holders++;
        }
        return series;
      },
      close: () => {
        for (const series of held) series.holders--;
        held.clear();
      },
    };
  }

  /** What there is to export now. */
  collectNow(): readonly ScopeMetrics[] {
    this.isDirty = false;
    const endTime = this.#now();
    const metrics: MetricData[] = [];
    this.#left = [];
    for (const { descriptor, series } of this.#all.values()) {
      const dataPoints: DataPoint[] = [];
      for (const [id, each] of series) {
        if (each.holders === 0) this.#left.push(() => each.holders === 0 && series.delete(id));
        const { attributes, start: startTime, counts, count, sum, min, max } = each;
        if (count === 0) continue;
        const buckets = { boundaries: BOUNDS, counts: [...counts] };
        dataPoints.push({ attributes, startTime, endTime, value: { buckets, count, sum, min, max } });
        if (this.#isDelta) each.reset(endTime);
      }
      if (dataPoints.length === 0) continue;
      metrics.push({
        descriptor: { ...descriptor, valueType: 1 },
        dataPointType: POINT.histogram,
        aggregationTemporality: this.#isDelta ? TEMPORALITY.delta : TEMPORALITY.cumulative,
        dataPoints,
      });
    }
    return metrics.length === 0 ? [] : [{ scope: this.#scope, metrics }];
  }

  /** What was collected last has been delivered: nothing is held any more that nobody records to. */
  delivered(): void {
    for (const letGo of this.#left) letGo();
    this.#left = [];
  }
}

/** The same for the same attributes, in whatever order they come. */
function seriesKey(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function wallTime(): HrTime {
  const millis = Date.now();
  return [Math.floor(millis / 1_000), (millis % 1_000) * 1_000_000];
}
