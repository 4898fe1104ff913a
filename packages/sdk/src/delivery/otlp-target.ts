import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
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
  const url = options.endpoint === undefined ? environmentUrl(environment.endpoint) : endpointUrl(options.endpoint);
  const headers: Record<string, string> = {
    'user-agent': `logspan/${sdkVersion}`,
    'content-type': 'application/x-protobuf',
    ...environment.headers,
    ...checkedHeaders(options.headers),
  };
  if (url.username !== '' || url.password !== '') {
    const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
    headers.authorization ??= `Basic ${Buffer.from(credentials).toString('base64')}`;
    url.username = '';
    url.password = '';
  }
  return {
    url,
    headers,
    compression: options.compression ?? environment.compression ?? 'none',
    ...certificates(options, environment),
  };
}

function endpointUrl(endpoint: unknown): URL {
  // What was given may hold a password: only what kind of thing it is may be said.
  const wrong = (what: string): ConfigError =>
    new ConfigError('otlp.endpoint', `must be an address such as http://collector:4318 (http or https), not ${what}`);
  if (typeof endpoint !== 'string') throw wrong(typeof endpoint === 'number' ? 'a number' : given(endpoint));
  let url: URL;
  try {
    url = new URL(endpoint);
  } catch {
    throw wrong('text that is no URL');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('one that begins with something else');
  if (!url.pathname.endsWith('/v1/logs')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/logs`;
  return url;
}

/** What the environment names was checked there, unless it is for gRPC, whose addresses need no scheme. */
function environmentUrl(endpoint = DEFAULT_ENDPOINT): URL {
  const isHttp = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  return new URL([endpoint, `http://${endpoint}`].find(isHttp) ?? DEFAULT_ENDPOINT);
}

/** Percent-encoding undone, where there is any. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Headers that say how the body is to be read. */
const FRAMING = ['content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'connection'];

/** Nothing that was given is shown, names included: a header in the wrong place has its value there. */
function checkedHeaders(headers: unknown = {}): Record<string, string> {
  // Object.prototype of another realm does, a Map or Headers does not: their entries are not properties.
  if (Object.prototype.toString.call(headers) !== '[object Object]') {
    throw new ConfigError('otlp.headers', 'must be an object of names and values');
  }
  const checked: Record<string, string> = {};
  for (const [index, [name, value]] of Object.entries(headers as object).entries()) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      throw new ConfigError('otlp.headers', `the name of header ${index + 1} is not one that HTTP allows`);
    }
    if (typeof value !== 'string') {
      throw new ConfigError(
        `otlp.headers.${name}`,
        `must be a string, not ${value === undefined ? 'undefined' : `a ${typeof value}`}`,
      );
    }
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw new ConfigError(`otlp.headers.${name}`, 'must be text that a header can hold');
    }
    if (FRAMING.includes(name.toLowerCase())) {
      throw new ConfigError(
        `otlp.headers.${name}`,
        'is set by logspan, and another value would make the request unreadable',
      );
    }
    checked[name.toLowerCase()] = value;
  }
  return checked;
}

/** Certificates that TLS accepts: what it would refuse later, with every request, is a mistake to be found now. */
function certificates(
  options: OtlpTargetOptions,
  environment: Environment['otlp'],
): Pick<HttpTarget, 'ca' | 'key' | 'cert'> {
  const usable = (
    name: 'certificateFile' | 'clientKeyFile' | 'clientCertificateFile',
    use: (pem: string) => unknown,
  ): string | undefined => {
    const file = options[name] ?? environment[name];
    if (file === undefined) return undefined;
    const { text, problem } = readPem(file, use);
    // What an option names must be usable; what the environment names is done without.
    if (problem !== undefined && options[name] !== undefined) {
      throw new ConfigError(`otlp.${name}`, `${given(file)} ${problem}`);
    }
    if (problem !== undefined) diag.warn(`logspan: the ${name} that the environment names ${problem}; it is ignored`);
    return text;
  };
  const ca = usable('certificateFile', (pem) => new X509Certificate(pem));
  const key = usable('clientKeyFile', (pem) => createSecureContext({ key: pem }));
  const cert = usable('clientCertificateFile', (pem) =>
    createSecureContext({ cert: pem, ...(key === undefined ? {} : { key }) }),
  );
  if (
    (key === undefined) !== (cert === undefined) &&
    (options.clientKeyFile ?? options.clientCertificateFile) !== undefined
  ) {
    const [there, missing] =
      key === undefined ? ['clientCertificateFile', 'clientKeyFile'] : ['clientKeyFile', 'clientCertificateFile'];
    throw new ConfigError(`otlp.${there}`, `needs ${missing} as well: mutual TLS takes a key and its certificate`);
  }
  return { ca, key, cert };
}

function readPem(file: string, use: (pem: string) => unknown): { text?: string; problem?: string } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { problem: `cannot be read: ${codeOf(error)}` };
  }
  if (!text.includes('-----BEGIN ')) return { problem: 'is not a PEM file' };
  try {
    use(text);
    return { text };
  } catch (error) {
    return { problem: `cannot be used: ${codeOf(error)}` };
  }
}

/** What is wrong, without quoting anything. */
function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}
