import { DEFAULT_ATTRIBUTE_LIMITS, type LogRecordInput } from '@logspan/logger/internal';
import { type Context, DiagLogLevel, diag } from '@opentelemetry/api';
import { LoggerProvider as StockProvider } from '@opentelemetry/sdk-logs';
import type { FlushOptions, LogRecord, LogRecordProcessor, Stage } from '../../packages/sdk/src/pipeline/stage.ts';
import { Clock } from '../../packages/sdk/src/provider/clock.ts';
import { LoggerProvider } from '../../packages/sdk/src/provider/logger-provider.ts';

/** The end of a pipeline, which remembers everything. */
export class Recorder implements LogRecordProcessor {
  readonly records: LogRecord[] = [];
  readonly contexts: (Context | undefined)[] = [];
  readonly flushed: (FlushOptions | undefined)[] = [];
  readonly ended: (FlushOptions | undefined)[] = [];

  onEmit(record: LogRecord, context?: Context): void {
    this.records.push(record);
    this.contexts.push(context);
  }

  enabled(): boolean {
    return true;
  }

  async forceFlush(options?: FlushOptions): Promise<void> {
    this.flushed.push(options);
  }

  async shutdown(options?: FlushOptions): Promise<void> {
    this.ended.push(options);
  }

  get attributes(): Readonly<Record<string, unknown>>[] {
    return this.records.map(({ attributes }) => attributes);
  }

  get events(): (string | undefined)[] {
    return this.records.map(({ eventName }) => eventName);
  }
}

/** Who writes records: logspan's provider or that of the stock SDK. */
export type Emit = (record: LogRecordInput) => void;

export const providers: readonly (readonly [name: string, emitTo: (end: LogRecordProcessor) => Emit])[] = [
  ['logspan', emitTo],
  ['the stock SDK', emitFromStockTo],
];

/** Writes records of logspan's own provider to a processor. */
export function emitTo(processor: LogRecordProcessor): Emit {
  const provider = new LoggerProvider(processor, { attributes: {} }, DEFAULT_ATTRIBUTE_LIMITS, new Clock());
  const logger = provider.getLogger('test');
  return (record) => logger.emit(record);
}

/** Writes records of the stock SDK to a processor. */
export function emitFromStockTo(processor: LogRecordProcessor): Emit {
  const logger = new StockProvider({ processors: [processor as never] }).getLogger('test');
  return (record) => logger.emit(record as never);
}

/** What a stage passes on, and its account. */
export function through(stage: Stage, emit = emitTo) {
  const end = new Recorder();
  const processor = stage(end);
  return { end, processor, emit: emit(processor), account: () => processor.account?.() ?? {} };
}

/** What OTel's diagnostics channel is told during a call. */
export async function toldDuring(call: () => void | Promise<void>): Promise<string[]> {
  const told: string[] = [];
  const tell = (...words: unknown[]) => void told.push(words.join(' '));
  const nothing = () => undefined;
  diag.setLogger(
    { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  try {
    await call();
  } finally {
    diag.disable();
  }
  return told;
}

/** Lets OTel's diagnostics channel throw during a call. */
export async function withThrowingDiag(call: () => void | Promise<void>): Promise<void> {
  const explode = (): never => {
    throw new Error('the diag logger of the application');
  };
  const logger = { error: explode, warn: explode, info: explode, debug: explode, verbose: explode };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  try {
    await call();
  } finally {
    diag.disable();
  }
}
