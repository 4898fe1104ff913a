// @ts-check
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { collectorBinary, SHIPPED_CONFIG, TO_FILE, WITH_API_KEY } from './collector.mjs';

/** The collector itself accepts otel-collector.yaml: as docker-compose.yml uses it, and with what the tests lay over it. */
export async function validConfig() {
  const binary = await collectorBinary();
  const env = { COLLECTOR_OUTPUT: '/nowhere', COLLECTOR_API_KEY: 'key' };
  for (const overlays of [[], [TO_FILE], [TO_FILE, WITH_API_KEY]]) {
    const args = [SHIPPED_CONFIG, ...overlays].flatMap((file) => ['--config', file]);
    await promisify(execFile)(binary, ['validate', ...args], { env: overlays.length === 0 ? {} : env });
  }
  return 'as shipped, to a file, with an API key';
}
