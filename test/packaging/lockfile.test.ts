import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { completeOptional, foreignSources, missingOptional, platformOf } from '../../scripts/lockfile.mjs';

const committed = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));

/** A lockfile as npm writes it on a machine that can see one platform only. */
function oneSided() {
  return {
    packages: {
      '': {},
      'node_modules/tool': {
        version: '1.0.0',
        dev: true,
        optionalDependencies: { '@tool/linux-x64-musl': '1.0.0', '@tool/darwin-arm64': '1.0.0' },
      },
      'node_modules/@tool/linux-x64-musl': { version: '1.0.0', os: ['linux'], cpu: ['x64'], optional: true },
    },
  };
}

test('the committed lockfile is complete for every platform and names no mirror', () => {
  expect(missingOptional(committed)).toEqual([]);
  expect(foreignSources(committed)).toEqual([]);
});

test('a platform package that npm left out is found and added', () => {
  const lock = oneSided();
  expect(missingOptional(lock)).toEqual([{ parent: 'node_modules/tool', name: '@tool/darwin-arm64', range: '1.0.0' }]);
  expect(completeOptional(lock)).toEqual(['@tool/darwin-arm64@1.0.0']);
  expect(Object.entries(lock.packages)[1]).toEqual([
    'node_modules/@tool/darwin-arm64',
    { version: '1.0.0', cpu: ['arm64'], dev: true, optional: true, os: ['darwin'] },
  ]);
  expect(completeOptional(lock)).toEqual([]);
});

test('a platform package of another version than its parent asks for is found, and not papered over', () => {
  const lock = oneSided();
  lock.packages['node_modules/@tool/linux-x64-musl'].version = '0.9.0';
  expect(missingOptional(lock)[0]).toMatchObject({ name: '@tool/linux-x64-musl', range: '1.0.0', found: '0.9.0' });
  expect(() => completeOptional(lock)).toThrow('node_modules/tool wants @tool/linux-x64-musl@1.0.0');
});

test('a package under its parent counts, and is added there', () => {
  const inner = { version: '2.0.0', optionalDependencies: { '@tool/linux-arm64': '2.0.0' } };
  const lock: Parameters<typeof completeOptional>[0] = {
    packages: { 'node_modules/a/node_modules/tool': inner, 'node_modules/@tool/linux-arm64': { version: '2.0.0' } },
  };
  expect(missingOptional(lock)).toEqual([]);
  delete lock.packages['node_modules/@tool/linux-arm64'];
  completeOptional(lock);
  expect(Object.keys(lock.packages)).toContain('node_modules/a/node_modules/@tool/linux-arm64');
});

test('an address in the lockfile is found', () => {
  const packages = {
    'node_modules/a': { version: '1.0.0' },
    'node_modules/b': { version: '1.0.0', resolved: 'https://npm.example.com/b/-/b-1.0.0.tgz' },
    'node_modules/c': { link: true, resolved: 'packages/c' },
  };
  expect(foreignSources({ packages })).toEqual([
    { path: 'node_modules/b', resolved: 'https://npm.example.com/b/-/b-1.0.0.tgz' },
  ]);
});

test('the platform read from a name is the one that the package publishes', () => {
  const published = Object.entries<{ os?: string[]; cpu?: string[]; libc?: string[]; integrity?: string }>(
    committed.packages,
  ).filter(([, entry]) => entry.os !== undefined && entry.cpu !== undefined && entry.integrity !== undefined);
  expect(published.length).toBeGreaterThan(20);
  for (const [path, { os, cpu, libc }] of published) {
    const read = platformOf(path);
    // A name may be silent about glibc, and a package about its libc.
    expect({ path, os, cpu, libc: read?.libc && (libc ?? read.libc) }).toEqual({
      path,
      os: read?.os,
      cpu: read?.cpu,
      libc: read?.libc,
    });
  }
  expect(platformOf('@pkgjs/parseargs')).toBeUndefined();
});
