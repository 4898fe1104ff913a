// node test/file/disk-full.mjs, as root on Linux, after a build: a disk of 1 MiB that fills up and is made room on.
// Not part of `npm test`, which needs no root.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getLogger } from '@logspan/logger';
import { file, register } from '@logspan/sdk';

const disk = mkdtempSync(join(tmpdir(), 'logspan-disk-'));
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
try {
  const ballast = join(disk, 'ballast');
  writeFileSync(ballast, Buffer.alloc(700_000));
  const path = join(disk, 'app.log');
  const logging = register({ handlers: [file(path, { format: ({ attributes }) => attributes.line })] });
  const logger = getLogger('test');
  const lines = Array.from({ length: 5_000 }, (_, i) => `${i}:${'x'.repeat(i % 150)}`);
  for (const line of lines) logger.info('tick', { line });
  assert.equal(await logging.forceFlush({ timeoutMillis: 1_000 }), false);
  const full = logging.stats().handlers.file;
  assert(full.delivered > 0 && full.pending > 0 && full.delivered + full.pending === 5_000, JSON.stringify(full));
  assert(!readFileSync(path, 'utf8').endsWith('\n'), 'the last line is torn');
  rmSync(ballast);
  assert.equal(await logging.forceFlush({ timeoutMillis: 10_000 }), true);
  assert(readFileSync(path, 'utf8') === `${lines.join('\n')}\n`, 'every line is there once');
  console.log('full:', full, 'then:', logging.stats().handlers.file);
  await logging.shutdown();
} finally {
  execFileSync('umount', ['-l', disk]);
  rmSync(disk, { recursive: true, force: true });
}
