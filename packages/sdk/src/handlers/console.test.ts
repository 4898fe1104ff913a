import { WriteStream } from 'node:tty';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { LogRecord } from '../pipeline/stage.ts';
import { type ConsoleHandlerOptions, consoleHandler } from './console.ts';
import type { HandlerContext } from './handler.ts';

const record = {
  hrTime: [1_704_200_645, 67_890_123],
  hrTimeObserved: [0, 0],
  resource: { attributes: {} },
  instrumentationScope: { name: 'shop' },
  attributes: { username: 'alice' },
  droppedAttributesCount: 0,
  severityNumber: 9,
  severityText: 'INFO',
  eventName: 'user_login',
  body: 'user_login',
  setAttribute: () => undefined,
} as const satisfies LogRecord;

/** The console asks nothing of it. */
const context = {} as HandlerContext;

/** What the handler writes for the record. */
function written(options: ConsoleHandlerOptions, isTTY: boolean, columns?: number): string {
  let text = '';
  const stream = { isTTY, columns, write: (chunk: string) => (text += chunk) };
  const end = consoleHandler({ stream, ...options }).start(context);
  end.onEmit(record as unknown as LogRecord);
  expect(end.deliveryAccount()).toEqual({ accepted: 1, delivered: 1, rejected: 0, dropped: {}, pending: 0 });
  return text;
}

const PRETTY = /^\d\d:04:05\.067 INFO {2}shop user_login username=alice\n$/;
const JSON_LINE = /^\{"timestamp":"2024-01-02T13:04:05\.067890123Z",.*\}\n$/;
const COLOURED = /^\S\[2m\d\d:04:05\.067\S\[0m /;

const environment = process.env;
beforeEach(() => {
  process.env = {};
});
afterEach(() => {
  process.env = environment;
  jest.restoreAllMocks();
});

describe('format', () => {
  test.each<[ConsoleHandlerOptions['format'], boolean, RegExp]>([
    ['auto', true, PRETTY],
    ['auto', false, JSON_LINE],
    ['pretty', false, PRETTY],
    ['json', true, JSON_LINE],
    [undefined, false, JSON_LINE],
  ])('%p, on a terminal: %p', (format, isTTY, expected) => {
    expect(written({ colors: false, ...(format && { format }) }, isTTY)).toMatch(expected);
  });

  test('JSON is never coloured', () => {
    expect(written({ format: 'json', colors: true }, true)).toMatch(JSON_LINE);
  });

  test('lines are wrapped on a terminal only', () => {
    expect(written({ format: 'pretty', colors: false }, true, 40)).toMatch(/user_login\n {4}\| username=alice\n$/);
    expect(written({ format: 'pretty', colors: false }, false, 40)).toMatch(PRETTY);
  });
});

describe('colors', () => {
  test.each<[ConsoleHandlerOptions['colors'], Record<string, string>, boolean, boolean]>([
    ['auto', {}, true, true],
    ['auto', {}, false, false],
    ['auto', { NO_COLOR: '1' }, true, false],
    ['auto', { NO_COLOR: '' }, true, true],
    ['auto', { TERM: 'dumb' }, true, false],
    ['auto', { FORCE_COLOR: '1' }, false, true],
    ['auto', { FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
    ['auto', { FORCE_COLOR: '0' }, true, false],
    ['auto', { FORCE_COLOR: 'false' }, true, false],
    ['auto', { FORCE_COLOR: '' }, false, false],
    [true, { NO_COLOR: '1' }, false, true],
    [false, { FORCE_COLOR: '1' }, true, false],
  ])('%p with %p, on a terminal: %p', (colors, env, isTTY, coloured) => {
    process.env = env;
    const text = written({ format: 'pretty', ...(colors !== undefined && { colors }) }, isTTY);
    expect(COLOURED.test(text)).toBe(coloured);
    expect(PRETTY.test(text)).toBe(!coloured);
  });
});

describe('a terminal that knows its colours', () => {
  const { hasColors, getColorDepth } = WriteStream.prototype;

  test.each<[Record<string, string>, boolean]>([
    [{ TERM: 'xterm' }, true],
    [{ TERM: 'linux' }, true],
    [{ TERM: 'xterm', NO_COLOR: '' }, true],
    [{}, false],
    [{ TERM: 'dumb' }, false],
    [{ TERM: 'unheard-of' }, false],
    [{ TERM: 'unheard-of', FORCE_COLOR: '' }, false],
    [{ TERM: 'unheard-of', FORCE_COLOR: '1' }, true],
    [{ TERM: 'xterm', NO_COLOR: '1' }, false],
  ])('is asked, with %p: %p', (env, coloured) => {
    process.env = env;
    const texts: string[] = [];
    // Node's own terminal, but for the device.
    const stream = { isTTY: true, write: (text: string) => texts.push(text), hasColors, getColorDepth };
    consoleHandler({ stream })
      .start(context)
      .onEmit(record as unknown as LogRecord);
    expect([texts.length, COLOURED.test(texts[0] ?? '')]).toEqual([1, coloured]);
  });
});

test('writes to what process.stdout is when the pipeline starts', () => {
  const handler = consoleHandler({ format: 'json' });
  const texts: string[] = [];
  jest.spyOn(process, 'stdout', 'get').mockReturnValue({ write: (text: string) => texts.push(text) } as never);
  handler.start(context).onEmit(record as unknown as LogRecord);
  expect(texts).toEqual([expect.stringMatching(JSON_LINE)]);
});

test('a handler has a name, a condition if one is given, and a limit', () => {
  const when = () => true;
  expect(consoleHandler()).toMatchObject({ name: 'console' });
  expect(consoleHandler()).not.toHaveProperty('when');
  expect(consoleHandler({ when }).when).toBe(when);

  const stalled = { writableLength: 11, write: () => false };
  const end = consoleHandler({ stream: stalled, maxBufferedBytes: 10 }).start(context);
  end.onEmit(record as unknown as LogRecord);
  expect(end.deliveryAccount().dropped).toEqual({ stream_full: 1 });
});

test.each<[unknown, string]>([
  [null, 'consoleHandler'],
  [{ color: true }, 'consoleHandler.color: '],
  [{ color: true }, 'format, colors, stream, maxBufferedBytes, when'],
  [{ format: 'yaml' }, 'consoleHandler.format: must be one of "auto", "pretty", "json", not "yaml"'],
  [{ colors: 'yes' }, 'consoleHandler.colors: must be one of "auto", true, false, not "yes"'],
  [{ stream: {} }, 'consoleHandler.stream: must be a stream with a write function, not an object'],
  [{ stream: null }, 'consoleHandler.stream: must be a stream with a write function, not null'],
  [{ maxBufferedBytes: -1 }, 'consoleHandler.maxBufferedBytes: '],
  [{ maxBufferedBytes: '1' }, 'consoleHandler.maxBufferedBytes: '],
  [{ when: true }, 'consoleHandler.when: must be a function, not true'],
])('%p is a configuration error: %s', (options, message) => {
  expect(() => consoleHandler(options as ConsoleHandlerOptions)).toThrow(
    expect.objectContaining({ name: 'ConfigError', message: expect.stringContaining(message) }),
  );
});
