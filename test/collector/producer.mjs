// @ts-check
// A service under load: a process of its own that writes the records of a range of numbers through the SDK, the way an
// application does, and reports to its parent what the SDK says became of them. `OTEL_*` variables say where they go.
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { getLogger } from '@logspan/logger';
import { otlp, register } from '@logspan/sdk';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { recordOf } from './record-of.mjs';

/** The numbers to write, and how many records may be on their way before the writer waits for the network. */
const { firstId, count, maxPending } = JSON.parse(process.argv[2] ?? '{}');

const logging = register({
  service: { name: 'load', version: '1.0.0' },
  level: 'trace',
  processors: [],
  handlers: [otlp()],
});

for (let id = firstId; id < firstId + count; id++) {
  const { scope, level, first, attributes, spanContext } = recordOf(id);
  const active = spanContext === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContext);
  context.with(active, () => getLogger(scope)[level](first, attributes));
  if (id % 1000 === 999) {
    const { delivered, pending } = logging.stats();
    process.send?.({ delivered, pending });
    await turn();
    while (logging.stats().pending > maxPending) await delay(5);
  }
}
await logging.shutdown({ timeoutMillis: 60_000 });
process.send?.({ stats: logging.stats() });
process.disconnect?.();
