import type { LogRecord, LogRecordProcessor, Resource } from '../pipeline/stage.ts';
import type { Environment } from '../provider/environment.ts';

/**
 * Where records went, exact at any time: `accepted = delivered + rejected + sum(dropped) + pending`.
 * All figures count log records since the handler was started.
 */
export interface DeliveryAccount {
  /** Records that were handed to this handler. */
  readonly accepted: number;
  /** Records whose receipt the destination confirmed (or, for a stream, that were written to it). */
  readonly delivered: number;
  /** Records that the destination received and refused: a non-retryable answer or OTLP partial success. */
  readonly rejected: number;
  /** Records that were given up on this side, by reason: `{ queue_full: 3 }`. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Records that are held: in the open batch, in the queue, or in a request that is under way. */
  readonly pending: number;
}

/** What a running handler is: the end of a route, and its account. */
export interface HandlerEnd extends LogRecordProcessor {
  deliveryAccount(): DeliveryAccount;
  /**
   * The last chance, from `process.on('exit')`: delivers what is pending without returning to the event loop, within
   * `timeoutMillis`; what remains is dropped and counted.
   */
  flushSync?(timeoutMillis: number): void;
}

/** What a handler is given when the pipeline starts it. */
export interface HandlerContext {
  readonly resource: Resource;
  /** What the environment asks for: applies where the handler's own options are silent. */
  readonly environment: Environment;
}

/** A destination, as the user writes it in `handlers: [otlp(), consoleHandler()]`. Started once per pipeline. */
export interface Handler {
  /** Unique within a pipeline; the key in `stats().handlers`. A second `otlp` becomes `otlp#2`. */
  readonly name: string;
  /** Only records for which this is true come here. */
  readonly when?: (record: LogRecord) => boolean;
  start(context: HandlerContext): HandlerEnd;
}
