// An event stream: numbered events that their consumer can check for gaps, across a crash and a restart.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventStream } from '@logspan/logger';
import { file, findGaps, register, sample } from '@logspan/sdk';

const [, , path, ending] = process.argv;
if (path === undefined) await consume();
else await produce();

async function produce() {
  // Of anything else nothing would be left.
  const logging = register({ processors: [sample({ ratio: 0 })], handlers: [file(path)] });
  const orders = eventStream('orders', { producer: 'checkout-1' });
  for (let id = 1; id <= 3; id++) orders.emit('order_created', { id, card: { number: '4111111111111111' } });
  await logging.forceFlush();
  const event = orders.emit('order_shipped', { id: 1, carrier: 'fedex' });
  if (ending === 'killed') process.kill(process.pid, 'SIGKILL');
  console.log('frozen:', Object.isFrozen(event), event.sequence, event.data);
}

async function consume() {
  const folder = mkdtempSync(join(tmpdir(), 'logspan-'));
  const log = join(folder, 'events.log');
  for (const ending of ['killed', 'well']) {
    spawnSync(process.execPath, [fileURLToPath(import.meta.url), log, ending], { stdio: 'inherit' });
  }
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  console.log(JSON.parse(lines[0]).attributes.card);

  // On its way one line gets lost, and another one comes twice, and late.
  const arrived = [lines[0], ...lines.slice(2), lines[0]];
  const report = await findGaps(arrived);
  for (const { stream, producer, last, gaps, duplicates, ended, followedBy } of report.epochs) {
    const tail = ended ? 'ended' : followedBy === undefined ? 'still running?' : 'broke off, tail unknown';
    console.log(`${stream} of ${producer}: 1 to ${last}, ${tail}; missing`, gaps, 'twice', duplicates);
  }
  console.log('complete:', report.complete);
  rmSync(folder, { recursive: true });
}
