import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkOptions } from '../../provider/check-options.ts';
import { ConfigError, given } from '../../provider/config-error.ts';
import type { SecurityRule } from './rule.ts';
import { sigmaRules } from './sigma.ts';
import type { SigmaDocument } from './sigma-document.ts';

/** A file, or a folder of which every `.yml` and `.yaml` is meant, with those in its folders; or a text. */
export type SigmaSource = string | URL | { readonly text: string };

/** What is needed of the package `yaml`. */
export interface YamlPackage {
  parseAllDocuments(text: string, options?: never): unknown;
  LineCounter: new () => { linePos(offset: number): { readonly line: number } };
}

export interface LoadSigmaRulesOptions {
  /** The package `yaml`, 2.x. Default: it is loaded by that name, and must be installed. */
  readonly yaml?: YamlPackage;
}

interface YamlDocument {
  readonly contents?: { readonly range?: readonly number[] | null } | null;
  readonly errors: readonly YamlFault[];
  readonly warnings: readonly YamlFault[];
  toJS(): unknown;
}

interface YamlFault {
  readonly code: string;
  readonly pos: readonly number[];
}

/**
 * Security rules from Sigma rules in YAML, with any number of documents in a file: what {@link fromSigma} makes of all of
 * them together, so that a correlation may refer to a detection in another file. For the start of a service, to be
 * awaited; reads files synchronously. The package `yaml` must be installed, or be given.
 *
 * Rejects with a ConfigError if there is no correlation in all of them, and one that names the file, the line at which
 * the document begins, and the part that is at fault: `rules/login.yml(14).correlation.aliases: … is not supported`.
 *
 * ```ts
 * securityMonitor({ rules: await loadSigmaRules('rules/') })
 * ```
 */
export async function loadSigmaRules(
  sources: SigmaSource | readonly SigmaSource[],
  options: LoadSigmaRulesOptions = {},
): Promise<readonly SecurityRule[]> {
  checkOptions('loadSigmaRules', options, ['yaml']);
  const texts = [sources].flat().flatMap((source, index) => textsOf(source as SigmaSource, index));
  const yaml = options.yaml ?? (await installedYaml());
  return sigmaRules(
    texts.flatMap(({ name, text }) => documentsOf(yaml, name, text)),
    'loadSigmaRules',
  );
}

interface NamedText {
  readonly name: string;
  readonly text: string;
}

function textsOf(source: SigmaSource, index: number): NamedText[] {
  if (source instanceof URL && source.protocol === 'file:') return filesOf(fileURLToPath(source));
  if (typeof source === 'string' && source !== '') {
    if (source.includes('\n'))
      throw new ConfigError(`loadSigmaRules[${index}]`, 'must be the name of a file, or { text }, not lines of text');
    return filesOf(source);
  }
  const text = source instanceof URL ? undefined : (source as { text?: unknown } | null)?.text;
  if (typeof text === 'string') return [{ name: `loadSigmaRules[${index}]`, text }];
  throw new ConfigError(`loadSigmaRules[${index}]`, `must be a file, a folder or { text }, not ${given(source)}`);
}

function filesOf(path: string): NamedText[] {
  try {
    if (!statSync(path).isDirectory()) return [{ name: path, text: readFileSync(path, 'utf8') }];
    const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => /\.ya?ml$/.test(name));
    if (names.length === 0) throw new ConfigError(path, 'has no .yml or .yaml file');
    return names.sort().map((name) => ({ name: join(path, name), text: readFileSync(join(path, name), 'utf8') }));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(path, `cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function documentsOf(yaml: YamlPackage, name: string, text: string): SigmaDocument[] {
  const lineCounter = new yaml.LineCounter();
  const at = (offset = 0) => `${name}(${lineCounter.linePos(offset).line})`;
  const documents = [yaml.parseAllDocuments(text, { lineCounter } as never)].flat() as YamlDocument[];
  return documents.flatMap((document) => {
    // A tag that is not known is a warning: the value would be something else than its author wrote.
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) throw new ConfigError(at(fault.pos[0]), `is not YAML: ${fault.code}`);
    const where = at(document.contents?.range?.[0]);
    try {
      const content = document.toJS();
      // Nothing, or only a comment, between two lines of ---.
      return content === null || content === undefined ? [] : [{ at: where, content }];
    } catch {
      throw new ConfigError(where, 'is not YAML: too many aliases');
    }
  });
}

async function installedYaml(): Promise<YamlPackage> {
  // Not written as a literal: whoever does not use it need not have it, and a bundler must not look for it.
  const name = 'yaml';
  try {
    return await import(name);
  } catch {
    throw new ConfigError('loadSigmaRules', 'needs the package yaml: npm install yaml');
  }
}
