import { resolve, sep } from 'node:path';
import { type ShipperTime, SYSTEM_SHIPPER_TIME } from '../delivery/shipper.ts';
import { jsonFormat } from '../formats/json-format.ts';
import { otlpJsonFormat } from '../formats/otlp-json-format.ts';
import { factory } from '../pipeline/factory.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { checkNumber, checkOneOf, checkOptions, checkType } from '../provider/check-options.ts';
import { ConfigError, given } from '../provider/config-error.ts';
import { FileEnd } from './file/file-end.ts';
import { errorCode, type FileSystem, NODE_FILE_SYSTEM } from './file/file-system.ts';
import { NotAFile } from './file/log-file.ts';
import { bytesOf, millisOf } from './file/quantity.ts';
import type { Handler, HandlerEnd } from './handler.ts';

/** Options of {@link file}. */
export interface FileOptions {
  /**
   * `ndjson`: one JSON object a line, as the console writes it. `otlp`: one OTLP/JSON ExportLogsServiceRequest a line, as
   * a collector reads it. Or a function that returns the text of a record; a line end is added. Default `ndjson`.
   */
  readonly format?: 'ndjson' | 'otlp' | ((record: LogRecord) => string);
  /** Only records for which this is true are written. */
  readonly when?: (record: LogRecord) => boolean;
  /** The key of this destination in `stats().handlers`. Default `file`. */
  readonly name?: string;
  /** The file is rotated before it would become larger: bytes, or `100MB`, `1GiB`. Default: never. */
  readonly maxSize?: number | string;
  /** The file is rotated with the first record of another hour or day, in UTC. Default: never. */
  readonly every?: 'hour' | 'day';
  /** Rotated files are compressed. Default false. */
  readonly gzip?: boolean;
  /** How many rotated files are kept. Default: all. */
  readonly keep?: number;
  /** How long rotated files are kept: milliseconds, or `12h`, `14d`. Default: for ever. */
  readonly maxAge?: number | string;
  /** How large the rotated files may be together: bytes, or `5GB`. The oldest go. Default: no limit. */
  readonly maxTotalSize?: number | string;
  /** The mode of files that are created. Default `0o600`: for their owner alone. */
  readonly mode?: number;
  /** The mode of folders that are created. Default `0o700`. */
  readonly folderMode?: number;
  /** The longest a record waits for others to be written with, in milliseconds. Default 100. */
  readonly delayMillis?: number;
  /** Bytes that wait at most, while the disk is slow or full. Default 16 MiB. */
  readonly bufferBytes?: number;
  /** On this signal the file is opened again at once. The process then does not end by it. Default: on none. */
  readonly reopenOn?: 'SIGHUP' | 'SIGUSR2';
  /** @internal For tests. */
  readonly files?: FileSystem;
  /** @internal For tests. */
  readonly time?: ShipperTime;
}

/** What {@link file} returns. */
export interface FileHandler extends Handler {
  /**
   * Opens again what stands at the path: to be called after something else has renamed the file. Without it that is
   * noticed within a second of writing. Resolves when it is done, or has failed. Never rejects.
   */
  reopen(): Promise<void>;
}

const OPTIONS = [
  'path',
  'format',
  'when',
  'name',
  'maxSize',
  'every',
  'gzip',
  'keep',
  'maxAge',
  'maxTotalSize',
  'mode',
  'folderMode',
  'delayMillis',
  'bufferBytes',
  'reopenOn',
  'files',
  'time',
] as const;
const PERIODS = { hour: 3_600_000, day: 86_400_000 } as const;
const MISTAKES: Readonly<Record<string, string>> = {
  EISDIR: 'is a folder',
  ELOOP: 'is a symbolic link, which is not followed',
  ENOTDIR: 'lies below something that is no folder',
  EACCES: 'must not be written by this process (EACCES)',
  EPERM: 'must not be written by this process (EPERM)',
  EROFS: 'is on a read-only file system',
  ENAMETOOLONG: 'is too long',
  EINVAL: 'is not valid',
};

/**
 * Appends records to a file, one a line: `file('app.log')`, or `file({ path: 'app.log' })`. Folders that are missing are
 * created; a symbolic link at the path is refused.
 *
 * A record is rendered in the log call and written beside the event loop, within `delayMillis`; it is delivered when the
 * operating system has taken all of its bytes (there is no fsync). Whatever goes wrong with the disk, the application
 * does not notice: lines wait in memory, up to `bufferBytes`, and are tried again. Beyond that records below error go
 * first, counted as `queue_full`.
 *
 * @throws ConfigError for an unknown option or a value that is not allowed; `start` throws it for a path that cannot be
 * written.
 */
