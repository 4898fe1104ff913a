import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { InMemoryLogRecordExporter } from '@opentelemetry/sdk-logs';
import { ScriptedSender } from '../../../../test/delivery/scripted-sender.ts';
import { stubSentry } from '../../../../test/sentry/stub-sentry.ts';
import { batch } from '../handlers/batch.ts';
import { consoleHandler } from '../handlers/console.ts';
import { fallback } from '../handlers/fallback.ts';
import { file } from '../handlers/file.ts';
import type { Handler } from '../handlers/handler.ts';
import { httpBatch } from '../handlers/http-batch.ts';
import { otlp } from '../handlers/otlp.ts';
import { route } from '../handlers/route.ts';
import { sentry } from '../handlers/sentry.ts';
import { enrich } from '../processors/enrich.ts';
import { handlerConformance } from './handler-conformance.ts';

const folder = mkdtempSync(join(tmpdir(), 'logspan-handlers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = (): string => join(folder, `${files++}.log`);

const stream = () => ({ write: () => true });
const sending = (answer: number | undefined) => {
  const sender = new ScriptedSender(() => 0);
  sender.script = () => answer;
  const sendSync = (_: unknown, bodies: readonly unknown[]) =>
    bodies.map(() => (answer === undefined ? new Error('no answer') : { status: answer, body: new Uint8Array() }));
  return { sender: () => sender, sendSync: sendSync as never };
};
const otlpTo = (answer: number | undefined): Handler => otlp(sending(answer));
const serviceOf = (answer: number | undefined): Handler =>
  httpBatch({ endpoint: 'http://localhost', ...sending(answer) });
const never = { export: () => undefined, shutdown: () => new Promise<void>(() => undefined) };

/** One row for each handler in a way that it can be set up: the file it is of, and one whose destination never answers. */
const handlers: readonly (readonly [name: string, what: string, make: () => Handler, hanging?: () => Handler])[] = [
  ['console', 'pretty', () => consoleHandler({ format: 'pretty', stream: stream() as never })],
  ['console', 'json', () => consoleHandler({ format: 'json', stream: stream() as never })],
  ['file', 'lines of JSON', () => file(newFile())],
  ['batch', 'a stock exporter', () => batch(new InMemoryLogRecordExporter()), () => batch(never as never)],
  ['otlp', 'a collector', () => otlpTo(200), () => otlpTo(undefined)],
  ['otlp', 'a collector that refuses', () => otlpTo(400)],
  ['http-batch', 'a service', () => serviceOf(200), () => serviceOf(undefined)],
  ['http-batch', 'a service that refuses', () => serviceOf(400)],
  ['route', 'with processors', () => route({ processors: [enrich({ a: 1 })], to: file(newFile()) })],
  [
    'route',
    'to two',
    () => route({ to: consoleHandler({ format: 'json', stream: stream() as never }) }),
    () => route({ to: otlpTo(undefined) }),
  ],
  ['sentry', 'a client', () => sentry(stubSentry(200)), () => sentry(stubSentry(undefined))],
  ['sentry', 'a client that refuses, for all levels', () => sentry(stubSentry(400), { level: 'trace' })],
  ['sentry', 'without a client', () => sentry({ ...stubSentry(200), getClient: () => undefined })],
  ['fallback', 'from a collector that refuses to a file', () => fallback(otlpTo(400), file(newFile()))],
];
/** Parts that are no handlers. */
const OTHERS = ['handler', 'official-otlp'];

test('no handler is missing from the list above', () => {
  const names = readdirSync(new URL('../handlers', import.meta.url))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -3));
  expect(names.filter((name) => !handlers.some(([own]) => own === name)).sort()).toEqual(OTHERS);
});

describe.each(handlers)('%s, %s', (_name, _what, make, hanging) => {
  test.each(handlerConformance(make, hanging === undefined ? {} : { hanging }))('$name', ({ run }) => run());
});
