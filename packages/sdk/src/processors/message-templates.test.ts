import { describe, expect, test } from '@jest/globals';
import { lazy } from '@logspan/logger';
import fc from 'fast-check';
import { emitTo, providers, Recorder, through } from '../../../../test/pipeline/recorder.ts';
import { route } from '../handlers/route.ts';
import { copyRecord } from '../pipeline/copy-record.ts';
import { MESSAGE_TEMPLATE, renderAgain } from '../pipeline/message-template.ts';
import { pipe } from '../pipeline/pipe.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { readEnvironment } from '../provider/environment.ts';
import { stepsOf } from '../provider/options.ts';
import { Pipeline } from '../provider/pipeline.ts';
import { messageTemplates } from './message-templates.ts';
import { redact } from './redact.ts';

const LONG_NAME = 'n'.repeat(129);

type Given = Readonly<Record<string, unknown>>;

/** What becomes of one message, through redaction and rendering. */
function render(body: unknown, attributes: Given = {}, from = emitTo): LogRecord {
  const { end, emit } = through(pipe(redact(), messageTemplates()), from);
  emit({ body, attributes });
  return end.records[0] as LogRecord;
}
const textOf = (body: unknown, attributes?: Given): unknown => render(body, attributes).body;

describe.each(providers)('records of %s', (_name, from) => {
  test('show their attributes in their message, and keep the template', () => {
    const record = render(
      'user {username} logged in from {ip}',
      { username: 'ann', ip: '::1', password: 'sesame' },
      from,
    );
    expect(record.body).toBe('user ann logged in from ::1');
    expect(record.attributes).toEqual({
      username: 'ann',
      ip: '::1',
      password: '***REDACTED***',
      [MESSAGE_TEMPLATE]: 'user {username} logged in from {ip}',
    });
  });

  test('never show what was redacted, at any depth', () => {
    const attributes = { password: 'sesame', user: { token: 'sesame', name: 'ann' }, list: [{ secret: 'sesame' }] };
    const record = render('{password} {user.token} {user} {list} {list.0.secret}', attributes, from);
    const hidden = '***REDACTED***';
    expect(record.body).toBe(
      `${hidden} ${hidden} {"token":"${hidden}","name":"ann"} [{"secret":"${hidden}"}] ${hidden}`,
    );
  });
});

test('what a detector takes out of a value, or of the template, is not shown', () => {
  const token = 'Bearer abcdefghijklmnopqrstuvwxyz0123456789';
  const record = render(`sent {header} and ${token} to {host}`, { header: token, host: 'h' });
  const hidden = render('x', { header: token }).attributes.header;
  expect(hidden).not.toContain('abcdef');
  expect(record.body).toBe(`sent ${hidden} and ${hidden} to h`);
  expect(record.attributes[MESSAGE_TEMPLATE]).toBe(`sent {header} and ${hidden} to {host}`);
});

test.each<[template: string, attributes: Given, text: string]>([
  ['{a} and {b}', { a: 1 }, '1 and {b}'],
  ['{a.b} {a.b.c}', { 'a.b': 1, a: { b: { c: 2 } } }, '1 2'],
  ['{{{a}}} {{a}}', { a: 1 }, '{1} {a}'],
  ['{a} {a', { a: 1 }, '1 {a'],
  ['{a}{a}', { a: '{b}', b: 'never' }, '{b}{b}'],
  ['{a} {b} {c} {d}', { a: true, b: null, c: 1.5, d: [1, 'x', { y: null }] }, 'true null 1.5 [1,"x",{"y":null}]'],
  ['{a} {list.length}', { a: new Uint8Array(3), list: [1, 2] }, '<3 bytes> 2'],
  [
    '{a} {constructor} {__proto__} {a.toString} {toString}',
    { a: 'x' },
    'x {constructor} {__proto__} {a.toString} {toString}',
  ],
  [`{a} {${MESSAGE_TEMPLATE}}`, { a: 1 }, `1 {${MESSAGE_TEMPLATE}}`],
  ['{a}', { a: '\u001b[31m\n' }, '\u001b[31m\n'],
  ['{user id}', { 'user id': 7 }, '7'],
  [`{a} {${LONG_NAME}}`, { a: 1, [LONG_NAME]: 2 }, `1 {${LONG_NAME}}`],
])('%s', (template, attributes, text) => {
  const record = render(template, attributes);
  expect(record.body).toBe(text);
  expect(record.attributes[MESSAGE_TEMPLATE]).toBe(template);
});

