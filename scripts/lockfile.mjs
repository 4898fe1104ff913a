// What package-lock.json must hold so that `npm ci` gives Linux, macOS and Windows the same tools.
//
// npm writes an optional platform package into the lockfile only when it could read that package's manifest at the time.
// Where it could not, the entry is missing: `npm ci` then calls the lockfile out of sync, and the other platforms get no
// compiler, formatter or test transform.

/** @typedef {{ version?: string, resolved?: string, integrity?: string, link?: boolean, dev?: boolean, devOptional?: boolean,
 *   optional?: boolean, peer?: boolean, os?: string[], cpu?: string[], libc?: string[],
 *   optionalDependencies?: Record<string, string> }} LockedPackage */
/** @typedef {{ packages: Record<string, LockedPackage> }} Lockfile */

/**
 * The places where Node would look for `name` when the package at `from` asks for it, nearest first.
 *
 * @param {string} from
 * @param {string} name
 */
function* lookupPaths(from, name) {
  let folder = from;
  for (;;) {
    yield folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (folder === '') return;
    const parent = folder.lastIndexOf('/node_modules/');
    folder = parent === -1 ? '' : folder.slice(0, parent);
  }
}

/**
 * The optional dependencies that a locked package names and the lockfile lacks (or has in another version than the one
 * exact version that is asked for).
 *
 * @param {Lockfile} lock
 * @returns {{ parent: string, name: string, range: string, found?: string | undefined }[]}
 */
export function missingOptional(lock) {
  const missing = [];
  for (const [parent, entry] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      const path = [...lookupPaths(parent, name)].find((candidate) => lock.packages[candidate] !== undefined);
      const found = path === undefined ? undefined : lock.packages[path]?.version;
      if (path === undefined) missing.push({ parent, name, range });
      else if (isExact(range) && found !== range) missing.push({ parent, name, range, found });
    }
  }
  return missing;
}

/**
 * Entries that name an address to come from: the registry is for whoever installs to choose (see .npmrc), and the address
 * of a mirror fails for everybody else.
 *
 * @param {Lockfile} lock
 * @returns {{ path: string, resolved: string }[]}
 */
export function foreignSources(lock) {
  return Object.entries(lock.packages)
    .filter(([, entry]) => entry.resolved !== undefined && !entry.link)
    .map(([path, entry]) => ({ path, resolved: String(entry.resolved) }));
}

const systems = 'aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32';
const processors = 'arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64';
const suffix = new RegExp(`[-/](${systems})-(${processors})(?:-(gnu|glibc|musl|msvc|eabi|gnueabihf|musleabihf))?$`);

/**
 * What a platform package runs on, read from its name: `@swc/core-linux-x64-musl`. Undefined when the name does not say.
 * The C library is left out where the name is silent: npm then installs the package on both, as it does for the parent
 * package's own choice at run time.
 *
 * @param {string} name
 * @returns {{ os: string[], cpu: string[], libc?: string[] } | undefined}
 */
export function platformOf(name) {
  const [, os, cpu, abi] = suffix.exec(name) ?? [];
  if (os === undefined || cpu === undefined) return undefined;
  if (os === 'linux' && abi?.startsWith('musl')) return { cpu: [cpu], libc: ['musl'], os: [os] };
  if (os === 'linux' && (abi === 'gnu' || abi === 'glibc')) return { cpu: [cpu], libc: ['glibc'], os: [os] };
  return { cpu: [cpu], os: [os] };
}

/**
 * Adds the missing entries beside their parents, in npm's own order. Idempotent; adds no integrity, which npm fills in
 * when it installs one of them.
 *
 * @param {Lockfile} lock changed in place
 * @returns {string[]} what was added
 */
export function completeOptional(lock) {
  const added = [];
  for (const { parent, name, range, found } of missingOptional(lock)) {
    const platform = platformOf(name);
    if (found !== undefined || platform === undefined || !isExact(range)) {
      throw new Error(
        `${parent} wants ${name}@${range}: not a platform package of one exact version. Run npm install.`,
      );
    }
    const { dev, devOptional, peer } = lock.packages[parent] ?? {};
    const beside = parent.slice(0, Math.max(0, parent.lastIndexOf('node_modules/')));
    const path = `${beside}node_modules/${name}`;
    lock.packages[path] = {
      version: range,
      cpu: platform.cpu,
      ...(dev && { dev }),
      ...(devOptional && { devOptional }),
      ...(platform.libc && { libc: platform.libc }),
      optional: true,
      os: platform.os,
      ...(peer && { peer }),
    };
    added.push(`${name}@${range}`);
  }
  if (added.length > 0) {
    lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
  }
  return added;
}

/** @param {string} range */
function isExact(range) {
  return /^\d+\.\d+\.\d+(?:[-+].+)?$/.test(range);
}
