import { copyRecord } from '../../pipeline/copy-record.ts';
import type { LogRecord, LogRecordProcessor, Stage, StageAccount } from '../../pipeline/stage.ts';

type Data = Record<string, unknown>;

/** The parts of a prepared event that may hold secrets. */
interface PreparedEvent {
  message?: unknown;
  logentry?: unknown;
  request?: unknown;
  breadcrumbs?: unknown;
  extra?: unknown;
  contexts?: unknown;
  exception?: { values?: { value?: unknown; stacktrace?: { frames?: { vars?: unknown }[] } }[] };
}

/** What Sentry's integrations fill, whoever makes the event. */
const COLLECTED = ['request', 'breadcrumbs'] as const;
/** What else there is in an event that was not made of a record. */
const SAID = ['message', 'logentry', 'extra', 'contexts'] as const;

/**
 * Takes secrets out of Sentry events. What it cannot redact it removes. Nothing is changed that others hold: the
 * breadcrumbs of a scope are shared with all its events.
 */
export class EventRedaction {
  readonly #stage: LogRecordProcessor;
  #redacted: LogRecord | undefined;

  constructor(redact: Stage) {
    const done = async (): Promise<void> => undefined;
    this.#stage = redact({
      onEmit: (record) => {
        this.#redacted = record;
      },
      forceFlush: done,
      shutdown: done,
    });
  }

  account(): StageAccount {
    return this.#stage.account?.() ?? {};
  }

  /** Cleans what Sentry has collected for the event: request, breadcrumbs, local variables. Never throws. */
  collected<T extends PreparedEvent>(event: T): T {
    return this.#redact(event, COLLECTED, false);
  }

  /** Cleans all of it, the messages of exceptions included. Never throws. */
  all<T extends PreparedEvent>(event: T): T {
    return this.#redact(event, [...COLLECTED, ...SAID], true);
  }

  #redact<T extends PreparedEvent>(event: T, fields: readonly (keyof PreparedEvent)[], withMessages: boolean): T {
    const given: Data = {};
    for (const field of fields) if (event[field] !== undefined) given[field] = event[field];
    const exceptions = event.exception?.values ?? [];
    const frames = exceptions.flatMap(({ stacktrace }) => stacktrace?.frames ?? []);
    const holders = frames.filter(({ vars }) => vars !== undefined);
    if (holders.length > 0) given.vars = holders.map(({ vars }) => vars);
    if (withMessages && exceptions.length > 0) given.exceptions = exceptions.map(({ value }) => value);
    if (Object.keys(given).length === 0) return event;

    const clean = this.#attributes(given);
    for (const field of fields) if (field in given) event[field] = clean[field] as never;
    for (const [index, holder] of holders.entries()) holder.vars = (clean.vars as unknown[] | undefined)?.[index];
    if (withMessages) {
      const messages = clean.exceptions as unknown[] | undefined;
      for (const [index, exception] of exceptions.entries()) exception.value = messages?.[index];
    }
    return event;
  }

  #attributes(given: Data): Data {
    try {
      this.#redacted = undefined;
      this.#stage.onEmit(copyRecord({ ...EMPTY, attributes: given }));
      return (this.#redacted as LogRecord | undefined)?.attributes ?? {};
    } catch {
      return {};
    } finally {
      this.#redacted = undefined;
    }
  }
}

const EMPTY: Omit<LogRecord, 'attributes'> = {
  hrTime: [0, 0],
  hrTimeObserved: [0, 0],
  resource: { attributes: {} },
  instrumentationScope: { name: 'sentry' },
  droppedAttributesCount: 0,
  setAttribute: () => undefined,
};
