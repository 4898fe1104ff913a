import { deepStrictEqual } from 'node:assert';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { getLogger, type Logger, lazy, withAttributes } from '@logspan/logger';
import { type Logging, type LoggingStats, otlp, type RegisterOptions, register } from '@logspan/sdk';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import fc from 'fast-check';
import official from 'otlp-official-schema/build/src/generated/root.js';
import { anything } from './hostile-values/anything.ts';
import { hostileValues } from './hostile-values/values.ts';

type Encoded = Record<string, unknown>;
interface DecodedRecord {
  timeUnixNano: string;
  observedTimeUnixNano: string;
  severityNumber: number;
  severityText: string;
  eventName: string;
  traceId: string;
  spanId: string;
  body: Encoded | null;
  attributes: { key: string; value: Encoded }[];
  droppedAttributesCount: number;
}
interface Codec {
  decode(bytes: Uint8Array): unknown;
  toObject(message: unknown, options: object): { resourceLogs: { scopeLogs: { logRecords: DecodedRecord[] }[] }[] };
}

/** The official schema; its own types are those of another file. */
const Request = (
  official as unknown as {
    opentelemetry: { proto: { collector: { logs: { v1: { ExportLogsServiceRequest: Codec } } } } };
  }
).opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;

let logging: Logging | undefined;

/** Logging as an application has it, but for the network: what would have been sent is kept. */
function start(options: RegisterOptions = {}) {
  const bodies: Uint8Array[] = [];
  const running = register({
    level: 'trace',
    exitHooks: false,
    handlers: [
      otlp({
        compression: 'none',
        sender: () => ({
          async send(body) {
            bodies.push(body.slice());
            return { status: 200, body: new Uint8Array(0) };
          },
          close: () => undefined,
        }),
      }),
    ],
    ...options,
  });
  logging = running;
  return {
    /** All records since the last call, as the official schema reads them. */
    async received(): Promise<DecodedRecord[]> {
      expect(await running.forceFlush()).toBe(true);
      return bodies
        .splice(0)
        .flatMap((body) =>
          Request.toObject(Request.decode(body), { defaults: true, longs: String, bytes: String }).resourceLogs.flatMap(
            ({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords),
          ),
        );
    },
    stats: () => running.stats(),
  };
}

afterEach(async () => {
  await logging?.shutdown();
  context.disable();
});

/** Plain data as OTLP has it. */
function encoded(value: unknown): Encoded {
  if (typeof value === 'string') return { stringValue: Buffer.from(value).toString() };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') {
    return Number.isInteger(value) ? { intValue: BigInt(value).toString() } : { doubleValue: value };
  }
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(encoded) } };
  if (value === null || value === undefined) return {};
  return { kvlistValue: { values: Object.entries(value).map(([key, inner]) => ({ key, value: encoded(inner) })) } };
}

describe('a hostile value', () => {
  const USES: readonly ((logger: Logger, event: string, make: () => unknown) => void)[] = [
    (logger, event, make) => logger.event('info', event, { value: make() }),
    (logger, event, make) => logger.event('info', event, () => ({ value: make() })),
    (logger, event, make) => logger.child({ value: make() }).event('info', event),
    (logger, event, make) => withAttributes({ value: make() }, () => logger.event('info', event)),
    (logger, event, make) => logger.event('info', event, { value: lazy(make) }),
    (_, event, make) => logs.getLogger('foreign').emit({ eventName: event, attributes: { value: make() as never } }),
    // These may become anything, but they must arrive.
    (logger, _, make) => logger.info(make() as never),
    (logger, _, make) => logger.info('in place of the attributes', make() as never),
    (logger, _, make) => logger.exception(make()),
    (_logger, _, make) => logs.getLogger('foreign').emit({ body: make() as never, exception: make() }),
  ];
  let records: DecodedRecord[];
  let stats: LoggingStats;

  beforeAll(async () => {
    const pipeline = start();
    const logger = getLogger('shop');
    for (const { name, make } of hostileValues) for (const use of USES) use(logger, name, make);
    records = await pipeline.received();
    stats = pipeline.stats();
    await logging?.shutdown();
  });

  test('never costs a record', () => {
    const { accepted, delivered, dropped } = stats;
    const written = hostileValues.length * USES.length;
    expect({ accepted, delivered, dropped, received: records.length }).toEqual({
      accepted: written,
      delivered: written,
      dropped: {},
      received: written,
    });
    expect(stats.pipeline.dropped).toEqual({});
  });

  test('is bounded in size', () => {
    for (const { attributes, body } of records) {
      expect(JSON.stringify(attributes).length).toBeLessThan(400_000);
      expect(JSON.stringify(body).length).toBeLessThan(1_000_000);
    }
  });

  test.each(hostileValues.map((row) => [row.name, row] as const))('%s', (name, { becomes, cut }) => {
    const named = records.filter(({ eventName }) => eventName === name);
    expect(named).toHaveLength(6);
    for (const { attributes, droppedAttributesCount } of named) {
      deepStrictEqual(attributes, [{ key: 'value', value: encoded(becomes) }]);
      expect(droppedAttributesCount).toBe(cut ? 1 : 0);
    }
  });
});

