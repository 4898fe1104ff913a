// node scripts/complete-lockfile.mjs: run it after every change of a dependency. No network.
import { readFileSync, writeFileSync } from 'node:fs';
import { completeOptional } from './lockfile.mjs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = completeOptional(lock);
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
for (const name of added) console.log(`added ${name}`);
console.log(`package-lock.json: ${added.length} platform packages added`);
