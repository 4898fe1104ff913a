import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { diag } from '@opentelemetry/api';
import { ConfigError, given } from '../provider/config-error.ts';
import type { HttpTarget } from './http-sender.ts';

/** The options of a handler that say how TLS is to be done. */
export interface CertificateOptions {
  /** Path of a PEM file with the authorities that the destination's certificate is checked against. */
  readonly certificateFile?: string;
  /** Path of a PEM file with the private key for mutual TLS. */
  readonly clientKeyFile?: string;
  /** Path of a PEM file with the certificate chain of that key. */
  readonly clientCertificateFile?: string;
}

/** The address that an option gives. Throws a {@link ConfigError} for what is none. */
export function endpointUrl(option: string, endpoint: unknown, example: string): URL {
  // What was given may hold a password: only what kind of thing it is may be said.
  const wrong = (what: string): ConfigError =>
    new ConfigError(option, `must be an address such as ${example} (http or https), not ${what}`);
  if (typeof endpoint !== 'string') throw wrong(typeof endpoint === 'number' ? 'a number' : given(endpoint));
  let url: URL;
  try {
    url = new URL(endpoint);
  } catch {
    throw wrong('text that is no URL');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('one that begins with something else');
  return url;
}

/** Moves user and password of an address into a header, unless there is one. */
export function moveCredentials(url: URL, headers: Record<string, string>): void {
  if (url.username === '' && url.password === '') return;
  const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
  headers.authorization ??= `Basic ${Buffer.from(credentials).toString('base64')}`;
  url.username = '';
  url.password = '';
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

/**
 * Headers that HTTP allows, by their names in lower case. Throws a {@link ConfigError}; nothing that was given is shown,
 * names included: a header in the wrong place has its value there.
 */
export function checkedHeaders(option: string, headers: unknown = {}): Record<string, string> {
  // Object.prototype of another realm does, a Map or Headers does not: their entries are not properties.
  if (Object.prototype.toString.call(headers) !== '[object Object]') {
    throw new ConfigError(option, 'must be an object of names and values');
  }
  const checked: Record<string, string> = {};
  for (const [index, [name, value]] of Object.entries(headers as object).entries()) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      throw new ConfigError(option, `the name of header ${index + 1} is not one that HTTP allows`);
    }
    if (typeof value !== 'string') {
      throw new ConfigError(
        `${option}.${name}`,
        `must be a string, not ${value === undefined ? 'undefined' : `a ${typeof value}`}`,
      );
    }
    if (!isHeaderText(value)) {
      throw new ConfigError(`${option}.${name}`, 'must be text that a header can hold');
    }
    if (FRAMING.includes(name.toLowerCase())) {
      throw new ConfigError(
        `${option}.${name}`,
        'is set by logspan, and another value would make the request unreadable',
      );
    }
    checked[name.toLowerCase()] = value;
  }
  return checked;
}

/** Text that can be the value of a header. */
export function isHeaderText(value: string): boolean {
  return !/[^\t\x20-\x7e\x80-\xff]/.test(value);
}

/** Certificates that TLS accepts: what it would refuse later, with every request, is a mistake to be found now. */
export function certificates(
  handler: string,
  options: CertificateOptions,
  environment: { readonly [Name in keyof CertificateOptions]: string | undefined } = {},
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
      throw new ConfigError(`${handler}.${name}`, `${given(file)} ${problem}`);
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
    throw new ConfigError(
      `${handler}.${there}`,
      `needs ${missing} as well: mutual TLS takes a key and its certificate`,
    );
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
