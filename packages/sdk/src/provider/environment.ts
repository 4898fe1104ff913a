import { DiagLogLevel } from '@opentelemetry/api';
import { LEVEL_SIGNALS, type LevelSignal } from './level-signal.ts';

/** A destination that `OTEL_LOGS_EXPORTER` can name. `none` is the empty list. */
export type LogsExporter = 'otlp' | 'console' | 'otlp/stdout';
/** How OTLP travels: `OTEL_EXPORTER_OTLP_PROTOCOL`. */
export type OtlpProtocol = 'grpc' | 'http/protobuf' | 'http/json';
/** How an OTLP request is compressed: `OTEL_EXPORTER_OTLP_COMPRESSION`. */
export type OtlpCompression = 'gzip' | 'none';
/** A propagator that is here for `OTEL_PROPAGATORS`. `none` is the empty list. */
export type Propagator = 'tracecontext' | 'baggage';

/**
 * What the environment asks for. A field is `undefined` when its variable is unset, empty or unusable: then an option in
 * code applies, or the default that the field names. Defaults are not filled in here.
 */
export interface Environment {
  /** `OTEL_SDK_DISABLED`: nothing is recorded; propagators are still set. Default false. */
  readonly sdkDisabled: boolean | undefined;
  /** `OTEL_LOG_LEVEL`: what the SDK says about itself on the OTel diagnostics channel. Default: warnings and
   * errors. */
  readonly diagLevel: DiagLogLevel | undefined;
  /** `LOGSPAN_LEVEL`: a level directive as it was written, unchecked: `info,db=debug`. Default `info`. */
  readonly level: string | undefined;
  /** `LOGSPAN_LEVEL_FILE`: path of a file with a directive, not read here. Default none. */
  readonly levelFile: string | undefined;
  /** `LOGSPAN_LEVEL_SIGNAL`: the signal that toggles debug. Default none. */
  readonly levelSignal: LevelSignal | undefined;
  /** `OTEL_SERVICE_NAME`. Stands above `service.name` in `resourceAttributes`. */
  readonly serviceName: string | undefined;
  /** `OTEL_RESOURCE_ATTRIBUTES`, decoded. One bad entry and the whole variable is ignored, as the specification says. */
  readonly resourceAttributes: Readonly<Record<string, string>> | undefined;
  readonly batch: {
    /** `OTEL_BLRP_SCHEDULE_DELAY`: the longest wait before a batch is sent. Default 1 000. */
    readonly scheduledDelayMillis: number | undefined;
    /** `OTEL_BLRP_EXPORT_TIMEOUT`: the longest an official exporter may take. 0 is read as no limit. Default 30 000. */
    readonly exportTimeoutMillis: number | undefined;
    /** `OTEL_BLRP_MAX_QUEUE_SIZE`, in records, at least 1, for the official exporters. Default 2 048. */
    readonly maxQueueSize: number | undefined;
    /** `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`, in records, at least 1; ignored if larger than the queue. Default 512. */
    readonly maxExportBatchSize: number | undefined;
  };
  readonly limits: {
    /** `OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT`, else `OTEL_ATTRIBUTE_COUNT_LIMIT`: attributes of a record. Default 128. */
    readonly attributeCountLimit: number | undefined;
    /** `OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT`, else `OTEL_ATTRIBUTE_…`: characters of a value. Default 32 768. */
    readonly attributeValueLengthLimit: number | undefined;
  };
  /** `OTEL_LOGS_EXPORTER`, without repetitions; empty for `none`. Default `['otlp']`. */
  readonly logsExporters: readonly LogsExporter[] | undefined;
  /** `OTEL_PROPAGATORS`, without repetitions; empty if neither of the two is asked for. Default both. */
  readonly propagators: readonly Propagator[] | undefined;
  /** `OTEL_EXPORTER_OTLP_LOGS_*`, else `OTEL_EXPORTER_OTLP_*`. */
  readonly otlp: {
    /**
     * The complete address for logs; may hold user name and password. The general variable has `v1/logs` appended, the one
     * for logs is used as it is. With `grpc` either is as it was written, unchecked: a gRPC target needs no scheme or path.
     * Default `http://localhost:4318/v1/logs`.
     */
    readonly endpoint: string | undefined;
    /** Names in lower case. Both variables are merged by name, that for logs first. Values are often secret. */
    readonly headers: Readonly<Record<string, string>> | undefined;
    /** The longest one request may take. 0 is read as no limit. Default 10 000. */
    readonly timeoutMillis: number | undefined;
    /** Default `none`. */
    readonly compression: OtlpCompression | undefined;
    /** Default `http/protobuf`. */
    readonly protocol: OtlpProtocol | undefined;
    /** Path of a PEM file, not read here: the authorities a server's certificate is checked against. */
    readonly certificateFile: string | undefined;
    /** Path of a PEM file, not read here: the private key for mutual TLS. */
    readonly clientKeyFile: string | undefined;
    /** Path of a PEM file, not read here: the certificate chain of that key. */
    readonly clientCertificateFile: string | undefined;
    /** For `grpc` with an endpoint that has no scheme: connect without TLS. Default false. */
    readonly insecure: boolean | undefined;
  };
}

