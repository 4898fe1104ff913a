import { context } from '@opentelemetry/api';
import { type Attributes, type AttributesArgument, bindAttributes, settleAttributes } from './attributes.ts';
import { CandidateRecord } from './candidate-record.ts';
import { errorMessage, isError } from './exception.ts';
import {
  contain,
  type FacadeState,
  facadeState,
  type RecordWriter,
  type ScopeLevel,
  scopeLevel,
} from './facade-state.ts';
import { and, askedOnce, type RecordFilter } from './filter.ts';
import { computed } from './lazy.ts';
import { SEVERITY, type SeverityName, severityOf, severityText } from './level.ts';
import { type OtelLogger, registeredLogger } from './otel-logs-api.ts';
import { attributesOf } from './scope.ts';
import type { TypedLogger } from './typed-logger.ts';

/** Which of the two readings of the first argument is forced. */
type Reading = 'auto' | 'event' | 'message';

/**
 * Writes log records of one scope.
 *
 * `logger.info('user_login', { username })`: the first argument is the event name if it looks like one (see
 * {@link isEventName}) and a message otherwise; then come the attributes, any values under any keys, or an Error, or a
 * function that makes the attributes if the record is kept. An Error under `error`, `err` or `exception` becomes the
 * `exception.*` attributes. Attributes of the call win over those of {@link child}, and those over `withAttributes`.
 *
 * A call below the scope's level costs one comparison. No call ever throws, and before a provider exists calls do
 * nothing. A method that was taken off its logger (`.catch(logger.error)`) cannot know where to write: it does not throw
 * either, but writes nothing and says so on OTel's diag. Level, event name and trace ids cannot be overwritten by attributes.
 */
export class Logger {
  readonly #scopeName: string;
  readonly #version: string | undefined;
  readonly #level: ScopeLevel;
  readonly #bound: Attributes | undefined;
  readonly #filter: RecordFilter | undefined;
  readonly #state: FacadeState = facadeState();
  #generation = -1;
  #writer: RecordWriter | undefined;
  #otel: OtelLogger | undefined;

  /** @internal Use {@link getLogger}. */
  constructor(scopeName: string, version?: string, bound?: Attributes, filter?: RecordFilter) {
    this.#scopeName = scopeName;
    this.#version = version;
    this.#level = scopeLevel(scopeName);
    this.#bound = bound;
    this.#filter = filter;
  }

