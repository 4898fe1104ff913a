import { expect, test } from '@jest/globals';
import { DEFAULT_ATTRIBUTE_LIMITS } from '@logspan/logger/internal';
import type {
  LogRecordProcessor as OtelProcessor,
  ReadableLogRecord,
  ReadWriteLogRecord,
} from '@opentelemetry/sdk-logs';
import { InMemoryLogRecordExporter, LoggerProvider as StockProvider } from '@opentelemetry/sdk-logs';
import type { LogRecordProcessor } from '../pipeline/stage.ts';
import { PipelineRecord } from './log-record.ts';
import type { LogspanProcessor } from './logspan-processor.ts';
import { buildResource } from './resource.ts';

// These lines are the test: they do not compile once our shapes leave those of OTel.
// (Optional fields are present and undefined in ours: only a consumer with exactOptionalPropertyTypes minds.)
type Present<T> = { [K in keyof T]: T[K] | undefined };
const readable = (record: PipelineRecord): Present<Omit<ReadableLogRecord, 'resource' | 'instrumentationScope'>> =>
  record;
const readWrite = (record: PipelineRecord): ReadWriteLogRecord => record as unknown as ReadWriteLogRecord;
const processor = (ours: LogspanProcessor): OtelProcessor => ours;
const theirs = (other: OtelProcessor): Pick<LogRecordProcessor, 'forceFlush' | 'shutdown'> => other;

function record(): PipelineRecord {
  return new PipelineRecord(
    { attributes: { 'service.name': 'shop' } },
    { name: 'orders' },
    DEFAULT_ATTRIBUTE_LIMITS,
    undefined,
    1_700_000_000_123,
    456_789,
    9,
    'INFO',
    'order_created',
    'order_created',
    { id: 7 },
    undefined,
    undefined,
  );
}

test('our record has every field that a stock exporter reads', () => {
  const stock = new InMemoryLogRecordExporter();
  const ours = readable(record());
  stock.export([ours as unknown as ReadableLogRecord], () => undefined);
  const [exported] = stock.getFinishedLogRecords();
  expect(exported?.hrTime).toEqual([1_700_000_000, 123_456_789]);
  expect(exported?.attributes).toEqual({ id: 7 });
  expect(exported?.instrumentationScope.name).toBe('orders');
  const resource = buildResource({ environment: { serviceName: 'shop', resourceAttributes: undefined } });
  expect(resource.getRawAttributes()).toContainEqual(['telemetry.sdk.name', 'logspan']);
});

test('our record can be edited by a stock processor, until it is sealed', () => {
  const ours = record();
  const editable = readWrite(ours);
  editable.setAttribute('added', 'yes').setBody('other').setEventName('renamed').setSeverityText('NOTE');
  expect({ ...ours.attributes, body: ours.body, eventName: ours.eventName }).toEqual({
    id: 7,
    added: 'yes',
    body: 'other',
    eventName: 'renamed',
  });
  ours.seal();
  editable.setAttribute('late', 'no').setBody('late').setEventName('late').setSeverityText('late').setSeverityNumber(1);
  expect(ours.attributes).toEqual({ id: 7, added: 'yes' });
  expect([ours.body, ours.eventName, ours.severityText, ours.severityNumber]).toEqual(['other', 'renamed', 'NOTE', 9]);
});

test('our processor runs inside a stock provider, and a stock processor has what our pipeline calls', async () => {
  const seen: string[] = [];
  const stock = new StockProvider({
    processors: [
      processor({
        onEmit: (emitted) => void seen.push(String(emitted.body)),
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
        stats: () => ({
          pipeline: {
            emitted: 0,
            written: 0,
            redactedBy: {},
            held: 0,
            passed: 0,
            dropped: {},
            redacted: 0,
            failures: {},
            takenOut: [],
          },
          handlers: {},
        }),
      }),
    ],
  });
  stock.getLogger('any').emit({ body: 'hello' });
  await theirs({
    onEmit: () => undefined,
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  }).forceFlush();
  expect(seen).toEqual(['hello']);
});
