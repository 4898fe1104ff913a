// Capturing what an application logs
export { type CapturedLogs, type CaptureOptions, captureLogs, captureLogsDuring } from './testing/capture-logs.ts';
export type { CapturedRecord, RecordPattern } from './testing/captured-record.ts';
export { type FrozenClock, frozenClock } from './testing/frozen-clock.ts';
export { type LogMatchers, logMatchers, type MatcherContext, type MatcherResult } from './testing/log-matchers.ts';
