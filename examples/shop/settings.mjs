// What main.mjs may ask of a service for the sake of a demonstration or a test. An application has none of this.
import { enrich } from '@logspan/sdk';

/**
 * @param {string} service
 * @returns {{ processors: import('@logspan/sdk').Step[], redact: boolean }}
 */
export function demoSettings(service, env = process.env) {
  const id = env.SHOP_ID_ATTRIBUTE;
  let count = 0;
  return {
    // Numbers the records of a service, so that whoever receives them can tell which are missing or came twice.
    processors: id ? [enrich(() => ({ [id]: `${service}-${++count}` }))] : [],
    redact: env.SHOP_REDACT !== 'off',
  };
}
