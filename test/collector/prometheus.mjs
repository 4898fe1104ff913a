// @ts-check
// What a service measures by its logs, as a real Prometheus sees it that scrapes a real collector.
import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('prometheus-producer.mjs', import.meta.url));
const COUNT = 10_000;
/** So many scrapes a second, and so long for what was measured to be seen. */
const SCRAPE = '250ms';
const PATIENCE_MILLIS = 30_000;

/**
 * Counters, histograms and gauges agree to the last record, whether records are sampled and however the process ends;
 * the cardinality cap, exemplars, the metrics about logging itself and those of the system arrive.
 *
 * @param {import('./run.mjs').StepContext} step
 */
export async function prometheus({ folder, startCollector }) {
  const collector = await startCollector({ env: { COLLECTOR_OUTPUT: folder } });
  const server = await startPrometheus(folder, collector.ports.prometheus);
  try {
    const produce = (/** @type {string} */ instance, /** @type {object} */ task) =>
      runProducer(collector.endpoint, instance, { count: COUNT, ...task });
    const [sampled] = await Promise.all([
      produce('sampled', { ratio: 0.1 }),
      produce('exit', { ending: 'process.exit' }),
      produce('sigterm', { ending: 'SIGTERM' }),
      produce('names', { names: 25, maxSeries: 10 }),
      produce('system', { system: true }),
    ]);

    /** @type {Record<string, number>} */
    const expected = {
      // All are counted, a tenth is sent.
      'logspan_log_count_total{instance="sampled",event="order_paid"}': COUNT,
      'logspan_log_count_total{instance="sampled",event="payment_failed"}': COUNT / 4,
      'otel_sdk_log_created_total{instance="sampled"}': COUNT * 1.25,
      'logspan_log_duration_milliseconds_count{instance="sampled"}': COUNT,
      'logspan_log_duration_milliseconds_sum{instance="sampled"}': COUNT * 49.5,
      'logspan_log_duration_milliseconds_bucket{instance="sampled",le="50.0"}': COUNT * 0.51,
      'logspan_queue_size{instance="sampled"}': 0,
      // The last interval: all there was.
      'logspan_log_count_total{instance="exit",event="order_paid"}': COUNT,
      'logspan_log_duration_milliseconds_count{instance="exit"}': COUNT,
      'logspan_log_count_total{instance="sigterm",event="order_paid"}': COUNT,
      'logspan_log_duration_milliseconds_sum{instance="sigterm"}': COUNT * 49.5,
      // Ten series, and one for all others: none is lost.
      'count(logspan_log_count_total{instance="names"})': 11,
      'sum(logspan_log_count_total{instance="names"})': COUNT,
      'logspan_log_count_total{instance="names",otel_metric_overflow="true"}': (COUNT / 25) * 15,
    };
    await server.sees(expected);
    assert.ok(sampled.delivered > COUNT * 0.25 && sampled.delivered < COUNT * 0.5, `${sampled.delivered} delivered`);

    const exemplars = await server.exemplars('logspan_log_duration_milliseconds_bucket{instance="sampled"}');
    // Each one links its value to the trace of an order that had it.
    const durations = new Map(Array.from({ length: COUNT }, (_, i) => [traceIdOf(i + 1), (i + 1) % 100]));
    for (const { labels, value } of exemplars) {
      assert.equal(Number(value), durations.get(labels.trace_id ?? ''), `the exemplar ${JSON.stringify(labels)}`);
      assert.equal(labels.span_id, labels.trace_id?.slice(16));
    }
    assert.ok(exemplars.length > 1, `exemplars in ${exemplars.length} bucket(s)`);
    const counted = await server.exemplars('logspan_log_count_total{instance="sampled"}');
    assert.ok(durations.has(counted[0]?.labels.trace_id ?? ''));

    const names = await server.namesOf('system');
    for (const name of [
      'process_cpu_time_seconds_total',
      'process_memory_usage',
      'system_memory_usage',
      'nodejs_eventloop_utilization_ratio',
      'v8js_memory_heap_used_bytes',
    ]) {
      assert.ok(names.includes(name), `${name} is not among ${names.join(', ')}`);
    }
    return `${Object.keys(expected).length} queries agree, ${exemplars.length + counted.length} exemplars, ${names.length} names of the system`;
  } finally {
    await server.stop();
    await collector.stop();
  }
}

/**
 * Runs one process to its end, which must be the one that its task asks for.
 *
 * @param {string} endpoint
 * @param {string} instance its service.instance.id
 * @param {{ ending?: string }} task
 * @returns {Promise<{ delivered: number }>}
 */
