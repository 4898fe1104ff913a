import { forgottenCall } from '../pipeline/factory.ts';
import type { LogRecord, LogRecordProcessor, Resource } from '../pipeline/stage.ts';
import { checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
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

/** Records that a handler has given up, for whoever takes them over. */
export interface Lost {
  /** As the account has it: `queue_full`, `process_exit`, …; `rejected` for what the destination refused. */
  readonly reason: string;
  /** How many they are. */
  readonly count: number;
  /** The records, made while they are read: to be read once, at once or later. */
  readonly records: Iterable<LogRecord>;
}

/**
 * What a running handler is: the end of a route, and its account. `onEmit` should not throw. If it does, the record must
 * not be in the handler's account: who called counts it, as `handler_failed`.
 */
export interface HandlerEnd extends LogRecordProcessor {
  deliveryAccount(): DeliveryAccount;
  /**
   * For a handler that has others behind it: their accounts, each by its name, and its own, by the empty name, for what
   * it holds or drops itself. Together they are what `deliveryAccount` says.
   */
  deliveryAccounts?(): Readonly<Record<string, DeliveryAccount>>;
  /**
   * Has the listener told of all records that this handler gives up or that are refused, each once, after they were
   * counted. Records of which nobody knows which they were (a destination that says how many it refused, not which) are
   * not among them. There is one listener. Answers the names of those behind it that cannot tell, if there are any.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler with nobody behind it has nothing to answer
  onLost?(listener: (lost: Lost) => void): readonly string[] | void;
  /**
   * For a handler that has others behind it: records that it dropped or that were refused, and that nobody has taken over.
   * Without it that is all of them.
   */
  lost?(): number;
  /**
   * The last chance, from `process.on('exit')`: delivers what is pending without returning to the event loop, within
   * `timeoutMillis`; what remains is dropped and counted. Called again where more is handed over than it can hold.
   */
  flushSync?(timeoutMillis: number): void;
  /**
   * True if it holds half of what it can: who has many records for it at once then lets it deliver first, by `forceFlush`
   * or `flushSync`. Asked for each of them, so it must be cheap. Without it they are given to it all the same.
   */
  isFilling?(): boolean;
}

/** What a handler is given when the pipeline starts it. */
export interface HandlerContext {
  readonly resource: Resource;
  /** What the environment asks for: applies where the handler's own options are silent. */
  readonly environment: Environment;
  /** True if the pipeline takes secrets out: then nothing behind it may add any. */
  readonly redacts?: boolean;
}

/** A destination, as the user writes it in `handlers: [otlp(), consoleHandler()]`. Started once per pipeline. */
export interface Handler {
  /** Unique within a pipeline; the key in `stats().handlers`. A second `otlp` becomes `otlp#2`. */
  readonly name: string;
  /** Only records for which this is true come here. */
  readonly when?: (record: LogRecord) => boolean;
  start(context: HandlerContext): HandlerEnd;
}

/** Throws a {@link ConfigError} unless this is a handler. */
export function checkHandler(option: string, handler: Partial<Handler> | null | undefined): void {
  const call = forgottenCall(handler);
  if (call !== undefined) throw new ConfigError(option, `must be what ${call} returns: the call is missing`);
  if (typeof handler !== 'object' || handler === null || typeof handler.start !== 'function') {
    throw new ConfigError(option, `must be a handler such as otlp() or consoleHandler(), not ${given(handler)}`);
  }
  if (typeof handler.name !== 'string') {
    throw new ConfigError(`${option}.name`, `must be a string, not ${given(handler.name)}`);
  }
  // A name is a key of the account, and the handlers behind a route are told as route/otlp.
  if (handler.name === '' || handler.name === '__proto__' || handler.name.includes('/')) {
    throw new ConfigError(`${option}.name`, 'must be a name without a slash');
  }
  checkType(`${option}.when`, handler.when, 'function');
}
