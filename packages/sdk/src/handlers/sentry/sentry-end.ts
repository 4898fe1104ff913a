import { SEVERITY } from '@logspan/logger/internal';
import { type Context, context as contexts } from '@opentelemetry/api';
import { Announcer } from '../../delivery/announce.ts';
import { Ledger } from '../../delivery/ledger.ts';
import { suppressLogging } from '../../pipeline/guard.ts';
import { Failures } from '../../pipeline/report.ts';
import type { FlushOptions, LogRecord, StageAccount } from '../../pipeline/stage.ts';
import { thrownOf } from '../../pipeline/thrown.ts';
import { TimeoutError, within } from '../../pipeline/within.ts';
import type { DeliveryAccount, HandlerEnd } from '../handler.ts';
import { isRepeated, markCaptured } from './captured-mark.ts';
import { type EventOptions, eventOf, isUncaught } from './event.ts';
import type { EventRedaction } from './event-redaction.ts';
import { Outcomes } from './outcomes.ts';
import { BREADCRUMB_LIMITS, dataOf, levelOf, secondsOf, textOf } from './record-parts.ts';
import { redactedError } from './redacted-error.ts';
import type { SentryClient, SentryEvent, SentryNamespace, SentryScope } from './sentry-sdk.ts';

/** What {@link SentryEnd} is made with. */
export interface SentryEndOptions extends EventOptions {
  readonly name: string;
  /** From this severity on records are events. */
  readonly minimum: number;
  /** From this severity on they are breadcrumbs. */
  readonly breadcrumbMinimum: number;
  /** Undefined: as long as the flush has. */
  readonly flushTimeoutMillis: number | undefined;
  readonly redaction: EventRedaction | undefined;
  readonly now: () => number;
}

/** What was given up for reasons that are nobody's fault, or that were told in another way. */
const UNTOLD: ReadonlySet<string> = new Set(['already_reported', 'filtered', 'no_client', 'export_failed']);

/** Makes events and breadcrumbs of records, and keeps the account of them. */
export class SentryEnd implements HandlerEnd {
  readonly #sentry: SentryNamespace;
  readonly #options: SentryEndOptions;
  readonly #ledger: Ledger;
  readonly #outcomes: Outcomes;
  readonly #announcer: Announcer;
  readonly #failures = new Failures('sentry');
  #toldNoClient = false;
  #shutdown: Promise<void> | undefined;

