import { getLogger, type Logger } from '@logspan/logger';
import { exceptionAttributes } from '@logspan/logger/internal';
import { context, SpanKind } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { report } from '../pipeline/report.ts';
import { checkOptions, checkType } from '../provider/check-options.ts';
import { errorType } from './error-type.ts';
import { methodAttributes, urlAttributes } from './http-attributes.ts';
import { endSpan, openSpan } from './open-span.ts';
import { checkLogger, type Outcome, type OutcomeLevels, outcomeLevels, shownParameters, stopwatch } from './outcome.ts';
import { injectedHeaders } from './propagation.ts';

/** Options of {@link callService}. */
export interface ServiceCallOptions {
  /** What sends the request. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Who writes. Default: the logger `http.client`. */
  readonly logger?: Logger;
  /**
   * At which level, or `off`. Default: `service_call_started` debug, `service_call_completed` info,
   * `service_call_aborted` warn, `service_call_failed` error.
   */
  readonly levels?: Partial<OutcomeLevels>;
  /** The query parameters that may be logged. Default: none. */
  readonly query?: readonly string[];
  /** A clock that never goes back, in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * `fetch`, as a step of the trace it is called in: the called service finds the trace in the headers, which the
 * process's propagator writes (`traceparent`, and `baggage` if there is any: call your own services with it, not
 * strangers), and there are records of it: `service_call_started`; then exactly one of `service_call_completed`,
 * `service_call_failed` (it threw, or the status is 500 or above) and `service_call_aborted` (its `signal` was aborted
 * by the caller).
 *
 * They carry the ids of the call: with a tracer those of a span of kind CLIENT; without one those that came from another
 * process, or, in a trace that began in this one, ids of its own. The attributes are those of the OTel semantic
 * conventions (`http.request.method`, `url.full`, `server.address`, `server.port`, `http.response.status_code`,
 * `error.type`, `exception.*`), and `duration_ms` until the head of the response is there; its body is yours to read.
 * Neither credentials nor query of the URL are logged. An instrumentation of `fetch` is quiet meanwhile: there is one
 * span and one set of headers. The caller's context is as it was, whatever happens.
 *
 * @returns what `fetch` resolves with; what it rejects with passes through, after it was recorded.
 * @throws ConfigError (as a rejection) for a mistake in the options.
 */
export async function callService(
  url: string | URL | Request,
  init: RequestInit = {},
  options: ServiceCallOptions = {},
): Promise<Response> {
  checkOptions('callService', options, ['fetch', 'logger', 'levels', 'query', 'now']);
  const { fetch = globalThis.fetch, logger, now = () => performance.now() } = options;
  checkType('callService.fetch', fetch, 'function');
  checkType('callService.now', now, 'function');
  checkLogger('callService.logger', logger);
  const levels = outcomeLevels('callService.levels', options.levels);
  const shown = shownParameters('callService.query', options.query);

  const request: Partial<Request> = typeof url === 'object' && url !== null && 'url' in url ? url : {};
  const target = parsed(request.url ?? (url as string | URL));
  const attributes = {
    ...methodAttributes(String(init?.method ?? request.method ?? 'GET')),
    ...(target === undefined ? {} : urlAttributes(target, shown)),
  };
  const name = attributes['http.request.method'] === '_OTHER' ? 'HTTP' : String(attributes['http.request.method']);
  const call = openSpan(name, { kind: SpanKind.CLIENT, attributes }, context.active());
  const elapsed = stopwatch(now, (error) => report('the clock of callService failed', error));
  const write = (outcome: Outcome, more?: Readonly<Record<string, unknown>>): void => {
    const level = levels[outcome];
    if (level === 'off') return;
    const all = more === undefined ? attributes : { ...attributes, ...more, ...elapsed() };
    context.with(call.context, () => (logger ?? getLogger('http.client')).log(level, `service_call_${outcome}`, all));
  };

  write('started');
  // What is said of a URL that is none quotes it, of one with a password too; and of a header that is none its value.
  let quotes = true;
  try {
    const headers = new Headers(init?.headers ?? request.headers);
    quotes = target === undefined || target.username !== '' || target.password !== '';
    for (const [header, value] of Object.entries(injectedHeaders(call.context))) headers.set(header, value);
    // Suppressed, so that an instrumentation adds neither a second span nor second headers, which would void both.
    const response = await context.with(suppressTracing(call.context), () => fetch(url, { ...init, headers }));
    const { status } = response;
    const answered = {
      'http.response.status_code': status,
      ...(status < 400 ? {} : { 'error.type': String(status) }),
    };
    endSpan(call.span, { attributes: answered, errorType: answered['error.type'] });
    write(status >= 500 ? 'failed' : 'completed', answered);
    return response;
  } catch (error) {
    const type = errorType(error);
    endSpan(call.span, { errorType: type });
    const exception = quotes ? {} : exceptionAttributes(error);
    write(isAbort(error, init?.signal ?? request.signal) ? 'aborted' : 'failed', { ...exception, 'error.type': type });
    throw error;
  }
}

function parsed(url: string | URL): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

/** True if the caller gave up: a timeout is an error of the other side. */
function isAbort(error: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && error === signal.reason && errorType(error) !== 'TimeoutError';
}
