import { readFileSync } from 'node:fs';
import { diag } from '@opentelemetry/api';
import { ConfigError, given } from '../provider/config-error.ts';
import type { Environment, OtlpCompression } from '../provider/environment.ts';
import { sdkVersion } from '../provider/resource.ts';
import type { HttpTarget } from './http-sender.ts';

/** The options of the otlp handler that say where to. An option stands above the environment variable of its name. */
export interface OtlpTargetOptions {
  /**
   * The collector's base address, to which `/v1/logs` is appended, or the whole address if it ends in `/v1/logs`. Default
   * `http://localhost:4318`.
   */
  readonly endpoint?: string;
  /** Further request headers, such as an API key. Never shown anywhere. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `none`. */
  readonly compression?: OtlpCompression;
  /** Path of a PEM file with the authorities that the collector's certificate is checked against. */
  readonly certificateFile?: string;
  /** Path of a PEM file with the private key for mutual TLS. */
  readonly clientKeyFile?: string;
  /** Path of a PEM file with the certificate chain of that key. */
  readonly clientCertificateFile?: string;
}

const DEFAULT_ENDPOINT = 'http://localhost:4318/v1/logs';

/** Puts options and environment together; throws a {@link ConfigError} for an option that cannot be used. */
export function otlpTarget(options: OtlpTargetOptions, environment: Environment['otlp']): HttpTarget {
  const url =
    options.endpoint === undefined ? new URL(environment.endpoint ?? DEFAULT_ENDPOINT) : endpointUrl(options.endpoint);
  const headers: Record<string, string> = {
    'user-agent': `logspan/${sdkVersion}`,
    'content-type': 'application/x-protobuf',
    ...environment.headers,
  };
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    checkHeader(name, value);
    headers[name.toLowerCase()] = value;
  }
  if (url.username !== '' || url.password !== '') {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.authorization ??= `Basic ${Buffer.from(credentials).toString('base64')}`;
    url.username = '';
    url.password = '';
  }
  return {
    url,
    headers,
    compression: options.compression ?? environment.compression ?? 'none',
    ca: pem('certificateFile', options.certificateFile, environment.certificateFile),
    key: pem('clientKeyFile', options.clientKeyFile, environment.clientKeyFile),
    cert: pem('clientCertificateFile', options.clientCertificateFile, environment.clientCertificateFile),
  };
}

function endpointUrl(endpoint: unknown): URL {
  // What was given may hold a password: only what kind of thing it is may be said.
  const wrong = (what: string): ConfigError =>
    new ConfigError('otlp.endpoint', `must be an address such as http://collector:4318 (http or https), not ${what}`);
  if (typeof endpoint !== 'string') throw wrong(given(endpoint));
  let url: URL;
  try {
    url = new URL(endpoint);
  } catch {
    throw wrong('text that is no URL');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong(`one with ${given(url.protocol)}`);
  if (!url.pathname.endsWith('/v1/logs')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/logs`;
  return url;
}

function checkHeader(name: string, value: unknown): void {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
    throw new ConfigError('otlp.headers', `${given(name)} is not a header name`);
  }
  if (typeof value !== 'string' || /[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    throw new ConfigError(
      `otlp.headers.${name}`,
      `must be text that a header can hold, not ${typeof value === 'string' ? 'this text' : given(value)}`,
    );
  }
}

/** The text of a PEM file. One that an option names must be readable; one that the environment names is done without. */
function pem(name: string, option: string | undefined, variable: string | undefined): string | undefined {
  const file = option ?? variable;
  if (file === undefined) return undefined;
  try {
    const text = readFileSync(file, 'utf8');
    if (text.includes('-----BEGIN ')) return text;
    if (option !== undefined) throw new ConfigError(`otlp.${name}`, `${given(file)} is not a PEM file`);
    diag.warn(`logspan: the ${name} that the environment names is not a PEM file; it is ignored`);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = String((error as NodeJS.ErrnoException).code);
    if (option !== undefined) throw new ConfigError(`otlp.${name}`, `${given(file)} cannot be read: ${code}`);
    diag.warn(`logspan: the ${name} that the environment names cannot be read: ${code}; it is ignored`);
  }
  return undefined;
}
