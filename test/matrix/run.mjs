// npm run test:matrix: the built packages, installed from their tarballs, on every Node version and both OpenTelemetry lines.
//
// Every program of cases.mjs runs as a process of its own and sends to one receiver here, which tells them apart by
// service name. The first run downloads into ~/.cache/logspan (about 750 MB); later runs take half a minute.
// `node test/matrix/run.mjs 'Node 24' NodeSDK` runs only what has all these words in its title.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cases, faultsOf } from './cases.mjs';
import { cached, makeApplication, packOurs, run } from './install.mjs';
import { lines, nodePackage, pairs } from './manifest.mjs';
import { startReceiver } from './receiver.mjs';

const started = performance.now();
const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
const here = Number(process.versions.node.split('.')[0]);

/** The Node binaries by major version: this process's own, and the others from the npm registry where that has them. */
async function findNodes() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log(
      `${process.platform}-${process.arch}: other Node versions are tested on linux-x64 only; here Node ${here}`,
    );
    return new Map([[here, process.execPath]]);
  }
  const others = [...new Set(pairs.map(({ node }) => node))].filter((node) => node !== here);
  const aliases = Object.fromEntries(others.map((node) => [`node${node}`, `npm:${nodePackage}@${node}`]));
  const folder = await cached('node', aliases);
  const binary = (node) => join(folder, 'node_modules', `node${node}`, 'bin', 'node');
  return new Map([[here, process.execPath], ...others.map((node) => [node, binary(node)])]);
}

/** The pairs to run: the listed ones that this machine has a Node for, or else this Node with all that it can run. */
function choosePairs(nodes) {
  const possible = pairs.filter(({ node }) => nodes.has(node));
  if (possible.length > 0) return possible;
  return (here >= 22 ? ['2.x', '3.x'] : ['2.x']).map((line) => ({ node: here, line }));
}

/** Runs one program and answers what is wrong with it. */
async function judge(program, { service, node, line, folder }, receiver) {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    OTEL_SERVICE_NAME: service,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_METRICS_EXPORTER: 'none',
  };
  try {
    const output = await run(node, program.args, folder, env);
    const faults = faultsOf(program, line, receiver.recordsOf(service));
    return faults.length === 0 ? [] : [...faults, ...output.trim().split('\n')];
  } catch (error) {
    return String(error.message).trim().split('\n');
  }
}

const temporary = mkdtempSync(join(tmpdir(), 'logspan-matrix-'));
/** The application's folder of each line. */
const folders = new Map();
const receiver = await startReceiver();
let passed = 0;
let failed = 0;
try {
  const nodes = await findNodes();
  const chosen = choosePairs(nodes);
  const tarballs = await packOurs(temporary);
  for (const line of new Set(chosen.map((pair) => pair.line))) {
    folders.set(line, await makeApplication(await cached(`otel-${line}`, lines[line]), tarballs));
  }
  console.log(`matrix: installed (${seconds()})`);

  const words = process.argv.slice(2);
  const jobs = chosen
    .flatMap((pair) =>
      cases.map((program) => {
        const title = `Node ${pair.node}, OpenTelemetry ${pair.line}, ${program.name}`;
        return { title, program, ...pair };
      }),
    )
    .filter(({ title }) => words.every((word) => title.includes(word)));
  const next = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const { title } = job;
      const where = { service: title, node: nodes.get(job.node), line: job.line, folder: folders.get(job.line) };
      const faults = await judge(job.program, where, receiver);
      console.log(`${faults.length === 0 ? 'ok  ' : 'FAIL'} ${title}`);
      for (const fault of faults) console.log(`     ${fault}`);
      if (faults.length === 0) passed += 1;
      else failed += 1;
    }
  };
  await Promise.all([next(), next()]);
} finally {
  await receiver.close();
  for (const folder of [temporary, ...folders.values()]) rmSync(folder, { recursive: true, force: true });
}
for (const fault of receiver.faults) console.log(`FAIL unreadable request: ${fault}`);
console.log(`matrix: ${passed} passed, ${failed + receiver.faults.length} failed (${seconds()})`);
if (failed + receiver.faults.length > 0 || passed === 0) process.exit(1);
