// What main.mjs may ask of a service for the sake of a demonstration or a test. An application has none of this.
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { consoleHandler, enrich, otlp } from '@logspan/sdk';

/**
 * @param {string} service
 * @returns {{ processors: import('@logspan/sdk').Step[], handlers?: import('@logspan/sdk').Handler[], redact: boolean }}
 */
export function demoSettings(service, env = process.env) {
  const id = env.SHOP_ID_ATTRIBUTE;
  const copy = env.SHOP_COPY;
  let count = 0;
  return {
    // Numbers the records of a service, so that whoever receives them can tell which are missing or came twice.
    processors: id ? [enrich(() => ({ [id]: `${service}-${++count}` }))] : [],
    // A second way out, with another encoder and no network: what came by the first can be compared with it.
    ...(copy && {
      handlers: [otlp(), consoleHandler({ format: 'json', stream: createWriteStream(join(copy, `${service}.jsonl`)) })],
    }),
    redact: env.SHOP_REDACT !== 'off',
  };
}
