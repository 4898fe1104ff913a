import { readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as sdk from '../index.ts';

/** The functions of a folder: each file has one, and its name. */
const functionsIn = (folder: string, others: readonly string[]): string[] =>
  readdirSync(new URL(`../${folder}/`, import.meta.url))
    .filter((name) => /^[a-z-]+\.ts$/.test(name) && !others.includes(name))
    .map((name) => name.slice(0, -3).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()))
    .map((name) => (name === 'console' ? 'consoleHandler' : name));

const processors = functionsIn('processors', []);
const handlers = functionsIn('handlers', ['handler.ts', 'official-otlp.ts']);
const of = (name: string) => (sdk as unknown as Record<string, unknown>)[name];

describe.each([...processors, ...handlers, 'pipe', 'processor'])('%s, whose call was forgotten', (name) => {
  test.each<[string, (one: never) => unknown, string]>([
    ['register()', (one) => sdk.register({ processors: [one] }), 'processors[0]'],
    ['logspanProcessor()', (one) => sdk.logspanProcessor({ processors: [one] }), 'processors[0]'],
    ['route()', (one) => sdk.route({ processors: [one], to: sdk.otlp() }), 'route.processors[0]'],
    ['pipe()', (one) => sdk.pipe(one), 'processors[0]'],
    ['timed()', (one) => sdk.timed(one), 'timed'],
    ['handlers', (one) => sdk.register({ handlers: [one] }), 'handlers[0]'],
    ['fallback()', (one) => sdk.fallback(one, sdk.otlp()), 'fallback: the first'],
    ['the handlers of a route()', (one) => sdk.route({ to: one }), 'route.to'],
  ])('is a ConfigError of %s', (_, use, option) => {
    const one = of(name) as never;
    expect(one).toBeInstanceOf(Function);
    const message = `${option}: must be what ${name}() returns: the call is missing`;
    expect(() => use(one)).toThrow(expect.objectContaining({ name: 'ConfigError', option, message }));
  });
});

test('a function of yours may have any name', () => {
  const redact = () => undefined;
  expect(() => sdk.pipe(redact)).not.toThrow();
});
