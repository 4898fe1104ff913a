import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { DEFAULT_ATTRIBUTE_LIMITS } from '@logspan/logger/internal';
import { logs } from '@opentelemetry/api-logs';
import { LoggerProvider as StockProvider } from '@opentelemetry/sdk-logs';
import fc from 'fast-check';
import {
  type Emit,
  emitFromStockTo,
  providers,
  Recorder,
  through,
  toldDuring,
} from '../../../../test/pipeline/recorder.ts';
import { droppedAccount } from '../delivery/ledger.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import { pipe } from '../pipeline/pipe.ts';
import type { LogRecordProcessor, Resource, Stage } from '../pipeline/stage.ts';
import { Clock } from '../provider/clock.ts';
import { LoggerProvider } from '../provider/logger-provider.ts';
import { logspanProcessor } from '../provider/logspan-processor.ts';
import { register } from '../provider/register.ts';
import { enrich } from './enrich.ts';
import { type RedactAction, type RedactOptions, redact } from './redact.ts';
import { resilient } from './resilient.ts';
import { timed } from './timed.ts';

const GONE = '***REDACTED***';
const SECRET = 'hunter2';
const OUT = '[REDACTION-TIMEOUT]';

function redacted(
  record: Parameters<Emit>[0],
  options?: Parameters<typeof redact>[0],
  emitTo?: Parameters<typeof through>[1],
) {
  const { end, emit, account } = through(redact(options), emitTo);
  emit(record);
  return { ...end.records[0], attributes: end.attributes[0], body: end.records[0]?.body, count: account().redacted };
}

describe.each(providers)('a record of %s', (_, emitTo) => {
  test.each([
    'password',
    'PASSWORD',
    'pass_word',
    'Pass-Word',
    'api_key',
    'apiKey',
    'X-Api-Key',
    'API KEY',
    'db_password',
    'stripeApiKey',
    'oauth_client_secret',
    'http.request.header.authorization',
    'user.password',
    'Set-Cookie',
  ])('loses what stands under %s', (key) => {
    const { attributes, count } = redacted({ attributes: { [key]: SECRET, kept: 1 } }, {}, emitTo);
    expect(attributes).toEqual({ [key]: GONE, kept: 1 });
    expect(count).toBe(1);
  });

  test.each(['author', 'tokens', 'sessions', 'passwords_changed', 'authorized', 'secretary', 'keyboard', 'monkey'])(
    'keeps what stands under %s',
    (key) => {
      expect(redacted({ attributes: { [key]: 'x' } }, {}, emitTo).attributes).toEqual({ [key]: 'x' });
    },
  );

  test('loses it at any depth, in arrays too, and in the body', () => {
    const nested = () => ({
      user: { name: 'ann', login: { password: SECRET } },
      list: [1, 'two', { token: SECRET, n: 3 }, [{ deeper: [{ cookie: SECRET }] }]],
    });
    const expected = {
      user: { name: 'ann', login: { password: GONE } },
      list: [1, 'two', { token: GONE, n: 3 }, [{ deeper: [{ cookie: GONE }] }]],
    };
    const { attributes, body, count } = redacted({ attributes: nested(), body: nested() }, {}, emitTo);
    expect(attributes).toEqual(expected);
    expect(body).toEqual(expected);
    expect(count).toBe(6);
  });

  test('loses the whole value, whatever it is, but not nothing', () => {
    const attributes = { token: { a: SECRET }, secret: [SECRET], pwd: 42, otp: false, ssn: null };
    expect(redacted({ attributes }, {}, emitTo).attributes).toMatchObject({
      token: GONE,
      secret: GONE,
      pwd: GONE,
      otp: GONE,
    });
    expect(redacted({ attributes: { a: { password: null } } }, {}, emitTo).count).toBe(0);
  });

  test('the caller’s objects stay as they are', () => {
    const freeze = <T extends object>(value: T): T => {
      for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freeze(inner);
      return Object.freeze(value);
    };
    const given = () => ({ password: SECRET, user: { token: SECRET, list: [{ secret: SECRET }] }, plain: { n: 1 } });
    const attributes = freeze(given());
    const body = freeze(given());
    const out = redacted({ attributes, body }, {}, emitTo);
    expect([attributes, body]).toEqual([given(), given()]);
    expect(JSON.stringify([out.attributes, out.body])).not.toContain(SECRET);
  });

  test('options: further keys, only those, another replacement', () => {
    const record = { attributes: { Loyalty_Card: SECRET, password: SECRET } };
    expect(redacted(record, { keys: ['loyaltyCard'] }, emitTo).attributes).toEqual({
      Loyalty_Card: GONE,
      password: GONE,
    });
    expect(redacted(record, { keys: ['loyaltyCard'], wellKnown: false }, emitTo).attributes).toEqual({
      Loyalty_Card: GONE,
      password: SECRET,
    });
    expect(redacted(record, { replacement: '' }, emitTo).attributes).toEqual({ Loyalty_Card: SECRET, password: '' });
  });

  test('a key of yours counts by its last part, too', () => {
    for (const key of ['user.pin', 'user[PIN]', 'x:p_in', 'a/pin', '%70in']) {
      expect(redacted({ attributes: { [key]: SECRET } }, { keys: ['pin'] }, emitTo).attributes).toEqual({
        [key]: GONE,
      });
    }
    expect(redacted({ attributes: { spin: 1 } }, { keys: ['pin'] }, emitTo).attributes).toEqual({ spin: 1 });
  });

  test('a key of yours with dots is an attribute, and the same in objects', () => {
    const given = () => ({ 'user.pin': 1, user: { PIN: 2, n: 3 }, a: { user: { pin: { b: 4 } } }, pin: 5, 'a.b': 6 });
    const expected = { 'user.pin': GONE, user: { PIN: GONE, n: 3 }, a: { user: { pin: GONE } }, pin: 5, 'a.b': 6 };
    const own = [{ keys: ['user.pin'] }, { rules: [{ keys: ['user.pin'] }] }];
    for (const options of own) {
      expect(redacted({ attributes: given() }, options, emitTo).attributes).toEqual(expected);
    }
    expect(redacted({ attributes: { 'x.': 1, x: 2 } }, { keys: ['x.'] }, emitTo).attributes).toEqual({
      'x.': GONE,
      x: GONE,
    });
    expect(redacted({ body: 'user.pin=1' }, { keys: ['user.pin'] }, emitTo).body).toBe(`user.pin=${GONE}`);
  });

  test('a long text may have been cut in the middle of a secret', () => {
    const body = `${'word '.repeat(300)}card 4111 1111 11`;
    expect(redacted({ body }, {}, emitTo).body).toBe(body.replace('4111 1111 11', GONE));
    expect(redacted({ body: 'card 4111 1111 11' }, {}, emitTo).body).toBe('card 4111 1111 11');
  });

  test('fails closed: what cannot be walked to its end is withheld whole', () => {
    const deep: Record<string, unknown> = {};
    let inner = deep;
    for (let i = 0; i < 100; i++) {
      inner.next = {};
      inner = inner.next as Record<string, unknown>;
    }
    inner.password = SECRET;
    const wide = { list: Array.from({ length: 30_000 }, () => ({ password: SECRET })) };
    for (const hostile of [deep, wide]) {
      const { end, emit } = through(redact(), emitTo);
      emit({ eventName: 'e', attributes: { n: 1, hostile }, body: hostile });
      // The limits of logspan's own records have cut it before; a stock record has none.
      expect(JSON.stringify([end.attributes[0], end.records[0]?.body])).not.toContain(SECRET);
      expect(end.events).toEqual(['e']);
    }
  });
});

