// Brings the Node versions and the OpenTelemetry packages, once, into a cache outside the checkout; packs and installs
// what npm would publish of ours, every time.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = fileURLToPath(new URL('../../packages/', import.meta.url));
const cacheRoot = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'logspan');

/** Runs a command to its end. Rejects, with all that it printed, when it fails or takes longer than five minutes. */
export function run(command, args, cwd, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')}: ${signal ?? `exit code ${code}`}\n${output}`));
    });
  });
}

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

/**
 * A folder with these packages installed. Its name holds the hash of its manifest, so another manifest gets another
 * folder; it is built under another name and then renamed, so that a broken installation is never taken for a whole one.
 *
 * @param {string} name
 * @param {Record<string, string>} dependencies
 */
export async function cached(name, dependencies) {
  const manifest = JSON.stringify({ name: `matrix-${name}`, private: true, dependencies }, null, 2);
  const hash = createHash('sha256').update(manifest).digest('hex').slice(0, 12);
  const folder = join(cacheRoot, `matrix-${name}-${hash}`);
  if (existsSync(folder)) return folder;
  const building = `${folder}.${process.pid}`;
  mkdirSync(building, { recursive: true });
  try {
    writeFileSync(join(building, 'package.json'), manifest);
    await run(npm, install, building);
    if (!existsSync(folder)) renameSync(building, folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return folder;
}

/** Packs the logger and the SDK as npm would publish them. Answers the tarballs' paths. */
export async function packOurs(folder) {
  const tarballs = [];
  for (const name of ['logger', 'sdk']) {
    const output = await run(npm, ['pack', '--loglevel=error', '--pack-destination', folder], join(packages, name));
    tarballs.push(join(folder, output.trim().split('\n').at(-1).trim()));
  }
  return tarballs;
}

/**
 * An application: the programs, with our tarballs installed, inside the cached folder, whose packages Node finds by walking
 * up. (Copying those would take longer than all the rest.) Remove the folder when done.
 */
export async function makeApplication(cachedFolder, tarballs) {
  const folder = mkdtempSync(join(cachedFolder, 'app-'));
  try {
    // What a user's npm does first: it must find our peer dependencies satisfied by this line's packages.
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(cachedFolder, file), join(folder, file));
    await run(npm, [...install, '--package-lock-only', ...tarballs], folder);
    rmSync(join(folder, 'package-lock.json'));

    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    await run(npm, [...install, '--legacy-peer-deps', ...tarballs], folder);
    cpSync(fileURLToPath(new URL('programs/', import.meta.url)), folder, { recursive: true });
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
