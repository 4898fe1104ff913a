import type { Attributes } from '@opentelemetry/api';
import type { HistogramSeries } from '../../metrics/local-histograms.ts';
import { peekAttribute } from '../../pipeline/peek-attribute.ts';
import type { LogRecord } from '../../pipeline/stage.ts';
import type { CheckedRule } from './rule.ts';

const LONGEST_TEXT = 256;
const SEVERITIES = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** The metric attribute of an event whose name holds a secret. */
const SECRET_EVENT = 'other';

type Label = string | number | boolean | undefined;

/** One series of a metric: the attributes that identify it, made once, and what waits to be written to it. */
export class Cell {
  readonly attributes: Attributes;
  /** Of a counter: not yet added. Of a gauge: the last value. */
  value = 0;
  /** Of a counter or histogram: all that it was given. */
  total = 0;
  /** Of a histogram that is aggregated here: what its values are recorded to. */
  histogram: HistogramSeries | undefined;
  /** True while the cell is on the list of those to write. */
  open = false;
  // The same event tends to come again at once: compare one pointer before a map look-up.
  #lastLabel: Label;
  #lastChild: Cell | undefined;
  #children: Map<Label, Cell> | undefined;

  constructor(attributes: Attributes) {
    this.attributes = Object.freeze(attributes);
  }

  child(label: Label): Cell | undefined {
    if (this.#lastChild !== undefined && label === this.#lastLabel) return this.#lastChild;
    const child = this.#children?.get(label);
    if (child === undefined) return undefined;
    this.#lastLabel = label;
    this.#lastChild = child;
    return child;
  }

  /** A new child, found by `label` from now on; `shown` is what its attributes say instead. */
  grow(key: string, label: Label, shown: Label): Cell {
    const child = this.#children?.get(shown) ?? this.#born(key, shown);
    this.#children?.set(label, child);
    return child;
  }

  #born(key: string, label: Label): Cell {
    const child = new Cell(label === undefined ? this.attributes : { ...this.attributes, [key]: label });
    this.#children ??= new Map();
    this.#children.set(label, child);
    return child;
  }
}

/** One metric attribute: where its value comes from, and what is shown of it if that is not all the same. */
interface Level {
  readonly key: string;
  readonly read: (record: LogRecord) => Label;
  readonly shown?: (label: Label) => Label;
}

/**
 * The series of one metric, found by walking a tree with one level per metric attribute. Holds at most `maxSeries`;
 * records that would need another share one series with the attribute `otel.metric.overflow` (OTel metrics SDK
 * specification, "Cardinality limits").
 */
export class SeriesTree {
  readonly #root = new Cell({});
  readonly #overflow = new Cell({ 'otel.metric.overflow': true });
  readonly #maxSeries: number;
  readonly #levels: readonly Level[];
  #size = 0;

  /** `isSecret`: whether an event may not be named. Asked once for each name that gets a series. */
  constructor(rule: CheckedRule, maxSeries: number, isSecret: (eventName: string) => boolean) {
    this.#maxSeries = maxSeries;
    this.#levels = [
      ...(rule.perEvent
        ? [{ key: 'event', read: eventOf, shown: (name: Label) => (isSecret(String(name)) ? SECRET_EVENT : name) }]
        : []),
      ...(rule.perSeverity ? [{ key: 'severity', read: severityLabel }] : []),
      ...rule.attributes.map((key) => ({ key, read: (record: LogRecord) => labelOf(attributeOf(record, key)) })),
    ];
  }

  /** The series that a record belongs to. */
  cellOf(record: LogRecord): Cell {
    let cell = this.#root;
    let isNew = false;
    for (const { key, read, shown } of this.#levels) {
      const label = read(record);
      let child = cell.child(label);
      if (child === undefined) {
        // What is missing anywhere on the way ends in exactly one new series.
        if (!isNew && this.#size >= this.#maxSeries) return this.#overflow;
        if (!isNew) this.#size++;
        isNew = true;
        child = cell.grow(key, label, shown === undefined || label === undefined ? label : shown(label));
      }
      cell = child;
    }
    return cell;
  }
}

/** An attribute of the record, or undefined if reading it throws: the record still counts. */
export function attributeOf(record: LogRecord, key: string): unknown {
  try {
    return peekAttribute(record, key);
  } catch {
    return undefined;
  }
}

function eventOf(record: LogRecord): Label {
  return labelOf(record.eventName || undefined);
}

function severityLabel(record: LogRecord): Label {
  const severity = record.severityNumber;
  return severity === undefined ? undefined : SEVERITIES[(severity - 1) >> 2];
}

function labelOf(value: unknown): Label {
  if (typeof value === 'string') return value.length <= LONGEST_TEXT ? value : undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'boolean' ? value : undefined;
}
