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

const DEFAULT_ENDPOINT = 'http://localhost:4318/v1/logs';

/** Puts options and environment together; throws a {@link ConfigError} for an option that cannot be used. */
export function otlpTarget(options: OtlpTargetOptions, environment: Environment['otlp']): HttpTarget {
  const url = options.endpoint === undefined ? environmentUrl(environment.endpoint) : logsUrl(options.endpoint);
  const headers: Record<string, string> = {
    'user-agent': `logspan/${sdkVersion}`,
    'content-type': 'application/x-protobuf',
    ...environment.headers,
    ...checkedHeaders('otlp.headers', options.headers),
  };
  moveCredentials(url, headers);
  return {
    url,
    headers,
    compression: options.compression ?? environment.compression ?? 'none',
    ...certificates('otlp', options, environment),
  };
}

function logsUrl(endpoint: unknown): URL {
  const url = endpointUrl('otlp.endpoint', endpoint, 'http://collector:4318');
  if (!url.pathname.endsWith('/v1/logs')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/logs`;
  return url;
}

/** What the environment names was checked there, unless it is for gRPC, whose addresses need no scheme. */
function environmentUrl(endpoint = DEFAULT_ENDPOINT): URL {
  const isHttp = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  return new URL([endpoint, `http://${endpoint}`].find(isHttp) ?? DEFAULT_ENDPOINT);
}