  /** Finer than anyone wants in production. SeverityNumber 1. */
  trace(eventOrMessage: string, attributes?: AttributesArgument): void {
    try {
      if (this.#level.minimum <= 1) this.#write(1, 'TRACE', eventOrMessage, attributes, 'auto');
    } catch (error) {
      contain(error);
    }
  }

  /** For whoever looks for a fault. SeverityNumber 5. */
  debug(eventOrMessage: string, attributes?: AttributesArgument): void {
    try {
      if (this.#level.minimum <= 5) this.#write(5, 'DEBUG', eventOrMessage, attributes, 'auto');
    } catch (error) {
      contain(error);
    }
  }

  /** What happened. SeverityNumber 9. */
  info(eventOrMessage: string, attributes?: AttributesArgument): void {
    try {
      if (this.#level.minimum <= 9) this.#write(9, 'INFO', eventOrMessage, attributes, 'auto');
    } catch (error) {
      contain(error);
    }
  }

  /** Not yet a failure. SeverityNumber 13. */
  warn(eventOrMessage: string, attributes?: AttributesArgument): void {
    try {
      if (this.#level.minimum <= 13) this.#write(13, 'WARN', eventOrMessage, attributes, 'auto');
    } catch (error) {
      contain(error);
    }
  }

  /** Another spelling of {@link warn}. */
  warning(eventOrMessage: string, attributes?: AttributesArgument): void {
    try {
      if (this.#level.minimum <= 13) this.#write(13, 'WARN', eventOrMessage, attributes, 'auto');
    } catch (error) {
      contain(error);
    }
  }

  /** Something failed. SeverityNumber 17. */
  error(eventOrMessage: string, attributes?: AttributesArgument): void {
    try {
      if (this.#level.minimum <= 17) this.#write(17, 'ERROR', eventOrMessage, attributes, 'auto');
    } catch (error) {
      contain(error);
    }
  }

  /** The service cannot go on. SeverityNumber 21. */
  fatal(eventOrMessage: string, attributes?: AttributesArgument): void {
    try {
      if (this.#level.minimum <= 21) this.#write(21, 'FATAL', eventOrMessage, attributes, 'auto');
    } catch (error) {
      contain(error);
    }
  }

  /** Another spelling of {@link fatal}. */
  critical(eventOrMessage: string, attributes?: AttributesArgument): void {
    try {
      if (this.#level.minimum <= 21) this.#write(21, 'FATAL', eventOrMessage, attributes, 'auto');
    } catch (error) {
      contain(error);
    }
  }

  /** Writes an error that was caught, at level error: `logger.exception(error, 'payment_failed', { orderId })`. */
  exception(error: unknown, eventOrMessage = 'exception', attributes?: AttributesArgument): void {
    try {
      if (this.#level.minimum <= 17) this.#write(17, 'ERROR', eventOrMessage, attributes, 'auto', error);
    } catch (error) {
      contain(error);
    }
  }

  /** Writes at a level given by name; an unknown level counts as info. */
  log(level: SeverityName, eventOrMessage: string, attributes?: AttributesArgument): void {
    try {
      this.#writeAt(level, eventOrMessage, attributes, 'auto');
    } catch (error) {
      contain(error);
    }
  }

  /** Writes an event whatever its name looks like. */
  event(level: SeverityName, eventName: string, attributes?: AttributesArgument): void {
    try {
      this.#writeAt(level, eventName, attributes, 'event');
    } catch (error) {
      contain(error);
    }
  }

  /** Writes a message even if it looks like an event name. */
  message(level: SeverityName, text: string, attributes?: AttributesArgument): void {
    try {
      this.#writeAt(level, text, attributes, 'message');
    } catch (error) {
      contain(error);
    }
  }

  /**
   * True if a record of this level could go anywhere: to guard work that `lazy` cannot defer. Of filters it knows the
   * levels alone (`atLeast`), because there is no record to show them yet.
   */
  isEnabled(level: SeverityName): boolean {
    try {
      const severityNumber = writableSeverity(level);
      if (severityNumber < this.#level.minimum || isBelow(severityNumber, this.#filter)) return false;
      if (this.#generation !== this.#state.generation) this.#resolve();
      const logger = this.#writer ?? this.#otel;
      return logger?.enabled?.({ severityNumber }) ?? true;
    } catch (error) {
      contain(error);
      return false;
    }
  }

  /** A logger whose records also carry these attributes. Lazy values in them are computed for each record. */
  child(attributes: Attributes): Logger {
    return new Logger(this.#scopeName, this.#version, bindAttributes(this.#bound, attributes), this.#filter);
  }

  /** A logger of another scope, with the same attributes and filter. */
  named(scopeName: string): Logger {
    return new Logger(validScopeName(scopeName), undefined, this.#bound, this.#filter);
  }

  /**
   * A logger that writes only what passes: `logger.filter(event('audit_*'))`. This logger stays as it is; children
   * inherit. What is stopped costs the filter alone: no attribute is read that it does not ask for, and no lazy one
   * computed. A filter that throws lets the record pass; what is no function is reported and lets everything pass. What a
   * filter writes with that logger while it is asked passes unjudged.
   */
  filter(passes: RecordFilter): Logger {
    let both = this.#filter;
    if (typeof passes !== 'function') contain(new TypeError('logger.filter: must be given a function'));
    else both = both === undefined ? askedOnce(passes) : and(both, askedOnce(passes));
    return new Logger(this.#scopeName, this.#version, this.#bound, both);
  }

  #writeAt(level: string, first: string, attributes: AttributesArgument, reading: Reading): void {
    const severityNumber = writableSeverity(level);
    if (severityNumber >= this.#level.minimum) {
      this.#write(severityNumber, severityText(severityNumber), first, attributes, reading);
    }
  }

  #write(
    severityNumber: number,
    severity: string,
    first: unknown,
    attributes: unknown,
    reading: Reading,
    exception?: unknown,
  ): void {
    const filter = this.#filter;
    if (isBelow(severityNumber, filter)) return;
    if (this.#generation !== this.#state.generation) this.#resolve();
    let body = first;
    let eventName: string | undefined;
    if (typeof first === 'string') {
      if (reading === 'auto' ? this.#state.eventNames.has(first) : reading === 'event') eventName = first;
    } else if (isError(first)) {
      // logger.error(new Error('…')), as many write it.
      exception ??= first;
      body = errorMessage(first);
    }
    if (filter !== undefined && !this.#passes(filter, severityNumber, eventName, body, attributes)) return;
    if (this.#writer !== undefined) {
      this.#writer.write(severityNumber, severity, eventName, body, attributes, this.#bound, exception);
    } else {
      this.#emit(severityNumber, severity, eventName, body, attributes, exception);
    }
  }

  #passes(
    filter: RecordFilter,
    severityNumber: number,
    eventName: string | undefined,
    body: unknown,
    attributes: unknown,
  ): boolean {
    const scope = { name: this.#scopeName };
    const record = new CandidateRecord(severityNumber, eventName, body, scope, attributes, this.#bound);
    try {
      return Boolean(computed(() => filter(record)));
    } catch (error) {
      contain(error);
      return true;
    }
  }

  /** To a provider that is not ours: it knows no lazy values, drops Errors, Dates and Maps, and no scope attributes. */
  #emit(
    severityNumber: number,
    severity: string,
    eventName: string | undefined,
    body: unknown,
    attributes: unknown,
    exception: unknown,
  ): void {
    const logger = this.#otel;
    if (logger === undefined) return;
    const active = context.active();
    if (
      logger.enabled?.({ context: active, severityNumber, ...(eventName === undefined ? {} : { eventName }) }) === false
    )
      return;
    const scope = attributesOf(active);
    const bound = scope === undefined ? this.#bound : { ...scope, ...this.#bound };
    const settled = settleAttributes(attributes, bound, exception);
    logger.emit({
      severityNumber,
      severityText: severity,
      body: typeof body === 'string' ? body : settleAttributes({ body }).attributes.body,
      attributes: settled.attributes,
      context: active,
      ...(eventName === undefined ? {} : { eventName }),
    });
  }

  #resolve(): void {
    const { destination, generation } = this.#state;
    this.#writer = destination?.getWriter(this.#scopeName, this.#version);
    if (this.#writer !== undefined) {
      this.#generation = generation;
      return;
    }
    const { logger, found } = registeredLogger(this.#scopeName, this.#version);
    this.#otel = logger;
    // As long as nobody is registered, ask again with each call: whoever comes gives no sign.
    this.#generation = found ? generation : -1;
  }
}

/**
 * The logger of a scope, which OTel calls the instrumentation scope: name it after the module or library that logs.
 * Safe at any time, before `register()` too: the logger starts to write when a provider exists. Cheap, but not free:
 * keep it in a constant. `getLogger<ShopEvents>('shop')` is held to those events by the compiler.
 */
export function getLogger(scopeName: string, version?: string): Logger;
export function getLogger<Events extends object>(scopeName: string, version?: string): TypedLogger<Events>;
// Again, because the last one is what `ReturnType<typeof getLogger>` reads.
export function getLogger(scopeName: string, version?: string): Logger;
export function getLogger(scopeName: string, version?: string): object {
  return new Logger(validScopeName(scopeName), typeof version === 'string' ? version : undefined);
}

/** The severity to write at. `off` is none, and a level that does not exist counts as info. */
function writableSeverity(level: string): number {
  const severityNumber = severityOf(level);
  return severityNumber === undefined || severityNumber === SEVERITY.off ? SEVERITY.info : severityNumber;
}

/** True if the filter has promised to stop this severity. */
function isBelow(severityNumber: number, filter: RecordFilter | undefined): boolean {
  return filter?.minimumSeverity !== undefined && severityNumber < filter.minimumSeverity;
}

/** The specification wants a working logger for an invalid name, which is kept as it is given where it can be. */
function validScopeName(name: unknown): string {
  return typeof name === 'string' ? name : '';
}
