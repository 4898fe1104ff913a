import {
  type Attributes,
  facadeState,
  type LogRecordInput,
  type OtelLoggerOptions,
  type OtelLoggerProvider,
  type RecordDestination,
  type RecordWriter,
  registerLoggerProvider,
  setDestination,
  setMinimumSeverities,
  unregisterLoggerProvider,
} from '@logspan/logger/internal';
import { type Context, context } from '@opentelemetry/api';
import type { Handler, HandlerEnd } from '../handlers/handler.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import type { LoggerProvider } from '../provider/logger-provider.ts';
import { type Captures, current, type Logging } from '../provider/logging.ts';

/** One who captures. */
export interface Capture {
  /** Its own way to itself, for as long as no logging runs. */
  readonly provider: LoggerProvider;
  /** The lowest severity it wants of a scope; undefined if it wants what is written anyway. */
  readonly minimumOf: ((scopeName: string) => number) | undefined;
  /** True for what is written where it listens. */
  isIn(from: Context): boolean;
  take(record: LogRecord): void;
}

/**
 * All who capture in this process. As long as no logging runs, the hub stands in the place of one, and gives what is written
 * to the pipeline of each capture; else it is one more handler of the logging that runs. A logging that starts later finds
 * it in the process's state, and is joined.
 */
export class CaptureHub implements Captures, RecordDestination, OtelLoggerProvider {
  #captures: readonly Capture[] = [];
  readonly #joined = new WeakSet<Logging>();
  /** The levels as they were, and as this made them. */
  #before = facadeState().minimumOf;
  #lowered: ((scopeName: string) => number) | undefined;

  /** The one of this process, whichever copy of this package made it. */
  static ofProcess(): CaptureHub {
    const running = current();
    running.captures ??= new CaptureHub();
    return running.captures as CaptureHub;
  }

  add(capture: Capture): void {
    this.#captures = [...this.#captures, capture];
    const { logging } = current();
    if (logging !== undefined && this.isRunning) this.join(logging);
    else {
      if (facadeState().destination !== this) setDestination(this);
      registerLoggerProvider(this);
      this.#setLevels();
    }
  }

  remove(capture: Capture): void {
    this.#captures = this.#captures.filter((other) => other !== capture);
    this.#setLevels();
    if (this.#captures.length === 0) this.makeWay();
  }

  /** True if there is a logging that writes: one that the environment has disabled does not. */
  get isRunning(): boolean {
    const { destination } = facadeState();
    return destination !== undefined && destination !== this;
  }

  makeWay(): void {
    unregisterLoggerProvider(this);
    if (facadeState().destination === this) setDestination(undefined);
  }

  join(logging: Logging): void {
    if (this.#captures.length > 0 && !this.#joined.has(logging)) {
      this.#joined.add(logging);
      logging.addHandler(this.#handler());
    }
    this.#setLevels();
  }

  getWriter(scopeName: string, version: string | undefined): RecordWriter {
    return this.getLogger(scopeName, version);
  }

  getLogger(name: string, version?: string, options?: OtelLoggerOptions): RecordWriter {
    const scopeName = typeof name === 'string' ? name : '';
    const wanting = (from: Context, severity: number | undefined): RecordWriter[] =>
      this.#captures
        .filter((capture) => this.#wants(capture, from, scopeName, severity))
        .map(({ provider }) => provider.getLogger(name, version, options));
    return {
      write(severity: number, text: string, event: string | undefined, body, attributes, bound?: Attributes, error?) {
        for (const writer of wanting(context.active(), severity)) {
          writer.write(severity, text, event, body, attributes, bound, error);
        }
      },
      emit(input: LogRecordInput) {
        for (const writer of wanting(input.context ?? context.active(), input.severityNumber)) writer.emit(input);
      },
      enabled: (asked = {}) =>
        wanting(asked.context ?? context.active(), asked.severityNumber).some((writer) => writer.enabled?.(asked)),
    };
  }

  #wants(capture: Capture, from: Context, scopeName: string, severity: number | undefined): boolean {
    const minimum = capture.minimumOf ?? (this.isRunning ? this.#before : () => 0);
    return (!severity || severity >= minimum(scopeName)) && capture.isIn(from);
  }

  #handler(): Handler {
    let taken = 0;
    const end: HandlerEnd = {
      onEmit: (record, from = context.active()) => {
        taken++;
        const { instrumentationScope, severityNumber } = record;
        for (const capture of this.#captures) {
          if (this.#wants(capture, from, instrumentationScope.name, severityNumber)) capture.take(record);
        }
      },
      enabled: () => this.#captures.length > 0,
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
      deliveryAccount: () => ({ accepted: taken, delivered: taken, rejected: 0, dropped: {}, pending: 0 }),
    };
    // It stays behind when nobody captures any more, and is as if it were not there.
    return { name: 'captureLogs', when: () => this.#captures.length > 0, start: () => end };
  }

  /** The levels of the process, as low as any capture wants them: each takes of it what it wants. */
  #setLevels(): void {
    const state = facadeState();
    // Whoever set them since has said what applies.
    if (state.minimumOf !== this.#lowered) this.#before = state.minimumOf;
    const before = this.#before;
    const wanted = this.#captures.flatMap(({ minimumOf }) => minimumOf ?? []);
    const all = !this.isRunning && wanted.length < this.#captures.length;
    const minima = this.isRunning ? [before, ...wanted] : wanted;
    if (this.#captures.length === 0 || (!all && wanted.length === 0)) {
      if (state.minimumOf === this.#lowered) setMinimumSeverities(before);
      return;
    }
    this.#lowered = all ? () => 0 : (scopeName) => Math.min(...minima.map((minimumOf) => minimumOf(scopeName)));
    setMinimumSeverities(this.#lowered);
  }
}
