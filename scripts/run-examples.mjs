// node scripts/run-examples.mjs [name …]: every example is a test. `shop` is the shop.
//
// Each examples/*.mjs runs by plain node in its own process and must exit with 0 within a minute. Where
// examples/NN-name.expected.txt stands beside it, each of its lines must appear in the output, in that order; `…` in a
// line stands for any text. Then the shop runs once, shortly.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { firstMissingLine } from './expected-output.mjs';

const root = new URL('../', import.meta.url);
const folder = new URL('examples/', root);
const limitMillis = 60_000;
const shopLimitMillis = 180_000;

/** Runs node in a process of its own; killed, with all that it wrote so far, when the limit is reached. */
function run(args, millis) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: fileURLToPath(root), stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', (text) => {
        output[stream] += text;
      });
    }
    let fault;
    const timer = setTimeout(() => {
      fault = `still running after ${millis / 1000} s`;
      child.kill('SIGKILL');
    }, millis);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code !== 0) fault ??= code === null ? `killed by ${signal}` : `exit code ${code}`;
      resolve({ ...output, fault });
    });
  });
}

async function check(name, args, millis) {
  const started = performance.now();
  const result = await run(args, millis);
  const expected = new URL(`${basename(name, '.mjs')}.expected.txt`, folder);
  if (result.fault === undefined && existsSync(expected)) {
    const missing = firstMissingLine(readFileSync(expected, 'utf8'), result.stdout);
    if (missing !== undefined) result.fault = `expected output line ${missing.number} did not appear: ${missing.line}`;
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${result.fault === undefined ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (result.fault === undefined) return true;
  console.log(`     ${result.fault}`);
  for (const stream of ['stdout', 'stderr']) {
    console.log(`     --- ${stream}\n${result[stream].replace(/^/gm, '     ').trimEnd()}`);
  }
  return false;
}

const examples = readdirSync(folder)
  .filter((name) => name.endsWith('.mjs'))
  .sort()
  .map((name) => ({ name, args: [`examples/${name}`], millis: limitMillis }));
const shop = { name: 'shop', args: ['examples/shop/main.mjs', '--ci'], millis: shopLimitMillis };

// `07-redact`, `07-redact.mjs`, or `examples/07-redact.mjs`, as the shell completes it.
const wanted = process.argv.slice(2).map((name) => basename(name, '.mjs'));
const all = [...examples, shop];
const unknown = wanted.filter((name) => all.every((each) => basename(each.name, '.mjs') !== name));
if (unknown.length > 0) {
  console.error(`There is no example ${unknown.join(', ')}. There are: ${all.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
const chosen = all.filter(({ name }) => wanted.length === 0 || wanted.includes(basename(name, '.mjs')));
let failed = 0;
for (const { name, args, millis } of chosen) if (!(await check(name, args, millis))) failed += 1;
console.log(`examples: ${chosen.length - failed} passed, ${failed} failed`);
if (failed > 0) process.exit(1);
