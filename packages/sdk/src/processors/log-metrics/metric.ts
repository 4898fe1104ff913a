import { type Attributes, type Context, diag, type Meter, type MetricOptions, ValueType } from '@opentelemetry/api';
import type { LocalHistogram } from '../../metrics/local-histograms.ts';
import type { MetricSink } from '../../metrics/metric-sink.ts';
import type { LogRecord } from '../../pipeline/stage.ts';
import { CellExemplars } from './cell-exemplars.ts';
import type { CheckedRule } from './rule.ts';
import { attributeOf, type Cell, SeriesTree } from './series.ts';

type Write = (value: number, attributes: Attributes, context?: Context) => void;

/** Histogram values that wait for a meter; those that come later are dropped and counted. */
const MAX_WAITING = 1_000;

/**
 * One rule at work. Counts and gauges gather in cells and are written to the instrument when a collection begins:
 * an SDK takes 0.4 µs and more for each write, a cell some nanoseconds. The first value of a cell after each collection
 * is written at once, so that the SDK's data point begins when its first record came, not when it was collected.
 *
 * The instruments are synchronous ones. An observable counter would be read as the only source of its series: two
 * stages with a metric in common would overwrite each other instead of adding up, and what was counted between the last
 * collection and the stage's shutdown would be lost.
 */
export class Metric {
  readonly #rule: CheckedRule;
  readonly #series: SeriesTree;
  readonly #maxSeries: number;
  readonly #isGauge: boolean;
  readonly #isHistogram: boolean;
  #open: Cell[] = [];
  #write: Write | undefined;
  #waiting: { cell: Cell; value: number }[] = [];
  #exemplars: CellExemplars | undefined;
  #histogram: LocalHistogram | undefined;
  #endExemplars: (() => void) | undefined;
  #dropped = 0;
  #ignored = 0;

  constructor(rule: CheckedRule, maxSeries: number, isSecret: (eventName: string) => boolean) {
    this.#rule = rule;
    this.#series = new SeriesTree(rule, maxSeries, isSecret);
    this.#maxSeries = maxSeries;
    this.#isGauge = rule.type === 'gauge';
    this.#isHistogram = rule.type === 'histogram';
  }

  /** Takes a record into account. Throws only what the meter's instrument throws. */
  observe(record: LogRecord, context: Context | undefined): void {
    const rule = this.#rule;
    if (rule.minimum > 0 && !((record.severityNumber ?? 0) >= rule.minimum)) return;
    if (rule.matchesEvent !== undefined && !(record.eventName && rule.matchesEvent(record.eventName))) return;
    let value = 1;
    if (rule.value !== undefined) {
      const found = attributeOf(record, rule.value);
      if (found === undefined) return;
      if (typeof found !== 'number' || !Number.isFinite(found) || (found < 0 && !this.#isGauge)) {
        this.#ignore(this.#isGauge ? 'not a finite number' : 'not a finite number of at least 0');
        return;
      }
      value = found;
    }
    const cell = this.#series.cellOf(record);
    if (!this.#isGauge) {
      const total = cell.total + value;
      // One value of that size would make the sum infinite for ever.
      if (total === Number.POSITIVE_INFINITY) {
        this.#ignore('the sum would be infinite');
        return;
      }
      cell.total = total;
    }
    this.#exemplars?.offer(cell, value, record);
    if (this.#isHistogram) {
      this.#record(cell, value, context);
    } else {
      cell.value = this.#isGauge ? value : cell.value + value;
      if (!cell.open) this.#openCell(cell);
    }
  }

  /**
   * Creates the instrument, and writes what has come before there was a meter. If there is a sink, gathers exemplars for it and
   * leaves histograms to it.
   */
  bind(meter: Meter, sink?: MetricSink): void {
    const { type, name, unit, description, value } = this.#rule;
    if (sink?.exemplars !== undefined && !this.#isGauge) {
      this.#exemplars = new CellExemplars(name, this.#isHistogram, sink.exemplars);
      this.#endExemplars = sink.exemplars.add(this.#exemplars);
    }
    const options: MetricOptions = { unit, description };
    if (this.#isHistogram && sink?.histograms !== undefined) {
      this.#histogram = sink.histograms.of({ name, unit, description }, this.#maxSeries);
    } else if (type === 'counter') {
      const valueType = value === undefined ? ValueType.INT : ValueType.DOUBLE;
      const counter = meter.createCounter(name, { ...options, valueType });
      this.#write = (amount, attributes) => counter.add(amount, attributes);
    } else {
      const instrument = type === 'gauge' ? meter.createGauge(name, options) : meter.createHistogram(name, options);
      this.#write = (amount, attributes, context) => instrument.record(amount, attributes, context);
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#dropped > 0)
      diag.warn(`logspan: logMetrics dropped ${this.#dropped} values of ${name}: there was no MeterProvider`);
    for (const { cell, value } of waiting) this.#record(cell, value, undefined);
    this.drain();
  }

  /** Gathers no exemplars any more, and holds no histogram. */
  close(): void {
    this.#histogram?.close();
    this.#exemplars = undefined;
    this.#endExemplars?.();
  }

  /** Writes what the cells hold. Throws the last error after all have had their turn; what failed is tried again later. */
  drain(): void {
    if (this.#write === undefined || this.#open.length === 0) return;
    const open = this.#open;
    this.#open = [];
    let failure: unknown;
    for (const cell of open) {
      cell.open = false;
      try {
        this.#writeCell(cell);
      } catch (error) {
        failure = error;
        cell.open = true;
        this.#open.push(cell);
      }
    }
    if (failure !== undefined) throw failure;
  }

  #openCell(cell: Cell): void {
    cell.open = true;
    this.#open.push(cell);
    this.#writeCell(cell);
  }

  #writeCell(cell: Cell): void {
    if (this.#write === undefined) return;
    this.#write(cell.value, cell.attributes);
    if (!this.#isGauge) cell.value = 0;
  }

  /** To the histogram that is aggregated here, or the instrument, or where values wait for one of them. */
  #record(cell: Cell, value: number, context: Context | undefined): void {
    if (this.#histogram !== undefined) {
      cell.histogram ??= this.#histogram.series(cell.attributes);
      cell.histogram.record(value);
    } else if (this.#write !== undefined) this.#write(value, cell.attributes, context);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push({ cell, value });
    else this.#dropped++;
  }

  #ignore(why: string): void {
    if (this.#ignored++ % 1_000 > 0) return;
    diag.debug(`logspan: logMetrics ignores a value of ${this.#rule.value} for ${this.#rule.name}: ${why}`);
  }
}