test('of a chain of errors each message that was cut may end in the middle of a secret', () => {
  const chain = (message: string) => {
    const bare = (text: string, cause?: Error) => Object.assign(new Error(text, { cause }), { stack: undefined });
    return { attributes: { error: bare('a', bare(message, bare('c'))) } };
  };
  const pre = 'word '.repeat(2_000);
  for (const secret of [`postgres://ann:${SECRET}-Sesame@db`, '4111 1111 1111 1111', `password="${SECRET} Sesame"`]) {
    for (let kept = 16; kept < secret.length; kept++) {
      const message = `${pre.slice(-(8_192 - kept))}${secret}`;
      const stack = redacted(chain(message)).attributes?.['exception.stacktrace'];
      expect(stack).toMatch(/…\nCaused by: Error: c$/);
      expect(stack).not.toMatch(/hunt|4111 1111/);
    }
  }
  // What is whole stays whole.
  const whole = chain('4111 1111 1111 …');
  expect(redacted(whole).attributes?.['exception.stacktrace']).toMatch(/4111 1111 1111 …\nCaused by: Error: c$/);
});

describe('a value that a limit cut may end in the middle of a secret', () => {
  const value = `order of ann, by card 4111 1111 1111 1111`;
  const cut = (limit: number) => value.slice(0, limit).replace(/4111[ 1]+$/, GONE);
  const limited = (end: LogRecordProcessor, limit: number, stock: boolean) => {
    if (!stock) {
      const limits = { ...DEFAULT_ATTRIBUTE_LIMITS, stringLength: limit };
      return new LoggerProvider(end, { attributes: {} }, limits, new Clock()).getLogger('test');
    }
    const logRecordLimits = { attributeValueLengthLimit: limit };
    return new StockProvider({ processors: [end as never], logRecordLimits }).getLogger('test');
  };

  test.each([
    ['logspan', false],
    ['the stock SDK', true],
  ])('%s', (_, stock) => {
    for (const limit of [35, 36, 37]) {
      for (const copied of [false, true]) {
        const end = new Recorder();
        const next = redact()(end);
        const processor: LogRecordProcessor = {
          ...next,
          onEmit(record) {
            record.setAttribute('late', value);
            record.setAttribute('deep', [value]);
            next.onEmit(copied ? copyRecord(record) : record);
          },
        };
        limited(processor, limit, stock).emit({ attributes: { early: value } } as never);
        expect(end.attributes[0]).toEqual({ early: cut(limit), late: cut(limit), deep: [cut(limit)] });
      }
    }
  });

  test('a shorter one is whole', () => {
    const attributes = { text: 'paid for the order number 12345678' };
    const end = new Recorder();
    limited(redact()(end), 40, false).emit({ attributes } as never);
    limited(redact()(end), 40, true).emit({ attributes } as never);
    expect(end.attributes).toEqual([attributes, attributes]);
  });
});

test('what a stock record copied with a prototype of its own is made plain, and redacted', () => {
  const attributes = { request: { password: SECRET, list: [JSON.parse('{"__proto__":[]}')] }, n: 1 };
  expect(redacted({ attributes }, {}, emitFromStockTo).attributes).toEqual({
    n: 1,
    request: { password: '***REDACTED***', list: [{}] },
  });
});

test('pairs, and what a processor put into the attributes past setAttribute', () => {
  const { attributes } = redacted({
    attributes: {
      headers: [
        ['authorization', SECRET],
        ['accept', 'text/html'],
      ],
      mixed: new Map<unknown, unknown>([
        ['password', SECRET],
        [{}, 1],
      ]),
    },
  });
  expect(attributes?.headers).toEqual([
    ['authorization', '***REDACTED***'],
    ['accept', 'text/html'],
  ]);
  expect(JSON.stringify(attributes)).not.toContain(SECRET);
  const secrets = [
    'AWS_SECRET_ACCESS_KEY',
    'password_confirmation',
    'passwords',
    'user[password]',
    'AWS_SESSION_TOKEN',
  ];
  for (const key of secrets)
    expect(redacted({ attributes: { [key]: SECRET } }).attributes?.[key]).toBe('***REDACTED***');
});

