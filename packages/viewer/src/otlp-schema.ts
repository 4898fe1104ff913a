import protobuf from 'protobufjs/light.js';

/** What OTLP carries, as its HTTP paths name it: `/v1/logs`, `/v1/traces`, `/v1/metrics`. */
export type Signal = 'logs' | 'traces' | 'metrics';

/** How a request's body is written: `application/json` or `application/x-protobuf`. */
export type Encoding = 'json' | 'protobuf';

/** One decoded message, not checked yet: the fields that were present, by their names in OTLP/JSON. */
export type Message = Readonly<Record<string, unknown>>;

/** The messages that can be decoded or encoded by name. */
export type MessageName =
  | `${'Logs' | 'Traces' | 'Metrics'}${'Request' | 'Response'}`
  | 'AnyValue'
  | 'ArrayValue'
  | 'KeyValueList'
  | 'Status';

/**
 * The OTLP messages of opentelemetry-proto 1.x: `field: 'type number'`, `[]` for repeated.
 * Enums are written as int32, which is the same on the wire. Fields that nobody here reads are left out: they are
 * skipped, as the protocol wants of unknown ones.
 *
 * `AnyValue` keeps a nested list or map as bytes, to be decoded one level at a time (any-value.ts): protobufjs stops at
 * 100 nested messages, which is 33 nested values, and OTel allows 64 by default.
 */
const fields = {
  LogsRequest: { resourceLogs: 'ResourceLogs[] 1' },
  ResourceLogs: { resource: 'Resource 1', scopeLogs: 'ScopeLogs[] 2', schemaUrl: 'string 3' },
  ScopeLogs: { scope: 'Scope 1', logRecords: 'LogRecord[] 2', schemaUrl: 'string 3' },
  LogRecord: {
    timeUnixNano: 'fixed64 1',
    observedTimeUnixNano: 'fixed64 11',
    severityNumber: 'int32 2',
    severityText: 'string 3',
    body: 'AnyValue 5',
    attributes: 'KeyValue[] 6',
    droppedAttributesCount: 'uint32 7',
    flags: 'fixed32 8',
    traceId: 'bytes 9',
    spanId: 'bytes 10',
    eventName: 'string 12',
  },

  TracesRequest: { resourceSpans: 'ResourceSpans[] 1' },
  ResourceSpans: { resource: 'Resource 1', scopeSpans: 'ScopeSpans[] 2', schemaUrl: 'string 3' },
  ScopeSpans: { scope: 'Scope 1', spans: 'Span[] 2', schemaUrl: 'string 3' },
  Span: {
    traceId: 'bytes 1',
    spanId: 'bytes 2',
    traceState: 'string 3',
    parentSpanId: 'bytes 4',
    name: 'string 5',
    kind: 'int32 6',
    startTimeUnixNano: 'fixed64 7',
    endTimeUnixNano: 'fixed64 8',
    attributes: 'KeyValue[] 9',
    droppedAttributesCount: 'uint32 10',
    events: 'SpanEvent[] 11',
    droppedEventsCount: 'uint32 12',
    links: 'SpanLink[] 13',
    droppedLinksCount: 'uint32 14',
    status: 'SpanStatus 15',
    flags: 'fixed32 16',
  },
  SpanEvent: {
    timeUnixNano: 'fixed64 1',
    name: 'string 2',
    attributes: 'KeyValue[] 3',
    droppedAttributesCount: 'uint32 4',
  },
  SpanLink: {
    traceId: 'bytes 1',
    spanId: 'bytes 2',
    traceState: 'string 3',
    attributes: 'KeyValue[] 4',
    droppedAttributesCount: 'uint32 5',
    flags: 'fixed32 6',
  },
  SpanStatus: { message: 'string 2', code: 'int32 3' },

  MetricsRequest: { resourceMetrics: 'ResourceMetrics[] 1' },
  ResourceMetrics: { resource: 'Resource 1', scopeMetrics: 'ScopeMetrics[] 2', schemaUrl: 'string 3' },
  ScopeMetrics: { scope: 'Scope 1', metrics: 'Metric[] 2', schemaUrl: 'string 3' },
  Metric: {
    name: 'string 1',
    description: 'string 2',
    unit: 'string 3',
    gauge: 'Gauge 5',
    sum: 'Sum 7',
    histogram: 'Histogram 9',
    exponentialHistogram: 'ExponentialHistogram 10',
    summary: 'Summary 11',
  },
  Gauge: { dataPoints: 'NumberPoint[] 1' },
  Sum: { dataPoints: 'NumberPoint[] 1', aggregationTemporality: 'int32 2', isMonotonic: 'bool 3' },
  Histogram: { dataPoints: 'HistogramPoint[] 1', aggregationTemporality: 'int32 2' },
  ExponentialHistogram: { dataPoints: 'ExponentialHistogramPoint[] 1', aggregationTemporality: 'int32 2' },
  Summary: { dataPoints: 'SummaryPoint[] 1' },
  NumberPoint: {
    startTimeUnixNano: 'fixed64 2',
    timeUnixNano: 'fixed64 3',
    asDouble: 'double 4',
    exemplars: 'Exemplar[] 5',
    asInt: 'sfixed64 6',
    attributes: 'KeyValue[] 7',
    flags: 'uint32 8',
  },
  HistogramPoint: {
    startTimeUnixNano: 'fixed64 2',
    timeUnixNano: 'fixed64 3',
    count: 'fixed64 4',
    sum: 'double 5',
    bucketCounts: 'fixed64[] 6',
    explicitBounds: 'double[] 7',
    exemplars: 'Exemplar[] 8',
    attributes: 'KeyValue[] 9',
    flags: 'uint32 10',
    min: 'double 11',
    max: 'double 12',
  },
  ExponentialHistogramPoint: {
    attributes: 'KeyValue[] 1',
    startTimeUnixNano: 'fixed64 2',
    timeUnixNano: 'fixed64 3',
    count: 'fixed64 4',
    sum: 'double 5',
    scale: 'sint32 6',
    zeroCount: 'fixed64 7',
    positive: 'Buckets 8',
    negative: 'Buckets 9',
    flags: 'uint32 10',
    exemplars: 'Exemplar[] 11',
    min: 'double 12',
    max: 'double 13',
    zeroThreshold: 'double 14',
  },
  Buckets: { offset: 'sint32 1', bucketCounts: 'uint64[] 2' },
  SummaryPoint: {
    startTimeUnixNano: 'fixed64 2',
    timeUnixNano: 'fixed64 3',
    count: 'fixed64 4',
    sum: 'double 5',
    quantileValues: 'QuantileValue[] 6',
    attributes: 'KeyValue[] 7',
    flags: 'uint32 8',
  },
  QuantileValue: { quantile: 'double 1', value: 'double 2' },
  Exemplar: {
    timeUnixNano: 'fixed64 2',
    asDouble: 'double 3',
    spanId: 'bytes 4',
    traceId: 'bytes 5',
    asInt: 'sfixed64 6',
    filteredAttributes: 'KeyValue[] 7',
  },

  Resource: { attributes: 'KeyValue[] 1', droppedAttributesCount: 'uint32 2' },
  Scope: { name: 'string 1', version: 'string 2', attributes: 'KeyValue[] 3', droppedAttributesCount: 'uint32 4' },
  KeyValue: { key: 'string 1', value: 'AnyValue 2' },
  AnyValue: {
    stringValue: 'string 1',
    boolValue: 'bool 2',
    intValue: 'int64 3',
    doubleValue: 'double 4',
    arrayValue: 'bytes 5',
    kvlistValue: 'bytes 6',
    bytesValue: 'bytes 7',
  },
  ArrayValue: { values: 'AnyValue[] 1' },
  KeyValueList: { values: 'KeyValue[] 1' },

  LogsResponse: { partialSuccess: 'LogsPartialSuccess 1' },
  LogsPartialSuccess: { rejectedLogRecords: 'int64 1', errorMessage: 'string 2' },
  TracesResponse: { partialSuccess: 'TracesPartialSuccess 1' },
  TracesPartialSuccess: { rejectedSpans: 'int64 1', errorMessage: 'string 2' },
  MetricsResponse: { partialSuccess: 'MetricsPartialSuccess 1' },
  MetricsPartialSuccess: { rejectedDataPoints: 'int64 1', errorMessage: 'string 2' },
  /** google.rpc.Status: the body of every OTLP error answer. */
  Status: { code: 'int32 1', message: 'string 2' },
} as const;

