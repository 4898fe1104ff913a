import { jsonFormat } from '../formats/json-format.ts';
import { factory } from '../pipeline/factory.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { checkNumber, checkOneOf, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { prettyFormat } from './console/pretty-format.ts';
import { streamEnd, type TextStream } from './console/stream-end.ts';
import type { Handler } from './handler.ts';

export interface ConsoleHandlerOptions {
  /** `pretty` for people, `json` (one object a line) for programs. Default `auto`: pretty if the stream is a terminal. */
  readonly format?: 'auto' | 'pretty' | 'json';
  /**
   * Whether `pretty` is coloured. Default `auto`: as FORCE_COLOR says if it is set (`0` and `false`: no); else if the
   * stream is a terminal that can (as its `hasColors` says; TERM is not `dumb`) and NO_COLOR is not set. A variable that is
   * empty is not set.
   */
  readonly colors?: 'auto' | boolean;
  /** Where to write. Default: what `process.stdout` is when the pipeline starts. */
  readonly stream?: TextStream;
  /** How many bytes may wait in the stream before records are dropped, `stream_full`. Default 16 MiB. */
  readonly maxBufferedBytes?: number;
  /** Only records for which this is true are written. */
  readonly when?: (record: LogRecord) => boolean;
}

/** Red to cyan, and grey. */
const FEWEST_COLORS = 16;

/**
 * Writes records to standard output: aligned and coloured on a terminal, JSON lines otherwise. One record is one line,
 * and no text that was logged can forge another, in either format.
 *
 * Formatting happens in the log call. Nothing of the stream reaches the application: what cannot be formatted or
 * written is dropped and counted in `stats().handlers.console`. The stream is never ended.
 *
 * @throws ConfigError for an unknown option or a value that is not allowed.
 */
export function consoleHandler(options: ConsoleHandlerOptions = {}): Handler {
  check(options);
  const { format = 'auto', colors = 'auto', maxBufferedBytes = 16 * 1024 * 1024, when } = options;
  return {
    name: 'console',
    ...(when === undefined ? {} : { when }),
    start() {
      const stream: TextStream = options.stream ?? process.stdout;
      const terminal = stream.isTTY === true;
      const pretty = format === 'auto' ? terminal : format === 'pretty';
      const text = pretty
        ? prettyFormat({
            colors: colors === 'auto' ? wantsColors(process.env, terminal, stream) : colors,
            columns: () => (terminal ? stream.columns : undefined),
          })
        : jsonFormat();
      return streamEnd(stream, (record) => `${text(record)}\n`, maxBufferedBytes);
    },
  };
}

factory(consoleHandler);

function check(options: ConsoleHandlerOptions): void {
  checkOptions('consoleHandler', options, ['format', 'colors', 'stream', 'maxBufferedBytes', 'when']);
  checkOneOf('consoleHandler.format', options.format, ['auto', 'pretty', 'json']);
  checkOneOf('consoleHandler.colors', options.colors, ['auto', true, false]);
  checkNumber('consoleHandler.maxBufferedBytes', options.maxBufferedBytes, 0);
  checkType('consoleHandler.when', options.when, 'function');
  const stream: TextStream | null | undefined = options.stream;
  if (stream !== undefined && typeof stream?.write !== 'function') {
    throw new ConfigError('consoleHandler.stream', `must be a stream with a write function, not ${given(stream)}`);
  }
}

function wantsColors(
  env: Readonly<Record<string, string | undefined>>,
  terminal: boolean,
  stream: TextStream,
): boolean {
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  if (!terminal || env.NO_COLOR || env.TERM === 'dumb') return false;
  // The two are decided on; left in, Node would take an empty one for set.
  return stream.hasColors?.(FEWEST_COLORS, { ...env, NO_COLOR: undefined, FORCE_COLOR: undefined }) ?? true;
}
