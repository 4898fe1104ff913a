import { afterEach, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { toldDuring } from '../../../../test/pipeline/recorder.ts';
import { consoleHandler } from '../handlers/console.ts';
import type { Logging } from './logging.ts';
import { register } from './logging.ts';

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
