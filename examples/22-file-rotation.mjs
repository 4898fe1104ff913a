// A log that is rotated by size and compressed, of which the last three files are kept.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { getLogger } from '@logspan/logger';
import { file, register } from '@logspan/sdk';

const folder = mkdtempSync(join(tmpdir(), 'logspan-example-'));
const logging = register({
  handlers: [file(join(folder, 'app.log'), { maxSize: '10KB', every: 'day', gzip: true, keep: 3, maxAge: '14d' })],
});
const logger = getLogger('shop');
for (let i = 0; i < 400; i++) logger.info('order_placed', { i });
await logging.forceFlush();

// A rotated file is compressed when it has been quiet for five seconds.
for (let tries = 0; tries < 100 && readdirSync(folder).some(isPlain); tries++) await wait(200);
for (const name of readdirSync(folder).sort()) console.log(name);
const { accepted, delivered } = logging.stats().handlers.file;
console.log(`accepted ${accepted}, delivered ${delivered}`);
await logging.shutdown();
rmSync(folder, { recursive: true });

function isPlain(name) {
  return name !== 'app.log' && !name.endsWith('.gz');
}
