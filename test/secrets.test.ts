import { afterEach, describe, expect, test } from '@jest/globals';
import { getLogger, type Logger } from '@logspan/logger';
import { type Logging, logspanProcessor, otlp, redact, register } from '@logspan/sdk';
import { context, DiagLogLevel, diag } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { keyedSecret, keyPlacements, secretKeys, secretTexts, textPlacements } from './secrets/corpus.ts';
import { formsOf, type Output, oneOutput, outputs } from './secrets/outputs.ts';

interface Running {
  readonly logger: Logger;
  readonly outputs: readonly Output[];
  /** Everything that left the process by any way. */
  everything(): Promise<Buffer>;
  stats(): Logging['stats'] extends () => infer Stats ? Partial<Stats> : never;
}

let end: (() => Promise<unknown>) | undefined;
afterEach(async () => {
  await end?.();
  end = undefined;
  logs.disable();
  context.disable();
  diag.disable();
});

function listening(): string[] {
  const told: string[] = [];
  const tell = (...words: unknown[]) => void told.push(words.map(String).join(' '));
  diag.setLogger(
    { error: tell, warn: tell, info: tell, debug: tell, verbose: tell },
    { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true },
  );
  return told;
}

async function withRegister(which = outputs): Promise<Running> {
  const told = listening();
  const all = await which();
  const logging = register({ level: 'trace', exitHooks: false, handlers: all.map(({ handler }) => handler) });
  end = () => logging.shutdown().finally(() => closeAll(all));
  return {
    logger: getLogger('shop'),
    outputs: all,
    stats: () => logging.stats(),
    async everything() {
      expect(await logging.forceFlush()).toBe(true);
      return gathered(all, [...told, JSON.stringify(logging.stats())]);
    },
  };
}

async function withStockSdk(): Promise<Running> {
  const told = listening();
  const all = await outputs();
  const pipeline = logspanProcessor({ handlers: all.map(({ handler }) => handler) });
  const provider = new LoggerProvider({ processors: [pipeline as never] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  logs.setGlobalLoggerProvider(provider);
  end = () => provider.shutdown().finally(() => closeAll(all));
  return {
    logger: getLogger('shop'),
    outputs: all,
    stats: () => pipeline.stats(),
    async everything() {
      await provider.forceFlush();
      return gathered(all, [...told, JSON.stringify(pipeline.stats())]);
    },
  };
}

function closeAll(all: readonly Output[]): void {
  for (const output of all) output.close();
}

function gathered(all: readonly Output[], texts: readonly string[]): Buffer {
  return Buffer.concat([...all.map((output) => output.written()), ...texts.map((text) => Buffer.from(text))]);
}

/** The forms of a secret that are in sight. */
const seen = (secret: string, everything: Buffer): string[] =>
  formsOf(secret)
    .filter((form) => everything.includes(form))
    .map(String);

describe.each([
  ['register()', withRegister],
  ['a stock SDK', withStockSdk],
])('no byte of a secret leaves %s', (_, start) => {
  test.each(secretTexts)('$name, wherever it stands', async ({ secret, text }) => {
    const { logger, outputs: all, everything } = await start();
    for (const [, place] of textPlacements) place(text)(logger);
    const left = await everything();
    expect(seen(secret, left)).toEqual([]);
    for (const output of all) expect(output.written().length).toBeGreaterThan(1_000);
    expect(left.includes('***REDACTED***')).toBe(true);
  });

  test.each(secretKeys.map((key) => [key]))('what is under %s, wherever it stands', async (key) => {
    const { logger, everything } = await start();
    for (const [, place] of keyPlacements) place(key, keyedSecret)(logger);
    expect(seen(keyedSecret, await everything())).toEqual([]);
  });
});

test('the test itself would see a secret, in every output', async () => {
  for (const output of await outputs()) {
    const logging = register({ exitHooks: false, redact: false, handlers: [output.handler] });
    getLogger('shop').info('e', { note: keyedSecret, bytes: Buffer.from(`x${keyedSecret}`) });
    await logging.forceFlush();
    await logging.shutdown();
    expect([output.name, seen(keyedSecret, output.written()).length > 0]).toEqual([output.name, true]);
    output.close();
  }
});

test('nothing is lost with the secrets: every record arrives', async () => {
  const { logger, stats, everything } = await withRegister();
  const secret = secretTexts[0]?.text as string;
  for (const [, place] of textPlacements) place(secret)(logger);
  await everything();
  expect(stats().pipeline).toMatchObject({
    emitted: textPlacements.length,
    passed: textPlacements.length,
    dropped: {},
  });
});

describe('at the edge where a text is cut', () => {
  // What is left of these tells nothing before so many characters.
  test.each(secretTexts.map((row) => [row.name, row] as const))(
    '%s',
    async (_, { secret, text }) => {
      const { logger, everything } = await withRegister(oneOutput);
      const at = text.indexOf(secret);
      for (let kept = 1; kept <= secret.length; kept += secret.length > 50 ? 3 : 1) {
        const cutAt = (limit: number) => 'word '.repeat(limit).slice(-(limit - at - kept)) + text;
        logger.info('e', { note: cutAt(32_768) });
        logger.exception(Object.assign(new Error(cutAt(8_192)), { stack: cutAt(16_384) }));
        logger.exception(new Error('m', { cause: new Error(cutAt(8_192)) }));
      }
      const left = await everything();
      // The header of a JWT is the same for all.
      const telling = secret.startsWith('eyJ') ? secret.slice(0, secret.indexOf('.') + 12) : secret.slice(0, 12);
      expect(seen(telling, left)).toEqual([]);
    },
    60_000,
  );
});

test('a ConfigError does not tell a secret', () => {
  const key = 'too-short-hunter2';
  const mistakes: (() => unknown)[] = [
    () => redact({ rules: [{ keys: ['email'], action: { pseudonym: { key } } }] }),
    () => redact({ rules: [{ keys: ['email'], action: { pseudonym: { key: 5 as never, more: key } as never } }] }),
    () => redact({ rules: [{ keys: ['email'], action: `hunter2 ${key}` as never }] }),
    () => redact({ rules: [{ pattern: key as never, name: 'x' }] }),
    () => redact({ rules: [{ detect: [`hunter2 ${key}` as never] }] }),
    () => register({ handlers: [otlp({ headers: { authorization: `Bearer \n${key}` } })] }),
    () => register({ handlers: [otlp({ endpoint: `htp://u:${key}@h` })] }),
  ];
  for (const mistake of mistakes) {
    let message = '';
    try {
      mistake();
    } catch (error) {
      message = `${error} ${JSON.stringify(error)} ${(error as Error).stack?.split('\n    at ')[0]}`;
    }
    expect(message).toContain('ConfigError');
    expect(message).not.toContain('hunter2');
  }
});
