// A file of JSON lines for people and tools, and one of OTLP that a collector reads; logrotate may move them.
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getLogger } from '@logspan/logger';
import { atLeast, file, register } from '@logspan/sdk';

const folder = mkdtempSync(join(tmpdir(), 'logspan-example-'));
const errors = file(join(folder, 'errors.log'), { name: 'errors', when: atLeast('error') });
const logging = register({
  service: { name: 'checkout' },
  handlers: [errors, file(join(folder, 'otlp.jsonl'), { name: 'otlp', format: 'otlp' })],
});
const logger = getLogger('shop');

logger.info('order_placed', { orderId: 'o-77', password: 'secret' });
logger.error('payment_failed', { orderId: 'o-77' });
await logging.forceFlush();

// What logrotate does: it moves the file, and says so.
renameSync(join(folder, 'errors.log'), join(folder, 'errors.log.1'));
await errors.reopen();
logger.error('payment_failed', { orderId: 'o-78' });
await logging.shutdown();

for (const name of ['errors.log.1', 'errors.log', 'otlp.jsonl']) {
  console.log(`${name}\n${readFileSync(join(folder, name), 'utf8')}`);
}
const { errors: account } = logging.stats().handlers;
console.log(`accepted ${account.accepted}, delivered ${account.delivered}, pending ${account.pending}`);
rmSync(folder, { recursive: true });
