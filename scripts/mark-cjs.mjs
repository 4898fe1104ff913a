// The CommonJS copy lives inside a package whose type is "module"; this marker tells Node which it is.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';

const packages = new URL('../packages/', import.meta.url);
for (const name of readdirSync(packages)) {
  const cjs = new URL(`${name}/dist/cjs/`, packages);
  if (existsSync(cjs)) writeFileSync(new URL('package.json', cjs), '{"type":"commonjs"}\n');
}
