// Capturing what an application logs
export { type CapturedLogs, type CaptureOptions, captureLogs, captureLogsDuring } from './testing/capture-logs.ts';
export type { CapturedRecord, RecordPattern } from './testing/captured-record.ts';
// Trying parts of your own
export type { Check } from './testing/conformance/check.ts';
export type { SampleRecord } from './testing/conformance/sample-records.ts';
export { type FrozenClock, frozenClock } from './testing/frozen-clock.ts';
export { type HandlerConformanceOptions, handlerConformance } from './testing/handler-conformance.ts';
export { type LogMatchers, logMatchers, type MatcherContext, type MatcherResult } from './testing/log-matchers.ts';
export { type StageConformanceOptions, stageConformance } from './testing/stage-conformance.ts';
