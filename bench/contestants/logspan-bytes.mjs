// logspan, from the call of the facade to the bytes of a request: its real provider, pipeline, encoder and delivery queue,
// with a sender that takes every request at once.
import { getLogger } from '@logspan/logger';
import { enrich, logMetrics, otlp, redact, register, sample } from '@logspan/sdk';
import { metrics } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { attributesOf, EVENT, SCOPE, SERVICE, shapedAttributesOf } from '../record.mjs';
import { emptyTurns, writeInTurns } from '../spans.mjs';

const ACCEPTED = { status: 200, contentType: 'application/x-protobuf', body: new Uint8Array(0) };

/** Collects when it is asked to, which here is never: the stages then do all that they do for each record. */
class QuietReader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

export async function start({ shaped = false, pipeline = false } = {}) {
  let bytes = 0;
  let kept;
  const sender = () => ({
    async send(body) {
      bytes += body.length;
      kept?.push(body);
      return ACCEPTED;
    },
    close() {},
  });
  if (pipeline) metrics.setGlobalMeterProvider(new MeterProvider({ readers: [new QuietReader()] }));
  const logging = register({
    service: SERVICE,
    level: 'info',
    redact: false,
    exitHooks: false,
    processors: pipeline
      ? [logMetrics(), sample({ ratio: 1 }), enrich({ 'deployment.ring': 'canary', 'shop.tenant': 'north' }), redact()]
      : [],
    handlers: [otlp({ protocol: 'http/protobuf', sender })],
  });
  const logger = getLogger(SCOPE);
  const attributes = shaped ? shapedAttributesOf : attributesOf;
  const write = (sequence) => logger.info(EVENT, attributes(sequence));

  const run = async (records) => {
    bytes = 0;
    await writeInTurns(records, write);
    await logging.forceFlush();
    const { delivered, accepted } = logging.stats();
    if (delivered !== accepted) throw new Error(`${accepted} records were accepted, ${delivered} delivered`);
    return { bytes };
  };
  return {
    run,
    floor: emptyTurns,
    async check(records) {
      kept = [];
      await run(records);
      return { requests: kept };
    },
  };
}
