import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as rules from './architecture/rules.ts';
import { readSource, type Source } from './architecture/source.ts';

const root = new URL('../', import.meta.url);

function sourcesOf(name: string): Source[] {
  const folder = `packages/${name}/src/`;
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => readSource(folder + path, readFileSync(new URL(folder + path, root), 'utf8')));
}

function manifestOf(name: string): rules.Manifest {
  return JSON.parse(readFileSync(new URL(`packages/${name}/package.json`, root), 'utf8'));
}

const logger = sourcesOf('logger');
const sdk = sourcesOf('sdk');
const viewer = sourcesOf('viewer');
const everything = [...logger, ...sdk, ...viewer];

/** What every handler may know: the contract, not a feature. */
const sharedFiles = ['handlers/handler.ts'];

/**
 * Features that are made with another one. Keep this short: a part with one user belongs into the user's folder
 * (`console.ts` has `console/`), and a part with two users is no feature.
 */
const allowedPairs: readonly (readonly [from: string, to: string])[] = [
  ['handlers/otlp.ts', 'handlers/official-otlp.ts'],
  ['handlers/official-otlp.ts', 'handlers/batch.ts'],
  // Metrics are taken before redaction, and events are named in them.
  ['processors/log-metrics.ts', 'processors/redact.ts'],
  // What Sentry collects for itself never came through the pipeline.
  ['handlers/sentry.ts', 'processors/redact.ts'],
];

describe('the sources', () => {
  test('the logger imports the OpenTelemetry API and nothing else', () => {
    expect(rules.packageImports(logger, manifestOf('logger'), { builtins: false })).toEqual([]);
    expect(Object.keys({ ...manifestOf('logger').dependencies, ...manifestOf('logger').peerDependencies })).toEqual([
      '@opentelemetry/api',
      '@opentelemetry/api-logs',
    ]);
  });

  test('the SDK and the viewer import what their manifests name', () => {
    expect(rules.packageImports(sdk, manifestOf('sdk'), { builtins: true })).toEqual([]);
    expect(rules.packageImports(viewer, manifestOf('viewer'), { builtins: true })).toEqual([]);
  });

  test('the viewer knows nothing of ours: OTLP is the contract', () => {
    expect(rules.neverImports(viewer, '@logspan/')).toEqual([]);
  });

  test('processors and handlers do not know each other', () => {
    expect(rules.featuresStandAlone(sdk, sharedFiles, allowedPairs)).toEqual([]);
  });

  test('the pipeline and delivery know no feature', () => {
    const features = ['processors/', 'handlers/'];
    expect(rules.folderImports(sdk, 'pipeline/', [...features, 'provider/'], ['provider/config-error.ts'])).toEqual([]);
    expect(rules.folderImports(sdk, 'delivery/', features, ['handlers/handler.ts'])).toEqual([]);
  });

  test('what is for tests is loaded by nobody else', () => {
    for (const folder of [
      'pipeline/',
      'processors/',
      'handlers/',
      'delivery/',
      'provider/',
      'index.ts',
      'register.ts',
    ]) {
      expect(rules.folderImports(sdk, folder, ['testing'], [])).toEqual([]);
    }
  });

  test('one file knows that OpenTelemetry has two logs APIs', () => {
    const home = 'packages/logger/src/otel-logs-api.ts';
    expect(rules.onlyHomeImportsValues(everything, '@opentelemetry/api-logs', home)).toEqual([]);
  });

  test('no imports in circles', () => {
    expect(rules.noCycles(everything)).toEqual([]);
  });

  test('an ESM and a CommonJS copy can run in one process', () => {
    expect(rules.runsAsBothCopies([...logger, ...sdk])).toEqual([]);
  });

  test('files say what is in them, and index.ts only lists', () => {
    expect(rules.namedAfterAnIdea(everything)).toEqual([]);
    expect(rules.indexesOnlyExport(everything)).toEqual([]);
  });
});

