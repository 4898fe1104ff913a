import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { getLogger } from '@logspan/logger';
import { batch, type Logging, type LogRecord, type LogRecordExporter, otlp, register } from '@logspan/sdk';
import { context, DiagLogLevel, diag, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { type Ended, run } from './delivery/child.ts';
import { FakeCollector } from './delivery/fake-collector.ts';

/** As long as the longest of them takes, and some more for a slow machine. */
const PATIENCE = 40_000;
const COUNT = 10_000;
const all = Array.from({ length: COUNT }, (_, id) => String(id));
const numerically = (a: string, b: string) => Number(a) - Number(b);

let logging: Logging | undefined;
beforeEach(() => {
  const nothing = () => undefined;
  const silent = { error: nothing, warn: nothing, info: nothing, debug: nothing, verbose: nothing };
  diag.setLogger(silent, DiagLogLevel.NONE);
});
afterEach(async () => {
  await logging?.shutdown({ timeoutMillis: 100 });
  diag.disable();
});

describe('a burst without returning to the event loop', () => {
  /** Runs the built packages, as an application does, against a collector in this process. */
  async function burst(kind: string, ending: string, options: object): Promise<Ended & { arrived: string[][] }> {
    const collector = await new FakeCollector().start();
    if (kind === 'fallback') await collector.stop();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_LOG_LEVEL: 'WARN' };
    const ended = await run(['buffered.mjs', kind, String(COUNT), ending, JSON.stringify(options)], env);
    await collector.stop();
    return { ...ended, arrived: collector.requests.map(({ records = [] }) => records.map(({ id }) => id)) };
  }

  test.each(['shutdown', 'process.exit', 'natural'])(
    'through a queue of 256 KiB loses nothing if log calls may wait, and ends by %s',
    async (ending) => {
      const { code, arrived, stdout, stderr } = await burst('otlp', ending, {
        queueBytes: 256 * 1_024,
        overflow: 'block',
      });
      expect(code).toBe(ending === 'process.exit' ? 3 : 0);
      expect([...new Set(arrived.flat())].sort(numerically)).toEqual(all);
      for (const ids of arrived) expect(ids).toEqual([...ids].sort(numerically));
      expect(stderr).toBe('');
      if (ending === 'shutdown') {
        expect(JSON.parse(stdout).stats).toMatchObject({ accepted: COUNT, delivered: COUNT, dropped: {}, pending: 0 });
      }
    },
    PATIENCE,
  );

  test(
    'of which the collector takes nothing reaches the fallback at the end of the process',
    async () => {
      const { code, stdout } = await burst('fallback', 'process.exit', { queueBytes: 256 * 1_024 });
      expect(code).toBe(3);
      expect(JSON.parse(stdout)).toEqual({
        count: COUNT,
        different: COUNT,
        reasons: ['queue_full', 'process_exit'],
      });
    },
    PATIENCE,
  );
});

test.each(['shutdown', 'process.exit', 'SIGTERM'])(
  'what a collector that refuses is not given reaches a file, through a buffer that holds a tenth of it: %s',
  async (ending) => {
    const folder = await mkdtemp(join(tmpdir(), 'logspan-'));
    const path = join(folder, 'undelivered.log');
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_LOG_LEVEL: 'NONE' };
    const options = JSON.stringify({ path, bufferBytes: 256 * 1_024 });
    const { code, signal } = await run(['buffered.mjs', 'file', String(COUNT), ending, options], env);
    expect(signal ?? code).toBe({ shutdown: 0, 'process.exit': 3, SIGTERM: 'SIGTERM' }[ending]);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).attributes.id).sort(numerically)).toEqual(all);
    await rm(folder, { recursive: true });
  },
  PATIENCE,
);

describe('buffered', () => {
  test('10 000 in, 10 000 out, in their order', async () => {
    const collector = await new FakeCollector().start();
    logging = register({ exitHooks: false, handlers: [otlp({ endpoint: collector.endpoint, concurrency: 1 })] });
    const logger = getLogger('shop');
    for (const id of all) logger.info('item_processed', { id });
    await expect(logging.forceFlush()).resolves.toBe(true);
    expect(collector.records.map(({ id }) => id)).toEqual(all);
    expect(logging.stats()).toMatchObject({ accepted: COUNT, delivered: COUNT, dropped: {} });
    await collector.stop();
  });
});

describe('asynchronous', () => {
  /** An exporter that answers when the event loop comes round to it. */
  class Later implements LogRecordExporter {
    readonly records: LogRecord[] = [];
    hangs = false;

    export(records: LogRecord[], done: (result: { code: number }) => void): void {
      this.records.push(...records);
      if (!this.hangs) setImmediate(() => done({ code: 0 }));
    }

    async shutdown(): Promise<void> {}
  }

  test('back pressure by forceFlush: 10 000 through a queue of 1 000, all of them, in order', async () => {
    const exporter = new Later();
    logging = register({ exitHooks: false, handlers: [batch(exporter, { queueRecords: 1_000, batchRecords: 100 })] });
    const logger = getLogger('shop');
    for (const id of all) {
      logger.info('item_processed', { id });
      if (Number(id) % 500 === 499) await logging.forceFlush();
    }
    expect(exporter.records.map(({ attributes }) => attributes.id)).toEqual(all);
    expect(logging.stats()).toMatchObject({ delivered: COUNT, dropped: {}, pending: 0 });
  });

  test('the trace is that of the call', async () => {
    const exporter = new Later();
    logging = register({ exitHooks: false, handlers: [batch(exporter)] });
    const spanContexts = ['a', 'b'].map((digit) => ({
      traceId: digit.repeat(32),
      spanId: digit.repeat(16),
      traceFlags: 1,
    }));
    for (const spanContext of spanContexts) {
      context.with(trace.setSpanContext(ROOT_CONTEXT, spanContext), () => getLogger('shop').info('order_placed'));
    }
    await logging.forceFlush();
    expect(exporter.records.map(({ spanContext }) => spanContext)).toMatchObject(spanContexts);
  });

  test('stopping with a backlog ends, the rest is counted, and a sink that throws harms nobody', async () => {
    const exporter = new Later();
    const broken: LogRecordExporter = {
      export() {
        throw new Error('hunter2');
      },
      shutdown: () => Promise.reject(new Error('hunter2')),
    };
    logging = register({
      exitHooks: false,
      handlers: [batch(broken, { name: 'broken' }), batch(exporter, { name: 'slow', queueRecords: 5_000 })],
    });
    const logger = getLogger('shop');
    for (const id of all.slice(0, 1_000)) logger.info('item_processed', { id });
    await logging.forceFlush();
    exporter.hangs = true;
    for (const id of all.slice(0, 3_000)) logger.info('item_processed', { id });
    await expect(logging.shutdown({ timeoutMillis: 20 })).resolves.toBe(false);
    expect(logging.stats().handlers).toMatchObject({
      slow: { accepted: 4_000, delivered: 1_000, dropped: { shutdown_deadline: 3_000 }, pending: 0 },
      broken: { accepted: 4_000, delivered: 0, pending: 0 },
    });
  });
});
