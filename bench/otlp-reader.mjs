// Reads OTLP protobuf without help from any contestant: counts the records of an ExportLogsServiceRequest by walking its
// frames, or decodes them whole.

/** The fields of a message: calls `each(number, wireType, value, end)`, for wire type 2 with the content's bounds. */
function walk(bytes, start, end, each) {
  let at = start;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= end) throw new RangeError('OTLP message is cut off');
      const byte = bytes[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < end) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 2) {
      const length = varint();
      if (at + length > end) throw new RangeError('OTLP message is cut off');
      each(tag >>> 3, wire, at, at + length);
      at += length;
    } else if (wire === 0) {
      each(tag >>> 3, wire, varint(), at);
    } else if (wire === 1 || wire === 5) {
      each(tag >>> 3, wire, at, at + (wire === 1 ? 8 : 4));
      at += wire === 1 ? 8 : 4;
    } else {
      throw new RangeError(`OTLP message has wire type ${wire}`);
    }
  }
}

/** Calls `each(start, end)` for every log record: resource_logs (1), scope_logs (2), log_records (2). */
function eachRecord(bytes, each) {
  walk(bytes, 0, bytes.length, (field, wire, start, end) => {
    if (field !== 1 || wire !== 2) throw new RangeError('not an ExportLogsServiceRequest');
    walk(bytes, start, end, (inner, _wire, from, to) => {
      if (inner !== 2) return;
      walk(bytes, from, to, (innermost, _, first, last) => {
        if (innermost === 2) each(first, last);
      });
    });
  });
}

export function countRecords(bytes) {
  let records = 0;
  eachRecord(bytes, () => {
    records++;
  });
  return records;
}

/** The log records of a request, as plain objects. */
export function decodeRecords(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const records = [];
  const text = (start, end) => Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  const hex = (start, end) => Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex');

  const anyValue = (start, end) => {
    let value = null;
    walk(bytes, start, end, (field, _, from, to) => {
      if (field === 1) value = text(from, to);
      else if (field === 2) value = from === 1;
      else if (field === 3) value = from;
      else if (field === 4) value = view.getFloat64(from, true);
      else if (field === 5) {
        value = [];
        walk(bytes, from, to, (_field, _wire, first, last) => value.push(anyValue(first, last)));
      } else if (field === 6) {
        value = {};
        walk(bytes, from, to, (_field, _wire, first, last) => keyValue(value, first, last));
      }
    });
    return value;
  };
  const keyValue = (into, start, end) => {
    let key = '';
    let value = null;
    walk(bytes, start, end, (field, _, from, to) => {
      if (field === 1) key = text(from, to);
      else value = anyValue(from, to);
    });
    into[key] = value;
  };

  eachRecord(bytes, (start, end) => {
    const record = { time: 0n, severityNumber: 0, severityText: '', attributes: {} };
    walk(bytes, start, end, (field, _, from, to) => {
      if (field === 1) record.time = view.getBigUint64(from, true);
      else if (field === 2) record.severityNumber = from;
      else if (field === 3) record.severityText = text(from, to);
      else if (field === 5) record.body = anyValue(from, to);
      else if (field === 6) keyValue(record.attributes, from, to);
      else if (field === 9) record.traceId = hex(from, to);
      else if (field === 10) record.spanId = hex(from, to);
      else if (field === 12) record.eventName = text(from, to);
    });
    records.push(record);
  });
  return records;
}
