// The programs, and what must arrive from each: every event once, and nothing else.
import { createRequire } from 'node:module';

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');

/** Only the 3.x line has the logs API in @opentelemetry/api. */
const bothApis = (line) => ['through_api_logs', ...(line === '3.x' ? ['through_api'] : [])];

const wholeApplication = {
  events: (line) => ['logger_made_before_register', 'inside_scope', ...bothApis(line)],
  check: (record) => ({
    'logger_made_before_register.answer': [record('logger_made_before_register').attributes.answer, 42],
    'logger_made_before_register.scope': [record('logger_made_before_register').scope, 'shop.early'],
    'inside_scope.tenant': [record('inside_scope').attributes.tenant, 'acme'],
    'through_api_logs.body': [record('through_api_logs').body, 'old home'],
  }),
};

const besideNodeSdk = {
  events: (line) => ['in_span', ...bothApis(line)],
  check: (record) => ({
    'in_span.trace_id': [record('in_span').traceId, record('in_span').attributes['expected.trace_id']],
  }),
};

const preloaded = {
  events: () => ['preloaded'],
  check: (record) => ({ 'preloaded.answer': [record('preloaded').attributes.answer, 42] }),
};

/**
 * - `args`: what node is given
 * - `events`: the names of the records that must arrive
 * - `check`: found and expected values, by name
 */
export const cases = [
  { name: 'ES modules', args: ['app.mjs'], ...wholeApplication },
  { name: 'CommonJS', args: ['app.cjs'], ...wholeApplication },
  {
    name: 'both copies in one process',
    args: ['both-copies.mjs'],
    events: () => ['logged_by_other_copy', 'scope_of_other_copy', 'lazy_of_other_copy'],
    check: (record) => ({
      'scope_of_other_copy.tenant': [record('scope_of_other_copy').attributes.tenant, 'acme'],
      'lazy_of_other_copy.answer': [record('lazy_of_other_copy').attributes.answer, 42],
    }),
  },
  {
    name: 'the other copy registers',
    args: ['other-copy-registers.cjs'],
    events: () => ['logged_by_other_copy'],
  },
  { name: 'node --import', args: ['--import', '@logspan/sdk/register', 'preloaded.mjs'], ...preloaded },
  { name: 'node -r', args: ['-r', '@logspan/sdk/register', 'preloaded.cjs'], ...preloaded },
  { name: 'NodeSDK started before', args: ['after-node-sdk.mjs'], ...besideNodeSdk },
  { name: 'NodeSDK started after', args: ['before-node-sdk.mjs'], ...besideNodeSdk },
  {
    name: 'inside NodeSDK',
    args: ['inside-node-sdk.mjs'],
    events: () => ['in_span', 'through_its_api'],
    check: (record) => ({
      ...besideNodeSdk.check(record),
      'in_span.password': [record('in_span').attributes.password, '***REDACTED***'],
    }),
  },
  {
    name: 'metrics at process.exit()',
    args: ['metrics.mjs'],
    events: () => ['metrics_at_exit'],
    check: (record) => ({
      'metrics_at_exit.found': [record('metrics_at_exit').attributes.found, 4],
      'metrics_at_exit.code': [record('metrics_at_exit').attributes.code, 0],
    }),
  },
  {
    name: 'Jest in CommonJS mode',
    args: [jest, '--rootDir', 'jest-app', '--config', 'jest-app/jest.config.json', '--ci'],
    events: () => ['logged_in_jest'],
  },
];

/** What is wrong with what a program sent; empty when all is well. */
export function faultsOf(program, line, records) {
  const expected = program.events(line).sort();
  const arrived = records.map(({ event }) => event).sort();
  if (JSON.stringify(expected) !== JSON.stringify(arrived)) {
    return [`expected ${expected.join(', ')}; arrived: ${arrived.join(', ') || 'nothing'}`];
  }
  const record = (event) => records.find((candidate) => candidate.event === event);
  return Object.entries(program.check?.(record) ?? {})
    .filter(([, [found, wanted]]) => found !== wanted)
    .map(([what, [found, wanted]]) => `${what} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}