test.each<[what: string, body: unknown, attributes?: Given]>([
  ['no hole', 'logged in', { username: 'ann' }],
  ['no attribute for any hole', 'user {username} {{x}}', { user: 'ann' }],
  ['JSON', 'got {"a":{"b":{}}} back', { a: 1 }],
  ['no text', { text: '{a}' }, { a: 1 }],
  ['text that is too long', `{a}${'x'.repeat(8_192)}`, { a: 1 }],
])('a body stays as it is with %s', (_what, body, attributes) => {
  const record = render(body, attributes);
  expect(record.body).toEqual(body);
  expect(record.attributes).toEqual(attributes);
});

test('values and text are bounded, whatever their size', () => {
  const long = textOf('<{a}>', { a: 'x'.repeat(5_000) }) as string;
  expect(long).toBe(`<${'x'.repeat(1_023)}…>`);
  const pair = textOf('{a}', { a: `${'x'.repeat(1_022)}😀😀` }) as string;
  expect(pair).toBe(`${'x'.repeat(1_022)}…`);
  const nested = textOf('{a}', { a: Array.from({ length: 200 }, () => ({ key: 'y'.repeat(100) })) }) as string;
  expect(nested.length).toBe(1_024);
  const all = textOf('{a}'.repeat(2_700), { a: 'x'.repeat(1_024) }) as string;
  expect(all.length).toBeLessThanOrEqual(32_768);
});

test('what stands on Object.prototype is not shown', () => {
  Object.defineProperty(Object.prototype, 'polluted', { value: 1, enumerable: true, configurable: true });
  try {
    expect(textOf('{a} {polluted}', { a: { b: 1 } })).toBe('{"b":1} {polluted}');
  } finally {
    delete (Object.prototype as { polluted?: number }).polluted;
  }
});

test('lazy values are shown', () => {
  expect(textOf('{dump}', { dump: lazy(() => 'computed') })).toBe('computed');
});

test('the caller’s attributes stay as they are', () => {
  const attributes = Object.freeze({ a: 1 });
  expect(textOf('{a}', attributes)).toBe('1');
  expect(attributes).toEqual({ a: 1 });
});

test('a record that cannot keep the template is not rendered', () => {
  const attributes = Object.fromEntries(Array.from({ length: 128 }, (_, i) => [`a${i}`, i]));
  expect(textOf('{a1}', attributes)).toBe('{a1}');
});

test('once is enough: what a value brings along is not rendered', () => {
  const { end, emit } = through(pipe(redact(), messageTemplates(), messageTemplates()));
  emit({ body: '{a}', attributes: { a: '{b}', b: 'x' } });
  expect(end.records[0]?.body).toBe('{b}');
});

test('a getter that throws costs the text, not the record', () => {
  const attributes = {
    b: {
      get a(): never {
        throw new Error('no');
      },
    },
  };
  const { end, processor } = through(messageTemplates());
  const stock = render('x');
  processor.onEmit({ ...copyRecord(stock), body: '{b.a} {b}', attributes });
  expect(end.records[0]?.body).toBe('{b.a} {b}');
});

