import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Emit, emitFromStockTo, providers, Recorder, through } from '../../../../test/pipeline/recorder.ts';
import { logspanProcessor } from '../provider/logspan-processor.ts';
import { redact } from './redact.ts';

const GONE = '***REDACTED***';
const SECRET = 'hunter2';

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

test.each([
  [{ keys: 'card' }, 'redact.keys'],
  [{ keys: [''] }, 'redact.keys'],
  [{ keys: [/card/] }, 'redact.keys'],
  [{ wellKnown: 1 }, 'redact.wellKnown'],
  [{ replacement: null }, 'redact.replacement'],
  [{ fields: [] }, 'redact.fields'],
  [['card'], 'redact'],
])('%j is a ConfigError that names %s', (options, option) => {
  expect(() => redact(options as never)).toThrow(expect.objectContaining({ name: 'ConfigError', option }));
});
