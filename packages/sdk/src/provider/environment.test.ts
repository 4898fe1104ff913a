import { describe, expect, test } from '@jest/globals';
import { DiagLogLevel } from '@opentelemetry/api';
import fc from 'fast-check';
import { type Environment, readEnvironment } from './environment.ts';

function read(env: Record<string, string | undefined>): { environment: Environment; warnings: string[] } {
  const warnings: string[] = [];
  const environment = readEnvironment(env, (message) => warnings.push(message));
  return { environment, warnings };
}

/** [variable, where its value is found, good values with their meaning, bad values, what a warning names as allowed] */
type Row = readonly [
  variable: string,
  field: (environment: Environment) => unknown,
  good: readonly (readonly [text: string, value: unknown])[],
  bad: readonly string[],
  allowed: string,
];

const LARGEST = 2147483647;
const NOT_INTEGERS = ['-1', '1.5', '1e3', '0x10', 'ten', '2147483648', '5 s'];
const NOT_URLS = ['collector:4318', 'ftp://collector', '/v1/logs', 'http://', 'file:///etc/passwd'];

const integerFrom = (min: number): Row[2] => [
  [String(min), min],
  ['2048', 2048],
  [' 7 ', 7],
  ['2147483647', LARGEST],
];
const TIMEOUTS = [
  ['10', 10],
  ['2147483647', LARGEST],
  ['0', LARGEST],
] as const;
const FILE = [['/etc/ssl/ca.pem', '/etc/ssl/ca.pem']] as const;

const otlpRows = (prefix: string): Row[] => [
  [`${prefix}_TIMEOUT`, (e) => e.otlp.timeoutMillis, TIMEOUTS, NOT_INTEGERS, 'an integer from 0 to 2147483647'],
  [
    `${prefix}_COMPRESSION`,
    (e) => e.otlp.compression,
    [
      ['gzip', 'gzip'],
      ['None', 'none'],
    ],
    ['zstd', 'constructor'],
    'gzip, none',
  ],
  [
    `${prefix}_PROTOCOL`,
    (e) => e.otlp.protocol,
    [
      ['grpc', 'grpc'],
      ['http/protobuf', 'http/protobuf'],
      ['HTTP/JSON', 'http/json'],
    ],
    ['http', 'udp'],
    'grpc, http/protobuf, http/json',
  ],
  [`${prefix}_CERTIFICATE`, (e) => e.otlp.certificateFile, FILE, [], ''],
  [`${prefix}_CLIENT_KEY`, (e) => e.otlp.clientKeyFile, FILE, [], ''],
  [`${prefix}_CLIENT_CERTIFICATE`, (e) => e.otlp.clientCertificateFile, FILE, [], ''],
  [
    `${prefix}_INSECURE`,
    (e) => e.otlp.insecure,
    [
      ['true', true],
      ['false', false],
    ],
    [],
    '',
  ],
  [
    `${prefix}_HEADERS`,
    (e) => e.otlp.headers,
    [
      ['api-key=abc', { 'api-key': 'abc' }],
      [' Api-Key = abc , x-tenant=t%C3%A9 ,', { 'api-key': 'abc', 'x-tenant': 'té' }],
      ['authorization=Basic%20dXNlcjpwdw==', { authorization: 'Basic dXNlcjpwdw==' }],
      ['cookie=a;b', { cookie: 'a;b' }],
      ['a=1,A=2', { a: '2' }],
    ],
    ['abc', '=abc', 'key=', 'ke y=abc', 'key=%zz', 'key=a%0d%0ab', 'key=%E2%82%AC', '%', 'k\u00e9y=1'],
    'name1=value1,name2=value2',
  ],
];

