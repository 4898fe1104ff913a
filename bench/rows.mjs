// What is compared, with whom, and what the ratio should be.
import { measureCost } from './cost.mjs';
import { measureRate } from './rate.mjs';

// Calls that stay calls: the engine may not copy the logger's code into the loop, where it could do without most of it.
const CALLED = ['--no-turbo-inlining'];
const ENRICHED = { 'deployment.ring': 'canary', 'shop.tenant': 'north' };

const disabled = (fresh, execArgv = []) => ({
  ours: { name: 'logspan-disabled', options: { fresh }, execArgv },
  peer: { name: 'pino-disabled', options: { fresh }, execArgv },
  measure: measureCost,
});
const bytes = (shaped) => ({
  ours: { name: 'logspan-bytes', options: { shaped }, expected: { shaped } },
  peer: { name: 'otel-bytes', options: { shaped }, expected: { shaped } },
  measure: measureCost,
});

/** Each row by its name. `goal` is a bound on ours over the peer's; `better` says on which side of it. */
export const ROWS = {
  'disabled-call': {
    title: 'call below the level, the same attributes object, vs pino',
    goal: 1.0,
    better: 'lower',
    ...disabled(false),
  },
  'disabled-call-fresh': {
    title: 'call below the level, fresh attributes, vs pino',
    goal: 1.0,
    better: 'lower',
    ...disabled(true),
  },
  'disabled-call-not-inlined': {
    title: 'as disabled-call, inlining off in both',
    goal: 1.0,
    better: 'lower',
    ...disabled(false, CALLED),
  },
  'disabled-call-fresh-not-inlined': {
    title: 'as disabled-call-fresh, inlining off in both',
    goal: 1.0,
    better: 'lower',
    ...disabled(true, CALLED),
  },
  'call-to-otlp-bytes': {
    title: 'call to OTLP bytes, no I/O, vs sdk-logs and its protobuf serializer',
    goal: 0.15,
    better: 'lower',
    ...bytes(false),
  },
  'call-to-otlp-bytes-64-shapes': {
    title: 'the same with 64 shapes of attributes',
    goal: 0.15,
    better: 'lower',
    ...bytes(true),
  },
  'full-pipeline': {
    title: 'metrics, sample, enrich, redact and encode vs encode only',
    goal: 1.4,
    better: 'lower',
    ours: { name: 'logspan-bytes', options: { pipeline: true }, expected: { extra: ENRICHED } },
    peer: { name: 'logspan-bytes' },
    measure: measureCost,
  },
  'lossless-otlp-rate-vs-otel': {
    title: 'highest lossless OTLP rate vs OTel batch processor and protobuf exporter',
    goal: 4,
    better: 'higher',
    ours: { name: 'logspan-otlp' },
    peer: { name: 'otel-otlp' },
    measure: measureRate,
  },
  'lossless-otlp-rate-vs-pino': {
    title: 'highest lossless OTLP rate vs pino and pino-opentelemetry-transport',
    goal: 10,
    better: 'higher',
    ours: { name: 'logspan-otlp' },
    peer: { name: 'pino-otlp', expected: { eventName: false } },
    measure: measureRate,
  },
};
