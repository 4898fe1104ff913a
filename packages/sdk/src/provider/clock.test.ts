import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Clock, type TimeSource } from './clock.ts';

const START = 1_700_000_000_000;

/** Two clocks in the test's hands. */
class TestTime implements TimeSource {
  monotonicMillis = 5_000.25;
  ahead = START;

  readonly wall = (): number => Math.floor(this.monotonicMillis + this.ahead);
  readonly monotonic = (): number => this.monotonicMillis;

  pass(millis: number): void {
    this.monotonicMillis += millis;
  }

  /** Someone sets the wall clock. */
  set(millis: number): void {
    this.ahead += millis;
  }
}

/** Nanoseconds since the epoch. */
function read(clock: Clock): bigint {
  clock.read();
  return BigInt(clock.epochMillis) * 1_000_000n + BigInt(clock.nanos);
}

const millisOf = (nanos: bigint): number => Number(nanos / 1_000_000n);

describe('a clock', () => {
  test('shows the wall clock, finer than it', () => {
    const time = new TestTime();
    const clock = new Clock(time);
    expect(millisOf(read(clock))).toBe(time.wall());
    time.pass(0.5);
    const before = read(clock);
    time.pass(0.001);
    expect(Number(read(clock) - before)).toBeGreaterThan(500);
    expect(Number(read(clock) - before)).toBeLessThan(2_000);
  });

  test('gives each record a later time though no time passes, over the end of a millisecond too', () => {
    const clock = new Clock(new TestTime());
    let last = read(clock);
    clock.nanos = 999_990;
    for (let i = 0; i < 20; i++) {
      const next = read(clock);
      expect(next).toBeGreaterThan(last);
      expect(clock.nanos).toBeLessThan(1_000_000);
      last = next;
    }
  });

  test('follows a wall clock that is set forward, within a second', () => {
    const time = new TestTime();
    const clock = new Clock(time);
    read(clock);
    time.set(3_600_000);
    time.pass(1_000);
    expect(millisOf(read(clock))).toBe(time.wall());
  });

  test('keeps the order if the wall clock goes back a little', () => {
    const time = new TestTime();
    const clock = new Clock(time);
    let last = read(clock);
    for (let i = 0; i < 40; i++) {
      // Looks at the wall clock once a second: the second look finds it 900 ms behind.
      if (i === 20) time.set(-900);
      time.pass(i === 20 ? 0.5 : 99.9);
      const next = read(clock);
      expect(next).toBeGreaterThan(last);
      last = next;
    }
  });

  test('gives the order up for the true time if the wall clock is set back by more than a second', () => {
    const time = new TestTime();
    const clock = new Clock(time);
    read(clock);
    time.set(-3_600_000);
    time.pass(1_000);
    expect(millisOf(read(clock))).toBe(time.wall());
  });

  test('never goes back but for that, and is never more than a second and a look away from the wall clock', () => {
    const step = fc.record({
      pass: fc.double({ min: 0, max: 1_500, noNaN: true }),
      set: fc.integer({ min: -50, max: 3_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const time = new TestTime();
        const clock = new Clock(time);
        let last = read(clock);
        let slewed = 0;
        for (const { pass, set } of steps) {
          // Back by less than a second in all: a clock that is being corrected.
          slewed = Math.min(0, slewed + set);
          if (slewed > -900) time.set(set);
          time.pass(pass);
          const next = read(clock);
          expect(next).toBeGreaterThan(last);
          last = next;
        }
        time.pass(1_000);
        expect(Math.abs(millisOf(read(clock)) - time.wall())).toBeLessThanOrEqual(1_001);
      }),
    );
  });
});

test('without a source it is the time of this machine', () => {
  const clock = new Clock();
  const before = Date.now();
  const now = millisOf(read(clock));
  expect(now).toBeGreaterThanOrEqual(before - 1);
  expect(now).toBeLessThanOrEqual(Date.now() + 1);
});
