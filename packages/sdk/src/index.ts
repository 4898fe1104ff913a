// Start

// Filters
export {
  type AttributeTest,
  and,
  atLeast,
  attribute,
  type EventFilterOptions,
  event,
  type FilterableRecord,
  not,
  or,
  type RecordFilter,
  scope,
} from '@logspan/logger';
// Event streams, for their consumers
export {
  type EpochReport,
  findGaps,
  type GapFinderOptions,
  type GapReport,
  type NumberRange,
  StreamGapFinder,
} from './event-stream/gap-finder.ts';
// Handlers
export { type BatchOptions, batch, type LogRecordExporter } from './handlers/batch.ts';
export { type ConsoleHandlerOptions, consoleHandler } from './handlers/console.ts';
export { type FallbackOptions, fallback } from './handlers/fallback.ts';
export { type FileHandler, type FileOptions, file } from './handlers/file.ts';
export type { DeliveryAccount, Handler, HandlerContext, HandlerEnd, Lost } from './handlers/handler.ts';
export { type HttpBatchOptions, httpBatch } from './handlers/http-batch.ts';
export { type OtlpOptions, otlp } from './handlers/otlp.ts';
export { type RouteOptions, route } from './handlers/route.ts';
export {
  redactSentryEvent,
  type SentryClient,
  type SentryNamespace,
  type SentryOptions,
  type SentryScope,
  sentry,
} from './handlers/sentry.ts';
// Metrics
export type { MetricsOptions, MetricsSdk } from './metrics/start-metrics.ts';
// Building your own
export { copyRecord } from './pipeline/copy-record.ts';
export { guard } from './pipeline/guard.ts';
export { isRendered, MESSAGE_TEMPLATE, renderAgain } from './pipeline/message-template.ts';
export { type NewRecord, newRecord } from './pipeline/new-record.ts';
export { peekAttribute } from './pipeline/peek-attribute.ts';
export { type ProcessorFunction, pipe, processor, type Step } from './pipeline/pipe.ts';
export {
  type EnabledOptions,
  type FlushOptions,
  forwardTo,
  type InstrumentationScope,
  type LogRecord,
  type LogRecordProcessor,
  type Phase,
  type Resource,
  type Stage,
  type StageAccount,
  stage,
} from './pipeline/stage.ts';
export type { StageTime } from './pipeline/stage-time.ts';
export { type Branch, type Tee, tee } from './pipeline/tee.ts';
// Processors
export { type DedupeOptions, dedupe } from './processors/dedupe.ts';
export { type Enrichment, type EnrichOptions, enrich } from './processors/enrich.ts';
export { eventToSpanEventBridge } from './processors/event-to-span-event-bridge.ts';
export { filter } from './processors/filter.ts';
export { type FingersCrossedOptions, fingersCrossed } from './processors/fingers-crossed.ts';
export { DEFAULT_METRIC_RULES, type LogMetricsOptions, logMetrics, type MetricRule } from './processors/log-metrics.ts';
export { messageTemplates } from './processors/message-templates.ts';
export { type RateLimitOptions, rateLimit } from './processors/rate-limit.ts';
export {
  DEFAULT_DETECTORS,
  type DetectorName,
  type ExplainableRecord,
  type RedactAccount,
  type RedactAction,
  type Redaction,
  type RedactOptions,
  type RedactRule,
  type RedactStage,
  redact,
} from './processors/redact.ts';
export { type ResilientOptions, resilient } from './processors/resilient.ts';
export { type SampleOptions, type SampleRule, sample } from './processors/sample.ts';
export {
  type AttributePattern,
  AUTHORIZATION_BURST,
  BRUTE_FORCE,
  type CountCondition,
  DEFAULT_SECURITY_RULES,
  type EventCountRule,
  fromSigma,
  type IoRedisClient,
  LOGGING_SILENCE,
  type LoadSigmaRulesOptions,
  loadSigmaRules,
  type NodeRedisClient,
  PASSWORD_SPRAY,
  RATE_LIMIT_ABUSE,
  type RecordMatch,
  type RedisClient,
  type RedisStore,
  type RedisStoreOptions,
  type RedisStoreStats,
  redisStore,
  type SecurityMonitor,
  type SecurityMonitorOptions,
  type SecurityRule,
  type SecurityRuleStats,
  type SecurityStore,
  type Sighting,
  type SigmaSource,
  type StepMatch,
  SUCCESS_AFTER_FAILURES,
  securityMonitor,
  type TemporalOrderedRule,
  type Timespan,
  type ValueCountRule,
  type Verdict,
  type WindowRule,
  type YamlPackage,
} from './processors/security-monitor.ts';
export { type TimedOptions, timed } from './processors/timed.ts';
export { ConfigError } from './provider/config-error.ts';
export type { LevelSignal } from './provider/level-signal.ts';
export type { LoggerConfig, LoggerConfigurator } from './provider/logger-provider.ts';
export type { Logging, LoggingStats, SetLevelOptions } from './provider/logging.ts';
export { type LogspanProcessor, logspanProcessor } from './provider/logspan-processor.ts';
export type { PipelineOptions, RegisterOptions } from './provider/options.ts';
export type { PipelineAccount } from './provider/pipeline.ts';
export { register } from './provider/register.ts';
// System metrics
export { type SystemMetrics, type SystemMetricsOptions, systemMetrics } from './system-metrics.ts';
// Requests and calls between services
export type { Outcome, OutcomeLevels } from './tracing/outcome.ts';
export type { RequestHeaders } from './tracing/propagation.ts';
export { withRequest } from './tracing/request.ts';
export {
  type ExpressErrorMiddleware,
  type ExpressMiddleware,
  type ExpressNext,
  type FastifyPlugin,
  type HonoContext,
  type HonoMiddleware,
  type KoaContext,
  type KoaMiddleware,
  type NodeListener,
  type RequestLogging,
  type RequestLoggingOptions,
  requestLogging,
} from './tracing/request-logging.ts';
export { callService, type ServiceCallOptions } from './tracing/service-call.ts';
export { XTraceIdPropagator } from './tracing/x-trace-id.ts';
