import { SEVERITY, severityText } from '@logspan/logger/internal';
import type { HrTime } from '@opentelemetry/api';
import { newRecord } from './new-record.ts';
import type { LogRecord } from './stage.ts';

/** A longer message is not quoted, and not cut either: half of a secret is none that redaction knows. */
const LONGEST_QUOTE = 1_024;

/** Records that a stage left out, as far as a summary must know them. Holds none of them, only where the first belongs. */
export class LeftOut {
  count = 1;
  readonly #first: LogRecord;
  readonly #firstAt: number;
  #attributes: Readonly<Record<string, unknown>>;
  #lastAt: number;
  #severityNumber: number;

  /**
   * `now` is of a clock that never goes back, in milliseconds. `attributes` say what the records have in common.
   */
  constructor(first: LogRecord, now: number, attributes: Readonly<Record<string, unknown>> = {}) {
    const { eventName = '' } = first;
    this.#first = newRecord(first, { eventName, body: eventName || quoted(first.body) });
    this.#attributes = attributes;
    this.#firstAt = now;
    this.#lastAt = now;
    this.#severityNumber = severityOf(first);
  }

  add(record: LogRecord, now: number): void {
    this.count++;
    this.#lastAt = now;
    const severityNumber = severityOf(record);
    if (severityNumber > this.#severityNumber) this.#severityNumber = severityNumber;
  }

  /** Counts others along; what they had in common is no longer said, since it differs. */
  addAll(others: readonly LeftOut[]): void {
    for (const other of others) {
      this.count += other.count;
      this.#lastAt = Math.max(this.#lastAt, other.#lastAt);
      this.#severityNumber = Math.max(this.#severityNumber, other.#severityNumber);
    }
    this.#attributes = {};
  }

  /** When the first of them happened, in ISO 8601. */
  get firstTime(): string {
    const [seconds, nanos] = this.#first.hrTime;
    const millis = seconds * 1_000 + Math.floor(nanos / 1_000_000);
    // Beyond what a Date can say: a time that somebody made up.
    return Math.abs(millis) <= 8.64e15 ? new Date(millis).toISOString() : String(millis);
  }

  /** The name of the first, or its message. */
  get what(): string {
    return this.#first.body;
  }

  /**
   * A record about them: as severe as the worst of them, at the time of the last, where the first belongs, with what they
   * have in common. Without an event name it has that of the first.
   */
  summary({ eventName, body, attributes }: Summary): LogRecord {
    const first = this.#first;
    const record = newRecord(first, {
      eventName: eventName ?? '',
      body,
      attributes: { ...this.#attributes, ...attributes },
      hrTime: later(first.hrTime, this.#lastAt - this.#firstAt),
    });
    record.eventName = eventName ?? (first.eventName || undefined);
    record.severityNumber = this.#severityNumber;
    record.severityText = severityText(this.#severityNumber);
    return record;
  }
}

interface Summary {
  readonly eventName?: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

function quoted(body: unknown): string {
  const text = typeof body === 'object' ? '' : String(body);
  return text.length <= LONGEST_QUOTE ? text : `a message of ${text.length} characters`;
}

function severityOf(record: LogRecord): number {
  return record.severityNumber || SEVERITY.info;
}

function later([seconds, nanos]: HrTime, millis: number): HrTime {
  const sum = nanos + Math.floor(millis * 1_000_000);
  return [seconds + Math.floor(sum / 1e9), sum % 1e9];
}
