import type { Ledger } from '../../delivery/ledger.ts';
import type { SentryClient } from './sentry-sdk.ts';

/** An event that was given to Sentry, of which it has not been heard what became of it. */
interface Given {
  readonly client: SentryClient;
  readonly at: number;
  /** Given, being prepared (integrations, `beforeSend`), or on its way. */
  stage: 'given' | 'prepared' | 'sending';
  /** Told if it was not sent, or refused. */
  readonly lost: (() => void) | undefined;
}

/** A preparation that takes longer was ended by somebody who gave no sign: an integration, or `beforeSend`. */
const LONGEST_PREPARATION_MILLIS = 10_000;
/** Sentry has at most some hundred events under way. */
const MOST_GIVEN = 1_000;

interface EventWithId {
  readonly event_id?: string;
}

/**
 * What became of each event, as the hooks of Sentry's client tell it: delivered by a 2xx answer, refused by any other,
 * not sent. Nobody tells of an event that `beforeSend`, an integration or a sample rate took out: it is one of which
 * nothing was heard when Sentry had no more to do (a flush), or for ten seconds.
 */
export class Outcomes {
  readonly #ledger: Ledger;
  readonly #now: () => number;
  readonly #given = new Map<string, Given>();
  readonly #heard = new WeakSet<SentryClient>();
  readonly #deafen: (() => void)[] = [];
  #ended = false;

  constructor(ledger: Ledger, now: () => number) {
    this.#ledger = ledger;
    this.#now = now;
  }

  get pending(): number {
    this.expire();
    return this.#given.size;
  }

  /** Gives up what was in preparation for too long. */
  expire(): void {
    const longAgo = this.#now() - LONGEST_PREPARATION_MILLIS;
    for (const [id, { stage, at }] of this.#given) {
      if (at > longAgo) break;
      if (stage !== 'sending') this.#notSent(id);
    }
  }

  /**
   * Gives one event to Sentry, by `capture`. Throws what that throws: the event is then not in the books. `lost` is told
   * as soon as it is known that the event was not sent, or was refused.
   */
  give(id: string, client: SentryClient, capture: () => void, lost?: () => void): void {
    this.#listenTo(client);
    if (this.#given.size >= MOST_GIVEN) this.#notSent(this.#given.keys().next().value as string);
    const given: Given = { client, at: this.#now(), stage: 'given', lost };
    this.#given.set(id, given);
    try {
      capture();
    } catch (error) {
      if (this.#given.delete(id)) throw error;
      // It had been told already what became of it.
      return;
    }
    // Not even begun: sampled out, or too many at a time.
    if (given.stage === 'given') this.#notSent(id);
  }

  /** True if nothing is left of what is given now. Sentry has no more to do with it at the deadline at the latest. */
  async settle(timeoutMillis: number): Promise<boolean> {
    const before = [...this.#given.keys()];
    const clients = new Set([...this.#given.values()].map(({ client }) => client));
    const flushed = await Promise.all([...clients].map(async (client) => client.flush(timeoutMillis)));
    // The last answer is told a little later than it is there.
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (flushed.every(Boolean)) for (const id of before) this.#notSent(id);
    return !before.some((id) => this.#given.has(id));
  }

  giveUp(reason: 'shutdown_deadline' | 'process_exit'): void {
    const { size } = this.#given;
    this.#given.clear();
    this.#ledger.drop(reason, size);
  }

  /** From here on nothing is heard any more. */
  end(): void {
    this.#ended = true;
    for (const deafen of this.#deafen) deafen();
  }

  #listenTo(client: SentryClient): void {
    if (this.#heard.has(client)) return;
    this.#heard.add(client);
    const on = (hook: string, listener: (given: Given, id: string, answer: unknown) => void): void => {
      const stop = client.on(hook, (event: EventWithId | undefined, answer: unknown) => {
        if (this.#ended) return;
        const id = event?.event_id;
        const given = id === undefined ? undefined : this.#given.get(id);
        if (given !== undefined) listener(given, id as string, answer);
      });
      if (typeof stop === 'function') this.#deafen.push(() => stop());
    };
    on('preprocessEvent', (given) => {
      given.stage = 'prepared';
    });
    on('beforeSendEvent', (given) => {
      given.stage = 'sending';
    });
    on('afterSendEvent', (_, id, answer) =>
      this.#answered(id, (answer as { statusCode?: unknown } | undefined)?.statusCode),
    );
  }

  #answered(id: string, status: unknown): void {
    if (typeof status !== 'number') {
      this.#notSent(id);
      return;
    }
    const given = this.#given.get(id);
    this.#given.delete(id);
    if (status >= 200 && status < 300) this.#ledger.delivered++;
    else {
      this.#ledger.reject(1);
      given?.lost?.();
    }
  }

  #notSent(id: string): void {
    const given = this.#given.get(id);
    if (!this.#given.delete(id)) return;
    this.#ledger.drop('not_sent', 1);
    given?.lost?.();
  }
}
