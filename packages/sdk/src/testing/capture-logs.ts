import { DEFAULT_ATTRIBUTE_LIMITS, minimumOf } from '@logspan/logger/internal';
import { type Context, context, createContextKey } from '@opentelemetry/api';
import type { Handler, HandlerEnd } from '../handlers/handler.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { checkNumber, checkOptions, checkType } from '../provider/check-options.ts';
import { Clock } from '../provider/clock.ts';
import { ConfigError } from '../provider/config-error.ts';
import { readEnvironment } from '../provider/environment.ts';
import { levelOption } from '../provider/levels.ts';
import { LoggerProvider } from '../provider/logger-provider.ts';
import { checkPipelineOptions, type PipelineOptions, stepsOf } from '../provider/options.ts';
import { ensureContextManager } from '../provider/otel-globals.ts';
import { Pipeline } from '../provider/pipeline.ts';
import { CaptureHub } from './capture-hub.ts';
import { type CapturedRecord, capture, matches, type RecordPattern } from './captured-record.ts';
import { ToldClock } from './frozen-clock.ts';

/** Options of {@link captureLogs}. */
export interface CaptureOptions extends Pick<PipelineOptions, 'processors' | 'redact'> {
  /**
   * What is captured: `info,db=debug`. Lowers the levels of the process for the time. Default: all, or where a logging runs
   * what that lets through.
   */
  readonly level?: string;
  /** The time of the records, in milliseconds since the Unix epoch; see `frozenClock`. Default: the system's. */
  readonly now?: () => number;
  /** How many records are kept. What comes beyond is counted in `dropped`. Default 10 000. */
  readonly maxRecords?: number;
}

/** What was logged while it was captured. */
export interface CapturedLogs {
  /** All records, the oldest first. A list of its own for each call. */
  readonly records: readonly CapturedRecord[];
  /** Records that came when `maxRecords` were there. */
  readonly dropped: number;
  /** The first record that is meant, and has these attributes among its own. */
  find(pattern: RecordPattern, attributes?: Readonly<Record<string, unknown>>): CapturedRecord | undefined;
  /** All of them. */
  filter(pattern: RecordPattern, attributes?: Readonly<Record<string, unknown>>): CapturedRecord[];
  /** Forgets what was captured. */
  clear(): void;
  /** Captures no more, once what the stages hold has come. The records stay. */
  stop(): Promise<void>;
  /** As {@link stop}, without what stages hold: `using logs = captureLogs()`. */
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

const WITHIN = createContextKey('logspan.captures');

/**
 * Captures what is logged, for a test: every record of `@logspan/logger` and of the OTel Logs API, as it leaves the pipeline.
 *
 * Where a logging runs (`register()` was called) that is its pipeline, with its levels, stages and redaction, and
 * its other handlers go on; `processors`, `redact` and `now` are then a mistake. Where none runs, it is the default pipeline
 * with your `processors`; a `register()` that comes later takes over, and is captured from. No network, no exit hooks, no
 * environment variable is read. To be stopped at the end of the test.
 *
 * @throws ConfigError for what is wrong in the options.
 */
export function captureLogs(options: CaptureOptions = {}): CapturedLogs {
  return start(options, () => true);
}

/**
 * Captures only what is logged within `fn` and what it calls, through awaits and timers: for tests that run at the same
 * time. Stops when `fn` is done, and returns what it returns.
 */
export async function captureLogsDuring<T>(
  fn: (logs: CapturedLogs) => T | PromiseLike<T>,
  options: CaptureOptions = {},
): Promise<T> {
  const logs: CapturedLogs = start(options, (from) => capturesOf(from).includes(logs));
  try {
    const active = context.active();
    return await context.with(active.setValue(WITHIN, [...capturesOf(active), logs]), () => fn(logs));
  } finally {
    await logs.stop();
  }
}

function capturesOf(from: Context): readonly CapturedLogs[] {
  return (from.getValue(WITHIN) as readonly CapturedLogs[] | undefined) ?? [];
}

function start(options: CaptureOptions, isIn: (from: Context) => boolean): CapturedLogs {
  checkOptions('captureLogs', options, ['level', 'processors', 'redact', 'now', 'maxRecords']);
  checkPipelineOptions(options);
  checkType('captureLogs.level', options.level, 'string');
  checkType('captureLogs.now', options.now, 'function');
  checkNumber('captureLogs.maxRecords', options.maxRecords, 1);
  const hub = CaptureHub.ofProcess();
  for (const option of ['processors', 'redact', 'now'] as const) {
    if (options[option] !== undefined && hub.isRunning) {
      throw new ConfigError(
        `captureLogs.${option}`,
        'is not for where register() was called: its pipeline applies. Leave it out, or await shutdown() first',
      );
    }
  }
  ensureContextManager();
  return new RunningCapture(hub, options, isIn);
}

class RunningCapture implements CapturedLogs {
  readonly provider: LoggerProvider;
  readonly minimumOf: ((scopeName: string) => number) | undefined;
  readonly isIn: (from: Context) => boolean;
  #records: CapturedRecord[] = [];
  #dropped = 0;
  #stopped: Promise<void> | undefined;
  readonly #maxRecords: number;
  readonly #hub: CaptureHub;
  readonly #pipeline: Pipeline;

  constructor(hub: CaptureHub, options: CaptureOptions, isIn: (from: Context) => boolean) {
    const { level, now, maxRecords = 10_000 } = options;
    this.minimumOf = level === undefined ? undefined : minimumOf(levelOption('captureLogs.level', level));
    this.isIn = isIn;
    this.#maxRecords = maxRecords;
    this.#hub = hub;
    const resource = { attributes: {} };
    const environment = readEnvironment({}, () => undefined);
    this.#pipeline = new Pipeline(stepsOf(options), [this.#handler()], { resource, environment });
    const clock = now === undefined ? new Clock() : new ToldClock(now);
    this.provider = new LoggerProvider(this.#pipeline, resource, DEFAULT_ATTRIBUTE_LIMITS, clock);
    hub.add(this);
  }

  get records(): readonly CapturedRecord[] {
    return [...this.#records];
  }

  get dropped(): number {
    return this.#dropped;
  }

  find(pattern: RecordPattern, attributes?: Readonly<Record<string, unknown>>): CapturedRecord | undefined {
    return this.#records.find((record) => matches(record, pattern, attributes));
  }

  filter(pattern: RecordPattern, attributes?: Readonly<Record<string, unknown>>): CapturedRecord[] {
    return this.#records.filter((record) => matches(record, pattern, attributes));
  }

  clear(): void {
    this.#records = [];
    this.#dropped = 0;
  }

  take(record: LogRecord): void {
    if (this.#records.length < this.#maxRecords) this.#records.push(capture(record));
    else this.#dropped++;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  [Symbol.dispose](): void {
    void this.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(): Promise<void> {
    this.#hub.remove(this);
    this.provider.close();
    await this.#pipeline.shutdown();
  }

  #handler(): Handler {
    const end: HandlerEnd = {
      onEmit: (record) => this.take(record),
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
      deliveryAccount: () => ({ accepted: 0, delivered: 0, rejected: 0, dropped: {}, pending: 0 }),
    };
    return { name: 'captureLogs', start: () => end };
  }
}
