import type { Attributes } from '@opentelemetry/api';
import type { ExemplarSink, ExemplarSource } from '../../metrics/exemplars.ts';
import { BOUNDS, bucketOf } from '../../metrics/local-histograms.ts';
import type { Exemplar } from '../../metrics/metric-data.ts';
import type { LogRecord } from '../../pipeline/stage.ts';
import type { Cell } from './series.ts';

/**
 * The exemplars of one metric: between two exports the first one of each series, of a histogram the first one of each
 * bucket of a series. The first and not the last, because a record that comes to a place that is taken costs nothing.
 */
export class CellExemplars implements ExemplarSource {
  readonly metric: string;
  readonly #perBucket: boolean;
  readonly #sink: ExemplarSink;
  #gathered = new Map<Cell, (Exemplar | undefined)[]>();

  constructor(metric: string, perBucket: boolean, sink: ExemplarSink) {
    this.metric = metric;
    this.#perBucket = perBucket;
    this.#sink = sink;
  }

  offer(cell: Cell, value: number, record: LogRecord): void {
    const { spanContext } = record;
    if (spanContext === undefined || !this.#sink.isWanted(spanContext)) return;
    const bucket = this.#perBucket ? bucketOf(value) : 0;
    const gathered = this.#gathered.get(cell);
    if (gathered?.[bucket] !== undefined) return;
    const exemplar = { value, time: record.hrTime, spanContext };
    if (gathered !== undefined) {
      gathered[bucket] = exemplar;
      return;
    }
    const first: (Exemplar | undefined)[] = new Array(this.#perBucket ? BOUNDS.length + 1 : 1).fill(undefined);
    first[bucket] = exemplar;
    this.#gathered.set(cell, first);
  }

  *take(): Generator<{ attributes: Attributes; exemplars: readonly Exemplar[] }> {
    const gathered = this.#gathered;
    this.#gathered = new Map();
    for (const [{ attributes }, exemplars] of gathered) {
      yield { attributes, exemplars: exemplars.filter((exemplar) => exemplar !== undefined) };
    }
  }
}