test.each([
  [{ name: 'password', value: SECRET }],
  [{ value: SECRET, key: 'password' }],
  [{ Name: 'DB_PASSWORD', Value: SECRET }],
  [{ ParameterKey: 'DbPassword', ParameterValue: SECRET }],
  [{ header: 'authorization', value: SECRET }],
  [{ field: 'password', oldValue: SECRET, new_value: [SECRET] }],
  // Errors of validators.
  [{ type: 'field', value: SECRET, msg: 'x', path: 'password', location: 'body' }],
  [{ param: 'password', value: SECRET }],
  [{ attribute: 'password', given: SECRET }],
  [{ label: 'Password', actual: SECRET }],
  [{ path: ['user', 'password'], received: SECRET, input: SECRET, got: SECRET }],
  [{ instancePath: '/user/password', data: SECRET }],
  [{ key: 'password', val: SECRET }],
  [{ k: 'password', v: SECRET }],
  [{ id: 'password', value: SECRET }],
  [{ name: 'prod', key: 'DB_PASSWORD', value: SECRET }],
  [{ key: 'DB_PASSWORD', name: 'prod', values: [SECRET] }],
  [{ headerName: 'X-Api-Key', headerValue: { raw: SECRET } }],
])('a value is secret by the name beside it: %j', (pair) => {
  const text = (value: unknown) => JSON.stringify(value);
  expect(text(redacted({ attributes: { list: [pair] } }).attributes)).not.toContain(SECRET);
  expect(text(redacted({ attributes: pair }).attributes)).not.toContain(SECRET);
  expect(text(redacted({ body: pair as never }).body)).toContain(GONE);
  // Names that are secret themselves are read before they are replaced.
  const keys = Object.keys(pair);
  const names = keys.filter((key) => /name|key$|field|header$/i.test(key));
  expect(text(redacted({ attributes: pair }, { keys: names }))).not.toContain(SECRET);
  const paths = keys.map((key) => `pair.${key}`).filter((path) => !/value/i.test(path));
  expect(text(redacted({ attributes: { pair } }, { rules: [{ paths, action: 'remove' }] }))).not.toContain(SECRET);
});

test.each([1_023, 1_024])('a key of %d characters may have been cut in a secret', (length) => {
  for (const end of ['card 4111 1111 1111 11', 'at https://ann:hunter2', 'DE89 3704 0044 0532']) {
    const key = `${'word '.repeat(300)}${end}`.slice(-length);
    const { attributes } = redacted({ attributes: { map: { [key]: 1 } } });
    expect(JSON.stringify(attributes)).toContain(GONE);
    expect(JSON.stringify(attributes)).not.toContain(end.slice(-5));
  }
});

test('a value beside another name stays', () => {
  const attributes = {
    a: { name: 'colour', value: 'red' },
    b: { password: 1, key: 'x', value: 2 },
    value: 'v',
    name: 'n',
  };
  const long = { name: `${'x '.repeat(65)}password`, value: 'a whole text' };
  expect(redacted({ attributes: { ...attributes, long } }).attributes).toEqual({
    ...attributes,
    b: { password: GONE, key: 'x', value: 2 },
    long,
  });
});

test('a record whose attributes cannot even be read is withheld, not lost', () => {
  const { end, emit } = through(redact(), (head) => {
    return (input) => {
      const { record, attributes } = hostileRecord(input.eventName ?? '');
      head.onEmit(record);
      expect(attributes).toEqual({ 'logspan.redact.failed': true });
    };
  });
  emit({ eventName: 'e' });
  expect(end.events).toEqual(['e']);
  expect(end.records[0]?.body).toBe('e');
});

/** As a processor might leave it behind. */
function hostileRecord(eventName: string) {
  const attributes: Record<string, unknown> = {
    list: new Proxy([], {
      get() {
        throw new Error(SECRET);
      },
    }),
  };
  const record = {
    eventName,
    body: SECRET,
    attributes,
    setAttribute: (key: string, value: unknown) => Object.assign(attributes, { [key]: value }),
  };
  return { record: record as never, attributes };
}

describe('no secret leaves', () => {
  const keys = ['password', 'api_key', 'Authorization', 'client-secret', 'Set-Cookie', 'user.token'];
  const { tree } = fc.letrec<{ tree: unknown; leaf: unknown; list: unknown; object: unknown }>((tie) => ({
    leaf: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant(SECRET.length)),
    list: fc.array(tie('tree'), { maxLength: 4 }),
    object: fc.dictionary(
      fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.constantFrom(...keys, '__proto__', 'constructor')),
      tie('tree'),
      { maxKeys: 5 },
    ),
    tree: fc.oneof({ maxDepth: 6 }, tie('leaf'), tie('list'), tie('object')),
  }));

  /** Puts a secret under every secret key. */
  const withSecrets = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(withSecrets);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        keys.includes(key) ? [SECRET, { deep: SECRET, inner: withSecrets(inner) }] : withSecrets(inner),
      ]),
    );
  };

  test.each(providers)('from nested data of any shape (%s)', (_, emitTo) => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), tree, { maxKeys: 5 }), tree, (attributes, body) => {
        const given = withSecrets(attributes) as Record<string, unknown>;
        const before = JSON.stringify(given);
        const out = redacted({ attributes: given, body: withSecrets(body) as never }, {}, emitTo);
        expect(JSON.stringify([out.attributes, out.body])).not.toContain(SECRET);
        expect(JSON.stringify(given)).toBe(before);
      }),
      { numRuns: 200 },
    );
  });

  test('from what is no plain data, inside a stock SDK', () => {
    const end = new Recorder();
    const handler = { name: 'end', start: () => Object.assign(end, { deliveryAccount: () => ({}) as never }) };
    const emit = emitFromStockTo(logspanProcessor({ handlers: [handler] }) as never);
    class User {
      name = 'ann';
      password = SECRET;
    }
    for (const body of [
      new Map([['password', SECRET]]),
      new User(),
      [new Map([['a', new User()]])],
      { u: new User() },
    ]) {
      emit({ body });
    }
    const shown = end.records.map(({ body }) => JSON.stringify(body));
    expect(shown.join()).not.toContain(SECRET);
    expect(shown).toEqual([
      '{"password":"***REDACTED***"}',
      '{"name":"ann","password":"***REDACTED***"}',
      '[{"a":{"name":"ann","password":"***REDACTED***"}}]',
      '{"u":{"name":"ann","password":"***REDACTED***"}}',
    ]);
  });
});