describe('garbage in the fields of a record', () => {
  test('is made valid or left out', async () => {
    const pipeline = start();
    const logger = logs.getLogger('foreign');
    const invalidSpans = [
      { traceId: 'nonsense', spanId: 'x', traceFlags: 1 },
      { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 1 },
      { traceId: 7, spanId: null, traceFlags: 'x' },
      {},
    ];
    for (const span of invalidSpans) {
      logger.emit({ body: 'span', context: trace.setSpanContext(ROOT_CONTEXT, span as never) });
    }
    for (const time of [Number.NaN, -1, [Number.NaN, 0], [-5, 0], new Date(Number.NaN), Number.POSITIVE_INFINITY]) {
      logger.emit({ body: 'time', timestamp: time as never, observedTimestamp: time as never });
    }
    for (const severityNumber of [25, 99, Number.NaN, '17', {}, 17n] as never[]) {
      logger.emit({ body: 'severity', severityNumber, severityText: severityNumber, eventName: severityNumber });
    }
    const records = await pipeline.received();
    const of = (kind: string) => records.filter(({ body }) => body?.stringValue === kind);
    expect(of('span').map(({ traceId, spanId }) => [traceId, spanId])).toEqual(Array(4).fill(['', '']));
    expect(of('time')).toHaveLength(6);
    for (const { timeUnixNano } of of('time')) expect(timeUnixNano).toMatch(/^(0|1[0-9]{18})$/);
    expect(of('severity')).toHaveLength(6);
    for (const { severityNumber } of of('severity')) expect(severityNumber).toBe(0);
  });
});

describe('prototypes', () => {
  test('cannot be polluted by a record', async () => {
    const pipeline = start();
    const evil = () => JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
    const logger = getLogger('shop');
    logger.child(evil()).info(evil(), evil());
    withAttributes(evil(), () => logger.info('x', { nested: evil(), map: new Map([['__proto__', evil()]]), odd: 1n }));
    const [first, second] = await pipeline.received();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(first?.attributes.map(({ key }) => key)).toEqual(['__proto__', 'constructor']);
    expect(second?.attributes.map(({ key }) => key)).toEqual(['__proto__', 'constructor', 'nested', 'map', 'odd']);
  });

  test('that are polluted do not show in a record', async () => {
    // Redaction has tests of its own.
    const pipeline = start({ redact: false });
    const logger = getLogger('shop');
    const write = () => {
      logger.child({ a: 1 }).info('x', { b: [1, { c: 1n }], map: new Map([['d', new Date(0)]]) });
      logger.exception(new TypeError('m'), 'y', { e: 1 });
      logger.info('z', { f: { g: 'text' } });
    };
    write();
    const prototype = Object.prototype as unknown as Record<string, unknown>;
    try {
      Object.defineProperty(prototype, 'polluted', { configurable: true, enumerable: true, value: { by: 'value' } });
      Object.defineProperty(prototype, 'trap', {
        configurable: true,
        enumerable: true,
        get() {
          throw new Error('trap');
        },
      });
      write();
    } finally {
      delete prototype.polluted;
      delete prototype.trap;
    }
    const records = await pipeline.received();
    expect(records).toHaveLength(6);
    const seen = ({ body, attributes }: DecodedRecord) => ({
      body,
      attributes: attributes.filter(({ key }) => key !== 'exception.stacktrace'),
    });
    expect(records.slice(3).map(seen)).toEqual(records.slice(0, 3).map(seen));
  });
});

test('a getter that changes its mind costs no more than its record, which is counted', async () => {
  const pipeline = start();
  let written = 0;
  for (let honest = 0; honest < 8; honest++) {
    for (const then of [() => 1, Symbol('s'), new Map(), 1n, new Date(0), undefined]) {
      let reads = 0;
      const fickle = {
        get value() {
          if (reads++ < honest) return 'plain';
          if (then === undefined) throw new Error('no');
          return then;
        },
      };
      getLogger('shop').info('x', fickle);
      getLogger('shop').info('x', { deep: [fickle] });
      written += 2;
    }
  }
  const records = await pipeline.received();
  const { delivered, dropped, pipeline: inside } = pipeline.stats();
  const lost = [...Object.values(dropped), ...Object.values(inside.dropped)].reduce((sum, count) => sum + count, 0);
  expect(delivered).toBe(records.length);
  expect(delivered + lost).toBe(written);
});

test('no call throws, whatever it is given, and every record arrives', async () => {
  const pipeline = start();
  const methods = ['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'critical'] as const;
  const call = fc.record({
    method: fc.constantFrom(...methods, 'log', 'event', 'message', 'exception'),
    arguments: fc.array(anything, { maxLength: 4 }),
    bound: fc.option(anything),
    scope: fc.option(anything),
    foreign: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 8 }), async (calls) => {
      for (const { method, arguments: makers, bound, scope, foreign } of calls) {
        const given = makers.map((make) => make());
        const logger = bound === null ? getLogger('shop') : getLogger('shop').child(bound() as never);
        const write = (): void => {
          if (foreign) {
            const [body, attributes, exception] = given;
            logs.getLogger('foreign').emit({ body: body as never, attributes: attributes as never, exception });
          } else {
            (logger[method] as (...values: unknown[]) => void).apply(logger, given);
          }
        };
        if (scope === null) write();
        else withAttributes(scope() as never, write);
      }
      expect(await pipeline.received()).toHaveLength(calls.length);
    }),
    { numRuns: 80 },
  );
  const { accepted, delivered, dropped } = pipeline.stats();
  expect({ delivered, dropped }).toEqual({ delivered: accepted, dropped: {} });
});