test('stands behind redact, also where redact is added', () => {
  const names = stepsOf({ processors: [() => undefined, messageTemplates()] }).map(
    (step) => (step as { stageName?: string }).stageName,
  );
  expect(names).toEqual([undefined, 'redact', 'messageTemplates']);
  expect(() => pipe(messageTemplates(), redact())).toThrow(/redact stands after messageTemplates/);
  const context = { resource: { attributes: {} }, environment: readEnvironment({}, () => undefined) };
  const pipeline = new Pipeline([redact()], [], context);
  pipeline.addProcessor(messageTemplates());
  expect(() => pipeline.addProcessor(messageTemplates())).not.toThrow();
});

describe('a copy that is redacted further, as on a route', () => {
  const original = render('{name} paid with {card} {{', { name: 'ann', card: '4111' });
  const redacted = (keys: readonly string[], from = original): LogRecord => {
    const { end, processor } = through(redact({ keys }));
    processor.onEmit(copyRecord(from));
    return end.records[0] as LogRecord;
  };

  test('is rendered again', () => {
    expect(original.body).toBe('ann paid with 4111 {');
    expect(redacted(['card']).body).toBe('ann paid with ***REDACTED*** {');
    expect(redacted(['name', 'card']).body).toBe('***REDACTED*** paid with ***REDACTED*** {');
    expect(redacted([]).body).toBe(original.body);
    expect(original.body).toBe('ann paid with 4111 {');
  });

  test('shows no value whose attribute is gone, nor anything of a template that is', () => {
    const copy = copyRecord(original);
    const { card: _card, ...rest } = copy.attributes;
    const without = { ...copy, attributes: rest };
    renderAgain(without);
    expect(without.body).toBe('ann paid with {card} {');
    const nothing = { ...copy, attributes: {} };
    renderAgain(nothing);
    expect(nothing.body).toBe('[withheld: its template was redacted]');
    expect(redacted([MESSAGE_TEMPLATE]).body).toBe('***REDACTED***');
  });

  test('keeps a body that was not rendered, whatever an attribute says', () => {
    const forged = render('all is well', { a: 1, [MESSAGE_TEMPLATE]: 'nothing is {a}' });
    expect(redacted([], forged).body).toBe('all is well');
    expect(redacted([], render('plain', { a: 1 })).body).toBe('plain');
  });

  test('through a route', () => {
    const end = new Recorder();
    const to = { name: 'end', start: () => Object.assign(end, { deliveryAccount: () => none }) };
    const none = { accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 };
    const context = { resource: { attributes: {} }, environment: readEnvironment({}, () => undefined) };
    const routes = [route({ to, processors: [redact({ keys: ['card'] })] }), to];
    const pipeline = new Pipeline([redact(), messageTemplates()], routes, context);
    emitTo(pipeline)({ body: 'paid with {card}', attributes: { card: '4111' } });
    expect(end.records.map(({ body }) => body)).toEqual(['paid with ***REDACTED***', 'paid with 4111']);
  });
});

test('a template is filled as a slow reader would fill it', () => {
  const slow = (template: string, attributes: Readonly<Record<string, string>>): string => {
    let text = '';
    let filled = false;
    for (let i = 0; i < template.length; ) {
      const two = template.slice(i, i + 2);
      const name = /^\{([^{}]{1,128})\}/.exec(template.slice(i))?.[1];
      if (two === '{{' || two === '}}') {
        text += two[0];
        i += 2;
      } else if (name !== undefined) {
        filled ||= Object.hasOwn(attributes, name);
        text += attributes[name] ?? `{${name}}`;
        i += name.length + 2;
      } else text += template[i++];
    }
    return filled ? text : template;
  };
  const template = fc.array(fc.constantFrom('{', '}', 'a', 'b', '{a}', '{b}', '{c}', 'x'.repeat(100)), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(
      template,
      fc.dictionary(fc.constantFrom('a', 'b'), fc.string({ maxLength: 5 })),
      (parts, attributes) => {
        const text = parts.join('');
        expect(textOf(text, attributes)).toBe(slow(text, attributes));
      },
    ),
    { numRuns: 1_000 },
  );
});
