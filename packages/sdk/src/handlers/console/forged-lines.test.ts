import { afterAll, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { DEFAULT_ATTRIBUTE_LIMITS, setDestination, setMinimumSeverities } from '@logspan/logger/internal';
import fc from 'fast-check';
import { Clock } from '../../provider/clock.ts';
import { LoggerProvider } from '../../provider/logger-provider.ts';
import { consoleHandler } from '../console.ts';
import type { HandlerContext } from '../handler.ts';
import { CONTINUATION } from './wrapped-text.ts';

/** What an attacker sends: ends of lines, terminal commands, forged records, and whatever else text can hold. */
const PIECES = [
  ...['\n', '\r', '\r\n', '\x0b', '\f', '\x85', '\u2028', '\u2029', '\0', '\b', '\t', '\x7f', '\x9b', '\x9d'],
  ...['\x1b[2K', '\x1b[1A', '\x1b]0;title\x07', '\x1b]8;;http://a\x1b\\', '\x1b[31m', '\x1b[0m', '\ud800', '\udfff'],
  ...['\u061c', '\u200e', '\u200f', '\u202a', '\u202e', '\u2066', '\u2069', '\ufeff', '\u200b', '日本', '😀', 'é'],
  ...['12:00:00.000 INFO  shop login_succeeded', '{"severity_text":"FATAL"}', CONTINUATION, '    at f (a.js:1:1)'],
  ...['Caused by: ', ' ', '"', '\\', '=', '{', '[', '%s', '__proto__', 'a', '\\x1b', '\\u{1b}'],
];

/** Everything but our line ends: C0, DEL, C1, line separators, bidi controls, lone surrogates. */
const RAW = /[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/u;
const OUR_COLORS = new RegExp(`${'\x1b'}\\[(?:0|1|2|31|32|33|36|90|1;31)m`, 'g');
const START = /^\d\d:\d\d:\d\d\.\d{3} (?:TRACE|DEBUG|INFO |WARN |ERROR|FATAL) /;

interface Hostile {
  readonly scope: string;
  readonly event: string;
  readonly forced: boolean;
  readonly attributes: Record<string, unknown>;
}

/** What logs on the consoles of all kinds, and what each of them has written since it was asked last. */
function consoles(): { write(hostile: Hostile): void; written(): string[] } {
  const texts: string[] = ['', '', ''];
  const context = {} as HandlerContext;
  const on = (index: number) => ({ columns: 40, isTTY: index === 1, write: (text: string) => (texts[index] += text) });
  const ends = [
    consoleHandler({ format: 'pretty', colors: false, stream: on(0) }),
    consoleHandler({ format: 'pretty', colors: true, stream: on(1) }),
    consoleHandler({ format: 'json', stream: on(2) }),
  ].map((handler) => handler.start(context));
  const toAll = {
    onEmit: (record: Parameters<(typeof ends)[number]['onEmit']>[0]) => {
      for (const end of ends) end.onEmit(record);
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  setDestination(new LoggerProvider(toAll, { attributes: {} }, DEFAULT_ATTRIBUTE_LIMITS, new Clock()));
  setMinimumSeverities(() => 1);
  return {
    write({ scope, event, forced, attributes }) {
      const logger = getLogger(scope);
      if (forced) logger.event('error', event, attributes);
      else logger.warn(event, attributes);
    },
    written() {
      for (const end of ends) expect(end.deliveryAccount().dropped).toEqual({});
      return texts.splice(0, 3, '', '', '');
    },
  };
}

/** What is wrong with a record as people see it: a sentence, or nothing. */
function faultInPretty(text: string): string | undefined {
  if (!text.endsWith('\n')) return 'has no end';
  const [first = '', ...more] = text.slice(0, -1).split('\n');
  if (!START.test(first)) return `begins otherwise: ${JSON.stringify(first)}`;
  const loose = more.find((line) => !line.startsWith(CONTINUATION));
  if (loose !== undefined) return `has a line at the left edge: ${JSON.stringify(loose)}`;
  const raw = [first, ...more].find((line) => RAW.test(line));
  return raw === undefined ? undefined : `has a raw control character: ${JSON.stringify(raw)}`;
}

function faultInJson(text: string, { scope, event }: Hostile): string | undefined {
  if (text.indexOf('\n') !== text.length - 1) return 'is not one line';
  if (RAW.test(text.slice(0, -1))) return `has a raw control character: ${JSON.stringify(text)}`;
  const { body, 'otel.scope.name': name } = JSON.parse(text);
  return body === event && name === scope ? undefined : `does not give back what was logged: ${text}`;
}

function check(hostile: Hostile, [plain = '', coloured = '', json = '']: string[]): void {
  const faults = [
    faultInPretty(plain),
    faultInPretty(coloured.replace(OUR_COLORS, '')),
    faultInJson(json, hostile),
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) throw new Error(`a record of ${JSON.stringify(hostile)} ${faults.join('; ')}`);
}

/** An error all of whose texts come from outside. */
function hostileError(text: () => string, depth: number): Error {
  const inner = depth > 0 ? hostileError(text, depth - 1) : text();
  const error = depth === 1 ? new AggregateError([inner, text()], text()) : new Error(text(), { cause: inner });
  error.name = text();
  error.stack = `${text()}\n    at ${text()}`;
  return error;
}

afterAll(() => setDestination(undefined));

test('any text in any place: one record starts one line, and commands no terminal', () => {
  const { write, written } = consoles();
  const text = fc
    .array(
      fc.oneof(
        fc.constantFrom(...PIECES),
        fc.string({ unit: 'binary' }),
        fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
      ),
      {
        maxLength: 6,
      },
    )
    .map((parts) => parts.join(''));
  const value = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 3 }, text, fc.double(), fc.constant(null), fc.bigInt(), tie('many')),
    many: fc.oneof(fc.array(tie('node'), { maxLength: 3 }), fc.dictionary(text, tie('node'), { maxKeys: 3 })),
  })).node;
  const error = fc.infiniteStream(text).map((texts) => hostileError(() => texts.next().value as string, 2));
  const hostile = fc.record({
    scope: text,
    event: text,
    forced: fc.boolean(),
    attributes: fc
      .tuple(fc.dictionary(text, value, { maxKeys: 4 }), fc.option(error, { nil: undefined }))
      .map(([attributes, error]) => ({ ...attributes, error })),
  });
  fc.assert(
    fc.property(hostile, (any) => {
      write(any);
      check(any, written());
    }),
    { numRuns: 500 },
  );
});

test('thousands of attacks, the same each time', () => {
  const { write, written } = consoles();
  let state = 0x9e3779b9;
  const below = (limit: number): number => {
    // xorshift32.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  const text = (): string => {
    let made = '';
    for (let parts = below(4); parts >= 0; parts--) made += PIECES[below(PIECES.length)];
    return made;
  };
  for (let i = 0; i < 4_000; i++) {
    const attributes: Record<string, unknown> = { [text()]: text(), [text()]: { [text()]: [text()] } };
    if (i % 16 === 0) attributes.error = hostileError(text, below(3));
    const hostile = { scope: PIECES[below(PIECES.length)] as string, event: text(), forced: i % 2 === 0, attributes };
    write(hostile);
    check(hostile, written());
  }
});
