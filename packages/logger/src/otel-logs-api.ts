import * as api from '@opentelemetry/api';
import * as apiLogs from '@opentelemetry/api-logs';

/*
 * The only file that knows that there are two Logs APIs. OTel JS 2.x has its own in @opentelemetry/api-logs, OTel JS 3.x
 * has it in @opentelemetry/api from 1.10 on; each keeps its provider in its own global, and neither looks at the other's.
 */

/** What a log call hands over. OTel logs API, "Emit a LogRecord". */
export interface LogRecordInput {
  eventName?: string;
  timestamp?: api.TimeInput;
  observedTimestamp?: api.TimeInput;
  severityNumber?: number;
  severityText?: string;
  body?: unknown;
  attributes?: Readonly<Record<string, unknown>>;
  exception?: unknown;
  context?: api.Context;
}

/** A logger of either API. */
export interface OtelLogger {
  emit(record: LogRecordInput): void;
  enabled?(options?: { context?: api.Context; severityNumber?: number; eventName?: string }): boolean;
}

export interface OtelLoggerOptions {
  schemaUrl?: string;
  attributes?: Readonly<Record<string, unknown>>;
  scopeAttributes?: Readonly<Record<string, unknown>>;
  includeTraceContext?: boolean;
}

/** A provider of either API. */
export interface OtelLoggerProvider {
  getLogger(name: string, version?: string, options?: OtelLoggerOptions): OtelLogger;
}

interface LogsApi {
  getLoggerProvider(): OtelLoggerProvider;
  /** 2.x answers the provider that is registered then, 3.x whether it took this one. */
  setGlobalLoggerProvider(provider: OtelLoggerProvider): unknown;
  disable(): void;
}

/** Which API a provider was registered on. */
export type LogsApiName = 'api-logs' | 'api';

// The compiler sees only the 2.x line; on 3.x the member is there.
const logsInApi = (): LogsApi | undefined => (api as unknown as { logs?: LogsApi }).logs;
const logsInApiLogs = apiLogs.logs as unknown as LogsApi;

/** True if someone registered a provider, as opposed to the API's own placeholder. */
function hasProvider(logs: LogsApi): boolean {
  // Both APIs answer their proxy while nothing is registered, and only the proxy can be asked for its delegate.
  const provider = logs.getLoggerProvider() as { _getDelegate?: unknown; _getDelegateLogger?: unknown };
  return provider._getDelegate === undefined && provider._getDelegateLogger === undefined;
}

/** The registered logger for a scope: `found` is false if no provider is registered yet, and the logger then does nothing. */
export function registeredLogger(name: string, version?: string): { logger: OtelLogger; found: boolean } {
  for (const logs of [logsInApiLogs, logsInApi()]) {
    if (logs !== undefined && hasProvider(logs)) {
      return { logger: logs.getLoggerProvider().getLogger(name, version), found: true };
    }
  }
  return { logger: logsInApiLogs.getLoggerProvider().getLogger(name, version), found: false };
}

/**
 * Registers a provider on every Logs API of the process, so that records written through either arrive.
 *
 * @returns the APIs it was registered on, and those where another provider was there first and stays.
 */
export function registerLoggerProvider(provider: OtelLoggerProvider): {
  registered: LogsApiName[];
  refused: LogsApiName[];
} {
  const registered: LogsApiName[] = [];
  const refused: LogsApiName[] = [];
  const take = (name: LogsApiName, logs: LogsApi): void => {
    if (!hasProvider(logs)) logs.setGlobalLoggerProvider(provider);
    // Asked back rather than believed: an API of another version may keep a global that this one cannot write.
    (logs.getLoggerProvider() === provider ? registered : refused).push(name);
  };
  take('api-logs', logsInApiLogs);
  const inApi = logsInApi();
  if (inApi !== undefined) take('api', inApi);
  return { registered, refused };
}

/** Removes a provider from every Logs API where it is the registered one. */
export function unregisterLoggerProvider(provider: OtelLoggerProvider): void {
  for (const logs of [logsInApiLogs, logsInApi()]) {
    if (logs !== undefined && logs.getLoggerProvider() === provider) logs.disable();
  }
}
