import { type CommandLine, parseCommandLine, USAGE } from './command-line.ts';
import { useColors } from './format-record.ts';
import { jsonLine } from './json-line.ts';
import type { LogRecord } from './log-record.ts';
import { createReceiver, type Receiver, type ReceiverCounts } from './receiver.ts';
import { createStore, type StoreCounts } from './store.ts';
import { createTail } from './tail.ts';

/** What the viewer needs of the process it runs in: `process` itself, or a test's stand-in. */
export interface ViewerProcess {
  readonly stdout: Output;
  readonly stderr: Pick<Output, 'write'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  once(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
}

/** Lines a second that an eye can follow. Files and pipes get every record. */
const TERMINAL_LINES_PER_SECOND = 50;

/**
 * The program `logspan-viewer`: receives until SIGINT, SIGTERM or the end of its output, and then sums up. Records go to
 * stdout, all else to stderr. Resolves with the exit code: 0, 1 when it cannot listen, 2 for wrong arguments.
 */
export async function runViewer(args: readonly string[], io: ViewerProcess): Promise<number> {
  const say = (text: string): void => void io.stderr.write(`${text}\n`);
  let receiver: Receiver;
  let command: CommandLine;
  try {
    command = parseCommandLine(args);
    receiver = createReceiver(command);
  } catch (error) {
    say(`logspan-viewer: ${(error as Error).message}`);
    return 2;
  }
  if (command.help) {
    io.stdout.write(USAGE);
    return 0;
  }
  const ended = new Promise<void>((resolve) => {
    io.once('SIGINT', resolve);
    io.once('SIGTERM', resolve);
    io.stdout.once('error', () => resolve());
  });
  const printer = createPrinter(command, io);
  // With --quiet nobody listens, and bodies are only counted.
  const store = command.quiet ? undefined : createStore(receiver, { maxRecords: 0 });
  if (!command.quiet) receiver.onLogs(printer.show);
  try {
    const url = await receiver.start();
    const wanted = command.port ?? 4318;
    if (wanted !== 0 && !url.endsWith(`:${wanted}`)) say(`Port ${wanted} is taken.`);
    say(`Listening on ${url} (send with OTEL_EXPORTER_OTLP_ENDPOINT=${url}). Ctrl-C ends.`);
  } catch (error) {
    say(`logspan-viewer: cannot listen: ${(error as Error).message}`);
    return 1;
  }
  await ended;
  await receiver.close();
  printer.end();
  say(summaryText(receiver.counts(), store?.counts()));
  return 0;
}

function createPrinter({ json }: CommandLine, { stdout, env }: ViewerProcess) {
  const write = (text: string): void => void stdout.write(text);
  if (json) {
    const show = (records: readonly LogRecord[]): void =>
      write(records.map((record) => `${jsonLine(record)}\n`).join(''));
    return { show, end: (): void => {} };
  }
  return createTail({
    write,
    columns: () => stdout.columns,
    colors: useColors(stdout, env),
    maxLinesPerSecond: stdout.isTTY === true ? TERMINAL_LINES_PER_SECOND : Infinity,
  });
}

/** One sentence on everything that arrived. */
export function summaryText(received: ReceiverCounts, stored?: StoreCounts): string {
  const { logRecords, spans, dataPoints, requests, refused } = received;
  const items = [plural(logRecords, 'log record'), plural(spans, 'span'), plural(dataPoints, 'data point')].join(', ');
  const text = `Received ${items} in ${plural(requests, 'request')}${refused === 0 ? '' : ` (${refused} refused)`}`;
  if (stored === undefined) return `${text}.`;
  const levels = Object.entries(stored.bySeverity).filter(([, count]) => count > 0);
  const details = [
    `from ${plural(Object.keys(stored.byService).length, 'service')}`,
    ...levels.map(([level, count]) => `${count} ${level}`),
  ];
  if (stored.traces > 0)
    details.push(`${plural(stored.traces, 'trace')}, ${stored.tracesAcrossServices} across services`);
  return `${text} ${details.join('; ')}.`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
