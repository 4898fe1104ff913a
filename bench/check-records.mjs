// Holds what a contestant delivered against what it was told to write.
import { isDeepStrictEqual } from 'node:util';
import { decodeRecords } from './otlp-reader.mjs';
import { attributesOf, EVENT, SEVERITY_NUMBER, shapedAttributesOf } from './record.mjs';
import { spanOf } from './spans.mjs';

/** Ten minutes, in nanoseconds: a timestamp further from now is a mistake, not a slow machine. */
const LONGEST_AGO = 600_000_000_000n;

/**
 * Throws unless the requests hold each record from 0 up to `records` once, and every one whole.
 *
 * `expected` says what differs between contestants: `shaped` for the 64 shapes, `eventName` false where the logger has
 * no such thing, `extra` for attributes that the pipeline adds.
 */
export function checkRecords(name, requests, records, { shaped = false, eventName = true, extra = {} } = {}) {
  const seen = new Set();
  const now = BigInt(Date.now()) * 1_000_000n;
  const fail = (what) => {
    throw new Error(`check of ${name} failed: ${what}`);
  };
  for (const request of requests) {
    for (const record of decodeRecords(request)) {
      const { sequence } = record.attributes;
      if (!(sequence >= 0 && sequence < records)) fail(`a record with sequence ${sequence}`);
      if (seen.has(sequence)) fail(`record ${sequence} came twice`);
      seen.add(sequence);
      const attributes = { ...(shaped ? shapedAttributesOf(sequence) : attributesOf(sequence)), ...extra };
      const { traceId, spanId } = spanOf(sequence);
      const same = (what, got, wanted) => {
        if (!isDeepStrictEqual(got, wanted)) {
          fail(`record ${sequence} has ${what} ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
        }
      };
      same('attributes', record.attributes, attributes);
      same('body', record.body, EVENT);
      same('severity', record.severityNumber, SEVERITY_NUMBER);
      same('trace id', record.traceId, traceId);
      same('span id', record.spanId, spanId);
      if (eventName) same('event name', record.eventName, EVENT);
      const ago = now - record.time;
      if (ago > LONGEST_AGO || ago < -LONGEST_AGO) fail(`record ${sequence} has time ${record.time}`);
    }
  }
  if (seen.size !== records) fail(`${records} records were written, ${seen.size} arrived`);
}
