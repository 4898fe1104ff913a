import { describe, expect, test } from '@jest/globals';
import { and, atLeast, event, not, or } from '@logspan/logger';
import { providers, through } from '../../../../test/pipeline/recorder.ts';
import { filter } from './filter.ts';

describe.each(providers)('records of %s', (_, emitTo) => {
  test.each([
    [atLeast('warn'), ['none', 'audit_login', 'debug_audit']],
    [event('audit_*'), ['audit_login', 'audit_read']],
    [event({ exclude: ['audit_*', 'none'] }), ['debug_audit']],
    [event({ include: ['*audit*'], exclude: ['debug_*'] }), ['audit_login', 'audit_read']],
    [and(atLeast('warn'), event('audit_*')), ['audit_login']],
    [or(atLeast('error'), event('audit_read')), ['none', 'audit_read', 'debug_audit']],
    [not(event('audit_*')), ['none', 'debug_audit']],
  ])('pass a filter or are counted (%#)', (passes, expected) => {
    const { end, emit, account } = through(filter(passes), emitTo);
    // A record without a severity passes a level.
    emit({ eventName: 'none' });
    emit({ eventName: 'audit_login', severityNumber: 13 });
    emit({ eventName: 'audit_read', severityNumber: 9 });
    emit({ eventName: 'debug_audit', severityNumber: 17 });
    expect(end.events).toEqual(expected);
    expect(account()).toEqual({ dropped: { filtered: 4 - expected.length } });
  });

  test('pass a filter that throws', () => {
    const { end, emit, account } = through(
      filter(() => {
        throw new Error();
      }),
      emitTo,
    );
    emit({ eventName: 'a' });
    expect(end.events).toEqual(['a']);
    expect(account()).toEqual({ dropped: { filtered: 0 } });
  });
});

test.each([undefined, 'warn', /a/, { include: [] }])('%p is a ConfigError', (given) => {
  expect(() => filter(given as never)).toThrow(expect.objectContaining({ name: 'ConfigError', option: 'filter' }));
});