async function runProducer(endpoint, instance, task) {
  const child = fork(PROGRAM, [JSON.stringify({ instance, ...task })], {
    env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    timeout: 90_000,
    killSignal: 'SIGKILL',
  });
  /** @type {any} */
  let report = {};
  child.on('message', (message) => {
    if (message === 'ready') child.kill('SIGTERM');
    else report = message;
  });
  const [code, signal] = await once(child, 'exit');
  const end = { SIGTERM: [null, 'SIGTERM'], 'process.exit': [7, null] }[task.ending ?? ''] ?? [0, null];
  assert.deepEqual([code, signal], end, `how ${instance} ended`);
  return report;
}

/**
 * A Prometheus of its own that scrapes one collector.
 *
 * @param {string} folder
 * @param {number} port of the collector
 */
async function startPrometheus(folder, port) {
  const own = await freePort();
  const home = join(folder, 'prometheus');
  await mkdir(home);
  const config = join(home, 'prometheus.yml');
  await writeFile(
    config,
    JSON.stringify({
      global: { scrape_interval: SCRAPE, scrape_timeout: SCRAPE },
      // The labels job and instance are those of the services.
      scrape_configs: [
        { job_name: 'collector', honor_labels: true, static_configs: [{ targets: [`127.0.0.1:${port}`] }] },
      ],
    }),
  );
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(home, 'data')}`,
      `--web.listen-address=127.0.0.1:${own}`,
      '--enable-feature=exemplar-storage',
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log = (log + text).slice(-16 * 1024);
  });
  /** @type {string | undefined} */
  let ended;
  child.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
    ended =
      error.code === 'ENOENT'
        ? 'There is no prometheus on this machine: apt-get install prometheus (2.30 or newer).'
        : error.message;
  });
  child.on('exit', (code, signal) => {
    ended ??= `Prometheus ended with ${signal ?? `exit code ${code}`}:\n${log}`;
  });

  /** @param {string} path */
  const ask = async (path) => {
    if (ended !== undefined) throw new Error(ended);
    const answer = await fetch(`http://127.0.0.1:${own}${path}`);
    const { status, data, error } = await answer.json();
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  };
  /** @param {() => Promise<string | undefined>} fault what is not as it should be yet */
  const until = async (fault) => {
    for (const deadline = Date.now() + PATIENCE_MILLIS; ; await delay(100)) {
      const problem = await fault();
      if (problem === undefined) return;
      if (Date.now() > deadline) throw new Error(problem);
    }
  };
  /** @param {string} query */
  const answerTo = async (query) => {
    const { result } = await ask(`/api/v1/query?query=${encodeURIComponent(query)}`);
    return result.length === 1 ? Number(result[0].value[1]) : `${result.length} series`;
  };

  await until(async () => {
    if (ended !== undefined) throw new Error(ended);
    const ready = await fetch(`http://127.0.0.1:${own}/-/ready`).catch(() => undefined);
    return ready?.ok ? undefined : `Prometheus does not get ready:\n${log}`;
  });
  return {
    /** @param {Record<string, number>} expected the value of each query */
    async sees(expected) {
      /** @type {Record<string, unknown>} */
      let seen = {};
      await until(async () => {
        const values = await Promise.all(
          Object.keys(expected).map(async (query) => /** @type {const} */ ([query, await answerTo(query)])),
        );
        seen = Object.fromEntries(values);
        return values.every(([query, value]) => value === expected[query]) ? undefined : 'not yet';
      }).catch((error) => {
        if (error.message !== 'not yet') throw error;
      });
      assert.deepEqual(seen, expected);
    },
    /**
     * @param {string} query
     * @returns {Promise<{ labels: Record<string, string>, value: string }[]>}
     */
    async exemplars(query) {
      const start = Math.floor(Date.now() / 1_000) - 600;
      /** @type {{ labels: Record<string, string>, value: string }[]} */
      let found = [];
      await until(async () => {
        const path = `/api/v1/query_exemplars?query=${encodeURIComponent(query)}&start=${start}&end=${start + 1_200}`;
        const series = await ask(path);
        found = series.flatMap((/** @type {{ exemplars: object[] }} */ each) => each.exemplars);
        return found.length > 0 ? undefined : `no exemplars of ${query}`;
      });
      return found;
    },
    /** @param {string} instance */
    async namesOf(instance) {
      /** @type {string[]} */
      const names = await ask(
        `/api/v1/label/__name__/values?match[]=${encodeURIComponent(`{instance="${instance}"}`)}`,
      );
      return names;
    },
    async stop() {
      process.off('exit', kill);
      if (ended !== undefined) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/**
 * The trace of an order, as the producer makes it.
 * @param {number} order
 */
function traceIdOf(order) {
  return createHash('sha256').update(String(order)).digest('hex').slice(0, 32);
}

/** A port that nothing listened on a moment ago. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}
