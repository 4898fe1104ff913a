import type { Attributes, HrTime } from '@opentelemetry/api';
import { OtlpEncoder } from '../delivery/otlp-encoder.ts';
import type { InstrumentationScope } from '../pipeline/stage.ts';
import {
  type Buckets,
  type DataPoint,
  type Exemplar,
  type ExponentialHistogram,
  type Histogram,
  INTEGER,
  type MetricData,
  POINT,
  type ResourceMetrics,
  TEMPORALITY,
} from './metric-data.ts';

/** The exemplars of a point, if there are any. */
export type ExemplarsOf = (scope: InstrumentationScope, metric: string, attributes: Attributes) => readonly Exemplar[];

/**
 * An ExportMetricsServiceRequest (opentelemetry/proto/metrics/v1/metrics.proto) of one collection, with the exemplars that
 * belong to its points: what OpenTelemetry's own encoder for JavaScript leaves out. Runs once an export, so it is written to
 * be read, unlike that for records.
 */
export function encodeMetrics(data: ResourceMetrics, exemplarsOf: ExemplarsOf = () => []): Uint8Array {
  const writer = new Writer();
  const envelope = new OtlpEncoder();
  writer.message(1, () => {
    // Resource and scope have the same fields around logs as around metrics.
    writer.raw(envelope.resource(data.resource));
    for (const { scope, metrics } of data.scopeMetrics) {
      writer.message(2, () => {
        writer.raw(envelope.scope(scope));
        for (const metric of metrics) writer.message(2, () => writeMetric(writer, scope, metric, exemplarsOf));
        writer.raw(envelope.schemaUrl(scope.schemaUrl));
      });
    }
    writer.raw(envelope.schemaUrl(data.resource.schemaUrl));
  });
  return writer.bytes();
}

function writeMetric(writer: Writer, scope: InstrumentationScope, metric: MetricData, exemplarsOf: ExemplarsOf): void {
  const { descriptor, dataPointType, dataPoints } = metric;
  const { name, valueType } = descriptor;
  writer.text(1, name);
  writer.text(2, descriptor.description);
  writer.text(3, descriptor.unit);
  const points = (write: (point: DataPoint, exemplars: readonly Exemplar[]) => void): void => {
    for (const point of dataPoints) writer.message(1, () => write(point, exemplarsOf(scope, name, point.attributes)));
  };
  // In OTLP delta is 1 and cumulative is 2.
  const temporality = (): void => writer.varint(2, metric.aggregationTemporality === TEMPORALITY.delta ? 1 : 2);
  const integers = valueType === INTEGER;
  switch (dataPointType) {
    case POINT.gauge:
      writer.message(5, () => points((point) => writeNumberPoint(writer, point, integers, [])));
      break;
    case POINT.sum:
      writer.message(7, () => {
        points((point, exemplars) => writeNumberPoint(writer, point, integers, exemplars));
        temporality();
        if (metric.isMonotonic === true) writer.varint(3, 1);
      });
      break;
    case POINT.histogram:
      writer.message(9, () => {
        points((point, exemplars) => writeHistogramPoint(writer, point, integers, exemplars));
        temporality();
      });
      break;
    case POINT.exponentialHistogram:
      writer.message(10, () => {
        points((point, exemplars) => writeExponentialPoint(writer, point, integers, exemplars));
        temporality();
      });
  }
}

function writeNumberPoint(writer: Writer, point: DataPoint, integers: boolean, exemplars: readonly Exemplar[]): void {
  writer.time(2, point.startTime);
  writer.time(3, point.endTime);
  if (integers) writer.signed64(6, point.value as number);
  else writer.double(4, point.value as number);
  writeAttributes(writer, 7, point.attributes);
  writeExemplars(writer, 5, integers, exemplars);
}

function writeHistogramPoint(
  writer: Writer,
  point: DataPoint,
  integers: boolean,
  exemplars: readonly Exemplar[],
): void {
  const { count, sum, min, max, buckets } = point.value as Histogram;
  writer.time(2, point.startTime);
  writer.time(3, point.endTime);
  writer.fixed64(4, count);
  if (sum !== undefined) writer.double(5, sum);
  writer.message(6, () => {
    for (const bucket of buckets.counts) writer.bareFixed64(bucket);
  });
  writer.message(7, () => {
    for (const boundary of buckets.boundaries) writer.bareDouble(boundary);
  });
  writeExemplars(writer, 8, integers, exemplars);
  writeAttributes(writer, 9, point.attributes);
  if (min !== undefined) writer.double(11, min);
  if (max !== undefined) writer.double(12, max);
}

function writeExponentialPoint(
  writer: Writer,
  point: DataPoint,
  integers: boolean,
  exemplars: readonly Exemplar[],
): void {
  const { count, sum, min, max, scale, zeroCount, positive, negative } = point.value as ExponentialHistogram;
  writeAttributes(writer, 1, point.attributes);
  writer.time(2, point.startTime);
  writer.time(3, point.endTime);
  writer.fixed64(4, count);
  if (sum !== undefined) writer.double(5, sum);
  writer.varint(6, zigzag(scale));
  writer.fixed64(7, zeroCount);
  writeBuckets(writer, 8, positive);
  writeBuckets(writer, 9, negative);
  writeExemplars(writer, 11, integers, exemplars);
  if (min !== undefined) writer.double(12, min);
  if (max !== undefined) writer.double(13, max);
}

