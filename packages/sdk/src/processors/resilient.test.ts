import { describe, expect, test } from '@jest/globals';
import { emitFromStockTo, through, toldDuring } from '../../../../test/pipeline/recorder.ts';
import type { ProcessorFunction } from '../pipeline/pipe.ts';
import { ConfigError } from '../provider/config-error.ts';
import { redact } from './redact.ts';
import { resilient } from './resilient.ts';

const enrichFromCache: ProcessorFunction = () => {
  throw new TypeError('cannot read hunter2 of undefined');
};

describe('resilient', () => {
  test('lets the record of a failing processor go on, in a stock SDK as well, and never writes through the pipeline', async () => {
    const { end, emit, account } = through(resilient(enrichFromCache), emitFromStockTo);
    const told = await toldDuring(() => {
      for (let i = 0; i < 5; i++) emit({ body: i, attributes: { i } });
    });
    // The records themselves, as they were, and none about the failure.
    expect(end.attributes).toEqual([0, 1, 2, 3, 4].map((i) => ({ i })));
    expect(account()).toMatchObject({ failures: { enrichFromCache: 5 } });
    expect(told.join()).not.toContain('hunter2');
  });

  test('takes it out after as many failures in a row as was said', async () => {
    let called = 0;
    const failing: ProcessorFunction = () => {
      called++;
      throw new Error();
    };
    const { end, emit, account } = through(resilient(failing, { takeOutAfter: 3 }));
    await toldDuring(() => {
      for (let i = 0; i < 10; i++) emit({ body: i });
    });
    expect([called, end.records.length, account().takenOut]).toEqual([3, 10, ['failing']]);
  });

  test('is of the phase of its step, so that the order is checked as without it', () => {
    expect({ ...resilient(redact()) }).toMatchObject({ phase: 'redact', stageName: 'redact' });
  });

  test.each([0, 1.5, -1, Number.NaN, '3'])('refuses %p failures', (takeOutAfter) => {
    expect(() => resilient(enrichFromCache, { takeOutAfter: takeOutAfter as number })).toThrow(ConfigError);
  });

  test('refuses what is no step, and options it does not have', () => {
    expect(() => resilient(undefined as never)).toThrow(/resilient: must be a stage/);
    expect(() => resilient(enrichFromCache, { retries: 3 } as never)).toThrow(/resilient\.retries: is not an option/);
  });
});
