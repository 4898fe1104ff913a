// @ts-check
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { produce } from './produce.mjs';

const PROGRAM = fileURLToPath(new URL('metrics-producer.mjs', import.meta.url));
const ORDERS = 10_000;

/**
 * What logMetrics() counts in the logs is what the collector's Prometheus endpoint shows.
 *
 * @param {import('./run.mjs').StepContext} step
 */
export async function metricsFromLogs({ folder, startCollector }) {
  const collector = await startCollector({ env: { COLLECTOR_OUTPUT: folder } });
  const { delivered } = await produce({
    endpoint: collector.endpoint,
    program: PROGRAM,
    task: { count: ORDERS },
    env: { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'cumulative' },
  });
  const page = await (await fetch(collector.prometheusUrl)).text();
  await collector.stop();

  const paid = { event: 'order_paid' };
  assert.deepEqual(
    {
      delivered,
      paid: sample(page, 'logspan_log_count_total', paid),
      failed: sample(page, 'logspan_log_count_total', { event: 'payment_failed' }),
      durations: sample(page, 'logspan_log_duration_milliseconds_count', paid),
      milliseconds: sample(page, 'logspan_log_duration_milliseconds_sum', paid),
      upTo50: sample(page, 'logspan_log_duration_milliseconds_bucket', { ...paid, le: '50' }),
      queue: sample(page, 'logspan_queue_size', {}),
    },
    {
      delivered: ORDERS * 1.25,
      paid: ORDERS,
      failed: ORDERS / 4,
      durations: ORDERS,
      milliseconds: ORDERS * 49.5,
      upTo50: ORDERS * 0.51,
      queue: 0,
    },
  );
  return `counter, histogram and gauge of ${ORDERS} orders`;
}

/**
 * The value of the one series with this name and these labels, in the Prometheus text format.
 *
 * @param {string} page
 * @param {string} name
 * @param {Record<string, string>} labels it may have more
 */
function sample(page, name, labels) {
  const series = page
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .filter((line) => Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)));
  assert.equal(series.length, 1, `${series.length} series ${name} ${JSON.stringify(labels)} in:\n${page}`);
  return Number(series[0]?.split('} ')[1]);
}
