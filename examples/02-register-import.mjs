// No code at all: `node --import @logspan/sdk/register app.js`, and what the app and its libraries log is delivered.
// This file is both: the app, and the one who starts it that way.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { getLogger } from '@logspan/logger';

if (process.env.OTEL_SERVICE_NAME !== 'plain-app') {
  const register = import.meta.resolve('@logspan/sdk/register');
  const { status } = spawnSync(process.execPath, ['--import', register, fileURLToPath(import.meta.url)], {
    // Where records go, and all else, is up to the environment: docs/environment.md lists it.
    env: { ...process.env, OTEL_SERVICE_NAME: 'plain-app', OTEL_LOGS_EXPORTER: 'console', LOGSPAN_LEVEL: 'debug' },
    stdio: 'inherit',
  });
  process.exitCode = status;
} else {
  getLogger('app').debug('started', { with: 'no set-up of its own' });
  // No shutdown either: what is held is delivered when the process ends.
}
