// logspan, at calls below the minimum level.
import { getLogger } from '@logspan/logger';
import { otlp, register } from '@logspan/sdk';
import { disabledCalls } from '../disabled-calls.mjs';

const ACCEPTED = { status: 200, body: new Uint8Array(0) };

export async function start({ fresh = false } = {}) {
  const sender = () => ({ send: async () => ACCEPTED, close() {} });
  const logging = register({
    service: { name: 'bench' },
    level: 'info',
    exitHooks: false,
    handlers: [otlp({ protocol: 'http/protobuf', sender })],
  });
  const written = async () => {
    await logging.forceFlush();
    return logging.stats().delivered;
  };
  return disabledCalls(getLogger('bench.shop'), fresh, {
    written,
    enable: () => logging.setLevel('debug'),
  });
}
