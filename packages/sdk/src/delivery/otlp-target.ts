import type { Environment, OtlpCompression } from '../provider/environment.ts';
import { sdkVersion } from '../provider/resource.ts';
import type { HttpTarget } from './http-sender.ts';
import { type CertificateOptions, certificates, checkedHeaders, endpointUrl, moveCredentials } from './http-target.ts';

/** The options of the otlp handler that say where to. An option stands above the environment variable of its name. */
export interface OtlpTargetOptions extends CertificateOptions {
  /**
   * The collector's base address, to which `/v1/logs` is appended, or the whole address if it ends in `/v1/logs`. Default
   * `http://localhost:4318`.
   */
  readonly endpoint?: string;
  /** Further request headers, such as an API key. Never shown anywhere. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `none`. */
  readonly compression?: OtlpCompression;
}

/** What is sent: `name` is the option that mistakes are named after. */
export interface OtlpSignal {
  readonly name: 'otlp' | 'metrics';
  readonly path: '/v1/logs' | '/v1/metrics';
}

const LOGS: OtlpSignal = { name: 'otlp', path: '/v1/logs' };
export const METRICS: OtlpSignal = { name: 'metrics', path: '/v1/metrics' };

/** Puts options and environment together; throws a {@link ConfigError} for an option that cannot be used. */
export function otlpTarget(
  options: OtlpTargetOptions,
  environment: Environment['otlp'],
  signal: OtlpSignal = LOGS,
): HttpTarget {
  const url =
    options.endpoint === undefined ? environmentUrl(environment.endpoint, signal) : signalUrl(options.endpoint, signal);
  const headers: Record<string, string> = {
    'user-agent': `logspan/${sdkVersion}`,
    'content-type': 'application/x-protobuf',
    ...environment.headers,
    ...checkedHeaders(`${signal.name}.headers`, options.headers),
  };
  moveCredentials(url, headers);
  return {
    url,
    headers,
    compression: options.compression ?? environment.compression ?? 'none',
    ...certificates(signal.name, options, environment),
  };
}

function signalUrl(endpoint: unknown, { name, path }: OtlpSignal): URL {
  const url = endpointUrl(`${name}.endpoint`, endpoint, 'http://collector:4318');
  // The same address may be given for logs and for metrics.
  const base = url.pathname.replace(/\/v1\/(?:logs|metrics)$/, '').replace(/\/$/, '');
  url.pathname = `${base}${path}`;
  return url;
}

/** What the environment names was checked there, unless it is for gRPC, whose addresses need no scheme. */
function environmentUrl(endpoint: string | undefined, { path }: OtlpSignal): URL {
  const standard = `http://localhost:4318${path}`;
  if (endpoint === undefined) return new URL(standard);
  const isHttp = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  return new URL([endpoint, `http://${endpoint}`].find(isHttp) ?? standard);
}
