import { copyRecord } from '../../pipeline/copy-record.ts';
import type { LogRecord, LogRecordProcessor, Stage, StageAccount } from '../../pipeline/stage.ts';

type Data = Record<string, unknown>;

const WITHHELD = '[withheld: could not be redacted]';
/** Made of the record, which has been redacted, or of its span. */
const OF_THE_RECORD: ReadonlySet<string> = new Set(['log', 'trace']);
/** Enough for Sentry to take what is left of an event that could not be read. */
const IDENTITY = ['event_id', 'timestamp', 'level', 'platform'] as const;

/**
 * Takes secrets out of Sentry events. What it cannot redact it removes. Nothing is changed that others hold: events are
 * copied, as the breadcrumbs of a scope are shared with all its events. Each part that holds data of the application (a
 * context, the data of a breadcrumb, the variables of a frame) is judged as the attributes of a record are, so that the
 * rules of a pipeline mean the same here, those for paths too.
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

  /**
   * Cleans what Sentry has collected for the event of a record: request, breadcrumbs, local variables, transaction, contexts
   * other than those of the record. Never throws.
   */
  collected<T extends object>(event: T): T {
    return guarded(event, (given) => {
      const clean = { ...given };
      this.#gathered(clean);
      this.#put(clean, 'contexts', (contexts) => this.#each(contexts, OF_THE_RECORD));
      this.#put(clean, 'exception', (held) => this.#stacks(held, (value) => value));
      return clean;
    });
  }

  /** Cleans all of an event that was not made of a record. Never throws. */
  all<T extends object>(event: T): T {
    return guarded(event, (given) => {
      const clean = { ...given };
      this.#gathered(clean);
      this.#put(clean, 'contexts', (contexts) => this.#each(contexts));
      this.#put(clean, 'exception', (held) => this.#stacks(held, (value) => this.#exception(value)));
      for (const field of ['message', 'fingerprint'] as const) this.#put(clean, field, (value) => this.#text(value));
      for (const field of ['logentry', 'extra', 'tags', 'user'] as const) {
        this.#put(clean, field, (value) => this.#data(value));
      }
      this.#put(clean, 'spans', (spans) => mapped(spans, (span) => this.#span(span)));
      return clean;
    });
  }

  /** What Sentry's integrations fill, whoever makes the event. */
  #gathered(clean: Data): void {
    this.#put(clean, 'transaction', (text) => this.#text(text));
    this.#put(clean, 'request', (request) => this.#withData(request));
    this.#put(clean, 'breadcrumbs', (crumbs) => mapped(crumbs, (crumb) => this.#withData(crumb)));
    this.#put(clean, 'threads', (held) => this.#stacks(held, (value) => value));
  }

  #put(event: Data, field: string, clean: (value: unknown) => unknown): void {
    if (event[field] === undefined) return;
    const value = clean(event[field]);
    if (value === undefined) delete event[field];
    else event[field] = value;
  }

  /** What has `data` of the application, a root of its own, among fields of Sentry. */
  #withData(given: unknown): Data | undefined {
    if (!isData(given)) return undefined;
    const { data, ...rest } = given;
    if (!isData(data)) return this.#data(given);
    return { ...this.#data(rest), data: this.#data(data) };
  }

  #each(given: unknown, but: ReadonlySet<string> = new Set()): Data | undefined {
    if (!isData(given)) return undefined;
    const clean: Data = {};
    for (const [key, value] of Object.entries(given)) {
      const kept = but.has(key) ? value : this.#data(value);
      if (kept !== undefined && key !== '__proto__') clean[key] = kept;
    }
    return clean;
  }

  /** Exceptions or threads, with the local variables of their frames. */
  #stacks(given: unknown, cleanValue: (value: Data) => Data): Data | undefined {
    if (!isData(given)) return undefined;
    const values = mapped(given.values, (value) => {
      if (!isData(value)) return undefined;
      const clean = cleanValue(value);
      return isData(clean.stacktrace) ? { ...clean, stacktrace: this.#stack(clean.stacktrace) } : clean;
    });
    return values === undefined ? undefined : { ...given, values };
  }

  #stack(stack: Data): Data {
    const frames = mapped(stack.frames, (frame) => {
      if (!isData(frame)) return undefined;
      return frame.vars === undefined ? frame : { ...frame, vars: this.#data(frame.vars) };
    });
    return { ...stack, frames };
  }

  #exception(given: Data): Data {
    const { mechanism } = given;
    const clean = { ...given };
    for (const field of ['type', 'value'] as const) this.#put(clean, field, (text) => this.#text(text));
    if (isData(mechanism) && mechanism.data !== undefined) {
      clean.mechanism = { ...mechanism, data: this.#data(mechanism.data) };
    }
    return clean;
  }

  #span(given: unknown): Data | undefined {
    if (!isData(given)) return undefined;
    const clean = { ...given };
    this.#put(clean, 'description', (text) => this.#text(text));
    this.#put(clean, 'data', (data) => this.#data(data));
    return clean;
  }

  /** Judged as attributes of a record. */
  #data(given: unknown): Data | undefined {
    return isData(given) ? this.#redact({ attributes: given })?.attributes : undefined;
  }

  /** Judged as the body of a record: a text, or texts. */
  #text(given: unknown): unknown {
    const clean = this.#redact({ body: given as string, attributes: {} })?.body;
    // One text stands for texts that were withheld.
    return Array.isArray(given) === Array.isArray(clean) ? clean : undefined;
  }

  #redact(given: Partial<LogRecord> & Pick<LogRecord, 'attributes'>): LogRecord | undefined {
    try {
      this.#redacted = undefined;
      this.#stage.onEmit(copyRecord({ ...EMPTY, ...given }));
      return this.#redacted;
    } catch {
      return undefined;
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

/** What is no event is left to Sentry, which takes none. Of one that cannot be read only what identifies it is left. */
function guarded<T extends object>(event: T, clean: (given: Data) => Data): T {
  if (!isData(event)) return event;
  try {
    return clean(event) as T;
  } catch {
    const left: Data = { message: WITHHELD };
    for (const field of IDENTITY) {
      try {
        const value = event[field];
        if (typeof value === 'string' || typeof value === 'number') left[field] = value;
      } catch {
        // Sentry makes a new one.
      }
    }
    return left as T;
  }
}

/** A list without what could not be cleaned; undefined for what is no list. */
function mapped(given: unknown, clean: (value: unknown) => unknown): unknown[] | undefined {
  return Array.isArray(given) ? given.map(clean).filter((value) => value !== undefined) : undefined;
}

function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
