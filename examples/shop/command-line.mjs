import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm start -- [options]     or: node examples/shop/main.mjs [options]

Runs two services under load (storefront: Fastify, no tracer; orders: Express, traced by NodeSDK), receives
everything they send, shows it live, and checks at the end that nothing was lost and no secret got through.

  --seconds N        how long (default 10; with --external: until stopped)
  --records N        stop once N log records were emitted
  --connections N    customers at a time (default 10)
  --rate N           checkouts per second (default: as many as there can be; with --external until stopped: 20)
  --lines N          order lines of a checkout (default 2), with a debug record for each
  --port N           where to receive (default 4318; a taken one is met with the next free one)
  --external         do not receive: send to the collector at OTEL_EXPORTER_OTLP_ENDPOINT, which implies this, or
                     http://127.0.0.1:4318
  --endpoint URL     as --external, to this collector
  --id-attribute A   number the records of each service in an attribute A, storefront-1, storefront-2, …
  --copy DIR         every service also writes its records to DIR/<service>.jsonl, as JSON lines; DIR/secrets.json has
                     the secrets of the run, which must not be in any record
  --no-redact        leave secrets in, to see that the search finds them
  --ci               3 seconds, nothing live
  --json             a last line of JSON with all figures
  --help             this text

Ctrl-C ends it early, with the summary so far; a second one ends it at once. Exit code: 0, 1 if a check failed,
2 for wrong arguments, 130 after Ctrl-C.
`;

const OPTIONS = {
  seconds: { type: 'string' },
  records: { type: 'string' },
  connections: { type: 'string' },
  rate: { type: 'string' },
  lines: { type: 'string' },
  port: { type: 'string' },
  external: { type: 'boolean', default: false },
  endpoint: { type: 'string' },
  'id-attribute': { type: 'string' },
  copy: { type: 'string' },
  'no-redact': { type: 'boolean', default: false },
  ci: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

/** Reads the arguments. Throws an Error for people: what is wrong, and what is allowed. */
export function parseCommandLine(args, env = process.env) {
  const given = parse(args);
  const seconds = number('seconds', given.seconds, 0.1, 2_000_000);
  const records = number('records', given.records, 1, Number.MAX_SAFE_INTEGER, true);
  const rate = number('rate', given.rate, 1, 1_000_000, true);
  const endpoint = given.endpoint ?? (env.OTEL_EXPORTER_OTLP_ENDPOINT || undefined);
  const external = given.external || endpoint !== undefined;
  if (given.endpoint !== undefined && !/^https?:\/\/./.test(given.endpoint)) {
    throw new Error(`--endpoint: expected a URL like http://127.0.0.1:4318, got '${given.endpoint}'`);
  }
  const untilStopped = external && seconds === undefined && records === undefined && !given.ci;
  return {
    seconds: seconds ?? (records !== undefined || untilStopped ? undefined : given.ci ? 3 : 10),
    records,
    connections: number('connections', given.connections, 1, 10_000, true) ?? 10,
    rate: rate ?? (untilStopped ? 20 : undefined),
    lines: number('lines', given.lines, 1, 1_000, true),
    port: number('port', given.port, 0, 65_535, true) ?? 4318,
    external,
    endpoint: endpoint ?? 'http://127.0.0.1:4318',
    idAttribute: given['id-attribute'],
    copy: given.copy === undefined ? undefined : resolve(given.copy),
    redact: !given['no-redact'],
    live: !given.ci,
    json: given.json,
    help: given.help,
  };
}

function parse(args) {
  try {
    return parseArgs({ args, options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const allowed = Object.keys(OPTIONS).map((name) => `--${name}`);
    throw new Error(`${error.message.split('. ', 1)[0]}. Allowed: ${allowed.join(', ')}`);
  }
}

function number(name, text, least, most, whole = false) {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw new Error(`--${name}: expected a ${whole ? 'whole ' : ''}number from ${least} to ${most}, got '${text}'`);
}
