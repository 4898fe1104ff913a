import { afterEach, describe, expect, test } from '@jest/globals';
import { consoleHandler } from '../handlers/console.ts';
import { otlp } from '../handlers/otlp.ts';
import { ConfigError } from './config-error.ts';
import { logspanProcessor } from './logspan-processor.ts';
import type { RegisterOptions } from './options.ts';
import { register } from './register.ts';

/** The ConfigError that a call is answered with. */
function mistake(call: () => unknown): ConfigError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('was accepted');
}

const quiet = { exitHooks: false, handlers: [] } as const;
const hooks = () =>
  ['exit', 'beforeExit', 'SIGTERM', 'uncaughtExceptionMonitor'].map((name) => process.listenerCount(name));

describe('register', () => {
  const before = hooks();
  // Whatever was refused has left nothing behind: the next one would be refused as the second.
  afterEach(async () => {
    expect(hooks()).toEqual(before);
    await register({ ...quiet, signals: false }).shutdown();
  });

  test.each<[string, object]>([
    ['level', { level: 'loud' }],
    ['level', { level: 'info,db=' }],
    ['level', { level: 9 }],
    ['levelFile', { levelFile: 1 }],
    ['levelFile', { levelFile: '' }],
    ['levelSignal', { levelSignal: 'SIGTERM' }],
    ['levelSignal', { levelSignal: 'SIGKILL' }],
    ['processors', { processors: 'redact' }],
    ['processors[1]', { processors: [() => undefined, 'redact'] }],
    ['handlers', { handlers: 'otlp' }],
    ['handlers', { handlers: consoleHandler() }],
    ['handlers[0]', { handlers: ['otlp'] }],
    ['handlers[0]', { handlers: [otlp] }],
    ['handlers[1]', { handlers: [consoleHandler(), null] }],
    ['handlers[0].name', { handlers: [{ start: () => undefined }] }],
    ['handlers[0].when', { handlers: [{ ...otlp(), when: 'error' }] }],
    ['redact', { redact: 'yes' }],
    ['limits', { limits: 128 }],
    ['limits.attributeCount', { limits: { attributeCount: -1 } }],
    ['limits.attributeCount', { limits: { attributeCount: 1.5 } }],
    ['limits.attributeValueLength', { limits: { attributeValueLength: '1' } }],
    ['limits.maxAttributes', { limits: { maxAttributes: 1 } }],
    ['loggerConfigurator', { loggerConfigurator: {} }],
    ['exitHooks', { exitHooks: 'no' }],
    ['signals', { signals: 0 }],
    ['register.handler', { handler: [] }],
    ['register.logLevel', { logLevel: 'info' }],
    ['service', { service: 1 }],
    ['attributes', { attributes: 'a=b' }],
  ])('refuses a wrong %s by its name (%#)', (option, options) => {
    const error = mistake(() => register(options as RegisterOptions));
    expect(error.option).toBe(option);
    expect(error.message.startsWith(`${option}: `)).toBe(true);
  });

  test.each([null, 1, 'otlp', [], () => ({})])('refuses %p as options', (options) => {
    expect(mistake(() => register(options as never)).option).toBe('register');
  });

  test('says of an unknown option which there are', () => {
    expect(mistake(() => register({ procesors: [] } as never)).message).toMatch(/options are service, .*processors/);
  });

  test('refuses what a handler finds wrong only when it starts', () => {
    const late = otlp({ certificateFile: '/nowhere/ca.pem' });
    expect(mistake(() => register({ handlers: [consoleHandler(), late] })).option).toBe('otlp.certificateFile');
  });

  test('refuses a second call while the first runs, and takes it after its shutdown', async () => {
    const first = register(quiet);
    expect(mistake(() => register(quiet)).message).toMatch(/was called before/);
    await first.shutdown();
    await register(quiet).shutdown();
  });

  test('refuses later what it would have refused at the start', async () => {
    const logging = register(quiet);
    expect(mistake(() => logging.setLevel('loud')).option).toBe('level');
    expect(mistake(() => logging.addHandler({} as never)).option).toBe('handler');
    expect(mistake(() => logging.addProcessor(1 as never)).option).toBe('processor');
    await logging.shutdown();
  });
});

describe('otlp', () => {
  const number = 2 ** 31;
  test.each<[string, object]>([
    ['otlp', null as never],
    ['otlp.url', { url: 'http://collector' }],
    ['otlp.name', { name: 1 }],
    ['otlp.when', { when: 'error' }],
    ['otlp.protocol', { protocol: 'http' }],
    ['otlp.compression', { compression: 'br' }],
    ['otlp.timeoutMillis', { timeoutMillis: 0 }],
    ['otlp.timeoutMillis', { timeoutMillis: number }],
    ['otlp.delayMillis', { delayMillis: -1 }],
    ['otlp.batchRecords', { batchRecords: 0 }],
    ['otlp.batchBytes', { batchBytes: 64 * 1_048_576 + 1 }],
    ['otlp.queueBytes', { queueBytes: Number.NaN }],
    ['otlp.recordBytes', { recordBytes: '1 MiB' }],
    ['otlp.concurrency', { concurrency: 0 }],
    ['otlp.certificateFile', { certificateFile: Buffer.from('pem') }],
    ['otlp.clientKeyFile', { clientKeyFile: 1 }],
    ['otlp.clientCertificateFile', { clientCertificateFile: true }],
  ])('refuses a wrong %s by its name (%#)', (option, options) => {
    expect(mistake(() => otlp(options)).option).toBe(option);
  });
});

describe('logspanProcessor', () => {
  test.each<[string, object]>([
    ['logspanProcessor', 1 as never],
    ['logspanProcessor.level', { level: 'info' }],
    ['processors', { processors: {} }],
    ['handlers[0]', { handlers: [{}] }],
    ['redact', { redact: null }],
  ])('refuses a wrong %s by its name (%#)', (option, options) => {
    expect(mistake(() => logspanProcessor(options)).option).toBe(option);
  });
});
