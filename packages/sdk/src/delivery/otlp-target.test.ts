import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { ConfigError } from '../provider/config-error.ts';
import { readEnvironment } from '../provider/environment.ts';
import { type OtlpTargetOptions, otlpTarget } from './otlp-target.ts';

const environmentOf = (variables: Record<string, string>) => readEnvironment(variables, () => undefined).otlp;
const target = (options: OtlpTargetOptions, variables: Record<string, string> = {}) =>
  otlpTarget(options, environmentOf(variables));

/** The ConfigError that these options, of any type, are answered with. */
function mistake(options: object): ConfigError {
  try {
    target(options as OtlpTargetOptions);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('was accepted');
}

describe('the address', () => {
  test.each([
    [undefined, 'http://localhost:4318/v1/logs'],
    ['http://collector:4318', 'http://collector:4318/v1/logs'],
    ['http://collector:4318/', 'http://collector:4318/v1/logs'],
    ['https://collector/otlp', 'https://collector/otlp/v1/logs'],
    ['https://collector/otlp/v1/logs', 'https://collector/otlp/v1/logs'],
    ['https://collector/?tenant=a', 'https://collector/v1/logs?tenant=a'],
  ])('%s becomes %s', (endpoint, href) => {
    expect(target(endpoint === undefined ? {} : { endpoint }).url.href).toBe(href);
  });

  test('the option stands above the environment, which is taken as it is', () => {
    const variables = { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://from-env:1/path' };
    expect(target({}, variables).url.href).toBe('http://from-env:1/path');
    expect(target({ endpoint: 'http://from-option' }, variables).url.href).toBe('http://from-option/v1/logs');
  });

  test.each(['localhost', 'collector:4317', 'http://collector:4317', 'dns:///collector:4317', ' ', '::'])(
    'an environment that speaks gRPC may say %j',
    (endpoint) => {
      const variables = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
      expect(target({}, variables).url.protocol).toBe('http:');
    },
  );

  test.each([
    'collector:4318',
    '4318',
    '',
    'ftp://collector',
    'file:///etc/passwd',
    'http://',
    'http://a b',
    'http://x:99999',
  ])('%j is a ConfigError that names the option and what is allowed', (endpoint) => {
    const { option, message } = mistake({ endpoint });
    expect(option).toBe('otlp.endpoint');
    expect(message).toContain('http://collector:4318');
  });

  test.each([4318, null, true, {}, ['http://collector'], new URL('http://collector')])(
    '%p is a ConfigError',
    (endpoint) => {
      expect(mistake({ endpoint }).option).toBe('otlp.endpoint');
    },
  );

  test('credentials in it become an Authorization header and leave it', () => {
    const { url, headers } = target({ endpoint: 'https://us%3Aer:p%40ss@collector' });
    expect(url.href).toBe('https://collector/v1/logs');
    expect(headers.authorization).toBe(`Basic ${Buffer.from('us:er:p@ss').toString('base64')}`);
  });

  test('credentials that are no percent-encoding are taken as they are', () => {
    const { headers } = target({ endpoint: 'https://user:100%@collector' });
    expect(headers.authorization).toBe(`Basic ${Buffer.from('user:100%').toString('base64')}`);
  });

  test('credentials give way to a header that says who it is', () => {
    const { url, headers } = target({ endpoint: 'https://u:p@collector', headers: { Authorization: 'Bearer x' } });
    expect(headers.authorization).toBe('Bearer x');
    expect(url.href).toBe('https://collector/v1/logs');
  });
});

describe('headers', () => {
  test('of the option stand above those of the environment, whatever their case', () => {
    const { headers } = target(
      { headers: { 'X-Api-Key': 'option' } },
      { OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=env,tenant=a' },
    );
    expect(headers).toMatchObject({ 'x-api-key': 'option', tenant: 'a', 'content-type': 'application/x-protobuf' });
    expect(headers['user-agent']).toMatch(/^logspan\/\d/);
  });

  test.each([
    ['text', 'x-api-key=hunter2'],
    ['an array', ['hunter2']],
    ['null', null],
    ['a number', 42],
    ['a Map', new Map([['x-api-key', 'hunter2']])],
    ['Headers', new Headers({ 'x-api-key': 'hunter2' })],
  ])('as %s are a ConfigError', (_, headers) => {
    const { option, message } = mistake({ headers });
    expect(option).toBe('otlp.headers');
    expect(message).not.toContain('hunter2');
  });

  test.each([
    ['a name with a value in it', { 'x-api-key: hunter2': '' }, 'otlp.headers'],
    ['an empty name', { '': 'hunter2' }, 'otlp.headers'],
    ['a line break', { 'x-api-key': 'hunter2\r\nx-forged: 1' }, 'otlp.headers.x-api-key'],
    ['a character that no header holds', { 'x-api-key': 'hunter2 ☃' }, 'otlp.headers.x-api-key'],
    ['a number', { 'x-api-key': 424_242 }, 'otlp.headers.x-api-key'],
    ['undefined', { 'x-api-key': undefined }, 'otlp.headers.x-api-key'],
    ['an object', { 'x-api-key': { toString: () => 'hunter2' } }, 'otlp.headers.x-api-key'],
    ['a way to frame the body', { 'Transfer-Encoding': 'hunter2' }, 'otlp.headers.Transfer-Encoding'],
  ])('with %s are a ConfigError without the value', (_, headers, option) => {
    const error = mistake({ headers });
    expect(error.option).toBe(option);
    expect(error.message).not.toMatch(/hunter2|424242|424_242/);
  });
});

test('no message shows what was given as an address', () => {
  for (const endpoint of [
    'token:hunter2@collector:4318',
    'ftp://user:hunter2@collector',
    'hunter2',
    'http://hunter2@',
  ]) {
    expect(mistake({ endpoint }).message).not.toContain('hunter2');
  }
  expect(mistake({ endpoint: 424_242 }).message).not.toContain('424242');
});

describe('certificates', () => {
  const folder = mkdtempSync(join(tmpdir(), 'logspan-target-'));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });

  beforeAll(() => {
    for (const name of ['one', 'two']) {
      openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
      openssl(
        'req',
        '-x509',
        '-new',
        '-key',
        `${name}.key`,
        '-subj',
        `/CN=${name}`,
        '-days',
        '1',
        '-out',
        `${name}.crt`,
      );
    }
    writeFileSync(file('text'), 'hunter2');
    for (const kind of ['CERTIFICATE', 'PRIVATE KEY']) {
      writeFileSync(file(`garbage ${kind}`), `-----BEGIN ${kind}-----\nhunter2\n-----END ${kind}-----\n`);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('are read', () => {
    const { ca, cert, key } = target({
      certificateFile: file('one.crt'),
      clientCertificateFile: file('two.crt'),
      clientKeyFile: file('two.key'),
    });
    expect(ca).toContain('BEGIN CERTIFICATE');
    expect(cert).toContain('BEGIN CERTIFICATE');
    expect(key).toContain('PRIVATE KEY');
  });

  test.each([
    ['certificateFile', 'missing', 'cannot be read: ENOENT'],
    ['certificateFile', '.', 'cannot be read: EISDIR'],
    ['certificateFile', 'text', 'is not a PEM file'],
    ['certificateFile', 'garbage CERTIFICATE', 'cannot be used'],
    ['clientCertificateFile', 'garbage CERTIFICATE', 'cannot be used'],
    ['clientKeyFile', 'garbage PRIVATE KEY', 'cannot be used'],
    ['clientKeyFile', 'one.crt', 'cannot be used'],
  ])('%s: %s is a ConfigError', (option, name, problem) => {
    const error = mistake({ [option]: file(name) });
    expect(error.option).toBe(`otlp.${option}`);
    expect(error.message).toContain(problem);
    expect(error.message).not.toContain('hunter2');
  });

  test('a key of another certificate is a ConfigError', () => {
    const { option } = mistake({ clientCertificateFile: file('one.crt'), clientKeyFile: file('two.key') });
    expect(option).toBe('otlp.clientCertificateFile');
  });

  test.each([
    ['clientCertificateFile', 'one.crt'],
    ['clientKeyFile', 'two.key'],
  ])('%s without the other is a ConfigError', (name, path) => {
    const { option, message } = mistake({ [name]: file(path) });
    expect(option).toBe(`otlp.${name}`);
    expect(message).toContain('needs client');
  });

  test('that the environment names and that are of no use are told of and done without', () => {
    const told: string[] = [];
    const tell = (message: string) => told.push(message);
    const nothing = () => undefined;
    diag.setLogger({ error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing }, DiagLogLevel.WARN);
    const { ca, cert } = target(
      {},
      { OTEL_EXPORTER_OTLP_CERTIFICATE: file('text'), OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file('missing') },
    );
    diag.disable();
    expect([ca, cert]).toEqual([undefined, undefined]);
    expect(told.join('\n')).toMatch(
      /certificateFile.*is not a PEM file; it is ignored\n.*clientCertificateFile.*ENOENT/,
    );
    expect(told.join('\n')).not.toContain('hunter2');
  });
});
