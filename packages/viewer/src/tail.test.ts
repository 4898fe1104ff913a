import { expect, test } from '@jest/globals';
import { decodeLogs } from './decode.ts';
import { createTail, type TailOptions } from './tail.ts';

function records(count: number, severityNumber = 9, stacktrace = '') {
  const attributes = stacktrace === '' ? [] : [{ key: 'exception.stacktrace', value: { stringValue: stacktrace } }];
  const logRecords = Array.from({ length: count }, (_, n) => ({
    body: { stringValue: `record ${n}` },
    severityNumber,
    attributes,
  }));
  return decodeLogs(Buffer.from(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })), 'json');
}

/** A tail on a clock that is set by hand. */
function tailAt(options: Partial<TailOptions> = {}) {
  const clock = { time: 5000 };
  const timers = new Map<object, { at: number; callback: () => void }>();
  const writes: string[] = [];
  const tail = createTail({
    write: (text) => void writes.push(text),
    timeZone: 'utc',
    now: () => clock.time,
    schedule: (callback, millis) => {
      const timer = {};
      timers.set(timer, { at: clock.time + millis, callback });
      return () => void timers.delete(timer);
    },
    ...options,
  });
  const advance = (millis: number): void => {
    clock.time += millis;
    for (const [timer, { at, callback }] of [...timers]) {
      if (at <= clock.time && timers.delete(timer)) callback();
    }
  };
  const lines = (): string[] => writes.splice(0).join('').split('\n').slice(0, -1);
  return { tail, advance, lines, timers, writes };
}

test('without a limit every record is shown, in one write', () => {
  const { tail, writes, lines, timers } = tailAt();
  tail.show(records(2_000));
  expect(writes).toHaveLength(1);
  expect(lines()).toHaveLength(2_000);
  tail.end();
  expect([lines(), timers.size]).toEqual([[], 0]);
});

test('above the limit records are counted, and told when the second is over', () => {
  const { tail, advance, lines } = tailAt({ maxLinesPerSecond: 3 });
  tail.show(records(2));
  advance(400);
  tail.show(records(5));
  tail.show(records(1, 5));
  expect(lines()).toHaveLength(3);
  advance(599);
  expect(lines()).toEqual([]);
  advance(1);
  expect(lines()).toEqual(['… 5 more records (4 info, 1 debug)']);
  tail.show(records(1));
  expect(lines()).toEqual([expect.stringContaining('record 0')]);
});

test('the count comes before the next second’s records, when those come before the timer', () => {
  const { tail, lines, advance, timers } = tailAt({ maxLinesPerSecond: 1, schedule: () => () => {} });
  tail.show(records(2));
  advance(1500);
  tail.show(records(1));
  expect(lines().map((line) => line.slice(0, 15))).toEqual(['--:--:--.--- IN', '… 1 more record', '--:--:--.--- IN']);
  expect(timers.size).toBe(0);
});

test('10 000 records a second stay readable', () => {
  const { tail, advance, lines } = tailAt({ maxLinesPerSecond: 50 });
  for (let batch = 0; batch < 100; batch++) {
    tail.show(records(100));
    advance(10);
  }
  const shown = lines();
  expect(shown).toHaveLength(51);
  expect(shown.at(-1)).toBe('… 9950 more records (9950 info)');
});

test('errors have lines of their own, with a limit of their own', () => {
  const { tail, lines } = tailAt({ maxLinesPerSecond: 2 });
  tail.show([...records(10), ...records(10, 17), ...records(10, 21)]);
  expect(lines().map((line) => line.slice(13, 18))).toEqual(['INFO ', 'INFO ', 'ERROR', 'ERROR']);
  tail.end();
  expect(lines()).toEqual(['… 26 more records (8 info, 8 error, 10 fatal)']);
  tail.end();
  expect(lines()).toEqual([]);
});

test('the lines of a stack count', () => {
  const { tail, lines } = tailAt({ maxLinesPerSecond: 5 });
  tail.show(records(5, 17, 'Error: a\nat b\nat c'));
  expect(lines()).toHaveLength(8);
});

test('follows the width of the terminal', () => {
  let columns = 30;
  const { tail, lines } = tailAt({ columns: () => columns, maxLinesPerSecond: 2 });
  tail.show(records(1));
  columns = 20;
  tail.show(records(2));
  tail.end();
  expect(lines().map((line) => line.length)).toEqual([30, 20, 20]);
});

test('a limit that is none is refused', () => {
  expect(() => tailAt({ maxLinesPerSecond: 0 })).toThrow(
    'maxLinesPerSecond: expected a whole number of at least 1, got 0',
  );
});
