// pino, at calls below the minimum level: attributes first and message second, as it wants them.
import { pino } from 'pino';
import { disabledCalls } from '../disabled-calls.mjs';

export async function start({ fresh = false } = {}) {
  let written = 0;
  const logger = pino({ level: 'info' }, { write: () => written++ });
  return disabledCalls(logger, fresh, {
    attributesFirst: true,
    written: async () => written,
    enable: () => {
      logger.level = 'debug';
    },
  });
}
