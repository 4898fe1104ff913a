import { describe, expect, test } from '@jest/globals';
import { redact } from '../../processors/redact.ts';
import { redactSentryEvent } from '../sentry.ts';

const SECRET = 'hunter2hunter2';
const text = `Authorization: Bearer ${SECRET}`;
const data = { password: SECRET, nested: [{ token: SECRET }], kept: 'as it is' };
const frames = [{ function: 'pay', lineno: 7, vars: data }, { function: 'main' }];

/** An event with a secret in all that may hold one, as Sentry makes it of an exception. */
const event = () => ({
  event_id: 'e-1',
  timestamp: 1_700_000_000,
  level: 'error',
  message: text,
  logentry: { message: text, params: [text] },
  transaction: `GET /reset?token=${SECRET}`,
  fingerprint: ['{{ default }}', text],
  tags: { team: 'payments', password: SECRET },
  user: { id: 'u-1', password: SECRET },
  extra: data,
  contexts: { cart: data, trace: { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', span_id: '00f067aa0ba902b7' } },
  request: { url: `http://shop.test/?token=${SECRET}`, headers: { authorization: text }, data },
  breadcrumbs: [{ category: 'http', message: text, data }, { message: 'plain' }],
  exception: {
    values: [
      {
        type: text,
        value: text,
        mechanism: { type: 'generic', handled: false, data },
        stacktrace: { frames },
      },
    ],
  },
  threads: { values: [{ id: 1, stacktrace: { frames } }] },
  spans: [{ span_id: 's', description: text, data }],
});

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(Object.freeze(value))) frozen(inner);
  return value;
}

describe('redactSentryEvent', () => {
  test('leaves no secret in any part of an event, and all else', () => {
    const clean = redactSentryEvent()(event());
    expect(JSON.stringify(clean)).not.toContain(SECRET);
    const kept = { kept: 'as it is' };
    expect(clean).toMatchObject({
      event_id: 'e-1',
      timestamp: 1_700_000_000,
      transaction: expect.stringContaining('GET /reset?token='),
      fingerprint: ['{{ default }}', expect.any(String)],
      tags: { team: 'payments' },
      user: { id: 'u-1' },
      extra: kept,
      contexts: { cart: kept, trace: event().contexts.trace },
      request: { url: expect.stringContaining('http://shop.test/'), data: kept },
      breadcrumbs: [{ category: 'http', data: kept }, { message: 'plain' }],
      exception: {
        values: [
          {
            mechanism: { type: 'generic', handled: false, data: kept },
            stacktrace: { frames: [{ function: 'pay', lineno: 7, vars: kept }, { function: 'main' }] },
          },
        ],
      },
      threads: { values: [{ id: 1 }] },
      spans: [{ span_id: 's', data: kept }],
    });
  });

  test('leaves an event without a secret as it was', () => {
    const given = JSON.parse(
      JSON.stringify(event())
        .replaceAll(text, 'plain')
        .replaceAll(SECRET, '')
        .replace(/token=/g, ''),
    );
    const plain = JSON.parse(
      JSON.stringify(given)
        .replaceAll('password', 'colour')
        .replaceAll('token', 'size')
        .replaceAll('authorization', 'accept'),
    );
    expect(redactSentryEvent()(plain)).toEqual(plain);
  });

  test('changes nothing of what it is given, frozen or not', () => {
    const given = frozen(event());
    expect(JSON.stringify(redactSentryEvent()(given))).not.toContain(SECRET);
    expect(given).toEqual(event());
  });

  test('applies the rules for paths to each part with data, as to the attributes of a record', () => {
    const clean = redactSentryEvent(redact({ rules: [{ paths: ['user.*.ssn', 'card.no'] }] }));
    const part = { user: { ann: { ssn: SECRET } }, card: { no: SECRET, kind: 'debit' } };
    const given = {
      extra: part,
      contexts: { order: part },
      request: { data: part },
      breadcrumbs: [{ data: part }],
      exception: { values: [{ mechanism: { data: part }, stacktrace: { frames: [{ vars: part }] } }] },
    };
    const left = clean(given);
    expect(JSON.stringify(left)).not.toContain(SECRET);
    expect(JSON.stringify(left).match(/debit/g)).toHaveLength(6);
  });

  const hostile = new Proxy({} as Record<string, unknown>, {
    get: () => {
      throw new RangeError(SECRET);
    },
    ownKeys: () => {
      throw new RangeError(SECRET);
    },
  });
  test.each<[string, unknown, unknown]>([
    ['null', null, null],
    ['a number', 7, 7],
    ['exceptions that are none', { exception: { values: 7 } }, {}],
    [
      'an exception that is none',
      { exception: { values: [null, { type: 'E' }] } },
      { exception: { values: [{ type: 'E' }] } },
    ],
    [
      'a frame that is none',
      { exception: { values: [{ value: 1, stacktrace: { frames: [null] } }] } },
      { exception: { values: [{ value: 1, stacktrace: { frames: [] } }] } },
    ],
    ['breadcrumbs that are none', { event_id: 'e', breadcrumbs: { password: SECRET } }, { event_id: 'e' }],
    ['contexts that are none', { contexts: SECRET, extra: [SECRET], tags: 7 }, {}],
    ['an event that throws', hostile, { message: '[withheld: could not be redacted]' }],
    ['a part that throws', { level: 'error', extra: hostile }, { level: 'error' }],
  ])('does not throw, and lets nothing through that it cannot read: %s', (_, given, expected) => {
    expect(redactSentryEvent()(given as object)).toEqual(expected);
  });
});
