import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import type { Source } from './source.ts';

/** What a rule found wrong: one sentence each, the file first. */
export type Violations = readonly string[];

/** The part of a package.json that says what its sources may import. */
export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A package imports what its manifest names, Node's built-ins as `node:…` if it may have them, and its own files. */
export function packageImports(
  sources: readonly Source[],
  manifest: Manifest,
  allow: { builtins: boolean },
): Violations {
  const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
  return eachImport(sources, (from, specifier) => {
    if (specifier.startsWith('.')) {
      return packageOf(resolve(from, specifier)) === packageOf(from) ? undefined : 'reaches outside its package';
    }
    if (specifier.startsWith('node:')) return allow.builtins ? undefined : 'is a Node built-in';
    if (builtinModules.includes(specifier)) return 'is a Node built-in: write node:';
    return declared.has(packageName(specifier)) ? undefined : `is not a dependency of ${manifest.name}`;
  });
}

/** No file of these sources imports a package whose name begins like this. */
export function neverImports(sources: readonly Source[], prefix: string): Violations {
  return eachImport(sources, (_from, specifier) =>
    specifier.startsWith(prefix) ? 'is not for this package' : undefined,
  );
}

/**
 * A feature in `processors/` or `handlers/` stands alone: it imports no other feature of the two folders. A file
 * `redact.ts` and a folder `redact/` are one feature; `index.ts` lists them all.
 */
export function featuresStandAlone(
  sources: readonly Source[],
  sharedFiles: readonly string[],
  allowedPairs: readonly (readonly [from: string, to: string])[],
): Violations {
  return eachImport(sources, (from, specifier) => {
    const to = specifier.startsWith('.') ? resolve(from, specifier) : '';
    if (from.endsWith('/index.ts') || sharedFiles.some((file) => to.endsWith(file))) return undefined;
    if (allowedPairs.some(([one, other]) => from.endsWith(one) && to.endsWith(other))) return undefined;
    const [own, other] = [featureOf(from), featureOf(to)];
    return own === undefined || other === undefined || own === other ? undefined : 'is another feature';
  });
}

/** The files of `folder` import nothing from the folders `closed`, except the files `open`. Paths inside the package. */
export function folderImports(
  sources: readonly Source[],
  folder: string,
  closed: readonly string[],
  open: readonly string[],
): Violations {
  return eachImport(sources, (from, specifier) => {
    if (!inPackage(from).startsWith(folder) || !specifier.startsWith('.')) return undefined;
    const to = inPackage(resolve(from, specifier));
    return closed.some((name) => to.startsWith(name)) && !open.includes(to) ? `is not for ${folder}` : undefined;
  });
}

/** Only `home` imports values (not just types) from the package. */
export function onlyHomeImportsValues(sources: readonly Source[], packageToImport: string, home: string): Violations {
  return eachImport(sources, (from, specifier, typeOnly) =>
    packageName(specifier) === packageToImport && !typeOnly && from !== home ? `is for ${home} alone` : undefined,
  );
}

/** No file imports itself through others. Type-only imports count: a cycle of types is two files that are one. */
export function noCycles(sources: readonly Source[]): Violations {
  const edges = new Map(
    sources.map((source) => [
      source.path,
      source.imports.filter(({ specifier }) => specifier.startsWith('.')).map((i) => resolve(source.path, i.specifier)),
    ]),
  );
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
    if (trail.includes(path) || finished.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    finished.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return cycles;
}

/** What a file may not hold because it is compiled to CommonJS too, and both copies may run in one process. */
export function runsAsBothCopies(sources: readonly Source[]): Violations {
  return sources.flatMap((source) => [
    ...(source.hasImportMeta ? [`${source.path}: import.meta`] : []),
    ...(source.hasTopLevelAwait ? [`${source.path}: top-level await`] : []),
    ...source.mutableState.map((name) => `${source.path}: ${name} is state at the top level`),
  ]);
}

/** A file is named after the one idea in it. */
export function namedAfterAnIdea(sources: readonly Source[]): Violations {
  return sources
    .filter(({ path }) => /^(?:utils?|helpers?|types?|common|misc)\.ts$/.test(posix.basename(path)))
    .map(({ path }) => `${path}: the name says nothing`);
}

/** `index.ts` is a table of contents. */
export function indexesOnlyExport(sources: readonly Source[]): Violations {
  return sources
    .filter(({ path, onlyExports }) => posix.basename(path) === 'index.ts' && !onlyExports)
    .map(({ path }) => `${path}: holds more than exports`);
}

function eachImport(
  sources: readonly Source[],
  judge: (from: string, specifier: string, typeOnly: boolean) => string | undefined,
): Violations {
  return sources.flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier, typeOnly }) => {
      const fault = judge(path, specifier, typeOnly);
      return fault === undefined ? [] : [`${path}: ${specifier} ${fault}`];
    }),
  );
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

/** `@scope/name/sub/path` -> `@scope/name`. */
function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** `packages/sdk/src/handlers/otlp.ts` -> `packages/sdk/src`. */
function packageOf(path: string): string {
  return path.split('/').slice(0, 3).join('/');
}

function inPackage(path: string): string {
  return path.split('/').slice(3).join('/');
}

function featureOf(path: string): string | undefined {
  const [folder, feature] = inPackage(path).split('/');
  if (folder !== 'processors' && folder !== 'handlers') return undefined;
  return `${folder}/${feature?.replace(/\.ts$/, '')}`;
}
