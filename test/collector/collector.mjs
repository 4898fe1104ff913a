// @ts-check
// The real OpenTelemetry Collector for the tests: built from source once, started on free loopback ports.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, constants, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));

/** The configuration that docker-compose.yml uses. */
export const SHIPPED_CONFIG = fileURLToPath(new URL('../../otel-collector.yaml', import.meta.url));
/** Laid over it: logs and traces go to `logs.jsonl` and `traces.jsonl` in the folder `COLLECTOR_OUTPUT`. */
export const TO_FILE = join(here, 'to-file.yaml');
/** Laid over it: OTLP over HTTP needs the key `COLLECTOR_API_KEY` in `X-API-Key`. */
export const WITH_API_KEY = join(here, 'with-api-key.yaml');

const NO_GO =
  'The collector tests need Go 1.25 or newer to build the collector (or OTELCOL_BIN=/path/to/otelcol-contrib 0.155.0).';

/**
 * The path of a collector: `OTELCOL_BIN`, or the one in the cache, or a new one, built there from this folder's Go module.
 * A cold build downloads about 2 GB of Go modules and takes some minutes; it is done again only when the module changes.
 *
 * @returns {Promise<string>}
 */
export async function collectorBinary() {
  const given = process.env.OTELCOL_BIN;
  if (given !== undefined && given !== '') {
    await access(given, constants.X_OK).catch(() => {
      throw new Error(`OTELCOL_BIN=${given} is not an executable file.`);
    });
    return given;
  }
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', 'main.go']) hash.update(await readFile(join(here, file)));
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'logspan');
  const binary = join(cache, `otelcol-${hash.digest('hex').slice(0, 16)}`);
  const cached = await access(binary, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!cached) {
    await promisify(execFile)('go', ['version']).catch(() => {
      throw new Error(NO_GO);
    });
    await mkdir(cache, { recursive: true });
    await build(binary);
  }
  return binary;
}

/** @param {string} binary */
async function build(binary) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  console.error('Building the collector (once; a first build takes some minutes) …');
  // Renamed when done: two test runs may build at the same time, and one may be interrupted.
  const unfinished = `${binary}.${process.pid}`;
  const go = spawn(
    'go',
    ['build', '-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags=-s -w', '-o', unfinished, '.'],
    { cwd: here, env: { ...process.env, CGO_ENABLED: '0' }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let downloads = 0;
  let messages = '';
  go.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    for (const line of text.split('\n')) {
      if (line.startsWith('go: downloading')) downloads++;
      else if (line !== '') messages += `${line}\n`;
    }
  });
  const progress = setInterval(() => console.error(`  … ${seconds()} s, ${downloads} modules downloaded`), 15_000);
  try {
    const [code] = await once(go, 'exit');
    if (code !== 0) throw new Error(`go build of the collector failed (exit code ${code}):\n${messages}`);
    await rename(unfinished, binary);
    console.error(`Built ${binary} in ${seconds()} s.`);
  } finally {
    clearInterval(progress);
    await rm(unfinished, { force: true });
  }
}

/** What one collector listens on; a restarted one is given those of its predecessor. */
/** @typedef {{ grpc: number, http: number, health: number, prometheus: number }} Ports */

/**
 * @typedef {object} Collector
 * @property {Ports} ports
 * @property {string} endpoint for `OTEL_EXPORTER_OTLP_ENDPOINT`
 * @property {string} prometheusUrl
 * @property {() => string} logs what it wrote to stderr, for diagnosis
 * @property {(signal: NodeJS.Signals) => Promise<void>} kill resolves when the process is gone
 * @property {() => Promise<void>} stop SIGTERM; rejects unless the collector then ends with exit code 0
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a collector and waits until its health_check says that it is ready, at most 20 s.
 *
 * @param {{ config?: string[], env?: Record<string, string>, ports?: Ports }} [options] `config`: files, each laid over the
 *   one before; `env`: what they read besides the addresses, which are set here.
 * @returns {Promise<Collector>}
 */
export async function startCollector({ config = [SHIPPED_CONFIG, TO_FILE], env = {}, ports } = {}) {
  const binary = await collectorBinary();
  const [grpc, http, health, prometheus] = ports ? [] : await freePorts(4);
  const on = ports ?? /** @type {Ports} */ ({ grpc, http, health, prometheus });
  const storage = env.COLLECTOR_STORAGE ?? (await mkdtemp(join(tmpdir(), 'logspan-collector-')));
  const child = spawn(
    binary,
    config.flatMap((file) => ['--config', file]),
    {
      env: {
        PATH: process.env.PATH,
        COLLECTOR_OTLP_GRPC: `127.0.0.1:${on.grpc}`,
        COLLECTOR_OTLP_HTTP: `127.0.0.1:${on.http}`,
        COLLECTOR_HEALTH: `127.0.0.1:${on.health}`,
        COLLECTOR_PROMETHEUS: `127.0.0.1:${on.prometheus}`,
        COLLECTOR_STORAGE: storage,
        ...env,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  running.add(child);
  let logs = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    logs = (logs + text).slice(-64 * 1024);
  });
  /** @type {Promise<string>} */
  const exited = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  }).then(async (end) => {
    running.delete(child);
    if (env.COLLECTOR_STORAGE === undefined) await rm(storage, { recursive: true, force: true });
    return String(end);
  });

  /** @param {NodeJS.Signals} signal */
  const kill = async (signal) => {
    child.kill(signal);
    await exited;
  };
  await ready(`http://127.0.0.1:${on.health}/`, exited).catch(async (error) => {
    await kill('SIGKILL');
    throw new Error(`The collector did not start: ${error.message}\n${logs}`);
  });
  return {
    ports: on,
    endpoint: `http://127.0.0.1:${on.http}`,
    prometheusUrl: `http://127.0.0.1:${on.prometheus}/metrics`,
    logs: () => logs,
    kill,
    stop: async () => {
      child.kill('SIGTERM');
      const end = await exited;
      if (end !== 'exit code 0') throw new Error(`The collector ended with ${end}:\n${logs}`);
    },
  };
}

/**
 * @param {string} url
 * @param {Promise<string>} exited
 */
async function ready(url, exited) {
  /** @type {string | undefined} */
  let end;
  exited.then((how) => {
    end = how;
  });
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await delay(20)) {
    if (end !== undefined) throw new Error(end);
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
  }
  throw new Error(`no answer from ${url} within 20 s`);
}

/**
 * Ports that nothing listened on a moment ago.
 * @param {number} count
 */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => /** @type {import('node:net').AddressInfo} */ (server.address()).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
