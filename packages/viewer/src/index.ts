export type { Attributes, Value } from './any-value.ts';
export { decodeLogs, decodeMetrics, decodeSpans } from './decode.ts';
export { MalformedError } from './field.ts';
export { formatRecord, type LineOptions, useColors } from './format-record.ts';
export { jsonLine } from './json-line.ts';
export { type Level, type LogRecord, levelOf } from './log-record.ts';
export type { Buckets, Distribution, Exemplar, MetricPoint, NumberValue, PointData } from './metric-point.ts';
export type { Origin, Resource, Scope } from './origin.ts';
export type { Encoding, Signal } from './otlp-schema.ts';
export { createReceiver, type Listener, type Receiver, type ReceiverCounts, type ReceiverOptions } from './receiver.ts';
export type { ExportRequest, Reply, ReplyHandler, ScriptedReply } from './reply.ts';
export type { Span, SpanEvent, SpanLink } from './span.ts';
export {
  createStore,
  type SignalCounts,
  type Store,
  type StoreCounts,
  type StoreOptions,
  type TraceSummary,
} from './store.ts';
export { createTail, type Tail, type TailOptions } from './tail.ts';