test.each<[RegExp, string]>([
  [/a+/, 'redact.rules[0].name'],
  [/(a+)+b/, 'redact.rules[0].pattern'],
  [/((?:a|b{2,})c){3,}/, 'redact.rules[0].pattern'],
  [/a*/, 'redact.rules[0].pattern'],
  [/(?:\w{1,3}-?)+!/, 'redact.rules[0].pattern'],
  [/(?:\w\w?)+!/, 'redact.rules[0].pattern'],
  [/(a|aa)*c/, 'redact.rules[0].pattern'],
  [/(?:[a-z]|[a-z0-9])+!/, 'redact.rules[0].pattern'],
  [/(?:\w{1,3}){2,}!/, 'redact.rules[0].pattern'],
  [/(?:\w{1,3}){30}!/, 'redact.rules[0].pattern'],
  [/(?:(?:a|aa){1,4}){1,4}c/, 'redact.rules[0].pattern'],
  [/(?:x(?:a|aa)y)+?c/, 'redact.rules[0].pattern'],
  [/(?<name>a??)*c/, 'redact.rules[0].pattern'],
  [/\w*\w*\w*x!/, 'redact.rules[0].pattern'],
  [/.*.*.*=/, 'redact.rules[0].pattern'],
  [/a*a*a*b/, 'redact.rules[0].pattern'],
  [/x\s*(\w+)[a-z]+?(?:\d{2,})?\D{1,}!/, 'redact.rules[0].pattern'],
  [/^(?<a>\w*)-?(?:[^ ]*)x?(.*)b/s, 'redact.rules[0].pattern'],
  [/.*=.*=.*=/, 'redact.rules[0].pattern'],
  [/(?:ab)*(?:ab)*(?:ab)*c/, 'redact.rules[0].pattern'],
  [/a{0,999}A{0,999}a{0,999}b/i, 'redact.rules[0].pattern'],
  [/[ab]*[bc]*[cd]*[cd]*e/, 'redact.rules[0].pattern'],
  [/c(?:a|\p{L}*\p{L}*\p{Lu}*)b/u, 'redact.rules[0].pattern'],
])('the pattern %s without a name is a ConfigError that names %s', (pattern, option) => {
  expect(() => redact({ rules: [{ pattern }] })).toThrow(expect.objectContaining({ name: 'ConfigError', option }));
});

test.each([
  [/(?:\d{1,3}\.){3}\d+/],
  [/[(a+)+]x/],
  [/\(a+\)+/],
  [/(?:a+b){2}/],
  [/EMP-\d{4,8}/],
  [/(?:EMP|CON)-\d+?/],
  [/(?:ab(?:cd){20}){20}x{1,3}/],
  [/(?:a|b){4}c/],
  [/(?<=x)(?:yz)+/],
  [/[|?]{20}(?:a\|b\?)+/],
  [/\w+\s*\w+/],
  [/\d+\.\d+\.\d+\.\d+/],
  [/\s*key\s*=\s*\w+/],
  [/a+|a+|a+|(?:a+|a+|a+)/],
  [/[a-z]+[A-Z]+\d+[a-z]+/],
  [/\w{1,9}\w{1,9}\w{1,9}/],
  [/"[^"]*","[^"]*","[^"]*"/],
  [/user=.*pass=.*token=.*/],
  [/a+[.]+a+\*+a+\x2e+/],
])('the pattern %s is one', (pattern) => {
  expect(() => redact({ rules: [{ pattern, name: 'x' }] })).not.toThrow();
});

describe('what becomes of a secret', () => {
  const key = 'k'.repeat(32);
  const hmac = (value: string) => `pseudonym:${createHmac('sha256', key).update(value).digest('hex').slice(0, 24)}`;
  const withAction = (action: RedactAction) => ({ rules: [{ keys: ['card', 'user_id'], action }] });
  const attributes = () => ({
    card: '4111111111111111',
    deep: { UserId: 7 },
    list: ['card', 'x'],
    text: 'card=abc, n=1',
  });

  test.each<[RedactAction, object]>([
    ['replace', { card: GONE, deep: { UserId: GONE }, list: ['card', GONE], text: `card=${GONE}, n=1` }],
    ['remove', { deep: {}, list: ['card', ''], text: 'card=, n=1' }],
    [
      { mask: { keepLast: 4 } },
      { card: '***1111', deep: { UserId: GONE }, list: ['card', GONE], text: `card=${GONE}, n=1` },
    ],
    [
      { pseudonym: { key } },
      {
        card: hmac('4111111111111111'),
        deep: { UserId: hmac('7') },
        list: ['card', hmac('x')],
        text: `card=${hmac('abc')}, n=1`,
      },
    ],
  ])('%j', (action, expected) => {
    expect(redacted({ attributes: attributes() }, withAction(action)).attributes).toEqual(expected);
    expect(redacted({ attributes: attributes() }, withAction(action), emitFromStockTo).attributes).toEqual(expected);
  });

  test('a mask shows no more than a third, no half characters, and nothing of an object', () => {
    const masked = (value: unknown) =>
      redacted({ attributes: { card: value } }, withAction({ mask: { keepLast: 2 } })).attributes?.card;
    expect([masked('12345'), masked('123456'), masked('12345😀'), masked({ a: '123456' })]).toEqual([
      GONE,
      '***56',
      '***😀',
      GONE,
    ]);
    expect(masked('1234567😀x')).toBe('***x');
  });

  test('of secrets that overlap none is masked by the rule of another', () => {
    const mask: RedactAction = { mask: { keepLast: 4 } };
    const rules = [{ name: 'mine', detect: ['card'] as const, action: mask }];
    const stage = redact({ rules });
    for (const [note, expected, action] of [
      ['password="4111111111111111 my hunter2"', `password="${GONE}"`, 'replace'],
      ['password="my hunter2 4111111111111111"', `password="${GONE}"`, 'replace'],
      ['card 4111111111111111', 'card ***1111', 'mask'],
      ['token=4111111111111111', 'token=***1111', 'mask'],
    ] as const) {
      expect(redacted({ attributes: { note } }, { rules }).attributes).toEqual({ note: expected });
      expect(stage.explain({ attributes: { note } })).toEqual([{ path: 'attributes.note', rule: 'mine', action }]);
    }
    const twice = [{ name: 'mine', detect: ['card', 'pairs'] as const, keys: ['card'], action: mask }];
    const note = 'card: "no 4111111111111111"';
    expect(redacted({ attributes: { note } }, { rules: twice }).attributes).toEqual({ note: 'card: "***1111"' });
    const removed = [{ name: 'mine', detect: ['card'] as const, action: 'remove' as const }];
    expect(redacted({ attributes: { note: 'pwd="a 4111111111111111 b"' } }, { rules: removed }).attributes).toEqual({
      note: 'pwd=""',
    });
  });

  test('a key of bytes is the same as its text', () => {
    const bytes = new TextEncoder().encode(key);
    const { attributes: out } = redacted({ attributes: { card: 'a' } }, withAction({ pseudonym: { key: bytes } }));
    expect(out).toEqual({ card: hmac('a') });
  });

  test('the first rule decides, then keys, then what is known, then what is found', () => {
    const options: RedactOptions = {
      replacement: 'R',
      keys: ['card'],
      rules: [
        { detect: ['card'], action: { mask: { keepLast: 4 } } },
        { paths: ['a.card'], action: 'remove' },
        { keys: ['card', 'password'], action: { mask: { keepLast: 2 } } },
      ],
    };
    expect(
      redacted(
        { attributes: { n: '4111111111111111', 'a.card': 'x'.repeat(9), card: '123456', password: '123456' } },
        options,
      ).attributes,
    ).toEqual({ n: '***1111', card: '***56', password: '***56' });
  });
});

