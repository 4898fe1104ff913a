import { readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { atLeast } from '@logspan/logger';
import type { Step } from '../pipeline/pipe.ts';
import { pipe, processor } from '../pipeline/pipe.ts';
import type { LogRecord } from '../pipeline/stage.ts';
import { dedupe } from '../processors/dedupe.ts';
import { enrich } from '../processors/enrich.ts';
import { eventToSpanEventBridge } from '../processors/event-to-span-event-bridge.ts';
import { filter } from '../processors/filter.ts';
import { fingersCrossed } from '../processors/fingers-crossed.ts';
import { logMetrics } from '../processors/log-metrics.ts';
import { messageTemplates } from '../processors/message-templates.ts';
import { rateLimit } from '../processors/rate-limit.ts';
import { redact } from '../processors/redact.ts';
import { resilient } from '../processors/resilient.ts';
import { sample } from '../processors/sample.ts';
import { LOGGING_SILENCE, securityMonitor } from '../processors/security-monitor.ts';
import { timed } from '../processors/timed.ts';
import { type StageConformanceOptions, stageConformance } from './stage-conformance.ts';

/** One row for each stage in a way that it can be set up: the file it is of, how it is made, and what it may do. */
const stages: readonly (readonly [file: string, what: string, make: () => Step, options?: StageConformanceOptions])[] =
  [
    ['filter', 'by level', () => filter(atLeast('warn'))],
    ['log-metrics', 'the default rules', () => logMetrics()],
    ['security-monitor', 'the default rules', () => securityMonitor()],
    ['security-monitor', 'of any record', () => securityMonitor({ rules: [LOGGING_SILENCE] })],
    ['sample', 'a half', () => sample({ ratio: 0.5, random: () => 0.3 })],
    ['sample', 'none', () => sample({ ratio: 0 })],
    ['rate-limit', 'of one a second', () => rateLimit({ perSecond: 1 })],
    ['dedupe', 'the default', () => dedupe()],
    // What it holds is a copy of what was true at the call, so lazy values are computed for it.
    ['fingers-crossed', 'the default', () => fingersCrossed(), { computesLazy: true }],
    ['enrich', 'with attributes', () => enrich({ region: 'eu' })],
    ['enrich', 'with a function', () => enrich(() => ({ region: 'eu' }), { overwrite: true })],
    ['redact', 'the default', () => redact()],
    ['event-to-span-event-bridge', 'the default', () => eventToSpanEventBridge()],
    ['message-templates', 'the default', () => messageTemplates()],
    ['resilient', 'around a step', () => resilient((record: LogRecord) => void record.setAttribute('seen', true))],
    ['timed', 'around a stage', () => timed(sample({ ratio: 0.5, random: () => 0.3 }), { reportEvery: 10 })],
  ];

test.each(stages)('%s has a row in the list above', (file) => {
  expect(files()).toContain(file);
});

test('no stage is missing from the list above', () => {
  expect(files().filter((file) => !stages.some(([name]) => name === file))).toEqual([]);
});

function files(): string[] {
  return readdirSync(new URL('../processors', import.meta.url))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -3));
}

describe.each(stages)('%s, %s', (_file, _what, make, options) => {
  test.each(stageConformance(make, options))('$name', ({ run }) => run());
});

describe('what is built of steps', () => {
  const steps: readonly (readonly [string, () => Step])[] = [
    [
      'a pipe',
      () => pipe(filter(atLeast('debug')), sample({ ratio: 0.5, random: () => 0.3 }), enrich({ a: 1 }), redact()),
    ],
    ['a function', () => (record: LogRecord) => record.severityNumber !== 5],
    ['a processor with a phase', () => processor((record) => void record.setAttribute('a', 1), 'enrich')],
  ];
  describe.each(steps)('%s', (_name, make) => {
    test.each(stageConformance(make))('$name', ({ run }) => run());
  });
});
