import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, test } from '@jest/globals';
import { readSource } from './architecture/source.ts';

const root = new URL('../', import.meta.url);
const exists = (path: string) => existsSync(new URL(path, root));

interface Row {
  /** Where the row stands: `docs/map.md:12 "Redaction"`. */
  readonly where: string;
  readonly files: readonly string[];
  readonly tests: readonly string[];
  readonly examples: readonly string[];
  readonly columns: number;
}

/** The rows of every table in the map; paths from the repository's root. */
function readMap(markdown: string): Row[] {
  return markdown.split('\n').flatMap((line, index) => {
    if (!line.startsWith('|') || /^\| (?:Feature|---)/.test(line)) return [];
    const cells = line.split('|').slice(1, -1);
    const [feature = '', files = '', tests = '', examples = ''] = cells.map((cell) => cell.trim());
    const where = `docs/map.md:${index + 1} "${feature}"`;
    return [{ where, files: links(files), tests: links(tests), examples: links(examples), columns: cells.length }];
  });
}

function links(cell: string): string[] {
  return [...cell.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => posix.join('docs', target));
}

/** What is wrong with single rows. */
function faultsInRows(rows: readonly Row[], isThere: (path: string) => boolean): string[] {
  return rows.flatMap(({ where, files, tests, examples, columns }) => [
    ...(columns === 4 ? [] : [`${where}: has ${columns} columns, not 4`]),
    ...(files.length > 0 ? [] : [`${where}: names no file`]),
    ...(tests.length > 0 ? [] : [`${where}: names no test`]),
    ...[...files, ...tests, ...examples]
      .filter((path) => !isThere(path))
      .map((path) => `${where}: ${path} is not there`),
  ]);
}

/** What the map should name and does not. A folder, `console/`, names all that is in it. */
function missingFrom(rows: readonly Row[], paths: readonly string[]): string[] {
  const named = rows.flatMap(({ files, tests, examples }) => [...files, ...tests, ...examples]);
  const isNamed = (path: string) => named.some((name) => (name.endsWith('/') ? path.startsWith(name) : path === name));
  return paths.filter((path) => !isNamed(path)).map((path) => `docs/map.md: no row names ${path}`);
}

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .map((path) => posix.join(folder, path.replaceAll('\\', '/')))
    .filter((path) => path.endsWith(ending) && !/\.test\.ts$|\/index\.ts$/.test(path));
}

/** The modules of a package that its `index.ts` exports from. */
function exportedModules(name: string): string[] {
  const index = `packages/${name}/src/index.ts`;
  return readSource(index, readFileSync(new URL(index, root), 'utf8'))
    .exportsFrom.filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => posix.join(posix.dirname(index), specifier));
}

const rows = readMap(readFileSync(new URL('docs/map.md', root), 'utf8'));

test('every row of the map names a file and a test, and everything that it names exists', () => {
  expect(rows.length).toBeGreaterThan(20);
  expect(faultsInRows(rows, exists).join('\n')).toBe('');
});

test('no processor, handler or exported module is missing from the map', () => {
  const features = ['processors', 'handlers'].flatMap((folder) => filesUnder(`packages/sdk/src/${folder}`, '.ts'));
  const exported = ['logger', 'sdk', 'viewer'].flatMap(exportedModules);
  expect(missingFrom(rows, [...new Set([...features, ...exported])]).join('\n')).toBe('');
});

test('no example is missing from the map', () => {
  const examples = readdirSync(new URL('examples', root)).filter((name) => name.endsWith('.mjs'));
  const named = new Set(rows.flatMap((row) => row.examples));
  expect(examples.map((name) => `examples/${name}`).filter((path) => !named.has(path))).toEqual([]);
});

test('a wrong row is found, and named', () => {
  const broken = readMap(
    [
      '| Feature | Files | Tests | Examples |',
      '| --- | --- | --- | --- |',
      '| Good | [a](../a.ts) | [a](../a.test.ts) | — |',
      '| No test | [a](../a.ts) | — | — |',
      '| Gone | [b](../b.ts) [a](../a.ts) | [a](../a.test.ts) | [e](../examples/01-e.mjs) |',
      '| Short | [a](../a.ts) | [a](../a.test.ts) |',
    ].join('\n'),
  );
  expect(faultsInRows(broken, (path) => path.startsWith('a.'))).toEqual([
    'docs/map.md:4 "No test": names no test',
    'docs/map.md:5 "Gone": b.ts is not there',
    'docs/map.md:5 "Gone": examples/01-e.mjs is not there',
    'docs/map.md:6 "Short": has 3 columns, not 4',
  ]);
  expect(missingFrom(broken, ['a.ts', 'c.ts'])).toEqual(['docs/map.md: no row names c.ts']);
  const folder = readMap('| Whole folder | [d](../d/) | [a](../a.test.ts) | — |');
  expect(missingFrom(folder, ['d/e.ts', 'd.ts'])).toEqual(['docs/map.md: no row names d.ts']);
});
