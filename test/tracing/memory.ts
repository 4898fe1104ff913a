import { type Logging, type LogRecord, type RegisterOptions, register } from '@logspan/sdk';
import { context, diag, propagation, type SpanContext, trace } from '@opentelemetry/api';

/** A record as it arrived. */
export interface Arrived {
  readonly event: string | undefined;
  readonly scope: string;
  readonly level: string | undefined;
  readonly span: SpanContext | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Logging as an application has it, whose records stay in memory. */
export class Memory {
  readonly records: Arrived[] = [];
  #waiting: (() => void)[] = [];
  readonly #logging: Logging;

  constructor(options: RegisterOptions = {}) {
    this.#logging = register({
      exitHooks: false,
      level: 'debug',
      handlers: [
        {
          name: 'memory',
          start: () => ({
            onEmit: (record) => this.#add(arrived(record)),
            forceFlush: async () => undefined,
            shutdown: async () => undefined,
            flushSync: () => undefined,
            deliveryAccount: () => ({ accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 }),
          }),
        },
      ],
      ...options,
    });
  }

  get events(): (string | undefined)[] {
    return this.records.map(({ event }) => event);
  }

  /** The one record of an event. */
  only(event: string): Arrived {
    const found = this.records.filter((record) => record.event === event);
    if (found.length !== 1 || found[0] === undefined) throw new Error(`${event} was written ${found.length} times`);
    return found[0];
  }

  /** Resolves with the first record of such an event, as soon as it is there. */
  async until(event: RegExp): Promise<Arrived> {
    for (;;) {
      const found = this.records.find((record) => event.test(record.event ?? ''));
      if (found !== undefined) return found;
      await this.next();
    }
  }

  /** Resolves as soon as another record is there. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #add(record: Arrived): void {
    this.records.push(record);
    for (const look of this.#waiting.splice(0)) look();
  }

  /** Takes down what logging and the test have set up in the process. */
  async end(): Promise<void> {
    await this.#logging.shutdown();
    context.disable();
    propagation.disable();
    trace.disable();
    diag.disable();
  }
}

function arrived({ eventName, body, severityText, spanContext, attributes, instrumentationScope }: LogRecord): Arrived {
  return {
    event: eventName ?? String(body),
    scope: instrumentationScope.name,
    level: severityText,
    span: spanContext,
    attributes: { ...attributes },
  };
}