  constructor(sentry: SentryNamespace, options: SentryEndOptions) {
    this.#sentry = sentry;
    this.#options = options;
    this.#announcer = new Announcer(options.name, options.now);
    this.#ledger = new Ledger((reason, records) => {
      if (!UNTOLD.has(reason)) this.#announcer.lost(reason, records);
    });
    this.#outcomes = new Outcomes(this.#ledger, options.now);
  }

  onEmit(record: LogRecord, from: Context = contexts.active()): void {
    this.#ledger.accepted++;
    if (this.#shutdown !== undefined) {
      this.#ledger.drop('after_shutdown', 1);
      return;
    }
    try {
      // Sentry's scopes are those of the record's context. What Sentry logs meanwhile, and whatever its transport logs
      // later because of it, must not come back here.
      contexts.with(suppressLogging(from), () => this.#take(record));
    } catch (error) {
      this.#failures.count(error);
      this.#ledger.drop('export_failed', 1);
    }
  }

  /** Rejects with a {@link TimeoutError} at the deadline. */
  async forceFlush({ timeoutMillis = 30_000 }: FlushOptions = {}): Promise<void> {
    if (this.#outcomes.pending === 0) return;
    // For Sentry, zero is no limit.
    const millis = Math.max(1, Math.min(timeoutMillis, this.#options.flushTimeoutMillis ?? timeoutMillis));
    const settled = await within(() => this.#outcomes.settle(millis), millis);
    if (settled !== true) throw new TimeoutError('not sent in time');
  }

  shutdown({ timeoutMillis = 5_000 }: FlushOptions = {}): Promise<void> {
    this.#shutdown ??= this.#end(timeoutMillis);
    return this.#shutdown;
  }

  /** Sentry's transport needs the event loop: what is under way may arrive or not, and nobody will know. */
  flushSync(): void {
    this.#outcomes.giveUp('process_exit');
    this.#announcer.finish();
  }

  account(): StageAccount {
    return this.#options.redaction?.account() ?? {};
  }

  deliveryAccount(): DeliveryAccount {
    // First, because it may count some as not sent.
    const { pending } = this.#outcomes;
    return this.#ledger.account(pending);
  }

  async #end(timeoutMillis: number): Promise<void> {
    await this.forceFlush({ timeoutMillis }).catch(() => undefined);
    this.#outcomes.giveUp('shutdown_deadline');
    this.#outcomes.end();
    this.#announcer.finish();
  }

  #take(record: LogRecord): void {
    const { severityNumber = 0 } = record;
    const { minimum, breadcrumbMinimum } = this.#options;
    const client = this.#sentry.getClient();
    if (isOfSentry(record, client)) this.#ledger.drop('filtered', 1);
    else if (client === undefined) this.#noClient();
    else if (severityNumber >= minimum) this.#capture(record, client);
    else if (severityNumber >= breadcrumbMinimum) this.#breadcrumb(record);
    else this.#ledger.drop('filtered', 1);
  }

  #capture(record: LogRecord, client: SentryClient): void {
    const thrown = thrownOf(record);
    const report = { at: this.#options.now(), severity: record.severityNumber ?? 0 };
    // What was taken out in silence is no longer a report.
    this.#outcomes.expire();
    if (isRepeated(thrown, report, isUncaught(record))) {
      this.#ledger.drop('already_reported', 1);
      return;
    }
    const error = redactedError(record.attributes);
    const event = eventOf(record, error, client, this.#options);
    const unmark = markCaptured(thrown, report);
    try {
      this.#outcomes.give(
        event.event_id,
        client,
        () =>
          this.#sentry.withScope((scope) => {
            this.#prepare(scope, event);
            this.#sentry.captureEvent(event, error === undefined ? {} : { originalException: error });
          }),
        unmark,
      );
    } catch (failure) {
      // What Sentry failed on may still be reported by somebody else.
      unmark();
      throw failure;
    }
  }

  /** What an event alone cannot say. */
  #prepare(scope: SentryScope, { level, contexts: { trace } }: SentryEvent): void {
    // That of a scope would win over the event's.
    scope.setLevel(level);
    const { redaction } = this.#options;
    // The last one to see the event: behind all that collects.
    if (redaction !== undefined) scope.addEventProcessor((event) => redaction.collected(event));
    // The header of the envelope names a trace too.
    const traceId = trace?.trace_id;
    const own = scope.getPropagationContext();
    if (traceId !== undefined && own.traceId !== traceId) {
      const { traceId: _, parentSpanId: _parent, dsc: _dsc, ...rest } = own as unknown as Record<string, unknown>;
      scope.setPropagationContext({ ...rest, traceId });
    }
  }

  #breadcrumb(record: LogRecord): void {
    const data = dataOf(record, BREADCRUMB_LIMITS);
    this.#sentry.addBreadcrumb({
      type: 'default',
      category: record.instrumentationScope.name,
      level: levelOf(record),
      message: textOf(record, BREADCRUMB_LIMITS),
      timestamp: secondsOf(record),
      ...(Object.keys(data).length === 0 ? {} : { data }),
    });
    this.#ledger.delivered++;
  }

  #noClient(): void {
    this.#ledger.drop('no_client', 1);
    if (this.#toldNoClient) return;
    this.#toldNoClient = true;
    this.#announcer.warn(
      'no client',
      'call Sentry.init() before the first record, in the copy of Sentry that is given to sentry()',
    );
  }
}

/** How each line begins that Sentry's debug mode says. */
const DEBUG_LINE = /^Sentry Logger \[(?:debug|info|warn|error|log|assert|trace)\]:/;

/**
 * True for what Sentry's debug mode says on a console that goes to the log, of what it does between events too: each
 * failure that it tells of would otherwise be an event, which fails. Anybody can write such a line: it hides nothing
 * unless that mode is on, and never a record with an error, nor a fatal one.
 */
function isOfSentry(record: LogRecord, client: SentryClient | undefined): boolean {
  const { body, severityNumber = 0, attributes } = record;
  if (typeof body !== 'string' || !DEBUG_LINE.test(body)) return false;
  if (severityNumber >= SEVERITY.fatal || attributes['exception.type'] !== undefined) return false;
  return client?.getOptions().debug === true || isSet(process.env.SENTRY_DEBUG);
}

function isSet(variable: string | undefined): boolean {
  return variable !== undefined && !/^(?:|0|f|n|no|off|false)$/i.test(variable);
}
