import { parseArgs } from 'node:util';
import { wholeNumber } from './whole-number.ts';

/** What `logspan-viewer` was asked to do. */
export interface CommandLine {
  readonly port?: number;
  readonly host?: string;
  /** One JSON object a line, in place of the readable form. */
  readonly json: boolean;
  /** No records, only the counts at the end. */
  readonly quiet: boolean;
  readonly help: boolean;
}

export const USAGE = `Usage: logspan-viewer [options]

Receives OTLP over HTTP (logs, traces, metrics) and shows the log records in the terminal.

  --port N   port to listen on; a taken one is met with the next free one (default 4318; 0: any)
  --host H   address to listen on (default 127.0.0.1: this machine only)
  --json     print log records as JSON, one a line, for other programs
  --quiet    print no records, only the counts at the end
  --help     this text

Ctrl-C ends it. Send to it with OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
`;

const OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string' },
  json: { type: 'boolean', default: false },
  quiet: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** Reads the arguments. Throws an Error for people: what is wrong, and what is allowed. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { port, host, json, quiet, help } = parse(args);
  return {
    ...(port === undefined ? {} : { port: wholeNumber('--port', port === '' ? port : Number(port), 0, 65_535) }),
    ...(host === undefined ? {} : { host }),
    json,
    quiet,
    help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const allowed = Object.keys(OPTIONS).map((name) => `--${name}`);
    throw new Error(`${(error as Error).message.split('. ', 1)[0]}. Allowed: ${allowed.join(', ')}`);
  }
}