/** The largest integer of the specification, and the longest delay that a Node timer takes. */
const LARGEST = 2 ** 31 - 1;

/**
 * Reads the environment variables that the OTel specification names for logs, and our own, `LOGSPAN_*`.
 *
 * Never throws, whatever the environment holds. A value that cannot be used is ignored, and `warn` is told once, with the
 * name of the variable and what is allowed. Warnings never hold a header, an address, an attribute, or anything else
 * longer than a word. Spaces around a value do not count; an empty variable is an unset one.
 *
 * Source: OTel specification, configuration/sdk-environment-variables, protocol/exporter and resource/sdk.
 */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
): Environment {
  const variables = new Variables(env, warn);
  const limit = (name: string): number | undefined =>
    variables.integer(`OTEL_LOGRECORD_ATTRIBUTE_${name}`) ?? variables.integer(`OTEL_ATTRIBUTE_${name}`);
  const text = (name: string) => variables.text(name);
  const diagLevel = variables.oneOf('OTEL_LOG_LEVEL', DIAG_LEVELS);

  for (const name of ['OTEL_CONFIG_FILE', 'OTEL_EXPERIMENTAL_CONFIG_FILE']) {
    if (text(name)) warn(`${name}: configuration files are not supported; it is ignored, the other variables apply`);
  }
  return {
    sdkDisabled: variables.flag('OTEL_SDK_DISABLED'),
    diagLevel: diagLevel && DiagLogLevel[diagLevel],
    level: text('LOGSPAN_LEVEL'),
    levelFile: text('LOGSPAN_LEVEL_FILE'),
    levelSignal: variables.oneOf('LOGSPAN_LEVEL_SIGNAL', LEVEL_SIGNALS),
    serviceName: text('OTEL_SERVICE_NAME'),
    resourceAttributes: variables.attributes('OTEL_RESOURCE_ATTRIBUTES'),
    batch: readBatch(variables),
    limits: {
      attributeCountLimit: limit('COUNT_LIMIT'),
      attributeValueLengthLimit: limit('VALUE_LENGTH_LIMIT'),
    },
    logsExporters: variables.listOf('OTEL_LOGS_EXPORTER', ['otlp', 'console', 'otlp/stdout']),
    propagators: variables.listOf('OTEL_PROPAGATORS', ['tracecontext', 'baggage'], FOREIGN_PROPAGATORS),
    otlp: readOtlp(variables, 'LOGS', 'v1/logs'),
  };
}

const DIAG_LEVELS = ['NONE', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'VERBOSE', 'ALL'] as const;
/** The specification knows them, this SDK does not bring them: whoever asks for these alone does not want W3C headers. */
const FOREIGN_PROPAGATORS = ['b3', 'b3multi', 'jaeger', 'xray', 'ottrace'];

/** One reader for each type of value that the specification defines. */
class Variables {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #warn: (message: string) => void;

  constructor(env: Readonly<Record<string, string | undefined>>, warn: (message: string) => void) {
    this.#env = env;
    this.#warn = warn;
  }

  ignore(name: string, problem: string, allowed: string): undefined {
    this.#warn(`${name}: ${problem} is ignored; allowed: ${allowed}`);
  }

  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  /** Anything but `true` is false, not unset. */
  flag(name: string): boolean | undefined {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return undefined;
    if (text !== 'true' && text !== 'false') {
      this.#warn(`${name}: ${shown(text)} counts as false; allowed: true, false`);
    }
    return text === 'true';
  }