export function file(path: string, options?: FileOptions): FileHandler;
export function file(options: FileOptions & { readonly path: string }): FileHandler;
export function file(first: string | (FileOptions & { readonly path: string }), second?: FileOptions): FileHandler {
  const options = optionsOf(first, second);
  check(options);
  const { format = 'ndjson', name = 'file', when, files = NODE_FILE_SYSTEM, time = SYSTEM_SHIPPER_TIME } = options;
  const running = new Set<FileEnd>();
  return {
    name,
    ...(when === undefined ? {} : { when }),
    start(): HandlerEnd {
      const end = new FileEnd({
        name,
        files,
        time,
        // Absolute: the working directory may change, the file must not.
        path: resolve(options.path),
        format: typeof format === 'function' ? format : format === 'otlp' ? otlpJsonFormat() : jsonFormat(),
        maxBytes: bytesOf(options.maxSize),
        periodMillis: options.every === undefined ? undefined : PERIODS[options.every],
        gzip: options.gzip ?? false,
        keep: options.keep,
        maxAgeMillis: millisOf(options.maxAge),
        maxTotalBytes: bytesOf(options.maxTotalSize),
        mode: options.mode ?? 0o600,
        folderMode: options.folderMode ?? 0o700,
        delayMillis: options.delayMillis ?? 100,
        bufferBytes: options.bufferBytes ?? 16 * 1_048_576,
        reopenOn: options.reopenOn,
        onEnd: () => running.delete(end),
      });
      end.start((error) => refuseMistake(error, options.path));
      running.add(end);
      return end;
    },
    async reopen() {
      await Promise.all([...running].map((end) => end.reopen()));
    },
  };
}

factory(file);

function optionsOf(first: unknown, second: unknown): FileOptions & { readonly path: string } {
  if (typeof first === 'string') {
    if (second === undefined) return { path: first };
    checkOptions('file', second, OPTIONS);
    if ('path' in (second as object))
      throw new ConfigError('file.path', 'is given twice: before the options and in them');
    return { ...(second as FileOptions), path: first };
  }
  if (first === undefined || first === null) {
    throw new ConfigError('file', `must be given the path of a file, or options with a path, not ${given(first)}`);
  }
  checkOptions('file', first, OPTIONS);
  if (second !== undefined)
    throw new ConfigError('file', 'takes options once: a path and options, or options with a path');
  return first as FileOptions & { readonly path: string };
}

/** What will not pass is a mistake, and is told at startup. */
function refuseMistake(error: unknown, path: string): void {
  const mistake = error instanceof NotAFile ? 'is not a regular file' : MISTAKES[errorCode(error)];
  if (mistake !== undefined) throw new ConfigError('file.path', `${given(path)} ${mistake}`);
}

function check(options: FileOptions & { readonly path: string }): void {
  const { path, format, mode, folderMode, maxSize, maxTotalSize } = options;
  checkType('file.path', path, 'string');
  if (!path || path.includes('\0') || path.endsWith('/') || path.endsWith(sep)) {
    throw new ConfigError('file.path', `must be the path of a file, not ${given(path)}`);
  }
  if (typeof format !== 'function') checkOneOf('file.format', format, ['ndjson', 'otlp']);
  checkType('file.when', options.when, 'function');
  checkType('file.name', options.name, 'string');
  checkType('file.gzip', options.gzip, 'boolean');
  checkOneOf('file.every', options.every, Object.keys(PERIODS));
  checkOneOf('file.reopenOn', options.reopenOn, ['SIGHUP', 'SIGUSR2']);
  checkNumber('file.keep', options.keep, 0);
  checkNumber('file.delayMillis', options.delayMillis, 0, 2 ** 31 - 1);
  checkNumber('file.bufferBytes', options.bufferBytes, 1_024, 2 ** 32);
  checkQuantity('file.maxSize', maxSize, bytesOf, "bytes, such as 1000000 or '100MB'");
  checkQuantity('file.maxTotalSize', maxTotalSize, bytesOf, "bytes, such as 1000000 or '5GB'");
  checkQuantity('file.maxAge', options.maxAge, millisOf, "milliseconds, or such as '12h' or '14d'");
  checkMode('file.mode', mode, 0o600);
  checkMode('file.folderMode', folderMode, 0o700);
  if (maxSize === undefined && options.every === undefined) {
    for (const name of ['gzip', 'keep', 'maxAge', 'maxTotalSize'] as const) {
      if (options[name]) throw new ConfigError(`file.${name}`, 'is about rotated files: set maxSize or every too');
    }
  }
  if ((bytesOf(maxTotalSize) ?? Number.POSITIVE_INFINITY) < (bytesOf(maxSize) ?? 0)) {
    throw new ConfigError('file.maxTotalSize', `must not be less than maxSize, but is ${given(maxTotalSize)}`);
  }
}

function checkQuantity(name: string, value: unknown, of: (value: unknown) => number | undefined, wanted: string): void {
  if (value !== undefined && of(value) === undefined) {
    throw new ConfigError(name, `must be ${wanted}, not ${given(value)}`);
  }
}

function checkMode(name: string, mode: unknown, needed: number): void {
  checkNumber(name, mode, 0, 0o777);
  if (typeof mode === 'number' && (mode & needed) !== needed) {
    throw new ConfigError(name, `must let its owner in (0o${needed.toString(8)}), not 0o${mode.toString(8)}`);
  }
}
