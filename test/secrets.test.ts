import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { getLogger, type Logger } from '@logspan/logger';
import { batch, type Logging, logspanProcessor, otlp, redact, register } from '@logspan/sdk';
import { captureLogs } from '@logspan/sdk/testing';
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
  const captured = captureLogs();
  end = () => logging.shutdown().finally(() => closeAll(all));
  return {
    logger: getLogger('shop'),
    outputs: all,
    stats: () => logging.stats(),
    async everything() {
      expect(await logging.forceFlush()).toBe(true);
      await settled(all);
      await captured.stop();
      return gathered(all, [...told, JSON.stringify(logging.stats()), shown(captured.records)]);
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
      await settled(all);
      return gathered(all, [...told, JSON.stringify(pipeline.stats())]);
    },
  };
}

async function settled(all: readonly Output[]): Promise<void> {
  for (const output of all) await output.settled?.();
}

const shown = (value: unknown): string =>
  inspect(value, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null, breakLength: Infinity });

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
  listening();
  for (const output of await outputs()) {
    const logging = register({ exitHooks: false, redact: false, handlers: [output.handler] });
    for (let i = 0; i < 20; i++) {
      getLogger('shop').info('e', {
        note: keyedSecret,
        bytes: Buffer.from(`x${keyedSecret}`),
        filler: 'x'.repeat(100),
      });
    }
    await logging.forceFlush();
    await output.settled?.();
    await logging.shutdown();
    expect([output.name, seen(keyedSecret, output.written()).length > 0]).toEqual([output.name, true]);
    output.close();
  }
});

test('and in what is captured', async () => {
  const captured = captureLogs({ redact: false });
  getLogger('shop').info('e', { note: keyedSecret });
  await captured.stop();
  expect(shown(captured.records)).toContain(keyedSecret);
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

test('news of a destination tell no secret, whatever it answers', async () => {
  const told = listening();
  const answers = [
    [
      200,
      JSON.stringify({ partialSuccess: { rejectedLogRecords: 1, errorMessage: `no such key: Bearer ${keyedSecret}` } }),
    ],
    [200, JSON.stringify({ partialSuccess: { errorMessage: `postgres://ann:${keyedSecret}@db is down` } })],
    [401, `{"message":"wrong password ${keyedSecret}"}`],
    [413, keyedSecret],
    [503, keyedSecret],
    [200, keyedSecret],
  ] as const;
  const handlers = answers.map(([status, text], i) =>
    otlp({
      name: `otlp${i}`,
      endpoint: `http://ann:${keyedSecret}@127.0.0.1:1`,
      headers: { 'x-api-key': keyedSecret },
      sender: () => ({
        send: async () => ({
          status,
          contentType: 'application/json',
          retryAfter: keyedSecret,
          body: Buffer.from(text),
        }),
        close: () => undefined,
      }),
    }),
  );
  const failing = otlp({
    name: 'failing',
    sender: () => ({
      async send() {
        throw Object.assign(new Error(keyedSecret), { name: keyedSecret });
      },
      close: () => undefined,
    }),
  });
  const exporter = batch({
    export: (_, done) => done({ code: 1, error: Object.assign(new Error(keyedSecret), { name: keyedSecret }) }),
    shutdown: () => Promise.reject(new Error(keyedSecret)),
  });
  const logging = register({ exitHooks: false, handlers: [...handlers, failing, exporter] });
  getLogger('shop').info('e', { n: 1 });
  await logging.forceFlush({ timeoutMillis: 200 });
  await logging.shutdown({ timeoutMillis: 100 });
  expect(told.filter((news) => news.startsWith('logspan: otlp0: partial'))).toEqual([
    'logspan: otlp0: partial: 1 of 1 records rejected: no such key: …',
  ]);
  expect(told.length).toBeGreaterThan(5);
  expect(seen(keyedSecret, Buffer.from(told.join('\n')))).toEqual([]);
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