function writeBuckets(writer: Writer, field: number, { offset, bucketCounts }: Buckets): void {
  writer.message(field, () => {
    writer.varint(1, zigzag(offset));
    writer.message(2, () => {
      for (const count of bucketCounts) writer.bareVarint(count);
    });
  });
}

function writeExemplars(writer: Writer, field: number, integers: boolean, exemplars: readonly Exemplar[]): void {
  for (const { value, time, spanContext } of exemplars) {
    writer.message(field, () => {
      writer.time(2, time);
      writer.hex(4, spanContext.spanId);
      writer.hex(5, spanContext.traceId);
      if (integers) writer.signed64(6, value);
      else writer.double(3, value);
    });
  }
}

function writeAttributes(writer: Writer, field: number, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null) continue;
    writer.message(field, () => {
      writer.text(1, key);
      writer.message(2, () => writeValue(writer, value));
    });
  }
}

function writeValue(writer: Writer, value: unknown): void {
  if (typeof value === 'string') writer.text(1, value, true);
  else if (typeof value === 'boolean') writer.varint(2, value ? 1 : 0);
  else if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 63)
    writer.signedVarint(3, value);
  else if (typeof value === 'number') writer.double(4, value);
  else if (Array.isArray(value)) {
    writer.message(5, () => {
      for (const item of value) writer.message(1, () => writeValue(writer, item));
    });
  }
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

/** Protobuf fields, one after the other, in one growing buffer. */
class Writer {
  #buffer = Buffer.alloc(512);
  #at = 0;

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }

  /** A message inside another: its length is written in front of it when it is known. */
  message(field: number, write: () => void): void {
    this.#tag(field, 2);
    const lengthAt = this.#at;
    const start = this.#room(5);
    this.#at = start + 5;
    write();
    const end = this.#at;
    this.#at = lengthAt;
    this.bareVarint(end - start - 5);
    this.#buffer.copyWithin(this.#at, start + 5, end);
    this.#at += end - start - 5;
  }

  /** Left out if empty, which means the same, unless `always`. */
  text(field: number, text: string, always = false): void {
    if (text === '' && !always) return;
    const length = Buffer.byteLength(text);
    this.#tag(field, 2);
    this.bareVarint(length);
    const at = this.#room(length);
    this.#buffer.write(text, at);
    this.#at = at + length;
  }

  hex(field: number, digits: string): void {
    this.#tag(field, 2);
    this.bareVarint(digits.length / 2);
    this.raw(Buffer.from(digits, 'hex'));
  }

  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#buffer.set(bytes, at);
    this.#at = at + bytes.length;
  }

  varint(field: number, value: number): void {
    this.#tag(field, 0);
    this.bareVarint(value);
  }

  /** An int64: below zero it takes ten bytes. */
  signedVarint(field: number, value: number): void {
    this.#tag(field, 0);
    let rest = BigInt.asUintN(64, BigInt(value));
    let at = this.#room(10);
    for (; rest > 0x7fn; rest >>= 7n) this.#buffer[at++] = Number(rest & 0x7fn) | 0x80;
    this.#buffer[at++] = Number(rest);
    this.#at = at;
  }

  bareVarint(value: number): void {
    let at = this.#room(10);
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.#buffer[at++] = (rest % 0x80) | 0x80;
    this.#buffer[at++] = rest;
    this.#at = at;
  }

  double(field: number, value: number): void {
    this.#tag(field, 1);
    this.bareDouble(value);
  }

  bareDouble(value: number): void {
    const at = this.#room(8);
    this.#at = this.#buffer.writeDoubleLE(value, at);
  }

  fixed64(field: number, value: number): void {
    this.#tag(field, 1);
    this.bareFixed64(value);
  }

  bareFixed64(value: number): void {
    this.#unsigned64(BigInt(Math.trunc(value)));
  }

  signed64(field: number, value: number): void {
    this.#tag(field, 1);
    const whole = Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
    this.#unsigned64(whole);
  }

  time(field: number, [seconds, nanos]: HrTime): void {
    this.#tag(field, 1);
    this.#unsigned64(BigInt(seconds) * 1_000_000_000n + BigInt(Math.trunc(nanos)));
  }

  /** The lower 64 bits, which is what a number below zero is as well. */
  #unsigned64(value: bigint): void {
    // First the room: it may come with another buffer.
    const at = this.#room(8);
    this.#at = this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, value), at);
  }

  #tag(field: number, wire: number): void {
    this.bareVarint(field * 8 + wire);
  }

  /** Where so many bytes may be written. */
  #room(bytes: number): number {
    if (this.#at + bytes > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#at + bytes));
      larger.set(this.#buffer.subarray(0, this.#at));
      this.#buffer = larger;
    }
    return this.#at;
  }
}
