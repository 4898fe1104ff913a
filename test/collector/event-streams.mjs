// @ts-check
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findGaps } from '@logspan/sdk';
import { SHIPPED_CONFIG, TO_FILE } from './collector.mjs';
import { lines } from './received.mjs';

const PRODUCER = fileURLToPath(new URL('../fixtures/event-stream.mjs', import.meta.url));

/**
 * A producer that is killed, and two that end well: what the collector's file says of their streams.
 *
 * @param {import('./run.mjs').StepContext} step
 */
export async function eventStreams({ folder, startCollector }) {
  const { endpoint, stop } = await startCollector({
    config: [SHIPPED_CONFIG, TO_FILE],
    env: { COLLECTOR_OUTPUT: folder },
  });
  for (const ending of ['killed', 'natural', 'process.exit']) {
    const child = spawn(process.execPath, [PRODUCER, 'checkout-1', ending], {
      env: { PATH: process.env.PATH, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.setEncoding('utf8').on('data', (text) => {
      if (text.includes('ready')) child.kill('SIGKILL');
    });
    await once(child, 'close');
  }
  await stop();
  const report = await findGaps(lines(join(folder, 'logs.jsonl')));
  const [killed, ...ended] = report.epochs;
  const gaps = [{ from: 14, to: 15 }];
  assert.deepEqual(
    report.epochs.map(({ last, missing, ended }) => ({ last, missing, ended })),
    [
      { last: 30, missing: 2, ended: false },
      { last: 31, missing: 2, ended: true },
      { last: 31, missing: 2, ended: true },
    ],
  );
  for (const epoch of report.epochs) assert.deepEqual(epoch.gaps, gaps);
  assert.equal(killed?.followedBy, ended[0]?.epoch);
  assert.deepEqual([report.unreadable, report.complete], [0, false]);
  return `of ${report.received} events in 3 runs of a producer every gap was found, and the run that was killed`;
}