describe('the rules can fail', () => {
  const source = (path: string, text: string) => readSource(`packages/${path}`, text);
  const manifest = { name: '@logspan/logger', peerDependencies: { '@opentelemetry/api': '1' } };

  test.each([
    ["import { x } from '@opentelemetry/sdk-logs';", '@opentelemetry/sdk-logs is not a dependency of @logspan/logger'],
    ["import type { X } from '@logspan/sdk/register';", '@logspan/sdk/register is not a dependency of @logspan/logger'],
    ["import fs from 'node:fs';", 'node:fs is a Node built-in'],
    ["import 'fs';", 'fs is a Node built-in: write node:'],
    ["export * from 'ms';", 'ms is not a dependency of @logspan/logger'],
    ["const f = () => import('ms');", 'ms is not a dependency of @logspan/logger'],
    ["const f = () => require('ms');", 'ms is not a dependency of @logspan/logger'],
    ["export type X = import('ms').X;", 'ms is not a dependency of @logspan/logger'],
    ["import { x } from '../../sdk/src/x.ts';", '../../sdk/src/x.ts reaches outside its package'],
  ])('packageImports: %s', (text, fault) => {
    const violations = rules.packageImports([source('logger/src/a.ts', text)], manifest, { builtins: false });
    expect(violations).toEqual([`packages/logger/src/a.ts: ${fault}`]);
  });

  test('packageImports lets through what is declared', () => {
    const text = "import { trace } from '@opentelemetry/api'; import x from './x.ts'; const text = 'import fs';";
    expect(rules.packageImports([source('logger/src/a.ts', text)], manifest, { builtins: false })).toEqual([]);
  });

  test('neverImports', () => {
    const viewer = source('viewer/src/a.ts', "import { lazy } from '@logspan/logger'; import http from 'node:http';");
    expect(rules.neverImports([viewer], '@logspan/')).toEqual([
      'packages/viewer/src/a.ts: @logspan/logger is not for this package',
    ]);
  });

  test('featuresStandAlone', () => {
    const check = (from: string, to: string) =>
      rules.featuresStandAlone([source(`sdk/src/${from}`, `import '${to}';`)], sharedFiles, [
        ['handlers/console.ts', 'handlers/pretty.ts'],
      ]);
    expect(check('processors/redact.ts', './sample.ts')).toEqual([
      'packages/sdk/src/processors/redact.ts: ./sample.ts is another feature',
    ]);
    expect(check('handlers/otlp.ts', '../processors/redact.ts')).toHaveLength(1);
    expect(check('handlers/file.ts', './pretty.ts')).toHaveLength(1);
    expect(check('handlers/console.ts', './pretty.ts')).toEqual([]);
    expect(check('handlers/otlp.ts', './handler.ts')).toEqual([]);
    expect(check('processors/redact.ts', './redact/detectors.ts')).toEqual([]);
    expect(check('processors/redact/detectors.ts', '../redact.ts')).toEqual([]);
    expect(check('processors/index.ts', './redact.ts')).toEqual([]);
    expect(check('processors/redact.ts', '../pipeline/stage.ts')).toEqual([]);
  });

  test('folderImports', () => {
    const check = (specifier: string) =>
      rules.folderImports(
        [source('sdk/src/pipeline/tee.ts', `import '${specifier}';`)],
        'pipeline/',
        ['handlers/', 'provider/'],
        ['provider/config-error.ts'],
      );
    expect(check('../handlers/otlp.ts')).toEqual([
      'packages/sdk/src/pipeline/tee.ts: ../handlers/otlp.ts is not for pipeline/',
    ]);
    expect(check('../provider/logging.ts')).toHaveLength(1);
    expect(check('../provider/config-error.ts')).toEqual([]);
    expect(check('./stage.ts')).toEqual([]);
  });

  test('onlyHomeImportsValues', () => {
    const check = (path: string, text: string) =>
      rules.onlyHomeImportsValues([source(path, text)], 'api-logs', 'packages/logger/src/home.ts');
    expect(check('sdk/src/a.ts', "import { logs } from 'api-logs';")).toEqual([
      'packages/sdk/src/a.ts: api-logs is for packages/logger/src/home.ts alone',
    ]);
    expect(check('sdk/src/a.ts', "import { type Logger, logs } from 'api-logs';")).toHaveLength(1);
    expect(check('sdk/src/a.ts', "import type { Logger } from 'api-logs';")).toEqual([]);
    expect(check('sdk/src/a.ts', "import { type Logger } from 'api-logs';")).toEqual([]);
    expect(check('logger/src/home.ts', "import { logs } from 'api-logs';")).toEqual([]);
  });

  test('noCycles', () => {
    const a = source('sdk/src/a.ts', "import './deep/b.ts';");
    const b = source('sdk/src/deep/b.ts', "export * from '../c.ts';");
    expect(rules.noCycles([a, b, source('sdk/src/c.ts', "import type { A } from './a.ts';")])).toEqual([
      'packages/sdk/src/a.ts -> packages/sdk/src/deep/b.ts -> packages/sdk/src/c.ts -> packages/sdk/src/a.ts',
    ]);
    expect(rules.noCycles([a, b, source('sdk/src/c.ts', "import 'a';")])).toEqual([]);
  });

  test.each([
    ['const here = import.meta.url;', ['import.meta']],
    ['await ready();', ['top-level await']],
    ['for await (const x of y) z(x);', ['top-level await']],
    ['if (x) { const y = await ready(); }', ['top-level await']],
    ['let count = 0;', ['count is state at the top level']],
    ['export let count = 0;', ['count is state at the top level']],
    ['const seen = new Map<string, number>();', ['seen is state at the top level']],
    ['export const seen: WeakSet<object> = new WeakSet();', ['seen is state at the top level']],
    ["const names = new Set(['a']); const limit = 3;", []],
    ['class A { async b() { await c(); } #d = new Map(); }', []],
    ['const b = async () => { for await (const x of y) { let z = x; } };', []],
  ])('runsAsBothCopies: %s', (text, faults) => {
    const expected = faults.map((fault) => `packages/sdk/src/a.ts: ${fault}`);
    expect(rules.runsAsBothCopies([source('sdk/src/a.ts', text)])).toEqual(expected);
  });

  test('namedAfterAnIdea', () => {
    const named = (name: string) => rules.namedAfterAnIdea([source(`sdk/src/${name}`, '')]);
    expect(named('utils.ts')).toEqual(['packages/sdk/src/utils.ts: the name says nothing']);
    expect(['helper.ts', 'pipeline/types.ts', 'common.ts'].flatMap(named)).toHaveLength(3);
    expect(['attribute-types.ts', 'utilisation.ts'].flatMap(named)).toEqual([]);
  });

  test('indexesOnlyExport', () => {
    const check = (path: string, text: string) => rules.indexesOnlyExport([source(path, text)]);
    expect(check('sdk/src/index.ts', 'export const a = 1;')).toEqual([
      'packages/sdk/src/index.ts: holds more than exports',
    ]);
    expect(check('sdk/src/index.ts', "import './a.ts';")).toHaveLength(1);
    expect(check('sdk/src/index.ts', "export { a } from './a.ts'; export type * from './b.ts'; export {};")).toEqual(
      [],
    );
    expect(check('sdk/src/a.ts', 'export const a = 1;')).toEqual([]);
  });
});
