// Levels by pattern, and three ways to change them in a running service: for a time, by a signal, by a file.
import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { getLogger } from '@logspan/logger';
import { consoleHandler, register } from '@logspan/sdk';

const folder = mkdtempSync(join(tmpdir(), 'logspan-'));
const levelFile = join(folder, 'level');
const logging = register({
  level: 'info,db=debug,http.*=warn,*.sql=trace', // or LOGSPAN_LEVEL
  levelFile, // or LOGSPAN_LEVEL_FILE
  levelSignal: 'SIGUSR2', // or LOGSPAN_LEVEL_SIGNAL; Windows has none, and nothing happens there
  handlers: [consoleHandler({ format: 'json' })],
});

const names = ['shop', 'db', 'db.pool', 'db.sql', 'http', 'http.client'];
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const show = (when) => {
  const shown = names.map((name) => `${name}=${levels.find((level) => getLogger(name).isEnabled(level))}`);
  console.log(`${when}: ${shown.join(' ')}`);
};
const changed = async (name, level) => {
  while (!getLogger(name).isEnabled(level)) await delay(5);
};

show('at the start');
logging.setLevel('http=debug'); // without a default: all else stays as it is
show('added');
logging.setLevel('error', { ttlMillis: 20 });
show('for 20 ms');
await changed('shop', 'info');
show('then');

if (process.platform !== 'win32') {
  process.kill(process.pid, 'SIGUSR2'); // kill -USR2 <pid>: debug for ten minutes, or until the next one
  await changed('shop', 'debug');
  show('signal');
  process.kill(process.pid, 'SIGUSR2');
  while (getLogger('shop').isEnabled('debug')) await delay(5);
}

// In one step, so that it is never seen half written.
writeFileSync(`${levelFile}.new`, 'shop=trace\n');
renameSync(`${levelFile}.new`, levelFile);
await changed('shop', 'trace');
show('file');
unlinkSync(levelFile);
while (getLogger('shop').isEnabled('trace')) await delay(5);
show('without the file');

await logging.shutdown();
rmSync(folder, { recursive: true });