describe('paths', () => {
  const at = (paths: string[], attributes: Record<string, unknown>, body?: unknown) =>
    redacted({ attributes, body: body as never }, { wellKnown: false, replacement: '#', rules: [{ paths }] });

  test.each<[string, object, object]>([
    ['user.*.ssn', { user: { a: { ssn: 1 }, ssn: 2 } }, { user: { a: { ssn: '#' }, ssn: 2 } }],
    ['user.*.ssn', { 'user.a.ssn': 1, 'user.ssn': 2 }, { 'user.a.ssn': '#', 'user.ssn': 2 }],
    ['users.*.ssn', { users: [{ ssn: 1 }, { SSN: 2 }] }, { users: [{ ssn: '#' }, { SSN: '#' }] }],
    ['**.card', { card: 1, a: { b: [{ card: 2 }] } }, { card: '#', a: { b: [{ card: '#' }] } }],
    ['payment.card*', { payment: { cardNumber: 1, card: 2, n: 3 } }, { payment: { cardNumber: '#', card: '#', n: 3 } }],
    ['payment.*', { payment: { a: 1, b: { c: 2 } } }, { payment: { a: '#', b: '#' } }],
    ['a.**', { a: { b: { c: 1 } }, d: 1 }, { a: '#', d: 1 }],
    ['a.**.d', { a: { d: 1, b: { c: { d: 2 } } }, d: 3 }, { a: { d: '#', b: { c: { d: '#' } } }, d: 3 }],
    ['*_id', { User_Id: 1, id: 2, userid: 3 }, { User_Id: '#', id: '#', userid: '#' }],
    ['list.1', { list: ['a', 'b', 'c'] }, { list: ['a', '#', 'c'] }],
    ['a*b*c', { axbxc: 1, abc: 2, ac: 3, abcd: 4 }, { axbxc: '#', abc: '#', ac: 3, abcd: 4 }],
  ])('%s', (path, given, expected) => {
    expect(at([path], given as never).attributes).toEqual(expected);
    expect(at([path], { n: 1 }, given).body).toEqual(expected);
  });

  test('as a slow reference follows them', () => {
    const name = fc.constantFrom('a', 'b', 'ab', 'ba');
    const glob = fc.array(fc.constantFrom('a', 'b', '*', '**', 'a*', '*b', 'a*b'), { minLength: 1, maxLength: 5 });
    const matches = (pattern: readonly string[], path: readonly string[]): boolean => {
      const [first, ...rest] = pattern;
      if (first === undefined) return path.length === 0;
      if (first === '**') return matches(rest, path) || (path.length > 0 && matches(pattern, path.slice(1)));
      const segment = new RegExp(`^${first.replaceAll('*', '.*')}$`);
      return path[0] !== undefined && segment.test(path[0]) && matches(rest, path.slice(1));
    };
    fc.assert(
      fc.property(glob, fc.array(name, { minLength: 1, maxLength: 5 }), (pattern, path) => {
        const given = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), 'x') as Record<string, unknown>;
        const isSecret = path.some((_, i) => matches(pattern, path.slice(0, i + 1)));
        expect(JSON.stringify(at([pattern.join('.')], given).attributes).includes('#')).toBe(isSecret);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a pattern of your own', () => {
  const rule = (pattern: RegExp): RedactOptions => ({ rules: [{ pattern, name: 'staff' }], replacement: '#' });

  test('is looked for in every text, whatever its flags', () => {
    for (const pattern of [/EMP-\d{4}/, /emp-\d{4}/giy]) {
      const { attributes, body } = redacted(
        { attributes: { a: 'EMP-1234 and EMP-5678', b: [{ c: 'EMP-1234' }], d: 'x' }, body: 'by EMP-1234' },
        rule(pattern),
      );
      expect([attributes, body]).toEqual([{ a: '# and #', b: [{ c: '#' }], d: 'x' }, 'by #']);
    }
  });

  test('is found wherever it stands in a long text', () => {
    for (let at = 8_170; at < 8_210; at++) {
      const text = `${'x '.repeat(at).slice(-at)}EMP-1234 ${'x '.repeat(5_000)}`;
      expect(redacted({ attributes: { text } }, rule(/EMP-\d{4}/)).attributes?.text).toBe(
        text.replace('EMP-1234', '#'),
      );
    }
  });

  /** A clock whose readings are given. */
  const slow = (millis: number[]) => {
    let now = 0;
    let readings = 0;
    return () => {
      if (readings++ % 2 === 1) now += millis.shift() ?? 0;
      return now;
    };
  };

  test('that was slow once is tried again, and goes on', async () => {
    const { end, emit } = through(redact(rule(/EMP-\d{4}/), slow([6, 1, 1, 1])));
    emit({ attributes: { a: 'EMP-1234' }, body: 1 });
    emit({ attributes: { a: 'EMP-5678' }, body: 1 });
    expect(end.attributes).toEqual([{ a: '#' }, { a: '#' }]);
  });

  test('that was slow twice withholds that text, and no other', async () => {
    // The scope, the event name, then the body, twice.
    const { end, emit, account } = through(redact(rule(/EMP-\d{4}/), slow([1, 1, 6, 6])));
    const told = await toldDuring(() => {
      emit({ attributes: { a: `EMP-1234 ${SECRET}`, n: 1, deep: ['EMP-1234'] }, body: 'y', eventName: 'e' });
      for (let i = 0; i < 10; i++) emit({ attributes: { a: 'EMP-5678 z' }, body: 'y' });
    });
    expect(end.records[0]).toMatchObject({ eventName: 'e', body: OUT, attributes: { a: `# ${SECRET}`, deep: ['#'] } });
    expect(end.attributes.slice(1)).toEqual(Array(10).fill({ a: '# z' }));
    expect(account()).toEqual({ redacted: 13, redactedBy: { staff: 13 } });
    const reports = told.filter((words) => words.startsWith('logspan: redact'));
    expect(reports).toEqual(['logspan: redact: pattern staff took more than 5 ms twice for a text: it is withheld']);
  });

  test('after four slow texts withholds longer ones without a search, until a thousand were quick', async () => {
    let searches = 0;
    let isSlow = true;
    const readings = { now: 0, odd: false };
    const clock = () => {
      readings.odd = !readings.odd;
      if (readings.odd) searches++;
      else if (isSlow) readings.now += 6;
      return readings.now;
    };
    const { end, emit } = through(redact({ ...rule(/EMP-\d{4}/), wellKnown: false, detect: false }, clock));
    const body = (text: string) => {
      searches = 0;
      emit({ body: text });
      return end.records.at(-1)?.body;
    };
    const told = await toldDuring(() => {
      // Not the name of the scope.
      isSlow = false;
      body('quick');
      isSlow = true;
      for (let i = 0; i < 4; i++) expect(body('x'.repeat(5_000))).toBe(OUT);
      expect(searches).toBe(2);
      expect(body('x'.repeat(4_097))).toBe(OUT);
      expect(searches).toBe(0);
      isSlow = false;
      expect(body('x'.repeat(4_096))).toBe('x'.repeat(4_096));
      for (let i = 0; i < 998; i++) body('quick');
      expect(body('x'.repeat(5_000))).toBe(OUT);
      body('quick');
      expect(body('x'.repeat(5_000))).toBe('x'.repeat(5_000));
      // However often: never shorter than 64.
      isSlow = true;
      for (let i = 0; i < 100; i++) body('x'.repeat(64));
      isSlow = false;
      expect([body('x'.repeat(65)), body('EMP-1234')]).toEqual([OUT, '#']);
      for (let i = 0; i < 10_000; i++) body('quick');
      expect(body('x'.repeat(100_000))).toBe('x'.repeat(100_000));
    });
    const reports = told.filter((words) => words.startsWith('logspan: redact'));
    expect(reports.map((words) => /more than (\d+) characters/.exec(words)?.[1])).toEqual([
      undefined,
      '4096',
      '2048',
      '1024',
      '512',
      '256',
      '128',
      '64',
    ]);
  });

  test('explain shares nothing with the stage, and tells what is withheld', async () => {
    const stage = redact(rule(/EMP-\d{4}/), slow(Array(20).fill(6)));
    await toldDuring(() => {
      for (let i = 0; i < 8; i++) {
        expect(stage.explain({ body: 'x' })).toEqual([{ path: 'body', rule: 'staff', action: 'replace' }]);
      }
    });
    const { end, emit } = through(stage);
    await toldDuring(() => emit({ body: 'xyz '.repeat(100) }));
    expect(end.records[0]?.body).toBe(OUT);
    emit({ body: 'xyz '.repeat(100) });
    expect(end.records[1]?.body).toBe('xyz '.repeat(100));
  });
});

describe('explain', () => {
  test('tells where, why and what, but not the secret', () => {
    const stage = redact({
      keys: ['pin'],
      rules: [
        { name: 'people', keys: ['email'], action: 'remove' },
        { paths: ['a.*'], action: { mask: { keepLast: 1 } } },
      ],
    });
    const explained = stage.explain({
      eventName: `login Bearer ${SECRET}`,
      body: `password=${SECRET}`,
      attributes: {
        email: SECRET,
        a: { b: SECRET },
        list: [{ PIN: SECRET }, new Map([['token', SECRET]])],
        [`Bearer ${SECRET}`]: 1,
        n: 1,
      },
      instrumentationScope: { name: 'x', attributes: { secret: SECRET } },
    });
    expect(explained).toEqual([
      { path: 'eventName', rule: 'bearer', action: 'replace' },
      { path: 'body', rule: 'well-known keys', action: 'replace' },
      { path: 'attributes.email', rule: 'people', action: 'remove' },
      { path: 'attributes.a.b', rule: 'rules[1]', action: 'mask' },
      { path: 'attributes.list.0.PIN', rule: 'keys', action: 'replace' },
      { path: 'attributes.list.1.token', rule: 'well-known keys', action: 'replace' },
      { path: 'attributes', rule: 'bearer', action: 'replace' },
      { path: 'instrumentationScope.attributes.secret', rule: 'well-known keys', action: 'replace' },
    ]);
    expect(JSON.stringify(explained)).not.toContain(SECRET);
  });

  test('does not throw where the stage withholds', () => {
    const hostile = {
      get body(): string {
        throw new Error(SECRET);
      },
    };
    const withheld = [
      { path: 'attributes', rule: 'logspan.redact.failed', action: 'remove' },
      { path: 'body', rule: 'logspan.redact.failed', action: 'replace' },
    ];
    for (const record of [{ body: 'x'.repeat(5_000_000) }, hostile]) {
      expect(redact().explain(record as never)).toEqual(withheld);
    }
  });

  test('counts nothing; what was redacted is counted by rule', () => {
    const stage = redact();
    const { emit, account } = through(stage);
    stage.explain({ attributes: { password: 1 } });
    emit({ attributes: { password: 1, a: { token: 2 }, text: 'Bearer abc' } });
    expect(account()).toEqual({ redacted: 3, redactedBy: { 'well-known keys': 2, bearer: 1 } });
  });
});

test('what was replaced is no secret any more, and counts once', () => {
  const { end, emit, account } = through(pipe(redact(), redact()));
  emit({ attributes: { password: SECRET, text: `pwd=${SECRET} of https://u:${SECRET}@h` }, body: `Bearer ${SECRET}` });
  expect(end.attributes[0]).toEqual({ password: GONE, text: `pwd=${GONE} of https://${GONE}@h` });
  expect(account().redacted).toBe(4);
  expect(redacted({ body: `pwd=${GONE}${SECRET}` }).body).toBe(`pwd=${GONE}`);
});

describe('what is judged is what leaves', () => {
  test('numbers stay as they are, except under a secret key', () => {
    const attributes = { card: 4111111111111111, n: Number.NaN, z: -0, cvv: 123 };
    const out = redacted({ attributes, body: Number.NaN as never }, {});
    expect(out.attributes).toEqual({ ...attributes, cvv: GONE });
    expect(out.body).toBeNaN();
    expect(redacted({ attributes: { n: Number.NaN } }, {}, emitFromStockTo).attributes).toEqual({ n: Number.NaN });
  });

  test('the record does not change with the object that was logged', () => {
    const attributes = { list: ['a'], deep: { b: 'c' }, bytes: new Uint8Array([1, 2]) };
    const { end, emit } = through(redact());
    emit({ attributes, body: attributes as never });
    attributes.list[0] = SECRET;
    attributes.deep.b = SECRET;
    attributes.bytes[0] = 9;
    expect(JSON.stringify([end.attributes, end.records.map(({ body }) => body)])).not.toMatch(/hunter2|9/);
  });

  test('keys that are replaced alike do not hide each other', () => {
    const attributes = { 'Bearer abc1': 1, 'Bearer abc2': 2, 'Bearer ***REDACTED***': 3 };
    expect(redacted({ attributes }).attributes).toEqual({
      'Bearer ***REDACTED***': 1,
      'Bearer ***REDACTED***#2': 2,
      'Bearer ***REDACTED***#3': 3,
    });
  });

  test('names of prototypes are names like others', () => {
    const evil = () =>
      JSON.parse(`{"__proto__":{"password":"${SECRET}"},"constructor":{"prototype":{"token":"${SECRET}"}}}`);
    const { attributes } = redacted({ attributes: { deep: evil(), list: [evil()], ...evil() } });
    expect(JSON.stringify(attributes)).not.toContain(SECRET);
    expect(Object.keys((attributes as { deep: object }).deep)).toEqual(['__proto__', 'constructor']);
    expect(({} as { password?: unknown }).password).toBeUndefined();
  });

  test('what is on Object.prototype is no detector', () => {
    const prototype = Object.prototype as unknown as Record<string, unknown>;
    const value = { name: 'x', order: -1, action: { name: 'replace', text: () => 'theirs' } };
    Object.defineProperty(prototype, 'email', { value, configurable: true });
    try {
      expect(redacted({ body: 'mail ann@example.com' }).body).toBe('mail ann@example.com');
    } finally {
      delete prototype.email;
    }
  });

  test('what is on Object.prototype is no attribute', () => {
    const prototype = Object.prototype as unknown as Record<string, unknown>;
    Object.defineProperty(prototype, 'token', { value: SECRET, enumerable: true, configurable: true });
    try {
      expect(Object.keys(redacted({ attributes: { n: 1, deep: {} } }).attributes ?? {})).toEqual(['n', 'deep']);
    } finally {
      delete prototype.token;
    }
  });

  test('a record of any make: one that cannot be edited is lost rather than shown', () => {
    const end = new Recorder();
    const processor = redact()(end);
    const record = (fields: object) => ({
      attributes: {},
      droppedAttributesCount: 0,
      setAttribute: () => undefined,
      ...fields,
    });
    const frozen = Object.freeze({ token: SECRET });
    expect(() => processor.onEmit(record({ attributes: frozen }) as never)).toThrow();
    const changing = Object.defineProperty(record({}), 'attributes', { get: () => ({ token: SECRET }) });
    expect(() => processor.onEmit(changing as never)).toThrow();
    expect(() => processor.onEmit(Object.freeze(record({ body: `token=${SECRET}` })) as never)).toThrow();
    const deaf = Object.defineProperty(record({}), 'body', { get: () => `token=${SECRET}`, set: () => undefined });
    expect(() => processor.onEmit(deaf as never)).toThrow();
    expect(end.records).toEqual([]);
    expect(processor.account?.()).toMatchObject({ redacted: 4 });
  });

  test('more text than anybody writes counts as hostile', () => {
    const large = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, 'x'.repeat(32_000)]));
    const { attributes, body } = redacted({
      body: { a: large, b: { password: SECRET } } as never,
      attributes: { n: 1 },
    });
    expect(attributes).toEqual({ 'logspan.redact.failed': true });
    expect(body).toBe('[withheld: could not be redacted]');
  });
});

