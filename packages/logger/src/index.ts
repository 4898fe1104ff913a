export type { AttributeValue } from './attribute-value.ts';
export type { Attributes, AttributesArgument } from './attributes.ts';
export {
  defineEvents,
  type EventCatalogue,
  type EventDeclaration,
  type EventMetric,
  type EventMetricRule,
} from './event-catalogue.ts';
export { isEventName } from './event-name.ts';
export { type EventStream, type EventStreamOptions, eventStream, type StreamEvent } from './event-stream.ts';
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
} from './filter.ts';
export { type Lazy, lazy } from './lazy.ts';
export { LEVEL_NAMES, type LevelName, SEVERITY, type SeverityName } from './level.ts';
export { getLogger, type Logger } from './logger.ts';
export { withAttributes } from './scope.ts';
export type { EventArguments, EventAttributes, TypedLogger, WithBound } from './typed-logger.ts';