  integer(name: string, min = 0): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= LARGEST) return value;
    return this.ignore(name, shown(text), `an integer from ${min} to ${LARGEST}`);
  }

  /** Milliseconds. 0 stands for no limit, and is given as the longest delay: nobody has to know about 0. */
  timeout(name: string): number | undefined {
    const millis = this.integer(name);
    return millis === 0 ? LARGEST : millis;
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = allowed.find((one) => one.toLowerCase() === text.toLowerCase());
    return value ?? this.ignore(name, shown(text), allowed.join(', '));
  }

  /**
   * Commas between; `none` makes it empty. Without one usable entry it is unset, unless an entry is known to the
   * specification and merely not here (`elsewhere`): then it asked for none of ours.
   */
  listOf<T extends string>(name: string, allowed: readonly T[], elsewhere: readonly string[] = []): T[] | undefined {
    const text = this.text(name) ?? '';
    const given = entries(text).map(([, entry]) => entry.toLowerCase());
    const expected = `a list of ${allowed.join(', ')}; or none`;
    if (given.includes('none')) {
      if (given.some((entry) => entry !== 'none')) this.ignore(name, 'what stands beside none', expected);
      return [];
    }
    for (const entry of given) {
      if (!allowed.some((one) => one === entry)) this.ignore(name, shown(text, entry), expected);
    }
    const found = allowed.filter((one) => given.includes(one));
    return found.length > 0 || given.some((entry) => elsewhere.includes(entry)) ? found : undefined;
  }

  /** An absolute http(s) URL with a path, to which `path` is appended. */
  url(name: string, path = ''): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
      return this.ignore(name, 'the given address', 'a URL that begins with http:// or https://');
    }
    if (path !== '') url.pathname += url.pathname.endsWith('/') ? path : `/${path}`;
    return url.href;
  }

  attributes(name: string): Record<string, string> | undefined {
    const attributes = new Map<string, string>();
    for (const [index, entry] of entries(this.text(name) ?? '')) {
      const pair = decodePair(ATTRIBUTE, entry);
      if (pair === undefined) {
        const problem = `the whole value, because of entry ${index},`;
        return this.ignore(name, problem, 'key1=value1,key2=value2 with = and , percent-encoded');
      }
      attributes.set(...pair);
    }
    return fromMap(attributes);
  }

  headers(name: string): Record<string, string> | undefined {
    const headers = new Map<string, string>();
    for (const [index, entry] of entries(this.text(name) ?? '')) {
      const [key = '', value = ''] = decodePair(HEADER, entry) ?? [];
      if (HEADER_NAME.test(key) && HEADER_VALUE.test(value)) {
        headers.set(key.toLowerCase(), value);
      } else {
        this.ignore(name, `pair ${index}`, 'name1=value1,name2=value2 with what HTTP allows, percent-encoded');
      }
    }
    return fromMap(headers);
  }
}

/** The variable for the signal; if that is unset or unusable, the one for all signals. */
function readOtlp(variables: Variables, signal: 'LOGS' | 'METRICS', path: string): Environment['otlp'] {
  const otlp = <T>(read: (name: string) => T | undefined, option: string): T | undefined =>
    read(`OTEL_EXPORTER_OTLP_${signal}_${option}`) ?? read(`OTEL_EXPORTER_OTLP_${option}`);
  const text = (name: string) => variables.text(name);
  const protocol = otlp((name) => variables.oneOf(name, ['grpc', 'http/protobuf', 'http/json']), 'PROTOCOL');
  return {
    endpoint:
      protocol === 'grpc'
        ? otlp(text, 'ENDPOINT')
        : (variables.url(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) ??
          variables.url('OTEL_EXPORTER_OTLP_ENDPOINT', path)),
    headers: merge(
      variables.headers('OTEL_EXPORTER_OTLP_HEADERS'),
      variables.headers(`OTEL_EXPORTER_OTLP_${signal}_HEADERS`),
    ),
    timeoutMillis: otlp((name) => variables.timeout(name), 'TIMEOUT'),
    compression: otlp((name) => variables.oneOf(name, ['gzip', 'none']), 'COMPRESSION'),
    protocol,
    certificateFile: otlp(text, 'CERTIFICATE'),
    clientKeyFile: otlp(text, 'CLIENT_KEY'),
    clientCertificateFile: otlp(text, 'CLIENT_CERTIFICATE'),
    insecure: otlp((name) => variables.flag(name), 'INSECURE'),
  };
}

