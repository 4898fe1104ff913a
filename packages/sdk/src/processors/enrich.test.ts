import { describe, expect, test } from '@jest/globals';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { providers, through } from '../../../../test/pipeline/recorder.ts';
import { enrich } from './enrich.ts';

describe.each(providers)('a record of %s', (_, emitTo) => {
  test('gets what it lacks and keeps what it has', () => {
    const { end, emit } = through(enrich({ region: 'eu', tier: 1 }), emitTo);
    const attributes = Object.freeze({ region: 'us', n: 1 });
    emit({ attributes });
    emit({});
    expect(end.attributes).toEqual([
      { region: 'us', n: 1, tier: 1 },
      { region: 'eu', tier: 1 },
    ]);
    expect(attributes).toEqual({ region: 'us', n: 1 });
  });

  test('is overwritten only if told', () => {
    const { end, emit } = through(enrich({ region: 'eu' }, { overwrite: true }), emitTo);
    emit({ attributes: { region: 'us' } });
    expect(end.attributes).toEqual([{ region: 'eu' }]);
  });

  test('gets what a function makes of its context', () => {
    const key = Symbol.for('tenant');
    const { end, emit } = through(
      enrich((context, { eventName }) => ({ tenant: context?.getValue(key), of: eventName })),
      emitTo,
    );
    emit({ eventName: 'a', context: ROOT_CONTEXT.setValue(key, 'acme') });
    expect(end.attributes).toEqual([{ tenant: 'acme', of: 'a' }]);
  });

  test('goes on if the function throws or answers nothing', () => {
    for (const make of [
      () => undefined,
      () => null as never,
      () => {
        throw new Error();
      },
    ]) {
      const { end, emit } = through(enrich(make), emitTo);
      emit({ eventName: 'a', attributes: { n: 1 } });
      expect(end.attributes).toEqual([{ n: 1 }]);
    }
  });
});

test('what is added was made plain once', () => {
  let read = 0;
  const enrichment = {
    started: new Date(0),
    get costly() {
      return ++read;
    },
  };
  const { end, emit } = through(enrich(enrichment));
  for (let i = 0; i < 3; i++) emit({});
  expect(end.attributes).toEqual(Array(3).fill({ started: '1970-01-01T00:00:00.000Z', costly: 1 }));
});

test.each([
  [[undefined], 'enrich'],
  [['eu'], 'enrich'],
  [[null], 'enrich'],
  [[{}, { overwrite: 1 }], 'enrich.overwrite'],
  [[{}, { override: true }], 'enrich.override'],
  [[{}, null], 'enrich'],
])('%j is a ConfigError that names %s', (given, option) => {
  expect(() => enrich(...(given as Parameters<typeof enrich>))).toThrow(
    expect.objectContaining({ name: 'ConfigError', option }),
  );
});
