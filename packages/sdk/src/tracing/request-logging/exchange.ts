import { types } from 'node:util';
import type { Logger } from '@logspan/logger';
import { exceptionAttributes } from '@logspan/logger/internal';
import { type Context, context, createContextKey, type Span, SpanKind } from '@opentelemetry/api';
import type { Failures } from '../../pipeline/report.ts';
import { errorType } from '../error-type.ts';
import { hostAttributes, methodAttributes, targetAttributes } from '../http-attributes.ts';
import { endSpan } from '../open-span.ts';
import { type Outcome, type OutcomeLevels, stopwatch } from '../outcome.ts';
import { enterRequest } from '../request.ts';
import type { QueuedResponses } from './queued-responses.ts';

/** What all requests of one {@link requestLogging} have in common. */
export interface ExchangeSettings {
  readonly logger: Logger;
  readonly levels: OutcomeLevels;
  readonly query: ReadonlySet<string> | undefined;
  readonly ignore: ((request: never) => boolean) | undefined;
  readonly attributes: ((request: never) => Readonly<Record<string, unknown>> | undefined) | undefined;
  readonly now: () => number;
  /** Of the functions above. */
  readonly failures: Failures;
  readonly queued: QueuedResponses;
}

/** The {@link Exchange} that a context belongs to. */
const EXCHANGE = createContextKey('logspan.exchange');

/** The first line and the headers of a request. */
export interface Incoming {
  /** What is the same object whoever is told of this request. */
  readonly message: object;
  readonly method: string;
  readonly target: string;
  readonly headers: object;
  /** The same headers as the framework has them. Never throws. */
  readonly headersAsWell?: (() => unknown) | undefined;
  readonly host: string | undefined;
  /** The request as the framework knows it, for `ignore` and `attributes`. */
  readonly native: unknown;
  /** The route it matched, as soon as that is known. Asked at the end. */
  readonly route: (() => unknown) | undefined;
}

/** The exchange of this request, if its context is the active one: request logging stands before this one, too. */
export function exchangeAround(message: object): Exchange | undefined {
  const around = context.active().getValue(EXCHANGE) as Exchange | undefined;
  return around?.message === message ? around : undefined;
}

/** One request and its response: the context it is served in, and its records. */
export class Exchange {
  readonly context: Context;
  readonly message: object;
  readonly #settings: ExchangeSettings;
  readonly #attributes: Record<string, unknown>;
  readonly #span: Span | undefined;
  readonly #muted: boolean;
  readonly #elapsed: () => { duration_ms?: number };
  #route: (() => unknown) | undefined;
  #thrown: { readonly error: unknown } | undefined;
  #ended = false;

  constructor(settings: ExchangeSettings, incoming: Incoming) {
    this.#settings = settings;
    this.message = incoming.message;
    this.#route = incoming.route;
    this.#elapsed = stopwatch(settings.now, (error) => settings.failures.count(error));
    const http = {
      ...methodAttributes(incoming.method),
      ...targetAttributes(incoming.target, settings.query),
      ...hostAttributes(incoming.host),
    };
    this.#muted = Boolean(this.#ask(() => settings.ignore?.(incoming.native as never)));
    const own = this.#ask(() => attributesOf(settings.attributes?.(incoming.native as never)));
    this.#attributes = { ...own, ...http };
    const { context: entered, span } = enterRequest(
      incoming.headers,
      methodName(http),
      { kind: SpanKind.SERVER, attributes: http },
      incoming.headersAsWell,
    );
    this.context = entered.setValue(EXCHANGE, this);
    this.#span = span;
    this.#write('started', this.#attributes);
  }

  /** Runs what serves the request, in its context. */
  run<T>(serve: () => T): T {
    // Whatever was added to it since, it is still that of this request.
    return context.active().getValue(EXCHANGE) === this ? serve() : context.with(this.context, serve);
  }

  /** A framework behind the one that began this knows more of routes. */
  routedBy(route: () => unknown): void {
    this.#route = route;
  }

  get hasThrown(): boolean {
    return this.#thrown !== undefined;
  }

  /** Remembers what the application threw: the record of the end says it. */
  threw(error: unknown): void {
    this.#thrown ??= { error };
  }

  /** The response went out whole, with this status. */
  completed(status: number): void {
    if (status >= 500) this.#end('failed', status, this.#thrown);
    else this.#end('completed', status, undefined);
  }

  /** There is no whole response, because of what was thrown, or because the server has cut it off. */
  failed(status: number | undefined): void {
    this.#end('failed', status, this.#thrown);
  }

  /** There is no whole response, because the client did not wait for it; unless something was thrown before. */
  aborted(status: number | undefined): void {
    this.#end(this.#thrown === undefined ? 'aborted' : 'failed', status, this.#thrown);
  }

  #end(outcome: Outcome, status: number | undefined, thrown: { readonly error: unknown } | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    const found = this.#ask(() => this.#route?.());
    const route = typeof found === 'string' && found !== '' ? { 'http.route': found } : {};
    const response = status === undefined ? {} : { 'http.response.status_code': status };
    const type = outcome === 'failed' ? failureType(status, thrown) : undefined;
    this.#write(outcome, {
      ...this.#attributes,
      ...(thrown === undefined ? {} : exceptionAttributes(thrown.error)),
      ...route,
      ...response,
      ...(type === undefined ? {} : { 'error.type': type }),
      ...this.#elapsed(),
    });
    endSpan(this.#span, {
      errorType: type,
      attributes: { ...route, ...response },
      name: typeof found === 'string' ? `${methodName(this.#attributes)} ${found}` : undefined,
    });
  }

  /** What a function of the application answers; undefined if it throws, or answers later. */
  #ask<T>(question: () => T): T | undefined {
    try {
      const answer = question();
      if (!types.isPromise(answer)) return answer;
      this.#settings.failures.watch(answer);
      throw new TypeError('must not be async');
    } catch (error) {
      this.#settings.failures.count(error);
      return undefined;
    }
  }

  #write(outcome: Outcome, attributes: Record<string, unknown>): void {
    const level = this.#settings.levels[outcome];
    if (this.#muted || level === 'off') return;
    context.with(this.context, () => this.#settings.logger.log(level, `request_${outcome}`, attributes));
  }
}

/** A copy of what may be attributes: reading them may throw. A promise is left for whoever asks. */
function attributesOf(answer: unknown): Readonly<Record<string, unknown>> | undefined {
  if (answer === undefined || types.isPromise(answer)) return answer as undefined;
  if (typeof answer !== 'object' || Array.isArray(answer)) throw new TypeError('must be an object of attributes');
  return { ...answer };
}

/** `error.type`: what was thrown, else the status, unless that says all is well. */
function failureType(status: number | undefined, thrown: { readonly error: unknown } | undefined): string {
  if (thrown !== undefined) return errorType(thrown.error);
  return status !== undefined && status >= 500 ? String(status) : '_OTHER';
}

function methodName(attributes: Readonly<Record<string, unknown>>): string {
  const method = attributes['http.request.method'];
  return typeof method === 'string' && method !== '_OTHER' ? method : 'HTTP';
}
