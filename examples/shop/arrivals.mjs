// Looks at everything that arrives: does it join up, does it add up, and is there a secret in it?
import { createStore } from '@logspan/viewer';
import { secretSearch } from './secrets.mjs';

/** Traces of several minutes. When there are more, those that were silent longest are no longer looked at. */
const MOST_TRACES = 500_000;
const ERROR = 17;

/** @param {import('@logspan/viewer').Receiver} receiver */
export function observeArrivals(receiver, secrets) {
  const store = createStore(receiver, { maxRecords: 0, maxTraces: MOST_TRACES });
  const search = secretSearch(secrets);
  const counted = new Map();
  const seen = { placed: 0, errors: 0, example: undefined };

  receiver.onLogs((records, { body }) => {
    search.add(body);
    for (const record of records) {
      if (record.eventName === 'order_placed') seen.placed++;
      if (record.severityNumber < ERROR) continue;
      seen.errors++;
      if (record.attributes['exception.type'] !== undefined) seen.example ??= record;
    }
  });
  receiver.onSpans((_, { body }) => search.add(body));
  receiver.onMetrics((points, { body }) => {
    search.add(body);
    for (const { name, attributes, data } of points) {
      if (name === 'logspan.log.count' && data.type === 'sum') counted.set(attributes.event, Number(data.value));
    }
  });

  return {
    /** What has arrived so far. */
    figures() {
      const { logRecords, spans, dataPoints } = receiver.counts();
      const traces = store.traces().filter((trace) => trace.logRecords > 0);
      return {
        received: logRecords,
        spans,
        dataPoints,
        traces: traces.length,
        joined: traces.filter(({ logServices }) => logServices.length > 1).length,
        placed: seen.placed,
        counted: counted.get('order_placed') ?? 0,
        errors: seen.errors,
        secrets: search.found,
      };
    },
    /** An error as it arrived. */
    example: () => seen.example,
  };
}