/** What the environment asks for where `register({ metrics })` sets up a MeterProvider. As {@link Environment}. */
export interface MetricsEnvironment {
  /** `OTEL_METRICS_EXPORTER`: false for `none`, or if only exporters are named that are not here. Default true. */
  readonly isWanted: boolean;
  /** `OTEL_EXPORTER_OTLP_METRICS_*`, else `OTEL_EXPORTER_OTLP_*`. */
  readonly otlp: Environment['otlp'];
  /** `OTEL_METRIC_EXPORT_INTERVAL`. Default 60 000. */
  readonly intervalMillis: number | undefined;
  /** `OTEL_METRIC_EXPORT_TIMEOUT`: the longest an export with all its tries may take. Default 30 000. */
  readonly exportTimeoutMillis: number | undefined;
  /** `OTEL_METRICS_EXEMPLAR_FILTER`. Default `trace_based`. */
  readonly exemplarFilter: 'trace_based' | 'always_on' | 'always_off' | undefined;
  /** `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`. Default `cumulative`. */
  readonly temporality: 'cumulative' | 'delta' | 'lowmemory' | undefined;
  /** `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`. Default the first. */
  readonly histogram: 'explicit_bucket_histogram' | 'base2_exponential_bucket_histogram' | undefined;
}

/** Reads what {@link readEnvironment} does not: only who wants metrics is warned about their variables. */
export function readMetricsEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
): MetricsEnvironment {
  const variables = new Variables(env, warn);
  const exporters = variables.listOf('OTEL_METRICS_EXPORTER', ['otlp'], ['console', 'prometheus']);
  return {
    isWanted: exporters === undefined || exporters.length > 0,
    otlp: readOtlp(variables, 'METRICS', 'v1/metrics'),
    intervalMillis: variables.integer('OTEL_METRIC_EXPORT_INTERVAL', 1),
    exportTimeoutMillis: variables.timeout('OTEL_METRIC_EXPORT_TIMEOUT'),
    exemplarFilter: variables.oneOf('OTEL_METRICS_EXEMPLAR_FILTER', ['trace_based', 'always_on', 'always_off']),
    temporality: variables.oneOf('OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', [
      'cumulative',
      'delta',
      'lowmemory',
    ]),
    histogram: variables.oneOf('OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION', [
      'explicit_bucket_histogram',
      'base2_exponential_bucket_histogram',
    ]),
  };
}

function readBatch(variables: Variables): Environment['batch'] {
  const maxQueueSize = variables.integer('OTEL_BLRP_MAX_QUEUE_SIZE', 1);
  let maxExportBatchSize = variables.integer('OTEL_BLRP_MAX_EXPORT_BATCH_SIZE', 1);
  if (maxQueueSize !== undefined && maxExportBatchSize !== undefined && maxExportBatchSize > maxQueueSize) {
    const problem = `${maxExportBatchSize}, larger than the queue,`;
    const allowed = `at most OTEL_BLRP_MAX_QUEUE_SIZE, ${maxQueueSize}`;
    maxExportBatchSize = variables.ignore('OTEL_BLRP_MAX_EXPORT_BATCH_SIZE', problem, allowed);
  }
  return {
    scheduledDelayMillis: variables.integer('OTEL_BLRP_SCHEDULE_DELAY'),
    exportTimeoutMillis: variables.timeout('OTEL_BLRP_EXPORT_TIMEOUT'),
    maxQueueSize,
    maxExportBatchSize,
  };
}

/** An attribute's value has its `=` encoded; a header's need not: base64 ends with it. */
const ATTRIBUTE = /^([^=]+)=([^=]*)$/s;
const HEADER = /^([^=]+)=(.*)$/s;
/** RFC 9110, and what Node's HTTP client accepts. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** What stands between the commas, with its place from 1. Nothing between two commas is nothing wrong. */
function entries(text: string): (readonly [number, string])[] {
  return text
    .split(',')
    .map((entry, index) => [index + 1, entry.trim()] as const)
    .filter(([, entry]) => entry !== '');
}

function decodePair(pattern: RegExp, entry: string): readonly [string, string] | undefined {
  const [, key = '', value = ''] = pattern.exec(entry) ?? [];
  try {
    const decoded = decodeURIComponent(key.trim());
    return decoded === '' ? undefined : [decoded, decodeURIComponent(value.trim())];
  } catch {
    return undefined;
  }
}

/** Through `fromEntries`, because a key may be `__proto__`. */
function fromMap(map: ReadonlyMap<string, string>): Record<string, string> | undefined {
  return map.size === 0 ? undefined : Object.fromEntries(map);
}

function merge<T>(general: Readonly<Record<string, T>> | undefined, specific: Readonly<Record<string, T>> | undefined) {
  return general && specific ? { ...general, ...specific } : (specific ?? general);
}

/**
 * A misspelt word helps whoever reads the warning. Where the variable holds anything but words, nothing of it is shown: it
 * may be an address or a header in the wrong variable.
 */
function shown(text: string, word = text): string {
  return /^[\w./+, -]+$/.test(text) && word.length <= 20
    ? JSON.stringify(word)
    : `a value of ${word.length} characters`;
}
