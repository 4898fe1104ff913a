// logspan to an OTLP receiver, with the defaults of its handler.
import { getLogger } from '@logspan/logger';
import { otlp, register } from '@logspan/sdk';
import { pacedWriting } from '../paced-writing.mjs';
import { attributesOf, EVENT, SCOPE, SERVICE } from '../record.mjs';

export async function start({ endpoint }) {
  const logging = register({
    service: SERVICE,
    level: 'info',
    redact: false,
    exitHooks: false,
    handlers: [otlp({ protocol: 'http/protobuf', endpoint })],
  });
  const logger = getLogger(SCOPE);
  return pacedWriting(
    (sequence) => logger.info(EVENT, attributesOf(sequence)),
    () => logging.forceFlush(),
  );
}
