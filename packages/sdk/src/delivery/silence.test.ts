import { afterEach, describe, expect, test } from '@jest/globals';
import { silently } from './silence.ts';

const root = globalThis as { __SENTRY__?: unknown };
afterEach(() => {
  delete root.__SENTRY__;
});

test('runs a call once, and answers as it does', () => {
  expect(silently(() => 7)).toBe(7);
  expect(() =>
    silently(() => {
      throw new RangeError('its own');
    }),
  ).toThrow('its own');
});

test('suppresses the tracing of each version of Sentry that is in the process', () => {
  const marks: unknown[] = [];
  const carrier = {
    acs: {
      withScope: (callback: (scope: object) => void) =>
        callback({ setSDKProcessingMetadata: (metadata: object) => marks.push(metadata) }),
    },
  };
  root.__SENTRY__ = { version: '11.12.0', '11.12.0': carrier, '12.0.0': carrier };
  expect(silently(() => marks.length)).toBe(2);
  expect(marks).toEqual([{ __SENTRY_SUPPRESS_TRACING__: true }, { __SENTRY_SUPPRESS_TRACING__: true }]);
});

describe('a Sentry that is different is done without', () => {
  const fail = () => {
    throw new Error('not of ours');
  };
  const acs = (withScope: unknown) => ({ acs: { withScope } });
  test.each<[string, unknown]>([
    ['no object', 'Sentry'],
    ['without anything', {}],
    ['without a strategy', { '11.0.0': {}, version: '11.0.0' }],
    ['that throws', { '11.0.0': acs(fail) }],
    ['that does not call back', { '11.0.0': acs(() => undefined) }],
    [
      'that calls back twice',
      { '11.0.0': acs((callback: (scope: object) => void) => void [callback({}), callback({})]) },
    ],
    ['with other scopes', { '11.0.0': acs((callback: (scope?: object) => void) => callback()) }],
    ['that throws afterwards', { '11.0.0': acs((callback: (scope: object) => void) => void [callback({}), fail()]) }],
  ])('%s', (_, carriers) => {
    root.__SENTRY__ = carriers;
    let calls = 0;
    expect(silently(() => ++calls)).toBe(1);
    expect(calls).toBe(1);
    expect(() => silently(fail)).toThrow('not of ours');
  });
});
