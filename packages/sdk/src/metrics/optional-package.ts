import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { ConfigError } from '../provider/config-error.ts';

/**
 * Loads a package that only those need who ask for what it does: from where the program lies, then from where this package
 * lies, then from the current folder. The name is not written as an import, so a bundler does not look for it.
 *
 * @throws ConfigError with what to install, if it is nowhere or cannot be loaded.
 */
export function optionalPackage<T>(option: string, names: readonly string[], hint = ''): T {
  const install = `npm install ${names[0]}`;
  for (const name of names) {
    for (const from of places()) {
      let path: string;
      const load = createRequire(from);
      try {
        path = load.resolve(name);
      } catch {
        continue;
      }
      try {
        return load(path);
      } catch (error) {
        const { code, name: kind } = Object(error) as { code?: unknown; name?: unknown };
        throw new ConfigError(option, `the package ${name} is there but cannot be loaded: ${String(code ?? kind)}`);
      }
    }
  }
  throw new ConfigError(option, `needs a package that is not installed: ${install}${hint}`);
}

function places(): string[] {
  return [
    ...(process.argv[1] === undefined ? [] : [process.argv[1]]),
    // There is none in an ES module.
    ...(typeof __filename === 'string' ? [__filename] : []),
    // Last: it may be anybody's.
    join(process.cwd(), 'package.json'),
  ];
}