const rows: readonly Row[] = [
  [
    'OTEL_LOG_LEVEL',
    (e) => e.diagLevel,
    [
      ['NONE', DiagLogLevel.NONE],
      ['error', DiagLogLevel.ERROR],
      ['Warn', DiagLogLevel.WARN],
      ['INFO', DiagLogLevel.INFO],
      ['debug', DiagLogLevel.DEBUG],
      ['VERBOSE', DiagLogLevel.VERBOSE],
      ['ALL', DiagLogLevel.ALL],
    ],
    ['loud', '30', 'toString'],
    'NONE, ERROR, WARN, INFO, DEBUG, VERBOSE, ALL',
  ],
  ['LOGSPAN_LEVEL', (e) => e.level, [['info,db=debug', 'info,db=debug']], [], ''],
  ['LOGSPAN_LEVEL_FILE', (e) => e.levelFile, [['/run/level', '/run/level']], [], ''],
  [
    'LOGSPAN_LEVEL_SIGNAL',
    (e) => e.levelSignal,
    [
      ['SIGUSR2', 'SIGUSR2'],
      ['sigusr1', 'SIGUSR1'],
    ],
    ['SIGTERM', 'USR2', '12'],
    'SIGUSR1, SIGUSR2',
  ],
  ['OTEL_SERVICE_NAME', (e) => e.serviceName, [['check out', 'check out']], [], ''],
  [
    'OTEL_RESOURCE_ATTRIBUTES',
    (e) => e.resourceAttributes,
    [
      ['service.name=shop', { 'service.name': 'shop' }],
      [' a = 1 ,b=x%20y%2C%3D,, c=%E2%82%AC,d=', { a: '1', b: 'x y,=', c: '€', d: '' }],
      ['a=1,a=2', { a: '2' }],
    ],
    ['a', 'a=1,b', 'a=1,=2', 'a=b=c', 'a=100%', 'a=%E2%82'],
    'key1=value1,key2=value2',
  ],
  [
    'OTEL_BLRP_SCHEDULE_DELAY',
    (e) => e.batch.scheduledDelayMillis,
    [
      ['0', 0],
      ['5000', 5000],
    ],
    NOT_INTEGERS,
    'an integer from 0 to 2147483647',
  ],
  [
    'OTEL_BLRP_EXPORT_TIMEOUT',
    (e) => e.batch.exportTimeoutMillis,
    TIMEOUTS,
    NOT_INTEGERS,
    'an integer from 0 to 2147483647',
  ],
  [
    'OTEL_BLRP_MAX_QUEUE_SIZE',
    (e) => e.batch.maxQueueSize,
    integerFrom(1),
    ['0', ...NOT_INTEGERS],
    'an integer from 1 to 2147483647',
  ],
  [
    'OTEL_BLRP_MAX_EXPORT_BATCH_SIZE',
    (e) => e.batch.maxExportBatchSize,
    integerFrom(1),
    ['0', ...NOT_INTEGERS],
    'an integer from 1 to 2147483647',
  ],
  ...['OTEL_ATTRIBUTE', 'OTEL_LOGRECORD_ATTRIBUTE'].flatMap((prefix): Row[] => [
    [
      `${prefix}_COUNT_LIMIT`,
      (e) => e.limits.attributeCountLimit,
      integerFrom(0),
      NOT_INTEGERS,
      'an integer from 0 to 2147483647',
    ],
    [
      `${prefix}_VALUE_LENGTH_LIMIT`,
      (e) => e.limits.attributeValueLengthLimit,
      integerFrom(0),
      NOT_INTEGERS,
      'an integer from 0 to 2147483647',
    ],
  ]),
  [
    'OTEL_LOGS_EXPORTER',
    (e) => e.logsExporters,
    [
      ['otlp', ['otlp']],
      ['none', []],
      ['otlp/stdout', ['otlp/stdout']],
      ['OTLP, console,,otlp', ['otlp', 'console']],
    ],
    ['logging', 'loki,zipkin'],
    'a list of otlp, console, otlp/stdout; or none',
  ],
  [
    'OTEL_PROPAGATORS',
    (e) => e.propagators,
    [
      ['baggage', ['baggage']],
      ['baggage,TraceContext,baggage', ['tracecontext', 'baggage']],
      ['none', []],
    ],
    ['w3c'],
    'a list of tracecontext, baggage; or none',
  ],
  ...otlpRows('OTEL_EXPORTER_OTLP'),
  ...otlpRows('OTEL_EXPORTER_OTLP_LOGS'),
  [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    (e) => e.otlp.endpoint,
    [
      ['http://collector:4318', 'http://collector:4318/v1/logs'],
      ['http://collector:4318/', 'http://collector:4318/v1/logs'],
      ['https://collector/my/base', 'https://collector/my/base/v1/logs'],
      ['https://collector/my/base/', 'https://collector/my/base/v1/logs'],
      ['https://collector/base?token=t', 'https://collector/base/v1/logs?token=t'],
    ],
    NOT_URLS,
    'a URL that begins with http:// or https://',
  ],
  [
    'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT',
    (e) => e.otlp.endpoint,
    [
      ['http://collector:4318', 'http://collector:4318/'],
      ['https://collector/in/logs/', 'https://collector/in/logs/'],
      ['https://user:pw@collector/in?token=t', 'https://user:pw@collector/in?token=t'],
    ],
    NOT_URLS,
    'a URL that begins with http:// or https://',
  ],
];

