import { describe, expect, test } from '@jest/globals';
import { providers, Recorder } from '../../../../test/pipeline/recorder.ts';
import { copyRecord, keepRecord } from './copy-record.ts';
import type { LogRecord } from './stage.ts';

describe.each(providers)('a record of %s', (_, emitTo) => {
  const record = (attributes: Record<string, unknown>, body: unknown): LogRecord => {
    const end = new Recorder();
    emitTo(end)({ attributes, body, eventName: 'e', severityNumber: 9, severityText: 'INFO', timestamp: [5, 6] });
    return end.records[0] as LogRecord;
  };

  test('can be copied, and the copy edited', () => {
    const original = record({ a: 1, b: 2 }, 'body');
    const copy = copyRecord(original);
    copy.setAttribute('a', 9);
    copy.setAttribute('c', 3);
    copy.setAttribute('d', undefined);
    copy.body = 'other';
    expect(original.attributes).toEqual({ a: 1, b: 2 });
    expect(original.body).toBe('body');
    expect(copy.attributes).toEqual({ a: 9, b: 2, c: 3 });
    expect(copy).toMatchObject({
      hrTime: [5, 6],
      eventName: 'e',
      severityNumber: 9,
      severityText: 'INFO',
      body: 'other',
    });
    expect(copy.instrumentationScope).toBe(original.instrumentationScope);
    expect(copy.resource).toBe(original.resource);
  });

  test('can be kept: what the caller does to its objects afterwards changes nothing', () => {
    const attributes = { user: { name: 'ann', roles: ['admin'] }, n: 1, bytes: new Uint8Array([1, 2]) };
    const body = { list: [{ deep: true }] };
    const kept = keepRecord(record(attributes, body));
    attributes.user.name = 'eve';
    attributes.user.roles.push('root');
    attributes.n = 2;
    attributes.bytes[0] = 9;
    (body.list[0] as { deep: boolean }).deep = false;
    expect(kept.attributes).toEqual({ user: { name: 'ann', roles: ['admin'] }, n: 1, bytes: new Uint8Array([1, 2]) });
    expect(kept.body).toEqual({ list: [{ deep: true }] });
  });
});

test('what is under a symbol is no attribute, and is not copied', () => {
  const end = new Recorder();
  const [, emitTo] = providers[0] as (typeof providers)[number];
  emitTo(end)({ attributes: { [Symbol('s')]: 'secret', n: 1 } as Record<string, unknown> });
  expect(Reflect.ownKeys(copyRecord(end.records[0] as LogRecord).attributes)).toEqual(['n']);
});

test('keeping a value that refers to itself ends', () => {
  const cycle: Record<string, unknown> = { name: 'ann' };
  cycle.self = cycle;
  const end = new Recorder();
  const [, emitTo] = providers[1] as (typeof providers)[number];
  emitTo(end)({ body: cycle });
  expect(keepRecord(end.records[0] as LogRecord).body).toEqual({ name: 'ann', self: '[Circular]' });
});