describe('scope and resource', () => {
  const emitted = (scope: object, resource: object = {}) => {
    const end = new Recorder();
    const processor = redact()(end);
    const emit = () => {
      const record = {
        resource,
        instrumentationScope: scope,
        attributes: { n: 1 },
        droppedAttributesCount: 0,
        setAttribute: () => undefined,
      };
      processor.onEmit(record as never);
    };
    return { end, emit, scopes: () => end.records.map(({ instrumentationScope }) => instrumentationScope) };
  };

  test('a scope is redacted once, and is the same for all its records', () => {
    const scope = { name: `Bearer ${SECRET}`, version: '1', attributes: { token: SECRET, deep: { password: SECRET } } };
    const { emit, scopes } = emitted(scope);
    emit();
    scope.attributes.deep.password = 'changed';
    emit();
    expect(scopes()[0]).toEqual({
      name: `Bearer ${GONE}`,
      version: '1',
      attributes: { token: GONE, deep: { password: GONE } },
    });
    expect(scopes()[1]).toBe(scopes()[0]);
    expect(scope.attributes.token).toBe(SECRET);
    expect(Object.isFrozen(scopes()[0]) && Object.isFrozen(scopes()[0]?.attributes)).toBe(true);
  });

  test('each record keeps the scope of its own logger', () => {
    const clean = { name: 'a' };
    const withToken = { name: 'b', attributes: { token: SECRET } };
    const withBearer = { name: `c Bearer ${SECRET}` };
    const scopes = [clean, withToken, withBearer, clean, withBearer, withToken, clean];
    const end = new Recorder();
    const processor = redact()(end);
    for (const instrumentationScope of scopes) {
      const record = { instrumentationScope, resource: {}, attributes: {}, droppedAttributesCount: 0 };
      processor.onEmit(record as never);
    }
    const [a, b, c] = [clean, { name: 'b', attributes: { token: GONE } }, { name: `c Bearer ${GONE}` }];
    expect(end.records.map(({ instrumentationScope }) => instrumentationScope)).toEqual([a, b, c, a, c, b, a]);
  });

  test('a record that is withheld has no severity text, and a scope that was not judged goes', () => {
    const end = new Recorder();
    const attributes: Record<string, unknown> = { n: 1 };
    const record = {
      resource: {},
      instrumentationScope: {
        name: 'x',
        get attributes(): object {
          throw new Error(SECRET);
        },
      },
      severityText: `Bearer ${SECRET}`,
      eventName: 'e',
      attributes,
      droppedAttributesCount: 0,
      setAttribute: (key: string, value: unknown) => Object.assign(attributes, { [key]: value }),
    };
    redact()(end).onEmit(record as never);
    expect(end.records[0]).toMatchObject({
      severityText: undefined,
      eventName: 'e',
      body: 'e',
      instrumentationScope: { name: '' },
      attributes: { 'logspan.redact.failed': true },
    });
    expect(attributes.n).toBeUndefined();
  });

  test('a scope without attributes and secrets stays itself', () => {
    const scope = { name: 'shop', version: '1' };
    const { emit, scopes } = emitted(scope);
    emit();
    expect(scopes()[0]).toBe(scope);
  });

  test('a secret in the resource of register() is taken out, and that is told once', async () => {
    const resourceOf = (processors: readonly Stage[], more: object = {}) => {
      const end = new Recorder();
      let given: Resource | undefined;
      const start = (context: { resource: Resource }) => {
        given = context.resource;
        return Object.assign(end, { deliveryAccount: () => droppedAccount({}) });
      };
      const logging = register({
        exitHooks: false,
        service: { name: 'shop', version: `Bearer ${SECRET}` },
        attributes: { 'db.password': SECRET, url: [`https://u:${SECRET}@h`], 'app.name': 'x', n: 1 },
        processors,
        handlers: [{ name: 'end', start }],
        ...more,
      });
      logs.getLogger('x').emit({ body: 'b' });
      void logging.shutdown();
      expect(end.records[0]?.resource).toBe(given);
      return given?.attributes;
    };
    const clean = {
      'service.name': 'shop',
      'service.version': `Bearer ${GONE}`,
      'db.password': GONE,
      url: [`https://${GONE}@h`],
      'app.name': 'x',
      n: 1,
    };
    const all = await toldDuring(() => {
      expect(resourceOf([])).toMatchObject(clean);
      expect(resourceOf([timed(resilient(redact()))])).toMatchObject(clean);
      expect(resourceOf([pipe(enrich({ a: 1 }), redact({ keys: ['name'] }))])).toMatchObject({
        ...clean,
        'app.name': GONE,
      });
      expect(resourceOf([], { redact: false })).toMatchObject({ 'db.password': SECRET, 'app.name': 'x' });
      expect(resourceOf([], { attributes: { k: 'x'.repeat(5_000_000) } })).toEqual({
        'service.name': 'unknown_service',
        'logspan.redact.failed': true,
      });
    });
    const told = all.filter((words) => words.startsWith('logspan: redact'));
    expect(told).toHaveLength(3);
    expect(told[0]).toBe(
      'logspan: redact: what looks like a secret was taken out of the resource: resource.service.version (bearer), resource.db.password (well-known keys), resource.url.0 (url_credentials)',
    );
  });

  test('a secret in the resource of another SDK is reported once, by its name', async () => {
    const { emit } = emitted(
      { name: 'x' },
      { attributes: { 'service.name': 'shop', 'db.password': SECRET, url: `https://u:${SECRET}@h` } },
    );
    const all = await toldDuring(() => {
      emit();
      emit();
    });
    const told = all.filter((words) => words.startsWith('logspan: redact'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('resource.db.password (well-known keys), resource.url (url_credentials)');
    expect(told[0]).not.toContain(SECRET);
  });
});

test.each([
  [{ keys: 'card' }, 'redact.keys'],
  [{ keys: [''] }, 'redact.keys'],
  [{ keys: [/card/] }, 'redact.keys'],
  [{ keys: ['card', 'secret_*'] }, 'redact.keys[1]'],
  [{ rules: [{ keys: ['*_pin'] }] }, 'redact.rules[0].keys[0]'],
  [{ wellKnown: 1 }, 'redact.wellKnown'],
  [{ replacement: null }, 'redact.replacement'],
  [{ fields: [] }, 'redact.fields'],
  [{ detect: 'jwt' }, 'redact.detect'],
  [{ detect: ['jwt', 'JWT'] }, 'redact.detect[1]'],
  [{ rules: {} }, 'redact.rules'],
  [{ rules: [{}] }, 'redact.rules[0]'],
  [{ rules: [null] }, 'redact.rules[0]'],
  [{ rules: [{ key: 'a' }] }, 'redact.rules[0].key'],
  [{ rules: [{ keys: [' '] }] }, 'redact.rules[0].keys'],
  [{ rules: [{ keys: ['a'], name: '' }] }, 'redact.rules[0].name'],
  [{ rules: [{ paths: 'a.b' }] }, 'redact.rules[0].paths'],
  [{ rules: [{ paths: ['a', 'a..b'] }] }, 'redact.rules[0].paths[1]'],
  [{ rules: [{ paths: ['a**'] }] }, 'redact.rules[0].paths[0]'],
  [{ rules: [{ paths: [Array(40).fill('a').join('.')] }] }, 'redact.rules[0].paths[0]'],
  [{ rules: [{ detect: ['x'] }] }, 'redact.rules[0].detect[0]'],
  [{ rules: [{ keys: ['a'], action: 'hide' }] }, 'redact.rules[0].action'],
  [{ rules: [{ keys: ['a'], action: null }] }, 'redact.rules[0].action'],
  [{ rules: [{ keys: ['a'], action: { mask: { keepLast: 9 } } }] }, 'redact.rules[0].action.mask.keepLast'],
  [{ rules: [{ keys: ['a'], action: { mask: {} } }] }, 'redact.rules[0].action.mask.keepLast'],
  [{ rules: [{ keys: ['a'], action: { pseudonym: { key: 'short' } } }] }, 'redact.rules[0].action.pseudonym.key'],
  [{ rules: [{ keys: ['a'], action: { pseudonym: {} } }] }, 'redact.rules[0].action.pseudonym.key'],
  [['card'], 'redact'],
])('%j is a ConfigError that names %s', (options, option) => {
  expect(() => redact(options as never)).toThrow(expect.objectContaining({ name: 'ConfigError', option }));
});
