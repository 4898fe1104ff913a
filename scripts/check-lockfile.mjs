// node scripts/check-lockfile.mjs: fails when package-lock.json would not serve every platform and every user. No network.
import { readFileSync } from 'node:fs';
import { foreignSources, missingOptional } from './lockfile.mjs';

const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const missing = missingOptional(lock);
const foreign = foreignSources(lock);
for (const { parent, name, range, found } of missing) {
  console.error(`${parent} wants ${name}@${range}: ${found === undefined ? 'missing' : `locked as ${found}`}`);
}
for (const { path, resolved } of foreign)
  console.error(`${path} names ${resolved} as where it comes from; leave that to the registry that is set`);
if (missing.length > 0) console.error('Run: node scripts/complete-lockfile.mjs');
if (missing.length + foreign.length > 0) process.exit(1);
console.log(`package-lock.json: ${Object.keys(lock.packages).length} entries, complete for every platform`);
