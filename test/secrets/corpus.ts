import { type Logger, lazy, withAttributes } from '@logspan/logger';
import { logs } from '@opentelemetry/api-logs';

/** A secret as it may stand in a text. */
export interface SecretText {
  readonly name: string;
  /** What must not be seen anywhere. */
  readonly secret: string;
  readonly text: string;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const VALUE = 'hunter2-Sesame';
const as = (name: string, secret: string, text = secret): SecretText => ({ name, secret, text });

/** One for each detector, and each way to name a secret in a text. */
export const secretTexts: readonly SecretText[] = [
  as('JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'),
  as('bearer', VALUE, `Bearer ${VALUE}`),
  as('basic', base64(`ann:${VALUE}`), `Basic ${base64(`ann:${VALUE}`)}`),
  as('AWS access key', 'AKIAIOSFODNN7EXAMPLE'),
  as(
    'AWS secret key',
    'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  ),
  as('GitHub token', `ghp_${'a1B2c3D4e5F6'.repeat(3)}`),
  as('fine-grained GitHub token', `github_pat_11ABCDEFG0${'abcdef12_'.repeat(6)}`),
  as('Slack token', 'xoxb-123456789012-abcdefghijkl'),
  as('Slack webhook', 'T0001/B0001/XXYYZZ', 'https://hooks.slack.com/services/T0001/B0001/XXYYZZ'),
  as('private key', 'MIIEpAIBAAKCAQEA75', '-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA75\n-----END PRIVATE KEY-----'),
  as('private key without an end', 'MIIEpAIBAAKCAQEA76', '-----BEGIN OPENSSH PRIVATE KEY-----\nMIIEpAIBAAKCAQEA76'),
  as('card', '4111111111111111'),
  as('card in groups', '5555 5555 5555 4444'),
  as('card with dashes', '3782-822463-10005'),
  as('IBAN', 'DE89370400440532013000'),
  as('IBAN in groups', 'GB82 WEST 1234 5698 7654 32'),
  as('URL credentials', VALUE, `postgres://ann:${VALUE}@db:5432/shop`),
  as('URL query', VALUE, `https://shop.example/cb?state=1&access_token=${VALUE}&x=1`),
  as('encoded URL query', VALUE, `/cb?api%5Fkey=${VALUE}`),
  as('pair', VALUE, `user=ann password=${VALUE} host=db`),
  as('pair of words', VALUE, `the API key: ${VALUE}`),
  as('JSON', VALUE, JSON.stringify({ user: 'ann', client_secret: VALUE })),
  as('JSON with spaces', VALUE, JSON.stringify({ 'Api-Key': [VALUE, { n: 1 }] }, null, 2)),
  as('JSON in JSON', VALUE, JSON.stringify({ body: JSON.stringify({ password: VALUE }) })),
  as('form', VALUE, `user=ann&user%5Bpassword%5D=${VALUE}&x=1`),
  as('raw headers', VALUE, `GET / HTTP/1.1\r\nCookie: a=1; sid=${VALUE}\r\nHost: h\r\n`),
  as('inspected object', VALUE, `{ user: 'ann', dbPassword: '${VALUE}' }`),
  as('coloured object', VALUE, `{ dbPassword: \x1b[32m'${VALUE}'\x1b[39m }`),
  as('aligned label', VALUE, `Password      : ${VALUE}`),
  as('line below', VALUE, `password:\n  ${VALUE}`),
  as('headers in JSON', VALUE, JSON.stringify({ raw: `GET /\r\nCookie: a="1"; sid=${VALUE}\r\n` })),
  as('flag', VALUE, `Command failed: mysql --password ${VALUE} shop`),
  as('command', VALUE, `curl -u ann:${VALUE} https://h`),
  as('element', VALUE, `<wsse:Password Type="x">${VALUE}</wsse:Password>`),
  as('query in a query', VALUE, `/in?to=${encodeURIComponent(`https://h/?token=${VALUE}`)}`),
  as('connection string', VALUE, `Server=db;User=ann;Pwd=${VALUE};Encrypt=yes`),
];

/** Spellings of secret keys. */
export const secretKeys: readonly string[] = [
  'password',
  'PASSWORD',
  'Pass-Word',
  'pass_word',
  'api_key',
  'apiKey',
  'X-Api-Key',
  'API KEY',
  'Authorization',
  'proxy-authorization',
  'Set-Cookie',
  'db_pass',
  'stripeApiKey',
  'oauth_client_secret',
  'http.request.header.authorization',
  'user[password]',
  'wsse:Password',
  'AWS_SECRET_ACCESS_KEY',
  '--token',
  'ｐａｓｓｗｏｒｄ',
];

export const keyedSecret: string = VALUE;

class Session {
  readonly user = 'ann';
  readonly deep: unknown;
  constructor(deep: unknown) {
    this.deep = deep;
  }
}

class Json {
  readonly #value: unknown;
  constructor(value: unknown) {
    this.#value = value;
  }
  toJSON(): unknown {
    return this.#value;
  }
}

/** Answers with something harmless the first times it is read. */
function fickle(honest: number, value: unknown): object {
  let reads = 0;
  return {
    get note() {
      return reads++ < honest ? 'harmless' : value;
    },
  };
}

/** Answers with one thing as long as it is asked for the first time only. */
function fickleProxy(target: Record<string, unknown>): object {
  const seen = new Map<string | symbol, number>();
  return new Proxy(target, {
    get(_, key) {
      const times = (seen.get(key) ?? 0) + 1;
      seen.set(key, times);
      return times === 1 ? 'harmless' : Reflect.get(target, key);
    },
  });
}

const foreign = (scope = 'foreign', options?: object) => logs.getLogger(scope, '1', options as never);

type Write = (logger: Logger) => void;

/** Where a value, secret by what it is, can stand in a record. */
export const textPlacements: readonly (readonly [name: string, place: (text: string) => Write])[] = [
  ['an attribute', (text) => (logger) => logger.info('e', { note: text })],
  ['among other words', (text) => (logger) => logger.info('e', { note: `so ${text} it is` })],
  ['depth', (text) => (logger) => logger.info('e', { a: { b: [{ c: { d: text } }] } })],
  ['a list', (text) => (logger) => logger.info('e', { list: ['x', text, [text]] })],
  [
    'a Map',
    (text) => (logger) =>
      logger.info('e', {
        map: new Map<unknown, unknown>([
          ['a', text],
          [1, [text]],
        ]),
      }),
  ],
  ['a Map with keys that are no text', (text) => (logger) => logger.info('e', { map: new Map([[{}, text]]) })],
  ['a Set', (text) => (logger) => logger.info('e', { set: new Set([1, text]) })],
  ['an instance', (text) => (logger) => logger.info('e', { session: new Session(new Session(text)) })],
  ['toJSON', (text) => (logger) => logger.info('e', { json: new Json({ inner: text }) })],
  ['a key', (text) => (logger) => logger.info('e', { [text]: 1, deep: { [text]: 1 }, map: new Map([[text, 1]]) })],
  ['a symbol', (text) => (logger) => logger.info('e', { symbol: Symbol(text) })],
  [
    'what is under a symbol',
    (text) => (logger) =>
      logger.info('e', { [Symbol('s')]: text, deep: { [Symbol('s')]: text, list: [{ [Symbol('s')]: text }] } }),
  ],
  [
    'a body, under a symbol',
    (text) => () => foreign().emit({ body: { [Symbol('s')]: text, n: 1 }, attributes: { [Symbol('s')]: text } }),
  ],
  ['an object of text', (text) => (logger) => logger.info('e', { boxed: new String(text) })],
  ['a function’s name', (text) => (logger) => logger.info('e', { fn: { [text]: () => 1 }[text] })],
  ['bytes', (text) => (logger) => logger.info('e', { bytes: Buffer.from(`xx ${text}`), deep: [Buffer.from(text)] })],
  ['a message', (text) => (logger) => logger.message('info', `the ${text} was sent`)],
  ['an event name', (text) => (logger) => logger.event('info', text)],
  ['a message of the API', (text) => () => foreign().emit({ body: text, severityText: text, eventName: text })],
  ['a body', (text) => () => foreign().emit({ body: { a: [{ b: text }] } })],
  ['a body of bytes', (text) => () => foreign().emit({ body: Buffer.from(text) })],
  ['the name of the API’s event', (text) => () => foreign().emit({ attributes: { 'otel.event.name': text } })],
  ['the message of an error', (text) => (logger) => logger.error('e', { error: new Error(`no: ${text}`) })],
  [
    'the stack of an error',
    (text) => (logger) =>
      logger.exception(Object.assign(new Error('m'), { stack: `Error: ${text}\n    at x (y:1:2)` })),
  ],
  [
    'the name of an error',
    (text) => (logger) => logger.exception(Object.assign(new Error('m'), { name: text, code: text })),
  ],
  [
    'a cause',
    (text) => (logger) => logger.error('e', new Error('m', { cause: new Error('n', { cause: new Error(text) }) })),
  ],
  ['a cause that is text', (text) => (logger) => logger.error('e', new Error('m', { cause: text }))],
  ['an AggregateError', (text) => (logger) => logger.exception(new AggregateError([new Error(text), text], 'all'))],
  ['a second error', (text) => (logger) => logger.error('e', { error: new Error('m'), other: [new Error(text)] })],
  ['thrown text', (text) => (logger) => logger.exception(text)],
  ['a thrown object', (text) => (logger) => logger.exception({ reason: text })],
  ['an exception of the API', (text) => () => foreign().emit({ body: 'x', exception: new Error(text) })],
  ['a child', (text) => (logger) => logger.child({ note: text }).info('e', { n: 1 })],
  ['withAttributes', (text) => (logger) => withAttributes({ note: text, deep: [text] }, () => logger.info('e'))],
  [
    'the attributes of a scope',
    (text) => () =>
      foreign('s', { attributes: { note: text, deep: [text] }, scopeAttributes: { note: text } }).emit({ body: 'x' }),
  ],
  ['the name of a scope', (text) => () => foreign(text).emit({ body: 'x' })],
  ['a lazy value', (text) => (logger) => logger.info('e', { note: lazy(() => ({ deep: text })) })],
  ['a function in place of attributes', (text) => (logger) => logger.info('e', () => ({ note: text }))],
  [
    'a getter',
    (text) => (logger) =>
      logger.info('e', {
        deep: {
          get note() {
            return text;
          },
        },
      }),
  ],
  ...[1, 2, 3, 4, 5].map(
    (honest) =>
      [
        `a getter that is harmless ${honest} times`,
        (text: string) => (logger: Logger) =>
          logger.info('e', { top: fickle(honest, text), list: [fickle(honest, text)] }),
      ] as const,
  ),
  ...[1, 2, 3, 4, 5].map(
    (honest) =>
      [
        `attributes that are harmless ${honest} times`,
        (text: string) => (logger: Logger) => logger.info('e', fickle(honest, text) as never),
      ] as const,
  ),
  ['a proxy that changes its mind', (text) => (logger) => logger.info('e', { p: fickleProxy({ note: text }) })],
  ['a proxy in place of attributes', (text) => (logger) => logger.info('e', fickleProxy({ note: text }) as never)],
  ['the end of a long text', (text) => (logger) => logger.info('e', { note: `${'word '.repeat(4_000)}${text}` })],
  [
    'the middle of a very long message',
    (text) => (logger) => logger.message('info', `${'word '.repeat(20_000)}${text} ${'word '.repeat(20_000)}`),
  ],
];

/** Where what is under a secret key can stand. */
export const keyPlacements: readonly (readonly [name: string, place: (key: string, value: string) => Write])[] = [
  ['an attribute', (key, value) => (logger) => logger.info('e', { [key]: value })],
  ['depth', (key, value) => (logger) => logger.info('e', { a: { b: [{ c: { [key]: value } }] } })],
  ['an object', (key, value) => (logger) => logger.info('e', { [key]: { any: [value, { where: value }] } })],
  ['bytes', (key, value) => (logger) => logger.info('e', { [key]: Buffer.from(value) })],
  ['a Map', (key, value) => (logger) => logger.info('e', { map: new Map([[key, value]]) })],
  [
    'a Map with keys that are no text',
    (key, value) => (logger) =>
      logger.info('e', {
        map: new Map<unknown, unknown>([
          [{}, 1],
          [key, value],
        ]),
      }),
  ],
  ['a Set', (key, value) => (logger) => logger.info('e', { set: new Set([{ [key]: value }]) })],
  ['an instance', (key, value) => (logger) => logger.info('e', { session: new Session({ [key]: value }) })],
  [
    'pairs',
    (key, value) => (logger) =>
      logger.info('e', {
        headers: [
          ['accept', '*/*'],
          [key, value],
        ],
      }),
  ],
  [
    'rawHeaders',
    (key, value) => (logger) => logger.info('e', { rawHeaders: ['Accept', '*/*', key, value, 'Host', 'h'] }),
  ],
  [
    'names and values',
    (key, value) => (logger) =>
      logger.info('e', {
        env: [
          { name: key, value },
          { key, value },
          { Name: key, Value: value },
          { header: key, value },
          { field: key, oldValue: value, newValue: [value] },
          { ParameterKey: key, ParameterValue: value },
          { name: 'prod', key, value },
        ],
      }),
  ],
  ['Headers', (key, value) => (logger) => logger.info('e', { query: new URLSearchParams([[key, value]]) })],
  ['a body', (key, value) => () => foreign().emit({ body: { deep: [{ [key]: value }] } })],
  ['a child', (key, value) => (logger) => logger.child({ [key]: value }).info('e', { n: 1 })],
  ['withAttributes', (key, value) => (logger) => withAttributes({ [key]: value }, () => logger.info('e'))],
  [
    'the attributes of a scope',
    (key, value) => () => foreign('s', { attributes: { [key]: value, deep: { [key]: value } } }).emit({ body: 'x' }),
  ],
  [
    'a lazy value',
    (key, value) => (logger) => logger.info('e', { note: lazy(() => ({ [key]: value })), [key]: lazy(() => value) }),
  ],
  [
    'an error',
    (key, value) => (logger) =>
      logger.exception(Object.assign(new Error('m'), { config: { headers: { [key]: value } }, [key]: value })),
  ],
  ['a thrown object', (key, value) => (logger) => logger.exception({ response: { [key]: value } })],
  ['JSON in a text', (key, value) => (logger) => logger.info('e', { note: JSON.stringify({ n: 1, [key]: value }) })],
  ['a query', (key, value) => (logger) => logger.info('e', { note: `/x?a=1&${encodeURIComponent(key)}=${value}&b=2` })],
];
