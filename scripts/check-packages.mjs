// node scripts/check-packages.mjs: what npm would publish is complete, and resolves for every kind of consumer.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const root = fileURLToPath(new URL('../', import.meta.url));

/**
 * `attw` rules that do not apply, and why:
 * - viewer is a program with an ESM interface; a CommonJS copy would have no user.
 * - `node10` resolution knows no sub-path exports; what it cannot reach is documented as needing a current resolution.
 */
const attwArguments = {
  logger: ['--profile', 'node16'],
  sdk: ['--profile', 'node16'],
  viewer: ['--profile', 'esm-only'],
};

let failed = 0;
function report(title, faults) {
  console.log(`${faults.length === 0 ? 'ok  ' : 'FAIL'} ${title}`);
  for (const fault of faults) console.log(`     ${fault}`);
  if (faults.length > 0) failed += 1;
}

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', shell: false });
  return { ok: status === 0, stdout, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim() };
}

/** Types of these differ between the two lines of OpenTelemetry, so a public declaration that names them fits only one. */
const lineBound =
  /from ['"]@opentelemetry\/(?:api-logs|sdk-logs)['"]|import\(['"]@opentelemetry\/(?:api-logs|sdk-logs)['"]\)/;

/** What an earlier build left behind: the compiler does not remove the output of a source that was moved or deleted. */
function leftovers(folder, paths) {
  return paths
    .map((path) => ({ path, source: /^dist\/(?:esm|cjs)\/(.+)\.js$/.exec(path)?.[1] }))
    .filter(({ source }) => source !== undefined && !existsSync(join(folder, 'src', `${source}.ts`)))
    .map(({ path }) => `${path} has no source any more: remove ${join(folder, 'dist')} and build again`);
}

function declarationFaults(folder) {
  return readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.d.ts'))
    .filter((path) => lineBound.test(readFileSync(join(folder, 'dist', path), 'utf8')))
    .map((path) => `dist/${path} names a type of one OpenTelemetry line`);
}

const temporary = mkdtempSync(join(tmpdir(), 'logspan-packages-'));
try {
  for (const [name, attw] of Object.entries(attwArguments)) {
    const folder = join(root, 'packages', name);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

    const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', temporary], folder);
    if (!packed.ok) {
      report(`${name}: npm pack`, [packed.output]);
      continue;
    }
    const answer = JSON.parse(packed.stdout);
    const [tarball] = Array.isArray(answer) ? answer : Object.values(answer);
    const paths = tarball.files.map(({ path }) => path);
    report(`${name}: holds its build, its licence and nothing else (${paths.length} files)`, [
      ...paths
        .filter(
          (path) => !/^(?:dist\/|package\.json$|README\.md$|LICENSE$)/.test(path) || /\.test\.|tsbuildinfo/.test(path),
        )
        .map((path) => `${path} does not belong`),
      ...leftovers(folder, paths),
      ...['LICENSE', 'package.json'].filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
    ]);

    const { messages } = await publint({ pkgDir: folder, strict: true });
    report(
      `${name}: publint`,
      messages.map((message) => formatMessage(message, manifest) ?? message.code),
    );

    const types = run('npx', ['--no-install', 'attw', join(temporary, tarball.filename), '--no-emoji', ...attw], root);
    report(`${name}: types resolve`, types.ok ? [] : types.output.split('\n'));

    report(`${name}: declarations fit both OpenTelemetry lines`, declarationFaults(folder));
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
if (failed > 0) process.exit(1);