describe.each(rows)('%s', (variable, field, good, bad, allowed) => {
  test.each(good)('%j is understood', (text, value) => {
    const { environment, warnings } = read({ [variable]: text });
    expect(field(environment)).toEqual(value);
    expect(warnings).toEqual([]);
  });

  test.each(['', '  ', undefined])('%j is unset', (text) => {
    const { environment, warnings } = read({ [variable]: text });
    expect(field(environment)).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  if (bad.length > 0) {
    test.each(bad)('%j is ignored with a warning', (text) => {
      const { environment, warnings } = read({ [variable]: text });
      expect(field(environment)).toBeUndefined();
      expect(warnings.length).toBeGreaterThan(0);
      for (const warning of warnings) expect(warning).toMatch(new RegExp(`^${variable}: .* ignored; allowed: `));
      for (const warning of warnings) expect(warning).toContain(allowed);
    });
  }
});

describe('booleans', () => {
  test.each([
    ['true', true, 0],
    ['TRUE', true, 0],
    ['False', false, 0],
    ['1', false, 1],
    ['yes', false, 1],
  ])('OTEL_SDK_DISABLED=%s is %s', (text, value, count) => {
    const { environment, warnings } = read({ OTEL_SDK_DISABLED: text });
    expect(environment.sdkDisabled).toBe(value);
    expect(warnings).toHaveLength(count);
  });

  test('an unknown word says what it counts as', () => {
    expect(read({ OTEL_SDK_DISABLED: '1' }).warnings).toEqual([
      'OTEL_SDK_DISABLED: "1" counts as false; allowed: true, false',
    ]);
  });

  test('empty is unset', () => {
    expect(read({ OTEL_SDK_DISABLED: '' }).environment.sdkDisabled).toBeUndefined();
  });
});

describe('precedence', () => {
  test('the variable for logs stands above the one for all signals', () => {
    const { environment, warnings } = read({
      OTEL_ATTRIBUTE_COUNT_LIMIT: '1',
      OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: '2',
      OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '3',
      OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: '4',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://general',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://logs',
      OTEL_EXPORTER_OTLP_TIMEOUT: '5',
      OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: '6',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: 'none',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_CERTIFICATE: 'general-ca',
      OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE: 'logs-ca',
      OTEL_EXPORTER_OTLP_CLIENT_KEY: 'general-key',
      OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY: 'logs-key',
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: 'general-cert',
      OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE: 'logs-cert',
      OTEL_EXPORTER_OTLP_INSECURE: 'true',
      OTEL_EXPORTER_OTLP_LOGS_INSECURE: 'false',
    });
    expect(environment.limits).toEqual({ attributeCountLimit: 2, attributeValueLengthLimit: 4 });
    expect(environment.otlp).toEqual({
      endpoint: 'http://logs/',
      headers: undefined,
      timeoutMillis: 6,
      compression: 'none',
      protocol: 'http/json',
      certificateFile: 'logs-ca',
      clientKeyFile: 'logs-key',
      clientCertificateFile: 'logs-cert',
      insecure: false,
    });
    expect(warnings).toEqual([]);
  });

  test('an unusable variable for logs leaves the one for all signals in force', () => {
    const { environment, warnings } = read({
      OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: 'many',
      OTEL_ATTRIBUTE_COUNT_LIMIT: '64',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'collector',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://general:4318',
    });
    expect(environment.limits.attributeCountLimit).toBe(64);
    expect(environment.otlp.endpoint).toBe('http://general:4318/v1/logs');
    expect(warnings).toHaveLength(2);
  });

  test('headers are merged by name, whatever the case of its letters', () => {
    const { environment } = read({
      OTEL_EXPORTER_OTLP_HEADERS: 'Api-Key=general,x-tenant=t',
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'api-key=logs',
    });
    expect(environment.otlp.headers).toEqual({ 'api-key': 'logs', 'x-tenant': 't' });
  });
});

describe('lists', () => {
  test('a bad header pair is skipped by its place, the others stay', () => {
    const { environment, warnings } = read({ OTEL_EXPORTER_OTLP_HEADERS: 'a=1,,secret token,b=2' });
    expect(environment.otlp.headers).toEqual({ a: '1', b: '2' });
    expect(warnings).toEqual([
      'OTEL_EXPORTER_OTLP_HEADERS: pair 3 is ignored; ' +
        'allowed: name1=value1,name2=value2 with what HTTP allows, percent-encoded',
    ]);
  });

  test('one bad resource attribute and none is taken', () => {
    const { environment, warnings } = read({ OTEL_RESOURCE_ATTRIBUTES: 'a=1,b' });
    expect(environment.resourceAttributes).toBeUndefined();
    expect(warnings).toEqual([
      'OTEL_RESOURCE_ATTRIBUTES: the whole value, because of entry 2, is ignored; ' +
        'allowed: key1=value1,key2=value2 with = and , percent-encoded',
    ]);
  });

  test('__proto__ is a key like any other', () => {
    const { environment } = read({ OTEL_RESOURCE_ATTRIBUTES: '__proto__=x' });
    expect(Object.entries(environment.resourceAttributes ?? {})).toEqual([['__proto__', 'x']]);
    expect(Object.getPrototypeOf(environment.resourceAttributes)).toBe(Object.prototype);
  });

  test('an unknown exporter is ignored, the known ones stay', () => {
    const { environment, warnings } = read({ OTEL_LOGS_EXPORTER: 'loki,console' });
    expect(environment.logsExporters).toEqual(['console']);
    expect(warnings).toHaveLength(1);
  });

  test('none wins over what stands beside it, with a warning', () => {
    const { environment, warnings } = read({ OTEL_LOGS_EXPORTER: 'otlp,none' });
    expect(environment.logsExporters).toEqual([]);
    expect(warnings).toHaveLength(1);
  });

  test.each(['b3', 'b3multi', 'jaeger', 'xray', 'ottrace'])('%s alone asks for no W3C header', (name) => {
    const { environment, warnings } = read({ OTEL_PROPAGATORS: name });
    expect(environment.propagators).toEqual([]);
    expect(warnings).toHaveLength(1);
  });
});

test('a batch cannot be larger than the queue', () => {
  const { environment, warnings } = read({ OTEL_BLRP_MAX_QUEUE_SIZE: '100', OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '101' });
  expect(environment.batch).toMatchObject({ maxQueueSize: 100, maxExportBatchSize: undefined });
  expect(warnings).toEqual([
    'OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: 101, larger than the queue, is ignored; ' +
      'allowed: at most OTEL_BLRP_MAX_QUEUE_SIZE, 100',
  ]);
  expect(
    read({ OTEL_BLRP_MAX_QUEUE_SIZE: '100', OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '100' }).environment.batch,
  ).toMatchObject({ maxQueueSize: 100, maxExportBatchSize: 100 });
});

test('a gRPC target is passed on as it was written', () => {
  const general = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' };
  expect(read(general)).toMatchObject({ environment: { otlp: { endpoint: 'collector:4317' } }, warnings: [] });
  const logs = { ...general, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://logs:4317' };
  expect(read(logs)).toMatchObject({ environment: { otlp: { endpoint: 'http://logs:4317' } }, warnings: [] });
});

test.each(['OTEL_CONFIG_FILE', 'OTEL_EXPERIMENTAL_CONFIG_FILE'])('%s is not passed over in silence', (name) => {
  expect(read({ [name]: 'otel.yaml' }).warnings).toEqual([
    `${name}: configuration files are not supported; it is ignored, the other variables apply`,
  ]);
});

test('a misspelt word is shown, a value that may be a secret is not', () => {
  expect(read({ OTEL_LOGS_EXPORTER: 'oltp' }).warnings[0]).toContain('"oltp" is ignored');
  expect(read({ OTEL_EXPORTER_OTLP_COMPRESSION: 'glpat-0123456789abcdef0123' }).warnings[0]).toContain(
    'a value of 26 characters is ignored',
  );
  expect(read({ OTEL_PROPAGATORS: 'https://user:a,secret,b@collector' }).warnings.join()).not.toContain('secret');
});

describe('any environment', () => {
  const names = [...rows.map(([variable]) => variable), 'OTEL_SDK_DISABLED', 'OTEL_CONFIG_FILE'];
  const ends = ['\0', '%', '%zz', ',', '=', ';', 'none', 'http://', 'é', '€', '\ud800', '=\r\n', '99', '-'];

  test('is read without an exception', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.oneof(fc.constantFrom(...ends), fc.string())).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), text), (env) => {
        const { warnings } = read(env);
        for (const warning of warnings) expect(warning).toMatch(/^(?:OTEL|LOGSPAN)_[A-Z_]+: /);
      }),
      { numRuns: 500 },
    );
  });

  test('keeps its secrets, in whichever variable they were put', () => {
    const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 8, maxLength: 40 });
    const end = fc.constantFrom('', ...ends);
    fc.assert(
      fc.property(fc.constantFrom(...names), hex, hex, end, end, (name, user, password, before, after) => {
        for (const value of [
          `https://${user}:${password}@collector:4318/${after}`,
          `${before}://${user}:${password}@collector`,
          `${before}${user}=${password}${after}`,
          `a=1,${user}:${password}${after},${before}x-${user}=${after}${password}`,
        ]) {
          const said = read({ [name]: value }).warnings.join('\n');
          expect(said).not.toContain(user);
          expect(said).not.toContain(password);
        }
        for (const prefix of ['OTEL_EXPORTER_OTLP', 'OTEL_EXPORTER_OTLP_LOGS']) {
          const said = read({ [`${prefix}_HEADERS`]: `${before}${password}${after}` }).warnings.join('\n');
          expect(said).not.toContain(password);
        }
      }),
      { numRuns: 500 },
    );
  });
});
