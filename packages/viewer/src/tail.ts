import { formatRecord, type LineOptions } from './format-record.ts';
import { type Level, type LogRecord, levelOf } from './log-record.ts';
import { paint } from './terminal-text.ts';
import { wholeNumber } from './whole-number.ts';

export interface TailOptions extends Omit<LineOptions, 'columns'> {
  /** Gets whole lines, newline included: one call for each `show`. */
  readonly write: (text: string) => void;
  /** Asked for each record, so that a resized terminal is followed. */
  readonly columns?: () => number | undefined;
  /**
   * Above this, records are counted instead of shown, and `… N more records` follows at the end of the second. Errors
   * have as many lines of their own, so that a flood of the rest does not hide them. Default: no limit.
   */
  readonly maxLinesPerSecond?: number;
  /** Milliseconds of a clock that does not run backwards. */
  readonly now?: () => number;
  /** Calls back after so many milliseconds; returns a function that calls it off. */
  readonly schedule?: (callback: () => void, millis: number) => () => void;
}

/** Prints records as they come, at a speed that can be read. */
export interface Tail {
  show(records: readonly LogRecord[]): void;
  /** Tells what was still to be told. */
  end(): void;
}

/** Throws a RangeError on options out of range. */
export function createTail(options: TailOptions): Tail {
  const { write, columns, now = () => performance.now(), schedule = unrefTimeout } = options;
  const limit = wholeNumber('maxLinesPerSecond', options.maxLinesPerSecond ?? Infinity, 1, Infinity);
  let secondStart = Number.NEGATIVE_INFINITY;
  let lines = { errors: 0, others: 0 };
  const unseen = new Map<Level, number>();
  let cancel: (() => void) | undefined;

  function takeSummary(): string {
    cancel?.();
    cancel = undefined;
    if (unseen.size === 0) return '';
    const total = [...unseen.values()].reduce((sum, count) => sum + count, 0);
    const parts = [...unseen].map(([level, count]) => `${count} ${level}`).join(', ');
    unseen.clear();
    const text = `… ${total} more ${total === 1 ? 'record' : 'records'} (${parts})`;
    return `${paint([{ text, style: 'dim' }], columns?.() ?? Infinity, options.colors ?? false)}\n`;
  }

  function tell(): void {
    const summary = takeSummary();
    if (summary !== '') write(summary);
  }

  function line(record: LogRecord): string {
    const level = levelOf(record.severityNumber);
    const lane = level === 'error' || level === 'fatal' ? 'errors' : 'others';
    if (lines[lane] >= limit) {
      unseen.set(level, (unseen.get(level) ?? 0) + 1);
      return '';
    }
    const text = formatRecord(record, { ...options, columns: columns?.() });
    lines[lane] += limit === Infinity ? 0 : text.split('\n').length;
    return `${text}\n`;
  }

  return {
    show(records) {
      const time = now();
      let text = '';
      if (time - secondStart >= 1000) {
        text = takeSummary();
        secondStart = time;
        lines = { errors: 0, others: 0 };
      }
      text += records.map(line).join('');
      if (text !== '') write(text);
      if (unseen.size > 0) cancel ??= schedule(tell, secondStart + 1000 - time);
    },
    end: tell,
  };
}

function unrefTimeout(callback: () => void, millis: number): () => void {
  const timer = setTimeout(callback, millis).unref();
  return () => clearTimeout(timer);
}
