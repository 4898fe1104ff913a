import { copyRecord } from '../../pipeline/copy-record.ts';
import type { LogRecord, LogRecordProcessor, Stage, StageAccount } from '../../pipeline/stage.ts';

type Data = Record<string, unknown>;

/** The part of a prepared event that Sentry's integrations have filled. */
interface PreparedEvent {
  request?: Data | undefined;
  breadcrumbs?: Data[] | undefined;
  exception?: { values?: { stacktrace?: { frames?: { vars?: Data | undefined }[] } }[] };
}

/**
 * Takes secrets out of what Sentry itself has collected for an event of ours: the request, the breadcrumbs, the local
 * variables of stack frames. What it cannot redact it removes. Nothing is changed that others hold: the breadcrumbs of a
 * scope are shared with all its events.
 */
export class Collected {
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

  /** An event with the secrets taken out. Never throws. */
  clean<T extends PreparedEvent>(event: T): T {
    const frames = (event.exception?.values ?? []).flatMap(({ stacktrace }) => stacktrace?.frames ?? []);
    const withVars = frames.filter(({ vars }) => vars !== undefined);
    if (event.request === undefined && event.breadcrumbs === undefined && withVars.length === 0) return event;
    const { request, breadcrumbs, vars } = this.#clean({
      request: event.request,
      breadcrumbs: event.breadcrumbs,
      vars: withVars.map((frame) => frame.vars),
    });
    event.request = request as Data | undefined;
    event.breadcrumbs = breadcrumbs as Data[] | undefined;
    for (const [index, frame] of withVars.entries()) frame.vars = (vars as (Data | undefined)[] | undefined)?.[index];
    return event;
  }

  #clean(attributes: Data): Data {
    try {
      this.#redacted = undefined;
      this.#stage.onEmit(copyRecord({ ...EMPTY, attributes }));
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
