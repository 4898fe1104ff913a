// For @logspan/sdk alone: not covered by the compatibility promise.
export {
  type AttributeValue,
  DEFAULT_VALUE_LIMITS,
  isPlain,
  PlainCopy,
  setOwn,
  type ValueLimits,
} from './attribute-value.ts';
export {
  type AttributeLimits,
  type Attributes,
  DEFAULT_ATTRIBUTE_LIMITS,
  ERROR_KEYS,
  isSettled,
  type SettledAttributes,
  settleAttributes,
} from './attributes.ts';
export { EventNames, isEventName } from './event-name.ts';
export { endStreams } from './event-stream.ts';
export { describeError, type ErrorDescription, exceptionAttributes, isError } from './exception.ts';
export {
  contain,
  facadeState,
  type RecordDestination,
  type RecordWriter,
  type ScopeLevel,
  scopeLevel,
  setDestination,
  setMinimumSeverities,
} from './facade-state.ts';
export { glob } from './glob.ts';
export { lazyCompute } from './lazy.ts';
export {
  LEVEL_NAMES,
  type LevelDirective,
  minimumOf,
  overlaid,
  parseLevelDirective,
  SEVERITY,
  type SeverityName,
  severityOf,
  severityText,
} from './level.ts';
export {
  type LogRecordInput,
  type LogsApiName,
  type OtelLogger,
  type OtelLoggerOptions,
  type OtelLoggerProvider,
  registerLoggerProvider,
  unregisterLoggerProvider,
} from './otel-logs-api.ts';
export { attributesOf } from './scope.ts';
export {
  isStreamKey,
  STREAM,
  type StreamMark,
  type StreamNumbers,
  streamMarkOf,
  withStreamMark,
} from './stream-state.ts';
