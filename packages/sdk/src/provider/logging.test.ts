import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { scopeLevel } from '@logspan/logger/internal';
import { toldDuring } from '../../../../test/pipeline/recorder.ts';
import { batch } from '../handlers/batch.ts';
import { consoleHandler } from '../handlers/console.ts';
import { fallback } from '../handlers/fallback.ts';
import type { Handler } from '../handlers/handler.ts';
import { route } from '../handlers/route.ts';
import type { Logging } from './logging.ts';
import { register } from './register.ts';

let logging: Logging | undefined;
afterEach(() => logging?.shutdown());

const quiet = () => [consoleHandler({ stream: { write: () => true } })];

test('flush and shutdown take null for no options, and can be called again', async () => {
  logging = register({ handlers: quiet(), exitHooks: false });
  await expect(logging.forceFlush(null as never)).resolves.toBe(true);
  await expect(logging.shutdown(null as never)).resolves.toBe(true);
  await expect(logging.shutdown()).resolves.toBe(true);
  logging = register({ handlers: quiet(), exitHooks: false });
});

test('a handle that was shut down changes nothing about the one that runs now', async () => {
  const old = register({ handlers: quiet(), exitHooks: false });
  await old.shutdown();
  logging = register({ handlers: quiet(), level: 'warn', exitHooks: false });
  old.setLevel('debug');
  expect(getLogger('any').isEnabled('info')).toBe(false);
});

test('a level that is no text is a ConfigError', () => {
  logging = register({ handlers: quiet(), exitHooks: false });
  expect(() => logging?.setLevel(5 as never)).toThrow('setLevel: must be a string, not 5');
});

test('levels are changed for a time, and a wrong time is a ConfigError', async () => {
  logging = register({ handlers: quiet(), level: 'warn', exitHooks: false });
  logging.setLevel('db=debug');
  expect([getLogger('db').isEnabled('debug'), getLogger('any').isEnabled('info')]).toEqual([true, false]);
  logging.setLevel('debug', { ttlMillis: 60_000 });
  expect(getLogger('any').isEnabled('debug')).toBe(true);
  for (const ttlMillis of [0, -1, 1.5, Number.NaN, 2 ** 31, '1000']) {
    expect(() => logging?.setLevel('trace', { ttlMillis } as never)).toThrow(
      'setLevel.ttlMillis: must be a whole number',
    );
  }
  expect(() => logging?.setLevel('trace', { ttl: 1 } as never)).toThrow('setLevel.ttl: is not an option');
  expect(() => logging?.setLevel('trace', 1_000 as never)).toThrow('setLevel: options must be an object');
  expect(getLogger('any').isEnabled('trace')).toBe(false);
  logging.setLevel('db=error', null as never);
  await logging.shutdown();
  // What was for a time has not become for ever.
  expect([scopeLevel('any').minimum, scopeLevel('db').minimum]).toEqual([13, 17]);
});

test('signal and file of the levels are followed until the shutdown, from options or the environment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'logspan-logging-'));
  const levelFile = join(folder, 'level');
  writeFileSync(levelFile, 'error');
  const listeners = () => [process.listenerCount('SIGUSR1'), process.listenerCount('SIGUSR2')];
  const before = listeners() as [number, number];
  try {
    logging = register({ handlers: quiet(), levelFile, levelSignal: 'SIGUSR2', exitHooks: false });
    expect(getLogger('any').isEnabled('warn')).toBe(false);
    expect(listeners()).toEqual([before[0], before[1] + 1]);
    await logging.shutdown();
    expect(listeners()).toEqual(before);
    expect(scopeLevel('any').minimum).toBe(9);

    process.env.LOGSPAN_LEVEL_FILE = levelFile;
    process.env.LOGSPAN_LEVEL_SIGNAL = 'sigusr1';
    logging = register({ handlers: quiet(), exitHooks: false });
    expect(getLogger('any').isEnabled('warn')).toBe(false);
    expect(listeners()).toEqual([before[0] + 1, before[1]]);
    await logging.shutdown();

    // An option stands above the variable of its name.
    logging = register({ handlers: quiet(), levelSignal: 'SIGUSR2', exitHooks: false });
    expect(listeners()).toEqual([before[0], before[1] + 1]);
  } finally {
    delete process.env.LOGSPAN_LEVEL_FILE;
    delete process.env.LOGSPAN_LEVEL_SIGNAL;
    rmSync(folder, { recursive: true });
  }
});

test('a certificate in the environment that cannot be read is told of, and done without', async () => {
  process.env.OTEL_EXPORTER_OTLP_CERTIFICATE = '/nowhere/ca.pem';
  try {
    const told = await toldDuring(() => {
      logging = register({ exitHooks: false });
    });
    expect(told.join('\n')).toContain('certificateFile that the environment names cannot be read: ENOENT');
  } finally {
    delete process.env.OTEL_EXPORTER_OTLP_CERTIFICATE;
  }
});

test('a shutdown says whether everything was delivered somewhere: by a handler, or by its fallback', async () => {
  const failing = () => batch({ export: (_, done) => done({ code: 1 }), shutdown: async () => undefined });
  const [console] = quiet() as [Handler];
  for (const [handler, answer] of [
    [failing(), false],
    [fallback(failing(), console), true],
    [fallback(fallback(failing(), failing()), console), true],
    [fallback(failing(), failing()), false],
    [route({ to: fallback(failing(), console) }), true],
  ] as const) {
    logging = register({ handlers: [handler], exitHooks: false });
    getLogger('shop').info('order_placed');
    await expect(logging.shutdown()).resolves.toBe(answer);
    const { lost, dropped } = logging.stats();
    expect([lost, dropped.export_failed]).toEqual([answer ? 0 : 1, expect.any(Number)]);
  }
});

test('a shutdown that a handler fails or does not end in time is not said to have been one', async () => {
  const [handler] = quiet() as [Handler];
  const ends = [() => Promise.reject(new Error('shutdown')), () => new Promise<never>(() => undefined)];
  for (const shutdown of ends) {
    logging = register({
      exitHooks: false,
      handlers: [{ name: 'end', start: (context) => Object.assign(handler.start(context), { shutdown }) }],
    });
    await toldDuring(async () => expect(await logging?.shutdown({ timeoutMillis: 1 })).toBe(false));
  }
});

test('a handler can be taken out while records flow', async () => {
  const [first, second] = [...quiet(), ...quiet()] as [Handler, Handler];
  logging = register({ handlers: [first, second], exitHooks: false });
  getLogger('shop').info('order_placed');
  await expect(logging.removeHandler(first, null as never)).resolves.toBe(true);
  await expect(logging.removeHandler(first)).resolves.toBe(false);
  await expect(logging.removeHandler(undefined as never)).resolves.toBe(false);
  getLogger('shop').info('order_placed');
  const { handlers, accepted } = logging.stats();
  expect(Object.entries(handlers).map(([name, { delivered }]) => [name, delivered])).toEqual([
    ['console', 1],
    ['console#2', 2],
  ]);
  expect(accepted).toBe(3);
  await expect(logging.forceFlush()).resolves.toBe(true);
});