const root = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(fields).map(([name, declared]) => [
      name,
      { fields: Object.fromEntries(Object.entries(declared).map(([field, text]) => [field, fieldDescriptor(text)])) },
    ]),
  ),
});

function fieldDescriptor(declaration: string): protobuf.IField {
  const [, type = '', repeated, id] = /^(\w+)(\[\])? (\d+)$/.exec(declaration) ?? [];
  return { type, id: Number(id), ...(repeated === undefined ? {} : { rule: 'repeated' }) };
}

const types: ReadonlyMap<string, protobuf.Type> = new Map(
  Object.keys(fields).map((name) => [name, root.lookupType(name)]),
);

function typeOf(name: MessageName): protobuf.Type {
  return types.get(name) as protobuf.Type;
}

/**
 * Decodes one message. Only fields that were on the wire are own properties of the result; 64-bit integers are `Long`
 * objects; byte fields share memory with `bytes`. Throws on anything that is not this message.
 */
export function decodeProtobuf(name: MessageName, bytes: Uint8Array): Message {
  return typeOf(name).decode(bytes) as unknown as Message;
}

/** Encodes one message. Fields with undefined values are left out. */
export function encodeProtobuf(name: MessageName, message: Message): Uint8Array {
  const type = typeOf(name);
  return type.encode(type.fromObject(message)).finish();
}

/** The name of a signal's request or response message. */
export function messageOf(signal: Signal, kind: 'Request' | 'Response'): MessageName {
  return `${({ logs: 'Logs', traces: 'Traces', metrics: 'Metrics' } as const)[signal]}${kind}`;
}
