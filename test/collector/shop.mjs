// @ts-check
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { receivedRecords, receivedSpans, tally } from './received.mjs';

const SHOP = fileURLToPath(new URL('../../examples/shop/main.mjs', import.meta.url));
const ID = 'record.id';
const RECORDS = 3_000;

/**
 * The example's two services under load: every record arrives once, and every record leads to its
 * trace: those of the traced service to the very span they were written in, those of the one without a tracer to the
 * trace that its calls began.
 *
 * @param {import('./run.mjs').StepContext} step
 */
export async function shop({ folder, startCollector }) {
  const collector = await startCollector({ env: { COLLECTOR_OUTPUT: folder } });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [SHOP, '--endpoint', collector.endpoint, '--records', String(RECORDS), '--id-attribute', ID, '--ci', '--json'],
    { timeout: 60_000 },
  );
  await collector.stop();
  const { services } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');

  const logs = join(folder, 'logs.jsonl');
  for (const name of ['storefront', 'orders']) {
    const count = services[name].pipeline.emitted;
    const found = await tally([logs], {
      count,
      // storefront-1 is the first record of the storefront.
      idOf: ({ service, attributes }) =>
        service.name === name ? Number(String(attributes[ID]).slice(name.length + 1)) - 1 : undefined,
    });
    assert.deepEqual(found, { received: count, missing: 0, duplicates: 0, wrong: [] });
  }

  const spansOf = await receivedSpans(join(folder, 'traces.jsonl'));
  const unlinked = { storefront: 0, orders: 0 };
  let records = 0;
  for await (const { service, traceId, spanId } of receivedRecords([logs])) {
    records++;
    const spans = spansOf.get(traceId);
    if (service.name === 'orders' && !spans?.has(spanId)) unlinked.orders++;
    if (service.name === 'storefront' && spans === undefined) unlinked.storefront++;
  }
  assert.deepEqual(unlinked, { storefront: 0, orders: 0 });
  return `${records} records of two services in ${spansOf.size} traces`;
}
