// @ts-check
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { secretSearch } from '../../examples/shop/secrets.mjs';
import { copiedRecords } from './copied.mjs';
import { receivedSpans, tally } from './received.mjs';

const SHOP = fileURLToPath(new URL('../../examples/shop/main.mjs', import.meta.url));
const ID = 'record.id';
const SERVICES = ['storefront', 'orders'];
const RECORDS = 100_000;
/** Some 20 records for each checkout. */
const LINES = 16;

/**
 * The example's two services under load, which also write every record to a file of their own: 100 000 records arrive
 * once each, with every field as the file has it, no secret among them, and each leads to its trace.
 *
 * @param {import('./run.mjs').StepContext} step
 */
export async function shop({ folder, startCollector }) {
  const collector = await startCollector({ env: { COLLECTOR_OUTPUT: folder } });
  const options = { endpoint: collector.endpoint, records: RECORDS, lines: LINES, copy: folder, 'id-attribute': ID };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [SHOP, '--ci', '--json', ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])],
    { timeout: 90_000 },
  );
  await collector.stop();
  const { emitted, redacted, requests, answers, seconds } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  assert.ok(emitted >= RECORDS && redacted > requests, `${emitted} records emitted, ${redacted} values redacted`);
  assert.ok(answers[201] > requests / 2 && Object.keys(answers).length === 4, `answers: ${JSON.stringify(answers)}`);

  const records = await compareWithCopies(folder);
  assert.equal(records.length, emitted);
  const traces = await followTraces(folder, records);
  const bytes = await searchSecrets(folder);
  return (
    `${emitted} records of two services, logged in ${seconds.toFixed(1)} s: 0 missing, 0 twice, 0 with a field that differs; ` +
    `${traces} traces; 0 secrets in ${Math.round(bytes / 1e6)} MB`
  );
}

/**
 * What is in the services' own files arrived once each, with every field, and nothing else did. Answers the records.
 *
 * @param {string} folder
 */
export async function compareWithCopies(folder) {
  // storefront-1 is the first record of the storefront.
  const numberIn = (/** @type {Record<string, unknown>} */ attributes) =>
    Number(String(attributes[ID]).split('-')[1]) - 1;
  const [storefront, orders] = await Promise.all(
    SERVICES.map((name) => copiedRecords(join(folder, `${name}.jsonl`), '1.0.0', numberIn)),
  );
  assert.ok(storefront !== undefined && orders !== undefined);
  const records = [...storefront, ...orders];
  const found = await tally([join(folder, 'logs.jsonl')], {
    count: records.length,
    idOf: ({ attributes }) =>
      numberIn(attributes) + (String(attributes[ID]).startsWith('orders-') ? storefront.length : 0),
    expected: (number) => records[number] ?? assert.fail(`no record ${number}`),
  });
  assert.deepEqual(found, { received: records.length, missing: 0, duplicates: 0, wrong: [] });
  return records;
}

/**
 * Records of the traced service lead to the very span they were written in, those of the one without a tracer to the
 * trace that its calls began. Answers how many traces there are.
 *
 * @param {string} folder
 * @param {Partial<import('./received.mjs').Received>[]} records
 */
async function followTraces(folder, records) {
  const spansOf = await receivedSpans(join(folder, 'traces.jsonl'));
  const unlinked = { storefront: 0, orders: 0 };
  for (const { service, traceId = '', spanId = '' } of records) {
    const spans = spansOf.get(traceId);
    if (service?.name === 'orders' && !spans?.has(spanId)) unlinked.orders++;
    if (service?.name === 'storefront' && spans === undefined) unlinked.storefront++;
  }
  assert.deepEqual(unlinked, { storefront: 0, orders: 0 });
  return spansOf.size;
}

/**
 * The secrets that the shop was given are in nothing that was written. Answers how many bytes that was.
 *
 * @param {string} folder
 */
async function searchSecrets(folder) {
  const search = secretSearch(JSON.parse(await readFile(join(folder, 'secrets.json'), 'utf8')));
  for (const name of ['logs', 'traces', ...SERVICES]) search.add(await readFile(join(folder, `${name}.jsonl`)));
  assert.equal(search.found.hits, 0, `secrets: ${[...search.found.names]}`);
  return search.found.bytes;
}
