// Sampling keeps traces whole: all records of a trace are kept or none, and errors always. What is dropped is counted.
import { getLogger } from '@logspan/logger';
import { consoleHandler, register, sample } from '@logspan/sdk';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';

const logging = register({
  processors: [sample({ ratio: 0.25 })],
  handlers: [consoleHandler({ format: 'pretty', colors: false })],
});
const logger = getLogger('shop');

// Four requests, as a tracer would have started them.
for (const last of ['00000000', '55555555', 'aaaaaaaa', 'ffffffff']) {
  const traceId = `4bf92f3577b34da6${last.repeat(2)}`;
  const active = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: '00f067aa0ba902b7', traceFlags: 1 });
  context.with(active, () => {
    logger.info('request_started', { last });
    if (last === '55555555') logger.error('request_failed', { last });
    else logger.info('request_completed', { last });
  });
}

await logging.shutdown();
const { emitted, passed, dropped } = logging.stats().pipeline;
console.log({ emitted, passed, dropped });
