import type { Context } from '@opentelemetry/api';
import type { LogRecord } from '../../pipeline/stage.ts';

/** A record that waits for what becomes of its trace. */
export interface Held {
  readonly record: LogRecord;
  readonly context: Context | undefined;
  readonly bytes: number;
}

interface Trace {
  readonly records: Held[];
  idleAt: number;
}

/** What may be held. */
export interface HeldLimits {
  readonly recordsPerKey: number;
  readonly maxKeys: number;
  readonly maxBytes: number;
  readonly idleMillis: number;
}

/** The held records of each trace, the trace that was quiet for longest first. Where there is no room the oldest go. */
export class HeldTraces {
  /** How many records are held. */
  count = 0;
  /** Records that went because there was no room. */
  overflow = 0;
  readonly #limits: HeldLimits;
  readonly #traces = new Map<string, Trace>();
  #bytes = 0;

  constructor(limits: HeldLimits) {
    this.#limits = limits;
  }

  /** When the next trace will have been quiet for too long. */
  get nextIdleAt(): number | undefined {
    const [first] = this.#traces.values();
    return first?.idleAt;
  }

  hold(key: string, held: Held, now: number): void {
    const trace = this.#touch(key, now) ?? this.#add(key, now);
    trace.records.push(held);
    this.count++;
    this.#bytes += held.bytes;
    if (trace.records.length > this.#limits.recordsPerKey) this.#dropOldest(key, trace.records);
    const { maxBytes } = this.#limits;
    for (const [quietest, { records }] of this.#traces) {
      while (this.#bytes > maxBytes && records.length > 0) this.#dropOldest(quietest, records);
      if (this.#bytes <= maxBytes) return;
    }
  }

  /** Its trace is not quiet, though nothing more is held. */
  touch(key: string, now: number): void {
    this.#touch(key, now);
  }

  /** Gives the records of a trace away, in their order. */
  take(key: string): readonly Held[] {
    const trace = this.#traces.get(key);
    if (trace === undefined) return [];
    this.#traces.delete(key);
    this.count -= trace.records.length;
    for (const { bytes } of trace.records) this.#bytes -= bytes;
    return trace.records;
  }

  /** How many records went with the traces that have been quiet for too long. */
  dropIdle(now: number): number {
    let dropped = 0;
    for (const [key, { idleAt }] of this.#traces) {
      if (idleAt > now) break;
      dropped += this.take(key).length;
    }
    return dropped;
  }

  #touch(key: string, now: number): Trace | undefined {
    const trace = this.#traces.get(key);
    if (trace === undefined) return undefined;
    trace.idleAt = now + this.#limits.idleMillis;
    // Behind all others.
    this.#traces.delete(key);
    this.#traces.set(key, trace);
    return trace;
  }

  #add(key: string, now: number): Trace {
    if (this.#traces.size >= this.#limits.maxKeys) {
      const [quietest] = this.#traces.keys();
      this.overflow += this.take(quietest as string).length;
    }
    const trace = { records: [], idleAt: now + this.#limits.idleMillis };
    this.#traces.set(key, trace);
    return trace;
  }

  #dropOldest(key: string, records: Held[]): void {
    const oldest = records.shift();
    if (records.length === 0) this.#traces.delete(key);
    if (oldest === undefined) return;
    this.#bytes -= oldest.bytes;
    this.count--;
    this.overflow++;
  }
}
