import { describe, expect, test } from '@jest/globals';
import { within } from './within.ts';

const never = () => new Promise<never>(() => undefined);

describe('within', () => {
  test('answers what the call comes to', async () => {
    await expect(within(async () => 1, 60_000)).resolves.toBe(1);
    await expect(within(() => 2, 60_000)).resolves.toBe(2);
    await expect(within(() => 3, Number.POSITIVE_INFINITY)).resolves.toBe(3);
  });

  test('answers undefined for one that throws, rejects, or takes too long', async () => {
    const throwing = () => {
      throw new Error();
    };
    await expect(within(throwing, 60_000)).resolves.toBeUndefined();
    await expect(within(() => Promise.reject(new Error()), 60_000)).resolves.toBeUndefined();
    await expect(within(never, 1)).resolves.toBeUndefined();
    await expect(within(never, -1)).resolves.toBeUndefined();
    await expect(within(never, 1, { keepAlive: false })).resolves.toBeUndefined();
  });
});
