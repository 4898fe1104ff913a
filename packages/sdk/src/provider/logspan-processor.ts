import { diag } from '@opentelemetry/api';
import { plainValue } from '../pipeline/copy-record.ts';
import type { LogRecordProcessor } from '../pipeline/stage.ts';
import { checkOptions } from './check-options.ts';
import { readEnvironment } from './environment.ts';
import type { LoggingStats } from './logging.ts';
import { checkPipelineOptions, handlersOf, type PipelineOptions, stepsOf } from './options.ts';
import { ensureDiagLogger } from './otel-globals.ts';
import { Pipeline } from './pipeline.ts';

/** A pipeline inside somebody else's provider. */
export interface LogspanProcessor extends LogRecordProcessor {
  /** What became of the records, as `logging.stats()`. */
  stats(): Pick<LoggingStats, 'pipeline' | 'handlers'>;
}

/**
 * The whole pipeline as one processor for a stock `LoggerProvider` or `NodeSDK` of either OTel line:
 * `new NodeSDK({ logRecordProcessors: [logspanProcessor({ … })] })`. Resource and limits are those of that SDK, which
 * also decides what becomes of attributes it does not know. Register it alone: what stands beside it sees records
 * before they are redacted.
 *
 * @throws ConfigError naming the option, what was given and what is allowed.
 */
export function logspanProcessor(options: PipelineOptions = {}): LogspanProcessor {
  checkOptions('logspanProcessor', options, ['processors', 'handlers', 'redact']);
  checkPipelineOptions(options);
  const warnings: string[] = [];
  const environment = readEnvironment(process.env, (message) => warnings.push(message));
  ensureDiagLogger(environment.diagLevel);
  for (const warning of warnings) diag.warn(`logspan: ${warning}`);
  const pipeline = new Pipeline(
    stepsOf(options),
    handlersOf(options, environment),
    {
      // A stock record brings its own.
      resource: { attributes: {} },
      environment,
    },
    options.redact !== false,
  );
  return {
    onEmit(record, context) {
      // A stock SDK lets any body pass, and what is no plain data, such as a Map, `redact` could not look into.
      if (typeof record.body === 'object' && record.body !== null) record.body = plainValue(record.body);
      pipeline.onEmit(record, context);
    },
    enabled: (asked) => pipeline.enabled(asked),
    forceFlush: (limits) => pipeline.forceFlush(limits),
    shutdown: (limits) => pipeline.shutdown(limits),
    stats: () => ({ pipeline: pipeline.pipelineAccount(), handlers: pipeline.deliveryAccounts() }),
  };
}
